//! People, from a credential to a pass; and what is left of each step when the power fails.

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

/// A workspace with people in it, each with a pass of their own.
struct Team {
    desk: Desk,
    tenant: TenantId,
}

impl Team {
    fn new() -> Self {
        let desk = Desk::new();
        let tenant = desk.tenant();
        Self { desk, tenant }
    }

    fn person(&self, email: &str, role: Role) -> AccountId {
        let account = self.desk.account(email, no_hash());
        self.desk.grant(account, self.tenant, role);
        account
    }

    /// The pass that the policy gives this member.
    fn pass<R: Right>(&self, account: AccountId) -> Result<Pass<R>, Error> {
        let session = self.desk.session(account).id;
        let principal = Principal::Account { account, session, operator: false };
        Policy::pass(&self.desk.policy.choose_workspace(principal, Some(self.tenant))?)
    }

    /// Makes a change as this member.
    fn act<R: Right, T: Send + 'static>(
        &self,
        account: AccountId,
        change: impl Fn(&mut WriteTx<'_>, &Call, Pass<R>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let pass = self.pass::<R>(account)?;
        let call = Call { actor: Actor::Account(account), ..self.desk.call() };
        self.desk.write(move |tx| change(tx, &call, pass))
    }

    fn role(&self, by: AccountId, name: &str, permissions: Permissions) -> Result<RoleView, Error> {
        let new = NewRole { name: name.into(), permissions };
        self.act(by, move |tx, call, pass| custom_role::create(tx, call, pass, &new))
    }

    fn change_role(
        &self,
        by: AccountId,
        role: MemberRole,
        permissions: Permissions,
    ) -> Result<RoleView, Error> {
        let change = RoleChange { name: None, permissions: Some(permissions) };
        self.act(by, move |tx, call, pass| custom_role::change(tx, call, pass, role, &change))
    }

    fn give(&self, by: AccountId, to: AccountId, role: impl Into<MemberRole>) -> Result<MemberView, Error> {
        let role = role.into();
        self.act(by, move |tx, call, pass| member::change_role(tx, call, pass, to, role))
    }

    fn remove(&self, by: AccountId, whom: AccountId) -> Result<(), Error> {
        self.act(by, move |tx, call, pass| member::remove(tx, call, pass, whom))
    }

    fn invite(
        &self,
        by: AccountId,
        email: &str,
        role: impl Into<MemberRole>,
    ) -> Result<CreatedInvitation, Error> {
        let new = NewInvitation { email: Email::parse(email).unwrap(), role: role.into() };
        self.act(by, move |tx, call, pass| invitation::create(tx, call, pass, &new))
    }

    fn invited(&self, by: AccountId) -> Vec<InvitationView> {
        let (pass, now) = (self.pass(by).unwrap(), self.desk.now());
        let list = |tx: &crate::store::ReadTx| invitation::list(tx, now, pass, &PageRequest::default());
        self.desk.store.system().read(list).unwrap().items
    }

    fn join(&self, token: &Secret, account: AccountId) -> Result<TenantId, Error> {
        let (call, token) = (self.desk.call(), token.clone());
        self.desk.write(move |tx| invitation::join(tx, &call, &token, account))
    }

    fn look(&self, token: &Secret) -> Result<invitation::Invited, Error> {
        self.desk.store.system().read(|tx| invitation::look(tx, self.desk.now(), token))
    }

    fn actions(&self) -> Vec<audit::Action> {
        let pass = Pass::appliance_for(self.tenant, "test");
        let all = PageRequest { after: None, limit: Some(100) };
        let system = self.desk.store.system();
        let list =
            |tx: &crate::store::ReadTx| audit::list_of_appliance(tx, pass, &audit::Filter::default(), &all);
        let mut actions: Vec<_> = system.read(list).unwrap().items.iter().map(|entry| entry.action).collect();
        actions.reverse();
        actions
    }
}

fn some(permissions: &[Permission]) -> Permissions {
    permissions.iter().copied().collect()
}

fn beyond<T: std::fmt::Debug>(done: Result<T, Error>) -> bool {
    matches!(done, Err(Error::BeyondOwnRights))
}

