//! The egress ledger on disk: what is kept, in which order, how much, and what becomes of it when the disk is slow or fails.

use std::sync::Arc;
use std::time::Duration;

use super::entries::{self, EgressOutcome, EgressView, Retention};
use super::keeper::WAITING_MAX;
use super::*;
use crate::base::{ManualClock, PageRequest, Timestamp};
use crate::store::crash::CrashDisks;
use crate::store::{Keyspace, KeyspaceId, Store, StoreOptions};

const START: u64 = 1_700_000_000_000;
const DAY: Duration = Duration::from_hours(24);

fn open(folder: &tempfile::TempDir, disks: Option<CrashDisks>) -> Store {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START)));
    let options = StoreOptions { crash_disks: disks, ..StoreOptions::default() };
    Store::open(folder.path(), options, clock).unwrap()
}

fn system() -> (tempfile::TempDir, Keyspace) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, None);
    let system = store.system().clone();
    (folder, system)
}

fn entry(number: u64) -> LedgerEntry {
    LedgerEntry {
        at: Timestamp::from_millis(START + number),
        destination: format!("host-{number}.example:443"),
        purpose: "ai.chat",
        tenant: Some("ten_1".to_owned()),
        bytes_out: 10 + number,
        bytes_in: 20,
        status: Some(200),
        duration_ms: 5,
        outcome: Outcome::Answered,
    }
}

fn page(system: &Keyspace, request: &PageRequest) -> crate::base::Page<EgressView> {
    system.read(|tx| egress(tx, request)).unwrap()
}

/// All of it, newest first.
fn all(system: &Keyspace) -> Vec<EgressView> {
    let mut request = PageRequest { after: None, limit: Some(100) };
    let mut rows = Vec::new();
    loop {
        let page = page(system, &request);
        rows.extend(page.items);
        let Some(next) = page.next_cursor else { return rows };
        request.after = Some(next);
    }
}

fn numbers(rows: &[EgressView]) -> Vec<u64> {
    rows.iter().map(|row| row.number).collect()
}

#[tokio::test]
async fn what_ended_before_the_close_is_kept_newest_first_and_page_by_page() {
    let (_folder, system) = system();
    let keeper = Arc::new(EgressKeeper::default());
    keeper.record(&entry(1));
    let keeping = keeper.start(system.clone(), 1_000);
    for number in 2..=300 {
        keeper.record(&entry(number));
    }
    let refused = LedgerEntry {
        outcome: Outcome::Refused("egress_not_allowed"),
        status: None,
        tenant: None,
        ..entry(301)
    };
    keeper.record(&refused);
    keeping.close().await;
    let rows = all(&system);
    assert_eq!(numbers(&rows), (1..=301).rev().collect::<Vec<_>>());
    assert_eq!(
        (rows[0].outcome, rows[0].code.as_deref()),
        (EgressOutcome::Refused, Some("egress_not_allowed"))
    );
    assert_eq!((&rows[0].tenant, rows[0].status), (&None, None));
    let last = rows.last().unwrap();
    assert_eq!((last.destination.as_str(), last.purpose.as_str()), ("host-1.example:443", "ai.chat"));
    assert_eq!((last.bytes_out, last.bytes_in, last.status, last.duration_ms), (11, 20, Some(200), 5));
    assert_eq!((last.tenant.as_deref(), last.at), (Some("ten_1"), Timestamp::from_millis(START + 1)));
    let first = page(&system, &PageRequest { after: None, limit: Some(2) });
    assert_eq!(numbers(&first.items), [301, 300]);
    // What is added meanwhile shifts nothing.
    system.write(|tx| entries::append(tx, &[entry(302)], None, 1_000)).await.unwrap();
    let second = page(&system, &PageRequest { after: first.next_cursor, limit: Some(2) });
    assert_eq!(numbers(&second.items), [299, 298]);
}

#[tokio::test]
async fn more_than_may_wait_is_counted_in_a_row_of_its_own_and_nobody_waits() {
    let (_folder, system) = system();
    let keeper = Arc::new(EgressKeeper::default());
    let waiting = u64::try_from(WAITING_MAX).unwrap();
    for number in 1..=waiting + 3 {
        keeper.record(&entry(number));
    }
    keeper.start(system.clone(), 100_000).close().await;
    keeper.record(&entry(9_000));
    keeper.start(system.clone(), 100_000).close().await;
    let rows = all(&system);
    assert_eq!(rows.len(), WAITING_MAX + 2);
    assert_eq!(rows[0].destination, "host-9000.example:443");
    assert_eq!((rows[1].outcome, rows[1].lost), (EgressOutcome::Lost, 3));
    assert_eq!(rows[1].at, Timestamp::from_millis(START + waiting + 1));
    assert_eq!(rows[2].destination, format!("host-{waiting}.example:443"));
    assert!(rows.iter().skip(2).all(|row| row.lost == 0));
}

