//! What is written down, and how it hangs together.

use super::trail::{Link, Trail, hash};
use super::*;
use crate::base::{Actor, Call, ManualClock, TenantId, Timestamp};
use crate::store::{Read as _, Scan, Store, StoreOptions};
use std::sync::Arc;
use utoipa::PartialSchema as _;

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
    let described = serde_json::to_value(Action::schema()).unwrap();
    assert_eq!(described["enum"], serde_json::to_value(Action::ALL).unwrap());
}

/// A trail of `count` entries about two tenants by turns, and the raw rows to tamper with.
struct Kept {
    _folder: tempfile::TempDir,
    store: Store,
    tenants: [TenantId; 2],
}

impl Kept {
    fn of(count: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let now = Timestamp::from_millis(1_700_000_000_000);
        let tenants = [TenantId::new(now), TenantId::new(now)];
        for number in 0..count {
            let tenant = tenants[usize::from(number % 3 == 2)];
            let note = Note::new(Action::MemberInvited).of_tenant(tenant).with("number", number);
            let call = Call::appliance(now.plus(std::time::Duration::from_secs(number)));
            store.system().write_blocking(move |tx| record(tx, &call, note.clone())).unwrap();
        }
        Self { _folder: folder, store, tenants }
    }

    fn tamper(
        &self,
        change: impl Fn(&mut crate::store::WriteTx<'_>) -> Result<(), crate::store::Error> + Send + 'static,
    ) {
        self.store.system().write_blocking(change).unwrap();
    }

    /// Puts a link in as nobody's code would.
    fn put(&self, sequence: u64, change: impl Fn(&mut Link) + Send + 'static) {
        self.tamper(move |tx| {
            let mut link = match tx.get::<Trail>(&sequence)? {
                Some(link) => link,
                None => tx.require::<Trail>(&1)?,
            };
            change(&mut link);
            tx.put::<Trail>(&sequence, &link)
        });
    }

    fn broken(&self) -> Option<Broken> {
        self.store.system().read(|tx| verify(tx)).unwrap().broken
    }

    fn exported(&self, export: Export) -> String {
        let (mut next, mut lines) = (Some(export), Vec::new());
        while let Some(export) = next.take() {
            if let Some((more, rest)) = self.store.system().read(|tx| export.next_piece(tx)).unwrap() {
                lines.extend(more);
                next = Some(rest);
            }
        }
        String::from_utf8(lines).unwrap()
    }
}

fn at(sequence: u64, what: Breach) -> Option<Broken> {
    Some(Broken { sequence, what })
}

/// An entry's JSON with another word in it, of the same length.
fn forged(link: &Link) -> Vec<u8> {
    String::from_utf8(link.entry.clone()).unwrap().replace("member.invited", "member.removed").into_bytes()
}

/// Row B7.
#[test]
fn whoever_changes_removes_adds_or_cuts_off_a_row_is_found_out_by_its_place() {
    // More than one chunk of rows.
    let whole = Kept::of(1_203);
    let verified = whole.store.system().read(|tx| verify(tx)).unwrap();
    assert_eq!((verified.entries, verified.head.sequence, verified.broken), (1_203, 1_203, None));

    whole.put(700, |link| link.entry = forged(link));
    assert_eq!(whole.broken(), at(700, Breach::Changed));
    let kept = Kept::of(9);
    // The forger who also makes the hash anew is given away by the next entry.
    kept.tamper(|tx| {
        let before = tx.require::<Trail>(&4)?.hash;
        let mut link = tx.require::<Trail>(&5)?;
        link.entry = forged(&link);
        link.hash = hash(&before, &link.entry);
        tx.put::<Trail>(&5, &link)
    });
    assert_eq!(kept.broken(), at(6, Breach::Changed));
    let kept = Kept::of(9);
    kept.put(4, |link| link.hash[0] ^= 1);
    assert_eq!(kept.broken(), at(4, Breach::Changed));
    let kept = Kept::of(9);
    kept.tamper(|tx| tx.remove::<Trail>(&3).map(drop));
    assert_eq!(kept.broken(), at(3, Breach::Missing));
    let kept = Kept::of(9);
    kept.tamper(|tx| (7..=9).try_for_each(|sequence| tx.remove::<Trail>(&sequence).map(drop)));
    assert_eq!(kept.broken(), at(7, Breach::CutOff));
    let kept = Kept::of(9);
    kept.put(10, |_| {});
    assert_eq!(kept.broken(), at(10, Breach::Changed));
    // Even one that follows from what stands before, where the end was noted elsewhere.
    let kept = Kept::of(9);
    kept.tamper(|tx| {
        let last = tx.require::<Trail>(&9)?;
        let entry = String::from_utf8_lossy(&last.entry).replace("\"sequence\":9", "\"sequence\":10");
        let entry = entry.into_bytes();
        let link = Link { hash: hash(&last.hash, &entry), entry, tenant: last.tenant };
        tx.insert::<Trail>(&10, &link)
    });
    assert_eq!(kept.broken(), at(10, Breach::Added));
    let kept = Kept::of(9);
    kept.put(0, |_| {});
    assert_eq!(kept.broken(), at(0, Breach::Added));
    // The last one, wholly rewritten.
    let kept = Kept::of(9);
    kept.tamper(|tx| {
        let before = tx.require::<Trail>(&8)?.hash;
        let mut link = tx.require::<Trail>(&9)?;
        link.entry = forged(&link);
        link.hash = hash(&before, &link.entry);
        tx.put::<Trail>(&9, &link)
    });
    assert_eq!(kept.broken(), at(9, Breach::Changed));
    let kept = Kept::of(9);
    kept.put(2, |link| link.tenant = None);
    assert_eq!(kept.broken(), at(2, Breach::Changed), "it would no longer be listed");
    let kept = Kept::of(9);
    let tenant = kept.tenants[0];
    kept.tamper(move |tx| {
        use crate::store::{Key as _, Write as _};
        tx.remove_bytes("identity.audit.by_tenant", &(tenant, 4_u64).to_bytes()).map(drop)
    });
    assert_eq!(kept.broken(), at(4, Breach::Hidden));
    assert_eq!(Kept::of(0).broken(), None);
}

/// Row B7.
#[test]
fn an_exported_file_is_verified_without_the_appliance_and_each_forgery_is_named_by_its_line() {
    let kept = Kept::of(1_203);
    let pass = crate::identity::Pass::appliance_for(kept.tenants[1], "test");
    for (export, entries) in
        [(Export::whole(TrailKind::Appliance), 1_203), (Export::about(pass).unwrap(), 401)]
    {
        let file = kept.exported(export);
        assert_eq!(file.lines().count(), entries + 1);
        let verified = |file: &str| verify_file(file.as_bytes()).unwrap();
        assert_eq!(verified(&file), VerifiedFile { entries: entries as u64, broken: None });
        let line = |change: &dyn Fn(&mut Vec<String>)| {
            let mut lines: Vec<_> = file.lines().map(str::to_owned).collect();
            change(&mut lines);
            let broken = verified(&format!("{}\n", lines.join("\n"))).broken;
            broken.map(|broken| broken.line)
        };
        assert_eq!(line(&|_| {}), None);
        assert_eq!(line(&|lines| _ = lines.remove(7)), Some(8));
        assert_eq!(line(&|lines| lines.swap(7, 8)), Some(8));
        assert_eq!(line(&|lines| lines.insert(7, lines[3].clone())), Some(8));
        assert_eq!(line(&|lines| lines.truncate(9)), Some(10));
        assert_eq!(line(&|lines| drop(lines.remove(entries - 1))), Some(entries as u64));
        let forged = file.lines().nth(20).unwrap().replace("member.invited", "member.removed");
        assert_eq!(line(&|lines| lines[20].clone_from(&forged)), Some(21));
        assert_eq!(verified(&file[..file.len() / 2]).broken.unwrap().what, LineBreach::NotALine);
        assert!(verified("").broken.is_some() && verified("nonsense\n").broken.is_some());
        assert!(verified(&format!("{file}{file}")).broken.is_some(), "nothing comes after the end");
    }
    let first = kept.exported(Export::whole(TrailKind::Workspace).with_more());
    assert_eq!(verify_file(first.as_bytes()).unwrap().broken.unwrap().what, LineBreach::NoEnd);
}

#[test]
fn a_workspaces_list_is_what_both_trails_tell_of_it_newest_first_page_by_page() {
    let kept = Kept::of(30);
    let tenant = kept.tenants[1];
    let own = kept.store.tenant(tenant).unwrap();
    for number in 0..20 {
        let at = Timestamp::from_millis(1_700_000_000_500).plus(std::time::Duration::from_secs(number));
        let note = Note::new(Action::DocumentDeleted).about(number);
        own.write_blocking(move |tx| record(tx, &Call::appliance(at), note.clone())).unwrap();
    }
    let pass = crate::identity::Pass::appliance_for(tenant, "test");
    let all = |filter: &Filter, limit: usize| {
        let (mut entries, mut after) = (Vec::new(), None);
        loop {
            let request = crate::base::PageRequest { after, limit: Some(limit) };
            let page = kept
                .store
                .system()
                .read(|system| own.read(|own| list_of_workspace(system, own, pass, filter, &request)));
            let page = page.unwrap();
            assert!(page.items.len() <= limit);
            entries.extend(page.items);
            after = page.next_cursor;
            if after.is_none() {
                return entries;
            }
        }
    };
    let entries = all(&Filter::default(), 7);
    assert_eq!(entries.len(), 30);
    assert!(entries.windows(2).all(|pair| pair[0].at >= pair[1].at));
    assert!(entries.iter().all(|entry| entry.tenant == Some(tenant)));
    assert_eq!(entries, all(&Filter::default(), 100));
    let deleted = Filter { action: Some(Action::DocumentDeleted), actor: None };
    assert_eq!(all(&deleted, 3).len(), 20);
    let console = Filter { action: None, actor: Some("console".to_owned()) };
    assert!(all(&console, 100).is_empty());
    let appliance = Filter { action: None, actor: Some("appliance".to_owned()) };
    assert_eq!(all(&appliance, 100).len(), 30);
}
