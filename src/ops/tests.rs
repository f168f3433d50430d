use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::upgrade::Upgraded;
use super::*;
use crate::archive::{Opening, Protection, Recipient};
use crate::base::{Clock as _, ManualClock, Secret, TenantId, Timestamp};
use crate::files::{Hold, refer};
use crate::store::{
    self, DataDirectory, KeyspaceId, MIGRATIONS, Migration, Read as _, Store, StoreOptions, Write as _,
    WriteTx, file_of, read_file,
};
use crate::telemetry::Health;
use crate::tenants::{NewTenant, create};

const TABLE: &str = "test.words";

struct Place {
    home: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Place {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
        Self { home: tempfile::tempdir().unwrap(), clock }
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn open(&self) -> Arc<Store> {
        let store = Store::open(&self.data(), StoreOptions::default(), self.clock.clone()).unwrap();
        store.directory().appliance_key().unwrap();
        Arc::new(store)
    }

    fn backups(&self, store: &Arc<Store>, protection: Protection) -> Backups {
        let retention = Retention { last: 2, daily: 0, weekly: 0, zone: TimeZone::UTC };
        let folder = self.home.path().join("backups");
        let settings =
            Settings { folder, schedule: Schedule::Off, retention, protection, configuration: None };
        Backups::new(store.clone(), self.clock.clone(), Arc::new(Health::default()), settings)
    }

    /// Makes the next backup; its file and how it is.
    fn make(&self, backups: &Backups) -> (PathBuf, BackupView) {
        self.clock.advance(Duration::from_secs(60));
        let made =
            backups.make_blocking(&Backups::name(self.clock.now()), &CancellationToken::new()).unwrap();
        (self.home.path().join("backups").join(&made.name), made)
    }

    fn restore(
        &self,
        file: &Path,
        opening: &Opening,
        to: &Path,
        force: bool,
    ) -> Result<restore::Restored, Error> {
        restore::restore(restore::open(file).unwrap(), opening, to, force, self.clock.now(), |_| {})
    }
}

fn word(tx: &mut WriteTx<'_>, word: &str) -> Result<(), store::Error> {
    tx.put_bytes(TABLE, b"k", word.as_bytes()).map(drop)
}

fn word_in(data: &Path, keyspace: KeyspaceId) -> String {
    let bytes = read_file(&data.join(file_of(keyspace)), |tx| tx.bytes(TABLE, b"k")).unwrap().unwrap();
    String::from_utf8(bytes).unwrap()
}

fn tenant(store: &Store, now: Timestamp) -> TenantId {
    let call = crate::base::Call::appliance(now);
    let made = store.system().write_blocking(move |tx| {
        let new = NewTenant { name: "Acme".into(), slug: None };
        create(tx, &call, crate::identity::Pass::appliance("a test"), &new)
    });
    made.unwrap().id
}

fn all_files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files =
        walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|one| one.file_type().is_file());
    files.map(|one| (one.path().to_owned(), std::fs::read(one.path()).unwrap())).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|one| one.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// An appliance with a tenant whose keyspace refers to one blob.
fn furnished(place: &Place) -> (Arc<Store>, TenantId) {
    let store = place.open();
    let now = place.clock.now();
    let id = tenant(&store, now);
    let keyspace = store.tenant(id).unwrap();
    store.system().write_blocking(|tx| word(tx, "system")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stored = runtime.block_on(crate::files::put(&keyspace, now, "a document".into())).unwrap();
    keyspace
        .write_blocking(move |tx| {
            word(tx, "tenant")?;
            refer(tx, &stored, "document 1")
        })
        .unwrap();
    (store, id)
}

/// Rows Q1, Q2.
#[test]
fn a_backup_is_proven_and_restored_elsewhere_with_everything() {
    let place = Place::new();
    let (store, id) = furnished(&place);
    let (file, made) = place.make(&place.backups(&store, Protection::None));
    assert!(made.verified_at.is_some() && made.problem.is_none() && !made.encrypted, "{made:?}");
    let to = place.home.path().join("elsewhere");
    let restored = place.restore(&file, &Opening::None, &to, false).unwrap();
    assert_eq!((restored.contents.keyspaces, restored.contents.files), (2, 2));
    assert_eq!(word_in(&to, KeyspaceId::System), "system");
    assert_eq!(word_in(&to, KeyspaceId::Tenant(id)), "tenant");
    assert_eq!(
        std::fs::read(to.join("appliance.key")).unwrap(),
        std::fs::read(place.data().join("appliance.key")).unwrap()
    );
    let blob = crate::files::BlobHash::of(b"a document").place();
    assert_eq!(std::fs::read(to.join(format!("tenants/{id}/{blob}"))).unwrap(), b"a document");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o700);
}