#[tokio::test]
async fn the_ledger_never_holds_more_than_it_may_and_reaches_a_lower_limit() {
    let (_folder, system) = system();
    for number in 1..=25 {
        system.write(move |tx| entries::append(tx, &[entry(number)], None, 10)).await.unwrap();
        assert!(all(&system).len() <= 10);
    }
    assert_eq!(numbers(&all(&system)), (16..=25).rev().collect::<Vec<_>>());
    system.write(|tx| entries::append(tx, &[entry(26)], None, 4)).await.unwrap();
    assert_eq!(all(&system).len(), 9, "as many again, and no more in one change");
    let kept = Retention { entries_max: 4, age_max: DAY };
    let now = Timestamp::from_millis(START);
    assert_eq!(system.write(move |tx| entries::forget(tx, now, kept)).await.unwrap(), 5);
    assert_eq!(numbers(&all(&system)), [26, 25, 24, 23]);
}

#[tokio::test]
async fn what_is_older_than_it_may_be_is_forgotten_and_its_number_is_not_given_again() {
    let (_folder, system) = system();
    let young = LedgerEntry { at: Timestamp::from_millis(START).plus(DAY), ..entry(3) };
    let rows = [entry(1), entry(2), young];
    system.write(move |tx| entries::append(tx, &rows, None, 10)).await.unwrap();
    let kept = Retention { entries_max: 10, age_max: DAY };
    let sweep = |after: Duration| {
        let now = Timestamp::from_millis(START + 2).plus(after);
        system.write(move |tx| entries::forget(tx, now, kept))
    };
    assert_eq!(sweep(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(sweep(DAY).await.unwrap(), 1);
    assert_eq!(sweep(DAY + DAY).await.unwrap(), 2);
    assert!(all(&system).is_empty());
    system.write(|tx| entries::append(tx, &[entry(4)], None, 10)).await.unwrap();
    assert_eq!(numbers(&all(&system)), [4]);
}

#[tokio::test]
async fn whatever_sync_the_power_fails_after_a_batch_is_there_whole_or_not_at_all() {
    let mut outcomes = std::collections::BTreeSet::new();
    for survivors in [0, u64::MAX, 0x5555_5555_5555_5555] {
        for more in 0..6 {
            let disks = CrashDisks::default();
            let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
            let store = open(&folders[0], Some(disks.clone()));
            disks.disk(KeyspaceId::System).stop_after_syncs(more);
            let keeper = Arc::new(EgressKeeper::default());
            (1..=5).for_each(|number| keeper.record(&entry(number)));
            keeper.start(store.system().clone(), 1_000).close().await;
            let again = open(&folders[1], Some(disks.after_crash(survivors)));
            outcomes.insert(all(again.system()).len());
        }
    }
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [0, 5]);
}

#[tokio::test]
async fn everything_that_the_client_refuses_reaches_the_disk() {
    let (_folder, system) = system();
    let keeper = Arc::new(EgressKeeper::default());
    let options = Options { sink: Some(keeper.clone()), ..Options::default() };
    let outbound = Outbound::new(EgressPolicy::default(), options).unwrap();
    let url = url::Url::parse("https://user:hunter2@api.example.com/v1/hunter2?key=hunter2").unwrap();
    let request = Request::get(url.clone(), "test").bearer("hunter2").unwrap();
    outbound.send(request.on_behalf_of(Some("ten_1".to_owned()))).await.unwrap_err();
    let plain = url::Url::parse("https://api.example.com/v1/hunter2?key=hunter2").unwrap();
    outbound.send(Request::post_json(plain, "test", &"hunter2").unwrap()).await.unwrap_err();
    keeper.start(system.clone(), 10).close().await;
    let rows = all(&system);
    let codes: Vec<_> = rows.iter().map(|row| row.code.as_deref().unwrap()).collect();
    assert_eq!(codes, ["egress_not_allowed", "egress_bad_url"]);
    assert!(rows.iter().all(|row| row.destination == "api.example.com:443" && row.bytes_out == 0));
    assert!(!serde_json::to_string(&rows).unwrap().contains("hunter2"));
}
