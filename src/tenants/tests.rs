//! Workspaces, from the setup link on; and what is left of each step when the power fails.

use std::sync::Arc;

use super::*;
use crate::base::{
    Actor, Call, Clock as _, Fault as _, Kind, ManualClock, PageRequest, RequestId, Secret, TenantId,
    Timestamp,
};
use crate::identity::pass::{ManageTenants, ManageWorkspace, ReadWorkspace};
use crate::identity::setup::Warrant;
use crate::identity::{
    self, Device, Email, MemberRole, NewAccount, Pass, PasswordHash, Passwords, Policy, Principal, Role,
    membership, session, setup, tenant_roll,
};
use crate::jobs;
use crate::store::crash::CrashDisks;
use crate::store::{KeyspaceId, Read as _, Scan, Store, StoreOptions, WriteTx};

struct Desk {
    _folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    store: Arc<Store>,
}

impl Desk {
    fn open(disks: Option<CrashDisks>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let options = StoreOptions { crash_disks: disks, ..StoreOptions::default() };
        let store = Arc::new(Store::open(folder.path(), options, clock.clone()).unwrap());
        Self { _folder: folder, clock, store }
    }

    fn new() -> Self {
        Self::open(None)
    }

    /// Writes from a thread of its own: tests with a runtime may not block theirs.
    fn write<T: Send + 'static, E: From<crate::store::Error> + Send + 'static>(
        &self,
        change: impl Fn(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let system = self.store.system();
        std::thread::scope(|scope| scope.spawn(|| system.write_blocking(change)).join().unwrap())
    }

    fn call(&self) -> Call {
        Call { actor: Actor::Nobody, now: self.clock.now(), request: RequestId("test".into()), address: None }
    }

    fn link(&self) -> Secret {
        let now = self.clock.now();
        self.write(move |tx| setup::issue(tx, now)).unwrap().unwrap()
    }

    fn create(&self, name: &str, slug: Option<&str>) -> Result<Tenant, Error> {
        let new = NewTenant { name: name.into(), slug: slug.map(str::to_owned) };
        let call = self.call();
        self.write(move |tx| create(tx, &call, Pass::appliance("test"), &new))
    }

    fn update(&self, tenant: TenantId, change: &str) -> Result<Tenant, Error> {
        let change: WorkspaceChange = serde_json::from_str(change).unwrap();
        let pass = Pass::<ManageWorkspace>::appliance_for(tenant, "test");
        let call = self.call();
        self.write(move |tx| branding::update(tx, &call, pass, &change))
    }

    fn tenants(&self) -> Vec<Tenant> {
        let pass = Pass::<ManageTenants>::appliance("test");
        self.store.system().read(|tx| list(tx, pass, &PageRequest::default())).unwrap().items
    }

    fn rows(&self, table: &'static str) -> usize {
        let mut rows = 0;
        let count = |tx: &crate::store::ReadTx| {
            tx.walk(table, &Scan::all(100), &mut |_, _| {
                rows += 1;
                Ok(())
            })
        };
        self.store.system().read(count).unwrap();
        rows
    }
}

fn owner(email: &str) -> NewAccount {
    let password_hash: PasswordHash = serde_json::from_str("\"$argon2id$none\"").unwrap();
    NewAccount { name: "Ada".into(), email: Email::parse(email).unwrap(), password_hash }
}

fn wish(token: Secret) -> NewOwner {
    NewOwner {
        warrant: Warrant::Link(token),
        name: " Ada Lovelace ".into(),
        email: "ada@example.com".into(),
        password: Secret::new("correct horse battery".into()),
        workspace_name: "Café Ada".into(),
    }
}

#[tokio::test]
async fn the_setup_link_makes_the_operator_a_workspace_and_a_sign_in_once() {
    let desk = Desk::new();
    let (system, passwords, token) = (desk.store.system().clone(), Passwords::new(), desk.link());
    let made =
        set_up(&system, &passwords, &desk.call(), Device::default(), wish(token.clone())).await.unwrap();
    assert!(made.account.operator);
    assert_eq!((made.account.name.as_str(), made.tenant.slug.as_str()), ("Ada Lovelace", "cafe-ada"));
    let policy = Policy::new(desk.store.clone());
    let signed_in = policy
        .authenticate_session(made.session.as_ref().unwrap().token.expose(), desk.clock.now())
        .await
        .unwrap();
    let principal = choose_workspace(&policy, signed_in, None).unwrap();
    assert!(matches!(
        principal,
        Principal::Member { role: MemberRole::BuiltIn(Role::Owner), operator: true, .. }
    ));
    assert_eq!(policy.enter(&principal).await.unwrap().tenant(), Some(made.tenant.id));
    let seen = system.read(|tx| me(tx, made.account.id, None)).unwrap();
    assert!(seen.operator && seen.account.email.as_str() == "ada@example.com");
    assert_eq!(
        seen.workspaces.iter().map(|mine| (mine.slug.as_str(), mine.role)).collect::<Vec<_>>(),
        [("cafe-ada", Role::Owner.into())]
    );

    let again = set_up(&system, &passwords, &desk.call(), Device::default(), wish(token)).await.unwrap_err();
    assert_eq!((again.kind(), again.code()), (Kind::Conflict, "set_up_already"));
    assert_eq!(desk.tenants().len(), 1);
}

#[tokio::test]
async fn a_bad_wish_names_its_field_and_leaves_the_link_good() {
    let desk = Desk::new();
    let (system, passwords, token) = (desk.store.system().clone(), Passwords::new(), desk.link());
    let good = wish(token.clone());
    for (bad, field) in [
        (NewOwner { name: " ".into(), ..good.clone() }, "/name"),
        (NewOwner { email: "ada".into(), ..good.clone() }, "/email"),
        (NewOwner { password: Secret::new("short".into()), ..good.clone() }, "/password"),
        (NewOwner { password: Secret::new("Ada Lovelace".into()), ..good.clone() }, "/password"),
        (NewOwner { workspace_name: String::new(), ..good.clone() }, "/workspace_name"),
    ] {
        let refused = set_up(&system, &passwords, &desk.call(), Device::default(), bad).await.unwrap_err();
        assert_eq!((refused.kind(), refused.field()), (Kind::Invalid, Some(field)));
    }
    let guessed = NewOwner { warrant: Warrant::Link(Secret::random()), ..good.clone() };
    let refused = set_up(&system, &passwords, &desk.call(), Device::default(), guessed).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Forbidden, "setup_link_invalid"));
    assert_eq!(desk.rows("identity.account"), 0);
    set_up(&system, &passwords, &desk.call(), Device::default(), good).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_redeem_the_link_at_once_one_does() {
    let desk = Desk::new();
    let token = desk.link();
    let racers: Vec<_> = (0..16)
        .map(|number| {
            let (system, call, token) = (desk.store.system().clone(), desk.call(), token.clone());
            let owner = owner(&format!("{number}@x"));
            tokio::spawn(async move {
                system
                    .write(move |tx| {
                        found(tx, &call, &Warrant::Link(token.clone()), &Device::default(), &owner, "Desk")
                    })
                    .await
            })
        })
        .collect();
    let mut made = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error.code(), "set_up_already"),
        }
    }
    assert_eq!((made, desk.rows("identity.account"), desk.tenants().len()), (1, 1, 1));
}