/// Row B6.
#[test]
fn a_custom_role_permits_exactly_what_is_in_it_and_a_change_counts_at_once() {
    let team = Team::new();
    let (owner, eve) = (team.person("owner@x", Role::Owner), team.person("eve@x", Role::Viewer));
    let role = team.role(owner, "Librarian", some(&[Permission::ReadKnowledge, Permission::WriteKnowledge]));
    let role = role.unwrap();
    team.give(owner, eve, role.id).unwrap();
    assert!(team.pass::<WriteKnowledge>(eve).is_ok() && team.pass::<ReadKnowledge>(eve).is_ok());
    assert!(matches!(team.pass::<ReadConversations>(eve), Err(Error::Forbidden)));
    assert!(matches!(team.pass::<ManageTenants>(eve), Err(Error::Forbidden)));
    let session = team.desk.session(eve).id;
    let principal = Principal::Account { account: eve, session, operator: false };
    let member = team.desk.policy.choose_workspace(principal, Some(team.tenant)).unwrap();
    assert!(team.desk.policy.recheck(&member, team.desk.now()).is_ok());

    team.change_role(owner, role.id, some(&[Permission::ReadKnowledge])).unwrap();
    assert!(matches!(team.pass::<WriteKnowledge>(eve), Err(Error::Forbidden)));
    assert!(team.desk.policy.recheck(&member, team.desk.now()).is_err(), "what the role permits has changed");
    let delete = |id| team.act(owner, move |tx, call, pass| custom_role::delete(tx, call, pass, id));
    assert!(matches!(delete(role.id), Err(Error::RoleInUse)));
    assert!(matches!(delete(Role::Viewer.into()), Err(Error::RoleBuiltIn)));
    team.give(owner, eve, Role::Viewer).unwrap();
    let invitation = team.invite(owner, "new@x", role.id).unwrap();
    assert!(matches!(delete(role.id), Err(Error::RoleInUse)), "somebody is invited to it");
    let id = invitation.invitation.id;
    team.act(owner, move |tx, call, pass| invitation::revoke(tx, call, pass, id)).unwrap();
    delete(role.id).unwrap();
    assert!(matches!(team.give(owner, eve, role.id), Err(Error::RoleUnknown)));
    assert!(matches!(delete(role.id), Err(Error::NotFound)));
    use audit::Action::*;
    assert_eq!(
        team.actions(),
        [
            MemberJoined,
            MemberJoined,
            RoleCreated,
            MemberRoleChanged,
            RoleChanged,
            MemberRoleChanged,
            MemberInvited,
            InvitationRevoked,
            RoleDeleted
        ]
    );
}

#[test]
fn nobody_gives_more_than_they_have_and_nobody_touches_who_has_more() {
    let team = Team::new();
    let (owner, admin) = (team.person("owner@x", Role::Owner), team.person("admin@x", Role::Admin));
    let agent = team.person("agent@x", Role::Agent);
    assert!(matches!(team.give(agent, agent, Role::Admin), Err(Error::Forbidden)));
    assert!(beyond(team.give(admin, agent, Role::Owner)));
    assert!(beyond(team.give(admin, admin, Role::Owner)));
    assert!(beyond(team.give(admin, owner, Role::Viewer)) && beyond(team.remove(admin, owner)));
    assert!(beyond(team.invite(admin, "new@x", Role::Owner)));
    assert!(beyond(team.role(admin, "Eraser", some(&[Permission::EraseWorkspace]))));
    let eraser = team.role(owner, "Eraser", some(&[Permission::EraseWorkspace])).unwrap();
    assert!(beyond(team.give(admin, agent, eraser.id)) && beyond(team.invite(admin, "new@x", eraser.id)));
    assert!(beyond(team.change_role(admin, eraser.id, some(&[Permission::ReadKnowledge]))), "not even less");
    // A role may have all of an owner's permissions and is still none.
    let all = team.role(owner, "Deputy", Permissions::of_workspace()).unwrap();
    team.give(owner, admin, all.id).unwrap();
    assert!(beyond(team.give(admin, agent, Role::Owner)) && beyond(team.remove(admin, owner)));
    let hr = team.role(owner, "People", some(&[Permission::ManageMembers, Permission::ReadMembers])).unwrap();
    team.give(owner, agent, hr.id).unwrap();
    assert!(beyond(team.give(agent, admin, hr.id)) && beyond(team.remove(agent, admin)));
    let key = NewApiKey { permissions: some(&[Permission::ReadKnowledge]), ..agent_key() };
    let made = team.act(admin, move |tx, call, pass| api_key::create(tx, call, pass, &key));
    assert!(made.is_ok());
    let keeper = some(&[Permission::ManageApiKeys, Permission::ReadKnowledge]);
    let keeper = team.role(owner, "Keys", keeper).unwrap();
    team.give(owner, agent, keeper.id).unwrap();
    let of_agent = |permission| {
        let key = NewApiKey { permissions: some(&[permission]), ..agent_key() };
        team.act(agent, move |tx, call, pass| api_key::create(tx, call, pass, &key))
    };
    assert!(beyond(of_agent(Permission::TakePart)));
    assert!(of_agent(Permission::ReadKnowledge).is_ok());
    let left = of_agent(Permission::ManageMembers).unwrap_err();
    assert_eq!((left.code(), left.field()), ("api_key_permission_invalid", Some("/permissions")));
}