/// Row Q2.
#[test]
fn a_backup_that_lacks_or_distorts_a_document_says_so_and_is_not_proven() {
    let place = Place::new();
    let (store, id) = furnished(&place);
    let backups = place.backups(&store, Protection::None);
    let (_, good) = place.make(&backups);
    let blob =
        place.data().join(format!("tenants/{id}/{}", crate::files::BlobHash::of(b"a document").place()));
    std::fs::write(&blob, "a dokument").unwrap();
    let (_, distorted) = place.make(&backups);
    assert!(distorted.verified_at.is_none() && distorted.problem.unwrap().contains("damaged"));
    std::fs::remove_file(&blob).unwrap();
    let (_, lacking) = place.make(&backups);
    assert!(lacking.verified_at.is_none() && lacking.problem.unwrap().contains("missing"));
    // Two are kept, and the newest that is good besides.
    let left: Vec<_> = backups.list().unwrap().items.into_iter().map(|one| one.name).collect();
    assert_eq!(left, [lacking.name, distorted.name, good.name.clone()]);
    assert_eq!(backups.last_verified(), Some(good.made_at));
    assert!(backups.list().unwrap().last_failure.is_some());
}

/// Row Q2.
#[test]
fn a_backup_to_a_recipient_is_proven_though_the_appliance_cannot_open_it() {
    let place = Place::new();
    let (store, _) = furnished(&place);
    let identity = age::x25519::Identity::generate();
    let recipient = Recipient::parse(&identity.to_public().to_string()).unwrap();
    let (file, made) = place.make(&place.backups(&store, Protection::Recipients(vec![recipient])));
    assert!(made.encrypted && made.verified_at.is_some(), "{made:?}");
    let to = place.home.path().join("elsewhere");
    let refused = place.restore(&file, &Opening::None, &to, false).unwrap_err();
    assert!(matches!(refused, Error::Archive(crate::archive::Error::Sealed { to_passphrase: false })));
    let (_, other) = Opening::one_time();
    assert!(matches!(
        place.restore(&file, &other, &to, false),
        Err(Error::Archive(crate::archive::Error::WrongKey))
    ));
    assert!(!to.exists());
    place.restore(&file, &Opening::Identity(Box::new(identity)), &to, false).unwrap();
    assert_eq!(word_in(&to, KeyspaceId::System), "system");

    let passphrase = Opening::Passphrase(Secret::new("correct horse".into()));
    let protection = Protection::Passphrase(Secret::new("correct horse".into()));
    let (file, made) = place.make(&place.backups(&store, protection));
    assert!(made.encrypted && made.verified_at.is_some(), "{made:?}");
    place.restore(&file, &passphrase, &to, true).unwrap();
}

/// Rows Q1, Q2.
#[test]
fn a_restore_that_fails_or_is_not_forced_changes_nothing_and_a_forced_one_moves_aside() {
    let place = Place::new();
    let (store, _) = furnished(&place);
    let (file, _) = place.make(&place.backups(&store, Protection::None));
    store.system().write_blocking(|tx| word(tx, "later")).unwrap();
    let in_use = place.restore(&file, &Opening::None, &place.data(), true).unwrap_err();
    assert!(matches!(in_use, Error::Store(store::Error::InUse { .. })), "{in_use:?}");
    drop(store);
    std::fs::create_dir(place.data().join("models")).unwrap();
    std::fs::write(place.data().join("models/a.gguf"), "a model").unwrap();

    let (before, beside) = (all_files(&place.data()), names(place.home.path()));
    let exists = place.restore(&file, &Opening::None, &place.data(), false).unwrap_err();
    assert!(matches!(exists, Error::Exists { .. }), "{exists:?}");
    let whole = std::fs::read(&file).unwrap();
    let broken = place.home.path().join("backups/broken");
    for (bytes, what) in [(whole[..whole.len() - 1].to_vec(), "cut off"), (altered(&whole), "differs")] {
        std::fs::write(&broken, bytes).unwrap();
        let error = place.restore(&broken, &Opening::None, &place.data(), true).unwrap_err();
        let said = crate::base::Fault::public(&error);
        assert!(said.contains(what) && said.contains("byte "), "{said}");
    }
    assert!(
        all_files(&place.data()) == before && names(place.home.path()) == beside,
        "something was changed"
    );

    let restored = place.restore(&file, &Opening::None, &place.data(), true).unwrap();
    assert_eq!(word_in(&place.data(), KeyspaceId::System), "system");
    assert_eq!(word_in(&restored.aside.unwrap(), KeyspaceId::System), "later");
    assert_eq!(std::fs::read_to_string(place.data().join("models/a.gguf")).unwrap(), "a model");
}