#[test]
fn slugs_are_unique_and_made_from_the_name_when_none_is_given() {
    let desk = Desk::new();
    assert_eq!(desk.create("Acme", None).unwrap().slug, "acme");
    assert_eq!(desk.create("ACME!", None).unwrap().slug, "acme-2");
    assert_eq!(desk.create("Acme", None).unwrap().slug, "acme-3");
    let long = "a".repeat(90);
    assert_eq!(desk.create(&long, None).unwrap().slug.len(), 48);
    assert_eq!(desk.create(&long, None).unwrap().slug, format!("{}-2", "a".repeat(46)));
    let taken = desk.create("Other", Some("acme")).unwrap_err();
    assert_eq!((taken.kind(), taken.field()), (Kind::Conflict, Some("/slug")));
    for bad in ["", "a", "-ab", "ab-", "Ab", "a b", "é-é", &"a".repeat(49), "a/b"] {
        assert_eq!(desk.create("Other", Some(bad)).unwrap_err().field(), Some("/slug"), "{bad}");
    }
    assert_eq!(desk.create(" ", None).unwrap_err().field(), Some("/name"));
    assert_eq!(desk.create("Other", Some("other-1")).unwrap().slug, "other-1");
    let found = desk.store.system().read(|tx| by_slug(tx, "acme-2")).unwrap().unwrap();
    assert_eq!(found.name, "ACME!");
    assert!(desk.store.system().read(|tx| by_slug(tx, "none")).unwrap().is_none());
    assert_eq!(desk.tenants().len(), 6);
    assert!(desk.store.system().read(|tx| tenant_roll::has(tx, found.id)).unwrap());
}