#[test]
fn the_last_owner_stays_and_what_a_removed_member_offered_is_taken_back() {
    let team = Team::new();
    let (owner, admin) = (team.person("owner@x", Role::Owner), team.person("admin@x", Role::Admin));
    assert!(matches!(team.remove(owner, owner), Err(Error::LastOwner)));
    assert!(matches!(team.give(owner, owner, Role::Admin), Err(Error::LastOwner)));
    team.give(owner, admin, Role::Owner).unwrap();
    team.give(owner, owner, Role::Admin).unwrap();
    let invitation = team.invite(owner, "friend@x", Role::Agent).unwrap();
    let kept = team.invite(admin, "kept@x", Role::Agent).unwrap();
    team.remove(admin, owner).unwrap();
    assert!(matches!(team.pass::<ReadKnowledge>(owner), Err(Error::NotFound)), "no longer a member");
    assert!(matches!(team.look(&invitation.token), Err(Error::InvitationUnknown)));
    assert_eq!(team.look(&kept.token).unwrap().email.as_str(), "kept@x");
    assert!(matches!(team.remove(admin, owner), Err(Error::NotFound)));
}

#[test]
fn an_invitation_is_for_one_address_for_seven_days_and_for_one_use() {
    let team = Team::new();
    let (owner, foreign) = (team.person("owner@x", Role::Owner), Team::new());
    let (bob, eve) = (team.desk.account("Bob@x", no_hash()), team.desk.account("eve@x", no_hash()));
    let first = team.invite(owner, "bob@x", Role::Viewer).unwrap();
    let made = team.invite(owner, "BOB@x", Role::Agent).unwrap();
    assert!(matches!(team.look(&first.token), Err(Error::InvitationUnknown)), "the second took its place");
    assert!(team.look(&made.token).unwrap().account_exists);
    assert_eq!((team.invited(owner).len(), team.invited(owner)[0].invited_by.as_str()), (1, "Ada"));
    assert!(matches!(foreign.look(&made.token), Err(Error::InvitationUnknown)));
    assert!(matches!(team.join(&made.token, eve), Err(Error::InvitationForOther)));
    team.desk.clock.advance(invitation::INVITATION_LIFE - Duration::from_secs(1));
    assert_eq!(team.join(&made.token, bob).unwrap(), team.tenant);
    assert!(team.pass::<TakePart>(bob).is_ok());
    assert!(matches!(team.join(&made.token, bob), Err(Error::InvitationUnknown)), "used up");
    assert!(matches!(team.invite(owner, "bob@x", Role::Agent), Err(Error::AlreadyMember)));
    let late = team.invite(owner, "eve@x", Role::Agent).unwrap();
    team.desk.clock.advance(invitation::INVITATION_LIFE);
    assert!(matches!(team.join(&late.token, eve), Err(Error::InvitationUnknown)));
    assert!(team.invited(owner).is_empty());

    let fresh = team.invite(owner, "new@x", Role::Viewer).unwrap();
    assert!(!team.look(&fresh.token).unwrap().account_exists);
    let mut rows = Vec::new();
    let look = |tx: &crate::store::ReadTx| {
        tx.walk("identity.invitation", &Scan::all(10), &mut |_, value| {
            rows.push(value.to_vec());
            Ok(())
        })
    };
    team.desk.store.system().read(look).unwrap();
    let token = fresh.token.expose().as_bytes();
    assert!(!rows.is_empty() && !rows.iter().any(|row| row.windows(token.len()).any(|part| part == token)));
    for number in 0..invitation::INVITATIONS_MAX - 1 {
        team.invite(owner, &format!("{number}@y"), Role::Viewer).unwrap();
    }
    assert!(matches!(team.invite(owner, "more@y", Role::Viewer), Err(Error::TooMany { count_max: 100, .. })));
    team.desk.clock.advance(invitation::INVITATION_LIFE);
    team.invite(owner, "more@y", Role::Viewer).unwrap();
}

#[test]
fn a_workspace_makes_at_most_fifty_roles_each_with_a_name_of_its_own() {
    let team = Team::new();
    let owner = team.person("owner@x", Role::Owner);
    let one = some(&[Permission::ReadKnowledge]);
    for taken in ["Owner", "viewer", " ADMIN "] {
        assert!(matches!(team.role(owner, taken, one), Err(Error::RoleNameTaken)), "{taken}");
    }
    for number in 0..custom_role::ROLES_MAX {
        team.role(owner, &format!("Role {number}"), one).unwrap();
    }
    assert!(matches!(team.role(owner, "One more", one), Err(Error::TooMany { count_max: 50, .. })));
    let pass = team.pass(owner).unwrap();
    let roles = team.desk.store.system().read(|tx| custom_role::list(tx, pass)).unwrap();
    assert_eq!(roles.len(), 54);
    assert!(roles[3].id.is_owner() && roles[3].members == 1 && roles[4].name == "Role 0");
}