fn altered(bytes: &[u8]) -> Vec<u8> {
    let mut altered = bytes.to_vec();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    altered
}

/// Row Q1.
#[test]
fn nothing_is_removed_while_a_backup_holds_it() {
    let place = Place::new();
    let (store, id) = furnished(&place);
    let keyspace = store.tenant(id).unwrap();
    let hash = crate::files::BlobHash::of(b"a document");
    let blob = place.data().join(format!("tenants/{id}/{}", hash.place()));
    let hold = Hold::of(&keyspace);
    let now = place.clock.now();
    keyspace.write_blocking(move |tx| crate::files::release(tx, now, hash, "document 1")).unwrap();
    assert_eq!(crate::files::sweep(&keyspace).unwrap().removed, 0);
    assert!(blob.exists());
    hold.release().unwrap();
    assert!(!blob.exists());
}

const SECOND: Migration =
    Migration { version: 2, tenant: |tx| word(tx, "tenant 2"), system: |tx| word(tx, "system 2") };
const FAILING: Migration = Migration {
    version: 2,
    tenant: |tx| word(tx, "tenant 2"),
    system: |_| Err(store::Error::NotFound { table: "test.words" }),
};

fn upgrade(place: &Place, second: Migration, program: &str) -> Result<Option<Upgraded>, Error> {
    let directory = DataDirectory::open(&place.data()).unwrap();
    let migrations: Vec<_> = MIGRATIONS.iter().copied().chain([second]).collect();
    upgrade::with(&directory, &migrations, program, place.clock.now())
}

fn start(place: &Place, program: &str) -> Result<Option<Upgraded>, Error> {
    let directory = DataDirectory::open(&place.data()).unwrap();
    upgrade::with(&directory, MIGRATIONS, program, place.clock.now())
}

/// Row Q3.
#[test]
fn an_older_directory_is_upgraded_after_a_copy_and_rolls_back_and_a_newer_one_is_refused_untouched() {
    let place = Place::new();
    let (store, id) = furnished(&place);
    drop(store);
    assert_eq!(start(&place, "1.0").unwrap(), None);
    let upgraded = upgrade(&place, SECOND, "2.0").unwrap().unwrap();
    assert_eq!((upgraded.from, upgraded.to), (1, 2));
    assert_eq!(upgraded.copy.file_name().unwrap(), "before-upgrade-1.0.frontdesk-backup");
    let words =
        || (word_in(&place.data(), KeyspaceId::System), word_in(&place.data(), KeyspaceId::Tenant(id)));
    assert_eq!(words(), ("system 2".into(), "tenant 2".into()));
    assert_eq!(upgrade(&place, SECOND, "2.0").unwrap(), None, "once");

    let before = all_files(&place.data());
    let refused = start(&place, "1.0").unwrap_err();
    assert!(matches!(refused, Error::Store(store::Error::Newer { found: 2, known: 1, .. })), "{refused:?}");
    assert!(all_files(&place.data()) == before, "something was changed");

    let back = rollback::rollback(&place.data(), place.clock.now()).unwrap();
    assert_eq!((back.program.as_str(), back.schema), ("1.0", 1));
    assert_eq!(words(), ("system".into(), "tenant".into()));
    assert_eq!(word_in(&back.aside, KeyspaceId::System), "system 2");
    assert_eq!(start(&place, "1.0").unwrap(), None);
    place.open();
    assert_eq!(words(), ("system".into(), "tenant".into()));
}

/// Row Q3.
#[test]
fn an_upgrade_that_is_cut_off_goes_on_and_its_copy_stays_that_of_before() {
    let place = Place::new();
    let (store, id) = furnished(&place);
    drop(store);
    assert_eq!(start(&place, "1.0").unwrap(), None);
    assert!(upgrade(&place, FAILING, "2.0").is_err());
    assert_eq!(word_in(&place.data(), KeyspaceId::Tenant(id)), "tenant 2");
    assert!(upgrade(&place, SECOND, "2.0").unwrap().is_some());
    rollback::rollback(&place.data(), place.clock.now()).unwrap();
    assert_eq!(word_in(&place.data(), KeyspaceId::Tenant(id)), "tenant");
    let none = rollback::rollback(&place.home.path().join("nothing"), place.clock.now()).unwrap_err();
    assert!(matches!(none, Error::NoSnapshot { .. }));
}