#[tokio::test]
async fn whoever_makes_a_workspace_owns_it_and_others_cannot_tell_that_it_exists() {
    let desk = Desk::new();
    let policy = Policy::new(desk.store.clone());
    let (call, token) = (desk.call(), desk.link());
    let system = desk.store.system().clone();
    let ada = system
        .write(move |tx| {
            found(tx, &call, &Warrant::Link(token.clone()), &Device::default(), &owner("ada@x"), "First")
        })
        .await
        .unwrap();
    let foreign = desk.create("Foreign", None).unwrap();
    let (new, call) = (NewTenant { name: "Second".into(), slug: None }, desk.call());
    let signed_in = policy
        .authenticate_session(ada.session.as_ref().unwrap().token.expose(), desk.clock.now())
        .await
        .unwrap();
    let pass = Policy::pass::<ManageTenants>(&signed_in).unwrap();
    let call = Call { actor: signed_in.actor(), ..call };
    let second = system.write(move |tx| create(tx, &call, pass, &new)).await.unwrap();
    let role = system.read(|tx| membership::role(tx, ada.account.id, second.id)).unwrap();
    assert_eq!(role, Some(Role::Owner.into()));
    let chosen = choose_workspace(&policy, signed_in, Some("second")).unwrap();
    assert_eq!(chosen.tenant(), Some(second.id));
    let seen = Policy::pass::<ReadWorkspace>(&chosen).unwrap();
    assert_eq!(system.read(|tx| of_pass(tx, seen)).unwrap(), second);
    let hidden = choose_workspace(&policy, signed_in, Some(&foreign.slug)).unwrap_err();
    let missing = choose_workspace(&policy, signed_in, Some("missing")).unwrap_err();
    assert_eq!((hidden.code(), hidden.public()), (missing.code(), missing.public()));
    assert_eq!(hidden.kind(), Kind::NotFound);
}

