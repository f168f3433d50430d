//! People, from a credential to a pass; and what is left of each step when the power fails.

mod rights;

use std::sync::Arc;
use std::time::Duration;

use super::pass::{
    ManageApiKeys, ManageJobs, ManageTenants, ManageWorkspace, ReadConversations, ReadKnowledge,
    ReadWorkspace, TakePart, WriteKnowledge,
};
use super::*;
use crate::base::{
    AccountId, Actor, Call, Clock as _, Fault as _, Kind, ManualClock, PageRequest, RequestId, Sealer,
    Secret, SessionId, TenantId, Timestamp, VisitorId,
};
use crate::jobs::{self, Runner, Wakeups};
use crate::store::crash::CrashDisks;
use crate::store::{Extensions, KeyspaceId, Read as _, Scan, Store, StoreOptions, WriteTx};

const START: u64 = 1_700_000_000_000;
const PASSWORD: &str = "correct horse battery";
const MINUTE: Duration = Duration::from_mins(1);

struct Desk {
    _folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    policy: Policy,
    store: Arc<Store>,
    wakeups: Arc<Wakeups>,
}

impl Desk {
    fn open(disks: Option<CrashDisks>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START)));
        let wakeups = Arc::new(Wakeups::default());
        let extensions = Extensions::default().with(wakeups.clone());
        let options = StoreOptions { crash_disks: disks, extensions, ..StoreOptions::default() };
        let store = Arc::new(Store::open(folder.path(), options, clock.clone()).unwrap());
        wakeups.remember_in(store.system().clone());
        Self { _folder: folder, clock, policy: Policy::new(store.clone()), store, wakeups }
    }

    fn new() -> Self {
        Self::open(None)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
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
        Call { actor: Actor::Nobody, now: self.now(), request: RequestId("test".into()), address: None }
    }

    /// A call from an address that ends so.
    fn call_from(&self, last: u8) -> Call {
        Call { address: Some(std::net::IpAddr::from([192, 0, 2, last])), ..self.call() }
    }

    fn account(&self, email: &str, password_hash: PasswordHash) -> AccountId {
        let call = self.call();
        let new = NewAccount { name: "Ada".into(), email: Email::parse(email).unwrap(), password_hash };
        let made = self.write(move |tx| account::create(tx, &call, appliance(), &new));
        made.unwrap().id
    }

    fn tenant(&self) -> TenantId {
        let (now, tenant) = (self.now(), TenantId::new(self.now()));
        self.write(move |tx| tenant_roll::enrol(tx, now, tenant)).unwrap();
        tenant
    }

    fn grant(&self, account: AccountId, tenant: TenantId, role: Role) {
        let call = self.call();
        let granted = self.write(move |tx| membership::grant(tx, &call, appliance(), account, tenant, role));
        granted.unwrap();
    }

    fn session(&self, account: AccountId) -> OpenedSession {
        let now = self.now();
        self.write(move |tx| session::open(tx, now, account, &Device::default())).unwrap()
    }

    fn sessions(&self, account: AccountId) -> Vec<SessionId> {
        let now = self.now();
        let list = self.store.system().read(|tx| session::list(tx, account, None, now)).unwrap();
        list.into_iter().map(|session| session.id).collect()
    }

    fn key(&self, tenant: TenantId, new: &NewApiKey) -> Result<CreatedApiKey, Error> {
        let (call, new) = (self.call(), new.clone());
        let pass = Pass::appliance_for(tenant, "test");
        self.write(move |tx| api_key::create(tx, &call, pass, &new))
    }
}

