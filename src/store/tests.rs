//! The store's promises, and what is left after the power fails at every possible moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::crash::CrashDisks;
use super::*;
use crate::base::{ManualClock, PageRequest, TenantId, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Person {
    email: String,
    city: String,
}

static BY_EMAIL: Index<People, String> =
    Index::unique("test.person.by_email", |_, person: &Person| Some(person.email.clone()));
static BY_CITY: Index<People, String> =
    Index::many("test.person.by_city", |_, person: &Person| Some(person.city.clone()));

tables! {
    /// People, for these tests.
    People = "test.person": u64 => Person, [BY_EMAIL, BY_CITY];
    /// Counters, for these tests.
    Counts = "test.count": String => u64;
}

fn person(email: &str, city: &str) -> Person {
    Person { email: email.into(), city: city.into() }
}

struct Scratch {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Scratch {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
        Self { folder: tempfile::tempdir().unwrap(), clock }
    }

    fn open_with(&self, options: StoreOptions) -> Result<Store, Error> {
        Store::open(self.folder.path(), options, self.clock.clone())
    }

    fn open(&self) -> Store {
        self.open_with(StoreOptions::default()).unwrap()
    }

    fn tenant(&self, number: u64) -> TenantId {
        TenantId::from_bytes(u128::from(number).to_be_bytes())
    }
}

#[test]
fn rows_and_indexes_follow_each_other() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let system = store.system();
    system
        .write_blocking(|tx| {
            tx.insert::<People>(&1, &person("a@x", "Bern"))?;
            tx.insert::<People>(&2, &person("b@x", "Ulm"))?;
            tx.insert::<People>(&3, &person("c@x", "Bern"))
        })
        .unwrap();
    system
        .write_blocking(|tx| {
            tx.update::<People>(&3, |person| person.email = "d@x".into())?;
            tx.remove::<People>(&2)?;
            Ok::<_, Error>(())
        })
        .unwrap();
    let (by_email, gone, in_bern) = system
        .read(|tx| {
            let bern = BY_CITY.scan(tx, &Scan::prefix(&"Bern".to_owned(), 10))?;
            Ok::<_, Error>((BY_EMAIL.get(tx, &"d@x".into())?, BY_EMAIL.get(tx, &"c@x".into())?, bern))
        })
        .unwrap();
    assert_eq!(by_email.unwrap().0, 3);
    assert_eq!(gone, None);
    assert_eq!(in_bern.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [1, 3]);
    let duplicate = system.write_blocking(|tx| tx.insert::<People>(&9, &person("a@x", "Rom")));
    assert!(matches!(duplicate, Err(Error::Duplicate { index: "test.person.by_email" })));
    let again = system.write_blocking(|tx| tx.insert::<People>(&1, &person("z@x", "Rom")));
    assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    let untouched = system.read(|tx| BY_CITY.scan(tx, &Scan::prefix(&"Rom".to_owned(), 10))).unwrap();
    assert!(untouched.is_empty());
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let write = |tx: &mut WriteTx<'_>| -> Result<(), Error> {
        (0..7).try_for_each(|number| tx.put::<People>(&number, &person(&format!("{number}@x"), "Bern")))
    };
    store.system().write_blocking(write).unwrap();
    let mut request = PageRequest { after: None, limit: Some(3) };
    let mut seen = Vec::new();
    loop {
        let page = store.system().read(|tx| tx.page::<People>(Scan::all(0).reversed(), &request)).unwrap();
        seen.push(page.items.iter().map(|(key, _)| *key).collect::<Vec<_>>());
        request.after = page.next_cursor;
        if request.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [vec![6, 5, 4], vec![3, 2, 1], vec![0]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_wait_share_a_commit_and_an_error_stays_its_own() {
    let scratch = Scratch::new();
    let disks = CrashDisks::default();
    let store =
        scratch.open_with(StoreOptions { crash_disks: Some(disks.clone()), ..Default::default() }).unwrap();
    let system = store.system().clone();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = parking_lot::Mutex::new(gate);
    let held =
        tokio::spawn({
            let system = system.clone();
            async move {
                // The gate opens when its other end is dropped, so the change may run again.
                system
                    .write(move |tx| {
                        if gate.lock().recv().is_err() { tx.next_number("held") } else { Err(Error::Lost) }
                    })
                    .await
            }
        });
    let announced = Arc::new(AtomicUsize::new(0));
    let mut waiting = Vec::new();
    for number in 0..40u64 {
        let (system, announced) = (system.clone(), announced.clone());
        waiting.push(tokio::spawn(async move {
            system
                .write(move |tx| {
                    let announced = announced.clone();
                    tx.after_commit(move || {
                        announced.fetch_add(1, Ordering::SeqCst);
                    });
                    tx.insert::<People>(&number, &person(&format!("{}@x", number % 38), "Bern"))
                })
                .await
        }));
    }
    tokio::task::yield_now().await;
    let before = disks.disk(KeyspaceId::System).syncs();
    drop(open);
    assert_eq!(held.await.unwrap().unwrap(), 1);
    let mut failed = 0;
    for answer in waiting {
        match answer.await.unwrap() {
            Ok(()) => {}
            Err(Error::Duplicate { .. }) => failed += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(failed, 2, "38 e-mail addresses for 40 people");
    assert_eq!(announced.load(Ordering::SeqCst), 38, "only what is on disk is announced, once");
    assert!(disks.disk(KeyspaceId::System).syncs() > before);
    assert_eq!(system.read(|tx| tx.keys::<People>(&Scan::all(100))).unwrap().len(), 38);
}

#[test]
fn a_change_that_panics_is_lost_and_harms_nobody() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let lost: Result<(), Error> = store.system().write_blocking(|tx| {
        tx.put::<Counts>(&"a".into(), &1)?;
        panic!("on purpose")
    });
    assert!(matches!(lost, Err(Error::Lost)));
    store.system().write_blocking(|tx| tx.put::<Counts>(&"b".into(), &2)).unwrap();
    let rows = store.system().read(|tx| tx.scan::<Counts>(&Scan::all(10))).unwrap();
    assert_eq!(rows, [("b".to_owned(), 2)]);
}

#[test]
fn a_field_can_be_added_without_a_migration_and_a_damaged_row_is_an_error() {
    #[derive(Serialize, Deserialize)]
    struct Grown {
        email: String,
        city: String,
        #[serde(default)]
        country: Option<String>,
    }
    tables! {
        /// The same table, one release later.
        GrownPeople = "test.person": u64 => Grown;
    }
    let scratch = Scratch::new();
    let store = scratch.open();
    store.system().write_blocking(|tx| tx.put::<People>(&1, &person("a@x", "Bern"))).unwrap();
    assert_eq!(store.system().read(|tx| tx.require::<GrownPeople>(&1)).unwrap().country, None);
    store.system().write_blocking(|tx| tx.put_bytes("test.person", &1u64.to_bytes(), b"\xc1")).unwrap();
    assert!(matches!(store.system().read(|tx| tx.require::<People>(&1)), Err(Error::Damaged { .. })));
}

#[test]
fn a_second_process_a_newer_schema_and_a_foreign_key_are_refused() {
    let scratch = Scratch::new();
    let store = scratch.open();
    assert!(matches!(scratch.open_with(StoreOptions::default()), Err(Error::InUse { .. })));
    assert_eq!(store.directory().appliance_key().unwrap(), store.directory().appliance_key().unwrap());
    store.system().write_blocking(|tx| tx.put_bytes("store.schema", b"version", &99u32.to_bytes())).unwrap();
    drop(store);
    assert!(matches!(scratch.open_with(StoreOptions::default()), Err(Error::Newer { found: 99, .. })));
    std::fs::write(scratch.folder.path().join("appliance.key"), b"short").unwrap();
    let directory = DataDirectory::open(scratch.folder.path()).unwrap();
    assert!(matches!(directory.appliance_key(), Err(Error::BadKey { .. })));
}

#[test]
fn idle_keyspaces_close_and_held_ones_stay() {
    let scratch = Scratch::new();
    let options = StoreOptions { cache_bytes_max: (16 + 2 * 8) << 20, ..Default::default() };
    let store = scratch.open_with(options).unwrap();
    let held = store.tenant(scratch.tenant(1)).unwrap();
    for number in 2..6 {
        scratch.clock.advance(Duration::from_secs(1));
        let keyspace = store.tenant(scratch.tenant(number)).unwrap();
        keyspace.write_blocking(|tx| tx.put::<Counts>(&"a".into(), &1)).unwrap();
    }
    assert!(store.open_tenants() <= 3, "{} are open", store.open_tenants());
    scratch.clock.advance(Duration::from_secs(3_600));
    store.close_idle();
    assert_eq!(store.open_tenants(), 1);
    held.write_blocking(|tx| tx.put::<Counts>(&"a".into(), &7)).unwrap();
    drop(held);
    assert_eq!(store.close_idle(), 1);
    for (number, count) in [(1, 7), (4, 1)] {
        let keyspace = store.tenant(scratch.tenant(number)).unwrap();
        assert_eq!(keyspace.read(|tx| tx.get::<Counts>(&"a".into())).unwrap(), Some(count));
    }
}

#[test]
fn one_tenants_rows_are_not_in_anothers_keyspace() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let (one, two) = (scratch.tenant(1), scratch.tenant(2));
    store.tenant(one).unwrap().write_blocking(|tx| tx.put::<Counts>(&"a".into(), &1)).unwrap();
    assert_eq!(store.tenant(two).unwrap().read(|tx| tx.get::<Counts>(&"a".into())).unwrap(), None);
}

#[test]
fn the_index_log_is_read_on_from_where_it_was_left_and_trimmed() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for name in ["a", "b", "c"] {
        store.system().write_blocking(move |tx| index_log::append(tx, &name.to_owned())).unwrap();
    }
    let read = |position| store.system().read(|tx| index_log::read::<String>(tx, position, 10)).unwrap();
    assert_eq!(read(1), [(2, "b".to_owned()), (3, "c".to_owned())]);
    store.system().write_blocking(|tx| index_log::trim(tx, 2, 100)).unwrap();
    assert_eq!(read(0), [(3, "c".to_owned())]);
    assert_eq!(store.system().read(|tx| index_log::first(tx)).unwrap(), Some(3));
    store.system().write_blocking(|tx| index_log::trim(tx, 3, 100)).unwrap();
    store.system().write_blocking(|tx| index_log::append(tx, &"d".to_owned())).unwrap();
    assert_eq!(read(3), [(4, "d".to_owned())], "numbers go on though the log was empty");
}

/// What a change that touches several tables and an index leaves behind, whole or not at all.
fn transfer(tx: &mut WriteTx<'_>, number: u64) -> Result<(), Error> {
    tx.insert::<People>(&number, &person(&format!("{number}@x"), "Bern"))?;
    let count = tx.get::<Counts>(&"people".into())?.unwrap_or(0);
    tx.put::<Counts>(&"people".into(), &(count + 1))?;
    index_log::append(tx, &number).map(drop)
}

fn assert_whole(keyspace: &Keyspace) -> u64 {
    keyspace
        .read(|tx| {
            let people = tx.keys::<People>(&Scan::all(1_000))?;
            let indexed = BY_CITY.scan(tx, &Scan::prefix(&"Bern".to_owned(), 1_000))?;
            let count = tx.get::<Counts>(&"people".into())?.unwrap_or(0);
            let logged = index_log::read::<u64>(tx, 0, 1_000)?;
            assert_eq!(people.len() as u64, count);
            assert_eq!(indexed.len() as u64, count);
            assert_eq!(logged.iter().map(|(_, number)| *number).collect::<Vec<_>>(), people);
            Ok::<_, Error>(count)
        })
        .unwrap()
}

#[test]
fn when_the_power_fails_after_any_sync_a_change_is_there_whole_or_not_at_all() {
    for survivors in [0, u64::MAX, 0x5555_5555_5555_5555, 0x3c3c_f00f_9669_0ff0] {
        for stop_after in 0..24 {
            let scratch = Scratch::new();
            let disks = CrashDisks::default();
            let options = StoreOptions { crash_disks: Some(disks.clone()), ..Default::default() };
            let store = scratch.open_with(options.clone()).unwrap();
            disks.disk(KeyspaceId::System).stop_after_syncs(stop_after);
            let mut acknowledged = 0;
            for number in 0..6u64 {
                match store.system().write_blocking(move |tx| transfer(tx, number)) {
                    Ok(()) => acknowledged = number + 1,
                    Err(error) => {
                        assert!(matches!(error, Error::Engine(_)), "{error}");
                        break;
                    }
                }
            }
            drop(store);
            let disks = disks.after_crash(survivors);
            let store = scratch.open_with(StoreOptions { crash_disks: Some(disks), ..options }).unwrap();
            let kept = assert_whole(store.system());
            assert!(
                kept == acknowledged || kept == acknowledged + 1,
                "{kept} of {acknowledged} acknowledged"
            );
            store.system().write_blocking(move |tx| transfer(tx, 100)).unwrap();
            assert_eq!(assert_whole(store.system()), kept + 1);
        }
    }
}

#[test]
fn what_an_earlier_process_left_half_way_is_removed_by_the_next_start() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let arrival = store.begin_arrival().unwrap();
    let (aside, new) = (arrival.path().to_path_buf(), store.directory().system_file().with_extension("anew"));
    std::fs::write(aside.join("half"), "half").unwrap();
    std::mem::forget(arrival);
    std::fs::write(&new, "half").unwrap();
    drop(store);
    drop(scratch.open());
    assert!(!aside.exists() && !new.exists());
}

#[test]
fn a_database_that_is_written_anew_holds_its_rows_and_nothing_that_was_removed() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for number in 0..300u64 {
        store.system().write_blocking(move |tx| transfer(tx, number)).unwrap();
    }
    let gone = person("gone@x", "A secret that was removed");
    store.system().write_blocking(move |tx| tx.put::<People>(&1_000, &gone)).unwrap();
    store.system().write_blocking(|tx| tx.remove::<People>(&1_000)).unwrap();
    let file = store.directory().system_file();
    let holds = || {
        let bytes = std::fs::read(&file).unwrap();
        bytes.windows(25).any(|window| window == b"A secret that was removed")
    };
    assert!(holds(), "the engine keeps what was removed; else this test tells nothing");
    let reading = store.system().read(|tx| {
        store.rewrite_system()?;
        tx.count::<People>()
    });
    assert_eq!(reading.unwrap(), 300, "who reads goes on reading");
    assert!(!holds());
    assert_eq!(assert_whole(store.system()), 300);
    store.system().write_blocking(|tx| transfer(tx, 300)).unwrap();
    drop(store);
    assert_eq!(assert_whole(scratch.open().system()), 301);
}