#[test]
fn branding_changes_what_is_named_and_a_bad_field_changes_nothing() {
    let desk = Desk::new();
    let made = desk.create("Acme", None).unwrap();
    assert_eq!((made.accent.as_str(), made.notice.as_deref()), ("#2563eb", None));
    let changed = desk
        .update(
            made.id,
            r##"{"accent": "#ABCDEF", "suggestions": [" How? ", "Why?"], "notice": "Closed\ntoday"}"##,
        )
        .unwrap();
    assert_eq!(changed.accent, "#abcdef");
    assert_eq!(changed.suggestions, ["How?", "Why?"]);
    assert_eq!((changed.greeting.clone(), changed.slug.clone()), (made.greeting, made.slug));
    assert_eq!(desk.update(made.id, "{}").unwrap(), changed);
    for (bad, field) in [
        (r#"{"name": "New", "accent": "blue"}"#, "/accent"),
        (r##"{"accent": "#12345g"}"##, "/accent"),
        (r##"{"accent": "#1234é"}"##, "/accent"),
        (r#"{"name": ""}"#, "/name"),
        (r#"{"name": "a\nb"}"#, "/name"),
        (r#"{"greeting": "\u0007"}"#, "/greeting"),
        (r#"{"placeholder": "  "}"#, "/placeholder"),
        (r#"{"suggestions": ["1","2","3","4","5","6"]}"#, "/suggestions"),
        (r#"{"suggestions": ["fine", ""]}"#, "/suggestions/1"),
    ] {
        assert_eq!(desk.update(made.id, bad).unwrap_err().field(), Some(field), "{bad}");
    }
    let long = format!(r#"{{"suggestions": ["{}"]}}"#, "x".repeat(121));
    assert_eq!(desk.update(made.id, &long).unwrap_err().field(), Some("/suggestions/0"));
    assert_eq!(desk.tenants(), [changed]);
    assert_eq!(desk.update(made.id, r#"{"notice": null}"#).unwrap().notice, None);
    assert!(serde_json::from_str::<WorkspaceChange>(r#"{"slug": "other"}"#).is_err());
    assert!(matches!(desk.update(TenantId::new(desk.clock.now()), "{}"), Err(Error::NotFound)));
}

#[test]
fn whatever_sync_the_power_fails_after_the_setup_is_whole_or_the_link_is_still_good() {
    let mut outcomes = std::collections::BTreeSet::new();
    for survivors in [0, u64::MAX, 0x5555_5555_5555_5555] {
        for stop_after in 0..6 {
            let disks = CrashDisks::default();
            let desk = Desk::open(Some(disks.clone()));
            let token = desk.link();
            disks.disk(KeyspaceId::System).stop_after_syncs(stop_after);
            let redeem = |desk: &Desk| {
                let (call, token) = (desk.call(), token.clone());
                desk.write(move |tx| {
                    found(
                        tx,
                        &call,
                        &Warrant::Link(token.clone()),
                        &Device::default(),
                        &owner("ada@x"),
                        "Desk",
                    )
                })
            };
            let acknowledged = redeem(&desk).is_ok();
            let again = Desk::open(Some(disks.after_crash(survivors)));
            let made = !again.store.system().read(|tx| setup::is_needed(tx)).unwrap();
            assert!(made || !acknowledged);
            let whole = usize::from(made);
            for table in [
                "identity.account",
                "identity.account.by_email",
                "identity.membership",
                "identity.membership.by_account",
                "identity.session",
                "identity.tenant_roll",
                "tenants.tenant",
                "tenants.tenant.by_slug",
            ] {
                assert_eq!(again.rows(table), whole, "{table} after {stop_after} syncs");
            }
            assert_eq!(again.rows("identity.setup_link"), 1 - whole);
            assert_eq!(redeem(&again).is_ok(), !made, "the link makes one owner, before or after the crash");
            outcomes.insert(made);
        }
    }
    assert_eq!(outcomes.len(), 2);
}

#[test]
fn whatever_sync_the_power_fails_after_a_new_tenant_is_whole_or_not_there() {
    let mut outcomes = std::collections::BTreeSet::new();
    for survivors in [0, u64::MAX, 0x5555_5555_5555_5555] {
        for stop_after in 0..6 {
            let disks = CrashDisks::default();
            let desk = Desk::open(Some(disks.clone()));
            disks.disk(KeyspaceId::System).stop_after_syncs(stop_after);
            let acknowledged = desk.create("Acme", None).is_ok();
            let again = Desk::open(Some(disks.after_crash(survivors)));
            let found = again.tenants().len();
            assert!(found == 1 || !acknowledged);
            assert_eq!(
                (again.rows("tenants.tenant.by_slug"), again.rows("identity.tenant_roll")),
                (found, found)
            );
            assert_eq!(again.create("Acme", None).unwrap().slug, if found == 1 { "acme-2" } else { "acme" });
            outcomes.insert(found);
        }
    }
    assert_eq!(outcomes.len(), 2);
}

#[tokio::test]
async fn the_owner_of_a_setup_can_be_signed_out() {
    let desk = Desk::new();
    let (call, token) = (desk.call(), desk.link());
    let system = desk.store.system().clone();
    let made = system
        .write(move |tx| {
            found(tx, &call, &Warrant::Link(token.clone()), &Device::default(), &owner("ada@x"), "First")
        })
        .await
        .unwrap();
    let (account, id) = (made.account.id, made.session.as_ref().unwrap().id);
    assert!(system.write(move |tx| session::end(tx, account, id)).await.unwrap());
    let policy = Policy::new(desk.store.clone());
    assert!(
        policy
            .authenticate_session(made.session.as_ref().unwrap().token.expose(), desk.clock.now())
            .await
            .is_err()
    );
}

/// Whether any file below `folder` holds one of the texts, and which.
fn found_below(folder: &std::path::Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            found.extend(found_below(&entry.path(), texts));
        } else {
            let bytes = std::fs::read(entry.path()).unwrap();
            let holds = |text: &&&str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            found.extend(
                texts.iter().filter(holds).map(|text| format!("{text} in {}", entry.path().display())),
            );
        }
    }
    found
}

/// A running desk that erases.
struct Erasing {
    desk: Desk,
    eraser: Eraser,
    running: jobs::Running,
}

impl Erasing {
    fn start(folder: tempfile::TempDir) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let wakeups = Arc::new(jobs::Wakeups::default());
        let extensions = crate::store::Extensions::default().with(wakeups.clone());
        let options = StoreOptions { extensions, ..StoreOptions::default() };
        // The last of an earlier one may not have let go yet.
        let store = loop {
            match Store::open(folder.path(), options.clone(), clock.clone()) {
                Err(crate::store::Error::InUse { .. }) => std::thread::yield_now(),
                opened => break Arc::new(opened.unwrap()),
            }
        };
        let hub = crate::realtime::Hub::new(crate::realtime::Limits::default());
        let eraser = Eraser::new(store.clone(), hub, wakeups.clone(), clock.clone());
        let runner = jobs::Runner::new(store.clone(), clock.clone(), wakeups);
        let running = runner.with::<FinishErasure>(eraser.clone()).start().unwrap();
        Self { desk: Desk { _folder: folder, clock, store }, eraser, running }
    }

    fn member(&self, name: &str, email: &str, tenant: TenantId) -> crate::base::AccountId {
        let new = NewAccount { name: name.into(), ..owner(email) };
        let call = self.desk.call();
        let granted = self.desk.write(move |tx| {
            let account = identity::account::create(tx, &call, Pass::appliance("test"), &new)?;
            membership::grant(tx, &call, Pass::appliance("test"), account.id, tenant, Role::Agent)?;
            Ok::<_, identity::Error>(account.id)
        });
        granted.unwrap()
    }

    fn begin(&self, tenant: TenantId, confirm: &str) -> Result<Tenant, Error> {
        let (call, confirm) = (self.desk.call(), confirm.to_owned());
        let right = erase::Right::Any(Pass::appliance("test"), tenant);
        self.desk.write(move |tx| erase::begin(tx, &call, right, &confirm, |_, _| Ok(0)))
    }

    async fn stop(self) -> tempfile::TempDir {
        self.running.stop(std::time::Duration::from_secs(5)).await;
        self.desk._folder
    }
}

const PLANTED: [&str; 6] = [
    "Zanzibar Holdings",
    "zanzibar-hq",
    "Karibu from Zanzibar",
    "Wilhelmina Quist",
    "quist@zanzibar",
    "sentence that was typed",
];

/// Row C3.
#[tokio::test(flavor = "multi_thread")]
async fn of_an_erased_tenant_no_byte_is_left_and_others_keep_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_path_buf();
    let world = Erasing::start(folder);
    let kept = world.desk.create("Kept", None).unwrap();
    let gone = world.desk.create(PLANTED[0], Some(PLANTED[1])).unwrap();
    world.desk.update(gone.id, r#"{"greeting": "Karibu from Zanzibar"}"#).unwrap();
    let quist = world.member(PLANTED[3], "quist@zanzibar.example", gone.id);
    let both = world.member("In Both", "both@example.com", gone.id);
    let call = world.desk.call();
    let grant = move |tx: &mut WriteTx<'_>| {
        membership::grant(tx, &call, Pass::appliance("test"), both, kept.id, Role::Agent)
    };
    world.desk.write(grant).unwrap();
    let keyspace = world.desk.store.tenant_async(gone.id).await.unwrap();
    keyspace
        .write(|tx| crate::store::index_log::append(tx, &"a sentence that was typed".to_owned()).map(drop))
        .await
        .unwrap();
    std::fs::create_dir_all(keyspace.folder().join("files/ab")).unwrap();
    std::fs::write(keyspace.folder().join("files/ab/abcd"), "a sentence that was typed").unwrap();
    assert_eq!(found_below(&path, &PLANTED).len(), 7, "all of it lies there before");

    assert_eq!(world.begin(gone.id, "zanzibar").unwrap_err().field(), Some("/confirm"));
    world.begin(gone.id, PLANTED[1]).unwrap();
    keyspace.erased().await;
    let proof = world.eraser.wait(gone.id, std::time::Duration::from_millis(300)).await.unwrap();
    assert_eq!(proof.erased_at, None, "somebody holds a handle");
    let held =
        keyspace.write(|tx| crate::store::index_log::append(tx, &"brought back".to_owned()).map(drop)).await;
    assert!(matches!(held, Err(crate::store::Error::Erased)));
    drop(keyspace);
    let proof = world.eraser.wait(gone.id, std::time::Duration::from_secs(60)).await.unwrap();
    assert!(proof.erased_at.is_some());
    assert!(proof.files >= 2 && proof.bytes > 0 && proof.rows >= 6, "{proof:?}");
    assert_eq!(proof.accounts, 1);
    assert_eq!(found_below(&path, &PLANTED), Vec::<String>::new());
    assert!(!world.desk.store.directory().tenant_folder(gone.id).exists());
    let system = world.desk.store.system();
    let accounts = system.read(|tx| {
        Ok::<_, identity::Error>((identity::account::load(tx, quist)?, identity::account::load(tx, both)?))
    });
    let (erased, stays) = accounts.unwrap();
    assert!(erased.is_none() && stays.is_some(), "who is a member elsewhere stays");
    assert_eq!(world.desk.tenants().iter().map(|one| one.id).collect::<Vec<_>>(), [kept.id]);
    assert!(matches!(world.begin(gone.id, PLANTED[1]), Err(Error::NotFound)));
    drop(world.stop().await);
}

/// Row C3.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_was_cut_off_is_finished_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_path_buf();
    let world = Erasing::start(folder);
    let gone = world.desk.create(PLANTED[0], Some(PLANTED[1])).unwrap();
    let keyspace = world.desk.store.tenant_async(gone.id).await.unwrap();
    keyspace
        .write(|tx| crate::store::index_log::append(tx, &"a sentence that was typed".to_owned()).map(drop))
        .await
        .unwrap();
    world.begin(gone.id, PLANTED[1]).unwrap();
    // Held until the process ends, so that it cannot be finished before.
    let folder = world.stop().await;
    assert!(!found_below(&path, &PLANTED).is_empty());
    drop(keyspace);
    let world = Erasing::start(folder);
    world.desk.clock.advance(std::time::Duration::from_secs(60));
    let proof = world.eraser.wait(gone.id, std::time::Duration::from_secs(60)).await.unwrap();
    assert!(proof.erased_at.is_some() && proof.rows > 0, "{proof:?}");
    assert_eq!(found_below(&path, &PLANTED), Vec::<String>::new());
    drop(world.stop().await);
}

/// Row C4.
#[test]
fn the_members_of_a_tenant_are_held_to_its_quota() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let quotas = crate::quotas::Quotas { members: Some(1), ..Default::default() };
    let book = Arc::new(crate::quotas::QuotaBook::new(quotas));
    let extensions = crate::store::Extensions::default().with(book);
    let options = StoreOptions { extensions, ..StoreOptions::default() };
    let store = Arc::new(Store::open(folder.path(), options, clock.clone()).unwrap());
    let desk = Desk { _folder: folder, clock, store };
    let tenant = desk.create("Acme", None).unwrap().id;
    let join = |email: &str| {
        let (call, new) = (desk.call(), owner(email));
        desk.write(move |tx| {
            let account = identity::account::create(tx, &call, Pass::appliance("test"), &new)?;
            membership::grant(tx, &call, Pass::appliance("test"), account.id, tenant, Role::Agent)
        })
    };
    join("a@x").unwrap();
    let refused = join("b@x").unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "quota_reached"));
    assert!(refused.public().contains("1 member,"), "{}", refused.public());
    let call = desk.call();
    let wish: TenantChange = serde_json::from_str(r#"{"quotas": {"members": 2}}"#).unwrap();
    desk.write(move |tx| operate::change(tx, &call, Pass::appliance("test"), tenant, &wish)).unwrap();
    join("b@x").unwrap();
    assert!(join("c@x").is_err());
}
