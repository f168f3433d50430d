//! What is written down, and how it hangs together.

use super::trail::{Trail, hash};
use super::*;
use crate::base::{Actor, Call, ManualClock, TenantId, Timestamp};
use crate::store::{Read as _, Scan, Store, StoreOptions};
use std::sync::Arc;

fn store(folder: &std::path::Path) -> Store {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
    Store::open(folder, StoreOptions::default(), clock).unwrap()
}

#[test]
fn each_entry_stands_under_the_hash_of_all_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let now = Timestamp::from_millis(1_700_000_000_000);
    let tenant = TenantId::new(now);
    for role in ["agent", "admin"] {
        let note = Note::new(Action::MemberRoleChanged).of_tenant(tenant).about("acc_x").with("role", role);
        store.system().write_blocking(move |tx| record(tx, &Call::appliance(now), note.clone())).unwrap();
    }
    let links = store.system().read(|tx| tx.scan::<Trail>(&Scan::all(10))).unwrap();
    let mut before = [0; 32];
    for (place, (sequence, link)) in links.iter().enumerate() {
        assert_eq!(*sequence, place as u64 + 1);
        assert_eq!(link.hash, hash(&before, &link.entry));
        before = link.hash;
    }
    let entry: Entry = serde_json::from_slice(&links[1].1.entry).unwrap();
    assert_eq!(
        (entry.actor, entry.action, entry.tenant),
        (Actor::Appliance, Action::MemberRoleChanged, Some(tenant))
    );
    assert_eq!(entry.details["role"], "admin");
    assert_eq!(store.system().read(head).unwrap(), Head { sequence: 2, hash: before });
}

#[test]
fn an_action_is_written_as_its_text() {
    for action in Action::ALL {
        assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
    }
}