fn appliance() -> Pass<ManageTenants> {
    Pass::appliance("test")
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// A hash that no password has, where none is checked.
fn no_hash() -> PasswordHash {
    serde_json::from_str("\"$argon2id$none\"").unwrap()
}

fn typed(email: &str, password: &str) -> Credentials {
    Credentials { email: email.into(), password: secret(password), device: Device::default(), replaces: None }
}

/// Who is in with the password alone.
fn signed_in(admission: Result<Admission, Error>) -> SignedIn {
    match admission.unwrap() {
        Admission::SignedIn(signed_in) => *signed_in,
        Admission::CodeAsked(_) => panic!("a code is asked for"),
    }
}

fn agent_key() -> NewApiKey {
    NewApiKey { name: "Import".into(), permissions: Role::Agent.permissions(), expires: None }
}

/// Row B5.
#[tokio::test]
async fn a_session_ends_after_eight_hours_or_thirty_idle_minutes_or_when_it_is_ended() {
    let desk = Desk::new();
    let ada = desk.account("ada@x", no_hash());
    let idle = desk.session(ada);
    let used = desk.session(ada);
    assert_ne!(idle.token.expose(), used.token.expose());
    assert_eq!(desk.sessions(ada).len(), 2);
    for _ in 0..16 {
        desk.clock.advance(29 * MINUTE);
        let principal = desk.policy.authenticate_session(used.token.expose(), desk.now()).await.unwrap();
        assert_eq!(principal.signed_in(), Some((ada, used.id)));
    }
    let ended = desk.policy.authenticate_session(idle.token.expose(), desk.now()).await.unwrap_err();
    assert_eq!((ended.kind(), ended.code()), (Kind::Unauthenticated, "session_expired"));
    assert_eq!(desk.sessions(ada), [used.id]);
    desk.clock.advance(16 * MINUTE);
    assert_eq!(desk.now(), used.expires);
    assert!(desk.policy.authenticate_session(used.token.expose(), desk.now()).await.is_err());

    let third = desk.session(ada);
    let bob = desk.account("bob@x", no_hash());
    let end = |account| desk.write(move |tx| session::end(tx, account, third.id)).unwrap();
    assert!(!end(bob), "nobody ends another's session");
    assert!(end(ada));
    assert!(desk.policy.authenticate_session(third.token.expose(), desk.now()).await.is_err());
    assert!(matches!(desk.policy.authenticate_session("", desk.now()).await, Err(Error::SessionEnded)));
}

#[tokio::test]
async fn use_is_written_at_most_once_a_minute_and_only_hashes_are_stored() {
    let desk = Desk::new();
    let ada = desk.account("ada@x", no_hash());
    let opened = desk.session(ada);
    let last_used =
        || desk.store.system().read(|tx| session::list(tx, ada, None, desk.now())).unwrap()[0].last_used_at;
    for (seconds, written_at) in [(30, 0), (29, 0), (1, 60), (59, 60), (1, 120)] {
        desk.clock.advance(Duration::from_secs(seconds));
        desk.policy.authenticate_session(opened.token.expose(), desk.now()).await.unwrap();
        assert_eq!(last_used(), Timestamp::from_millis(START + written_at * 1_000));
    }
    let key = desk.key(desk.tenant(), &agent_key()).unwrap();
    drop(desk.store);
    let mut rows = Vec::new();
    desk.policy
        .system()
        .read(|tx| {
            for table in [
                "identity.session",
                "identity.api_key",
                "identity.session.by_account",
                "identity.api_key.by_token",
            ] {
                tx.walk(table, &Scan::all(100), &mut |key, value| {
                    rows.extend([key.to_vec(), value.to_vec()]);
                    Ok(())
                })?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    let shows = |secret: &Secret| {
        rows.iter()
            .any(|row| row.windows(secret.expose().len()).any(|part| part == secret.expose().as_bytes()))
    };
    assert!(rows.len() >= 8 && !shows(&opened.token) && !shows(&key.secret));
}

#[test]
fn an_account_keeps_fifty_sessions_and_the_one_that_would_end_first_goes() {
    let desk = Desk::new();
    let ada = desk.account("ada@x", no_hash());
    let mut opened = Vec::new();
    for _ in 0..=session::SESSIONS_MAX {
        opened.push(desk.session(ada).id);
        desk.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(desk.sessions(ada), opened[1..]);
    let ended = desk.write(move |tx| session::end_all(tx, ada)).unwrap();
    assert_eq!((ended, desk.sessions(ada).len()), (50, 0));
}

#[tokio::test]
async fn the_hourly_job_removes_what_has_ended_and_nothing_else() {
    let desk = Desk::new();
    let ada = desk.account("ada@x", no_hash());
    desk.session(ada);
    desk.clock.advance(31 * MINUTE);
    let open = desk.session(ada);
    let now = desk.now();
    let queued = |_: ()| desk.write(move |tx| jobs::enqueue(tx, now, &ForgetSessions {}));
    assert!(queued(()).unwrap().is_some());
    assert!(queued(()).unwrap().is_none(), "one is enough");
    let runner = Runner::new(desk.store.clone(), desk.clock.clone(), desk.wakeups.clone());
    let running = runner.with::<ForgetSessions>(SessionSweeper).start().unwrap();
    let rows = || desk.store.system().read(|tx| tx.keys::<session::Sessions>(&Scan::all(10))).unwrap().len();
    while rows() > 1 {
        tokio::task::yield_now().await;
    }
    running.stop(Duration::from_secs(5)).await;
    assert_eq!(desk.sessions(ada), [open.id]);
}

#[tokio::test]
async fn signing_in_takes_the_right_password_in_any_spelling_of_the_address_and_replaces_the_old_session() {
    let desk = Desk::new();
    let passwords = Passwords::new();
    let ada = desk.account("Ada@Example.com", passwords.hash(secret(PASSWORD)).await.unwrap());
    let sign_in = SignIn::new(desk.store.system().clone(), passwords, Sealer::new(&[7; 32]));
    let first = signed_in(sign_in.sign_in(&desk.call_from(1), typed(" ada@EXAMPLE.com", PASSWORD)).await);
    assert_eq!(first.account.id, ada);
    let again =
        Credentials { replaces: Some(first.session.token.clone()), ..typed("ada@example.com", PASSWORD) };
    let second = signed_in(sign_in.sign_in(&desk.call_from(1), again).await);
    assert_ne!(first.session.token.expose(), second.session.token.expose());
    assert_eq!(desk.sessions(ada), [second.session.id]);
    let wrong = sign_in
        .sign_in(&desk.call_from(1), typed("ada@example.com", "wrong horse battery"))
        .await
        .unwrap_err();
    let unknown = sign_in.sign_in(&desk.call_from(1), typed("eve@example.com", PASSWORD)).await.unwrap_err();
    assert!(matches!((&wrong, &unknown), (Error::SignInFailed, Error::SignInFailed)), "they look the same");
    assert_eq!(wrong.public(), unknown.public());
    assert_eq!(desk.sessions(ada), [second.session.id], "a failure opens nothing");
}

/// Row B8.
#[tokio::test]
async fn guessing_is_throttled_with_the_time_to_wait_and_the_right_password_is_not() {
    let desk = Desk::new();
    let passwords = Passwords::new();
    desk.account("ada@x", passwords.hash(secret(PASSWORD)).await.unwrap());
    let sign_in = SignIn::new(desk.store.system().clone(), passwords, Sealer::new(&[7; 32]));
    for _ in 0..10 {
        let failed = sign_in.sign_in(&desk.call_from(1), typed("ada@x", "wrong horse battery")).await;
        assert!(matches!(failed, Err(Error::SignInFailed)));
    }
    let refused = sign_in.sign_in(&desk.call_from(1), typed("ADA@x", PASSWORD)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.retry_after()), (Kind::Limited, Some(15 * MINUTE)));
    assert!(
        sign_in.sign_in(&desk.call_from(2), typed("ada@x", PASSWORD)).await.is_ok(),
        "the owner is elsewhere"
    );
    desk.clock.advance(15 * MINUTE);
    assert!(sign_in.sign_in(&desk.call_from(1), typed("ada@x", PASSWORD)).await.is_ok());
}

/// Row B1.
#[tokio::test]
async fn a_hash_with_old_parameters_is_renewed_by_signing_in() {
    use argon2::password_hash::PasswordHasher as _;
    let desk = Desk::new();
    let weak = argon2::Argon2::from(argon2::Params::new(64, 1, 1, None).unwrap());
    let phc = weak.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    let old: PasswordHash = serde_json::from_value(phc.into()).unwrap();
    let ada = desk.account("ada@x", old);
    let sign_in = SignIn::new(desk.store.system().clone(), Passwords::new(), Sealer::new(&[7; 32]));
    for _ in 0..2 {
        sign_in.sign_in(&desk.call_from(1), typed("ada@x", PASSWORD)).await.unwrap();
        let stored = desk.store.system().read(|tx| account::load(tx, ada)).unwrap().unwrap().password_hash;
        assert!(stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }
}

#[test]
fn an_address_belongs_to_one_account_however_it_is_spelt() {
    let desk = Desk::new();
    desk.account("ada@x.org", no_hash());
    let (call, email) = (desk.call(), Email::parse("ADA@X.ORG").unwrap());
    let new = NewAccount { name: "Other".into(), email, password_hash: no_hash() };
    let taken = desk.write(move |tx| account::create(tx, &call, appliance(), &new));
    assert_eq!(taken.unwrap_err().field(), Some("/email"));
    for bad in ["", "   ", "two\nlines", &"x".repeat(101)] {
        assert!(account::parse_name(bad).is_err());
    }
    assert_eq!(account::parse_name("  Ada  ").unwrap(), "Ada");
}

#[tokio::test]
async fn an_api_key_acts_for_its_tenant_until_it_expires_or_is_revoked() {
    let desk = Desk::new();
    let (tenant, other) = (desk.tenant(), desk.tenant());
    let expires = Some(desk.now().plus(60 * MINUTE));
    let made = desk.key(tenant, &NewApiKey { expires, ..agent_key() }).unwrap();
    let lasting = desk.key(tenant, &agent_key()).unwrap();
    assert!(made.secret.expose().starts_with("fdk_") && made.secret.expose().len() == 47);
    assert!(made.secret.expose().starts_with(&made.key.hint) && made.key.hint.len() == 8);
    let authenticate =
        async |secret: &Secret| desk.policy.authenticate_api_key(secret.expose(), desk.now()).await;
    let principal = authenticate(&made.secret).await.unwrap();
    assert_eq!(
        principal,
        Principal::ApiKey { id: made.key.id, tenant, permissions: Role::Agent.permissions() }
    );
    assert_eq!(desk.policy.enter(&principal).await.unwrap().tenant(), Some(tenant));

    let list = |tenant| {
        let pass = Pass::appliance_for(tenant, "test");
        desk.store.system().read(|tx| api_key::list(tx, pass, &PageRequest::default())).unwrap().items
    };
    // Made in the same millisecond, the two may stand in either order.
    let listed = |id| list(tenant).into_iter().find(|key| key.id == id).unwrap();
    assert_eq!(list(tenant).len(), 2);
    assert_eq!(listed(made.key.id).last_used_at, Some(desk.now()));
    assert_eq!(listed(lasting.key.id), lasting.key);
    assert!(list(other).is_empty());
    let revoke = |tenant, id| {
        let pass = Pass::appliance_for(tenant, "test");
        let call = desk.call();
        desk.write(move |tx| api_key::revoke(tx, &call, pass, id))
    };
    assert!(matches!(revoke(other, lasting.key.id), Err(Error::NotFound)), "not from another tenant");
    assert!(desk.policy.recheck(&principal, desk.now()).is_ok());
    revoke(tenant, lasting.key.id).unwrap();
    assert_eq!(authenticate(&lasting.secret).await.unwrap_err().code(), "api_key_invalid");
    desk.clock.advance(60 * MINUTE);
    assert_eq!(authenticate(&made.secret).await.unwrap_err().code(), "api_key_expired");
    assert!(desk.policy.recheck(&principal, desk.now()).is_err());
    assert_eq!(authenticate(&secret("fdk_x")).await.unwrap_err().kind(), Kind::Unauthenticated);
}

#[test]
fn keys_that_make_no_sense_are_refused_by_field_and_there_are_at_most_a_hundred() {
    let desk = Desk::new();
    let tenant = desk.tenant();
    let field = |new: NewApiKey| desk.key(tenant, &new).unwrap_err().field().map(str::to_owned);
    let with = |permissions| field(NewApiKey { permissions, ..agent_key() });
    assert_eq!(with(Role::Owner.permissions()).as_deref(), Some("/permissions"), "left to people");
    assert_eq!(with(Permissions::NONE).as_deref(), Some("/permissions"));
    assert_eq!(field(NewApiKey { expires: Some(desk.now()), ..agent_key() }).as_deref(), Some("/expires_at"));
    assert_eq!(field(NewApiKey { name: " ".into(), ..agent_key() }).as_deref(), Some("/name"));
    let call = desk.call();
    let nowhere = desk.write(move |tx| api_key::create(tx, &call, Pass::appliance("test"), &agent_key()));
    assert!(matches!(nowhere, Err(Error::WorkspaceNotChosen)));
    let call = desk.call();
    desk.write(move |tx| {
        let pass = Pass::appliance_for(tenant, "test");
        (0..100).try_for_each(|_| api_key::create(tx, &call, pass, &agent_key()).map(drop))
    })
    .unwrap();
    assert!(matches!(desk.key(tenant, &agent_key()), Err(Error::TooMany { count_max: 100, .. })));
    assert!(desk.key(desk.tenant(), &agent_key()).is_ok());
}

#[tokio::test]
async fn a_person_enters_only_workspaces_they_are_a_member_of() {
    let desk = Desk::new();
    let ada = desk.account("ada@x", no_hash());
    let (one, two, foreign) = (desk.tenant(), desk.tenant(), desk.tenant());
    let opened = desk.session(ada);
    let signed_in = desk.policy.authenticate_session(opened.token.expose(), desk.now()).await.unwrap();
    assert_eq!(desk.policy.choose_workspace(signed_in, None).unwrap(), signed_in, "member of nothing");
    desk.grant(ada, one, Role::Viewer);
    let member = desk.policy.choose_workspace(signed_in, None).unwrap();
    assert_eq!(
        member,
        Principal::Member {
            account: ada,
            session: opened.id,
            tenant: one,
            role: Role::Viewer.into(),
            permissions: Role::Viewer.permissions(),
            operator: false
        }
    );
    assert_eq!(member.actor(), Actor::Account(ada));
    desk.grant(ada, two, Role::Owner);
    assert_eq!(desk.policy.choose_workspace(signed_in, None).unwrap(), signed_in, "two, so it must be said");
    assert!(matches!(desk.policy.enter(&signed_in).await, Err(Error::WorkspaceNotChosen)));
    assert_eq!(desk.policy.choose_workspace(member, Some(two)).unwrap().tenant(), Some(two));
    let nothing = TenantId::new(desk.now());
    for tenant in [foreign, nothing] {
        assert!(matches!(desk.policy.choose_workspace(signed_in, Some(tenant)), Err(Error::NotFound)));
    }
    let visitor = Principal::Visitor { tenant: one, visitor: VisitorId::new(desk.now()) };
    assert!(desk.policy.choose_workspace(visitor, Some(one)).is_ok());
    assert!(matches!(desk.policy.choose_workspace(visitor, Some(two)), Err(Error::NotFound)));
    assert_eq!(desk.policy.enter(&member).await.unwrap().tenant(), Some(one));
    assert!(matches!(desk.policy.enter(&Principal::Nobody).await, Err(Error::NotSignedIn)));
    let ghost = Principal::Visitor { tenant: nothing, visitor: VisitorId::new(desk.now()) };
    assert!(matches!(desk.policy.enter(&ghost).await, Err(Error::NotFound)));
    assert!(!desk.store.directory().tenant_folder(nothing).exists(), "a tenant that is gone stays gone");
    let pass = Pass::appliance_for(two, "test");
    let members = desk.store.system().read(|tx| member::list(tx, pass, &PageRequest::default())).unwrap();
    assert_eq!(
        members.items.iter().map(|member| (member.account_id, member.role)).collect::<Vec<_>>(),
        [(ada, Role::Owner.into())]
    );

    assert!(desk.policy.recheck(&member, desk.now()).is_ok());
    desk.grant(ada, one, Role::Agent);
    assert!(desk.policy.recheck(&member, desk.now()).is_err(), "the role has changed");
    let agent = desk.policy.choose_workspace(signed_in, Some(one)).unwrap();
    assert!(desk.policy.recheck(&agent, desk.now()).is_ok());
    desk.clock.advance(31 * MINUTE);
    assert!(
        desk.policy.recheck(&agent, desk.now()).is_err()
            && desk.policy.recheck(&signed_in, desk.now()).is_err()
    );
}

/// What asking for each right's pass gives: `+` all, `o` own, or the first letter of the refusal's kind.
fn rights_of(principal: &Principal) -> String {
    fn judge<R: Right>(principal: &Principal) -> char {
        match Policy::pass::<R>(principal).map(|pass| {
            assert_eq!(pass.tenant(), principal.tenant());
            pass.reach()
        }) {
            Ok(Reach::All) => '+',
            Ok(Reach::Visitor(_)) => 'o',
            Err(Error::NotSignedIn) => 'u',
            Err(Error::Forbidden) => 'f',
            Err(Error::NotFound) => 'n',
            Err(Error::WorkspaceNotChosen) => 'w',
            Err(other) => panic!("{other}"),
        }
    }
    [
        judge::<ReadConversations>,
        judge::<TakePart>,
        judge::<ReadKnowledge>,
        judge::<WriteKnowledge>,
        judge::<ReadWorkspace>,
        judge::<ManageWorkspace>,
        judge::<ManageApiKeys>,
        judge::<ManageJobs>,
        judge::<ManageTenants>,
    ]
    .iter()
    .map(|judge| judge(principal))
    .collect()
}

#[test]
fn each_principal_has_exactly_its_rights() {
    let now = Timestamp::from_millis(START);
    let (account, session, tenant) = (AccountId::new(now), SessionId::new(now), TenantId::new(now));
    let member = |role: Role, operator| {
        let permissions = role.permissions();
        Principal::Member { account, session, tenant, role: role.into(), permissions, operator }
    };
    let key = |role: Role| {
        let permissions = role.permissions();
        Principal::ApiKey { id: crate::base::ApiKeyId::new(now), tenant, permissions }
    };
    for (principal, rights) in [
        (Principal::Nobody, "uuuuuuuuu"),
        (Principal::Visitor { tenant, visitor: VisitorId::new(now) }, "oonnnnnnn"),
        (member(Role::Viewer, false), "+f+f+ffff"),
        (member(Role::Agent, false), "+++f+ffff"),
        (member(Role::Admin, false), "++++++++f"),
        (member(Role::Owner, false), "++++++++f"),
        (member(Role::Viewer, true), "+f+f+fff+"),
        (key(Role::Viewer), "+f+f+ffff"),
        (key(Role::Agent), "+++f+ffff"),
        (key(Role::Admin), "++++++++f"),
        (Principal::Account { account, session, operator: false }, "wwwwwwwwf"),
        (Principal::Account { account, session, operator: true }, "wwwwwwww+"),
        (Principal::Console { tenant: Some(tenant) }, "+++++++++"),
        (Principal::Console { tenant: None }, "+++++++++"),
    ] {
        assert_eq!(rights_of(&principal), rights, "{principal:?}");
    }
}

#[test]
fn a_setup_link_is_good_for_a_day_and_until_the_next_start() {
    let desk = Desk::new();
    let issue = || {
        let now = desk.now();
        desk.write(move |tx| setup::issue(tx, now)).unwrap()
    };
    let check = |token: &Secret| {
        desk.store.system().read(|tx| setup::check(tx, desk.now(), &setup::Warrant::Link(token.clone())))
    };
    assert!(desk.store.system().read(|tx| setup::is_needed(tx)).unwrap());
    assert_eq!(check(&secret("x")).unwrap_err().code(), "setup_link_invalid");
    let first = issue().unwrap();
    check(&first).unwrap();
    let second = issue().unwrap();
    assert!(matches!(check(&first), Err(Error::SetupLinkUnknown)));
    desk.clock.advance(Duration::from_secs(24 * 3_600 - 1));
    check(&second).unwrap();
    desk.clock.advance(Duration::from_secs(1));
    assert!(matches!(check(&second), Err(Error::SetupLinkExpired)));
    let third = issue().unwrap();
    desk.account("ada@x", no_hash());
    assert_eq!(check(&third).unwrap_err().code(), "set_up_already");
    assert!(issue().is_none());
    assert!(!desk.store.system().read(|tx| setup::is_needed(tx)).unwrap());
}

/// Cuts the power after each sync in turn while `change` is made, reopens, and asks `judge` whether it finds all of it
/// (true) or nothing (false).
fn crash_at_every_sync<T>(
    prepare: impl Fn(&Desk) -> T,
    change: impl Fn(&Desk, &T) -> bool,
    judge: impl Fn(&Desk, &T) -> bool,
) {
    let mut outcomes = std::collections::BTreeSet::new();
    for survivors in [0, u64::MAX, 0x5555_5555_5555_5555] {
        for stop_after in 0..6 {
            let disks = CrashDisks::default();
            let desk = Desk::open(Some(disks.clone()));
            let prepared = prepare(&desk);
            disks.disk(KeyspaceId::System).stop_after_syncs(stop_after);
            let acknowledged = change(&desk, &prepared);
            let again = Desk::open(Some(disks.after_crash(survivors)));
            let found = judge(&again, &prepared);
            assert!(found || !acknowledged, "acknowledged and lost after {stop_after} syncs");
            outcomes.insert(found);
        }
    }
    assert_eq!(outcomes.len(), 2, "both outcomes must have been seen: {outcomes:?}");
}

#[test]
fn whatever_sync_the_power_fails_after_a_sign_in_is_whole_or_not_there() {
    crash_at_every_sync(
        |desk| desk.account("ada@x", no_hash()),
        |desk, ada| {
            let (now, ada) = (desk.now(), *ada);
            desk.write(move |tx| session::open(tx, now, ada, &Device::default())).is_ok()
        },
        |desk, ada| {
            let rows = desk.store.system().read(|tx| tx.keys::<session::Sessions>(&Scan::all(10))).unwrap();
            assert_eq!(rows.len(), desk.sessions(*ada).len(), "row and index agree");
            desk.session(*ada);
            !rows.is_empty()
        },
    );
}

#[test]
fn whatever_sync_the_power_fails_after_an_api_key_is_whole_or_not_there() {
    crash_at_every_sync(
        Desk::tenant,
        |desk, tenant| desk.key(*tenant, &agent_key()).is_ok(),
        |desk, tenant| {
            let pass = Pass::<ManageApiKeys>::appliance_for(*tenant, "test");
            let system = desk.store.system();
            let listed =
                system.read(|tx| api_key::list(tx, pass, &PageRequest::default())).unwrap().items.len();
            let mut indexed = 0;
            let count = |tx: &crate::store::ReadTx| {
                tx.walk("identity.api_key.by_token", &Scan::all(10), &mut |_, _| {
                    indexed += 1;
                    Ok(())
                })
            };
            system.read(count).unwrap();
            assert_eq!(listed, indexed, "row and index agree");
            desk.key(*tenant, &agent_key()).unwrap();
            listed == 1
        },
    );
}
