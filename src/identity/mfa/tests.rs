//! Signing in with a second factor, from enrolment to the last recovery code, and what else a person signs in with.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use totp_rs::{Builder, Secret as TotpSecret, Totp};

use super::recovery::RECOVERY_CODES;
use crate::base::{
    AccountId, Actor, Call, Clock as _, Fault as _, Kind, ManualClock, RequestId, Sealer, Secret, TenantId,
    Timestamp,
};
use crate::identity::audit::Action;
use crate::identity::{
    Account, Admission, Answer, Credentials, Device, Email, Error, NewAccount, Own, Pass, Passwords, Policy,
    Principal, Revocations, Role, SessionSweeper, SignIn, SignedIn, account, device, membership, mfa,
    password_reset, session, tenant_roll,
};
use crate::jobs::{Runner, Wakeups};
use crate::store::{Extensions, Read as _, Scan, Store, StoreOptions, WriteTx};

const START: u64 = 1_700_000_000_000;
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery";
const OTHER_PASSWORD: &str = "tabletop gravel umbrella";
const STEP: Duration = Duration::from_secs(30);

/// An appliance with one account.
struct Desk {
    _folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    store: Arc<Store>,
    wakeups: Arc<Wakeups>,
    revocations: Revocations,
    policy: Policy,
    sign_in: SignIn,
    ada: AccountId,
}

/// An authenticator app that has taken up a seed.
struct App(Totp);

impl App {
    fn of(enrolment: &mfa::Enrolment) -> Self {
        let secret = TotpSecret::try_from_base32(enrolment.secret.expose()).unwrap();
        Self(Builder::new().with_secret(secret).build().unwrap())
    }

    /// What it shows so many steps from now.
    fn shows(&self, now: Timestamp, steps: i64) -> Secret {
        let seconds = (now.as_millis() / 1_000).checked_add_signed(steps * 30).unwrap();
        Secret::new(self.0.generate(seconds).to_string())
    }
}

impl Desk {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START)));
        let (wakeups, revocations) = (Arc::new(Wakeups::default()), Revocations::new());
        let extensions = Extensions::default().with(wakeups.clone()).with(Arc::new(revocations.clone()));
        let options = StoreOptions { extensions, ..StoreOptions::default() };
        let store = Arc::new(Store::open(folder.path(), options, clock.clone()).unwrap());
        wakeups.remember_in(store.system().clone());
        let passwords = Passwords::new();
        let password_hash = passwords.hash(Secret::new(PASSWORD.into())).await.unwrap();
        let sign_in = SignIn::new(store.system().clone(), passwords, Sealer::new(&[7; 32]));
        let new = NewAccount { name: "Ada".into(), email: Email::parse(EMAIL).unwrap(), password_hash };
        let call = Call::appliance(clock.now());
        let made = store
            .system()
            .write(move |tx| account::create(tx, &call, Pass::appliance("test"), &new))
            .await
            .unwrap();
        let policy = Policy::new(store.clone());
        Self { _folder: folder, clock, store, wakeups, revocations, policy, sign_in, ada: made.id }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn call(&self) -> Call {
        self.call_from(1)
    }

    fn call_from(&self, last: u8) -> Call {
        let address = Some(IpAddr::from([192, 0, 2, last]));
        Call { actor: Actor::Nobody, now: self.now(), request: RequestId("test".into()), address }
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&mut WriteTx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.store.system().write(change).await.unwrap()
    }

    async fn try_in(&self, password: &str) -> Result<Admission, Error> {
        let device = Device::of(&self.call(), Some("Firefox"));
        let password = Secret::new(password.into());
        let typed = Credentials { email: EMAIL.into(), password, device, replaces: None };
        self.sign_in.sign_in(&self.call(), typed).await
    }

    async fn challenge(&self) -> Secret {
        match self.try_in(PASSWORD).await.unwrap() {
            Admission::CodeAsked(asked) => asked.token,
            Admission::SignedIn(_) => panic!("no code was asked for"),
        }
    }

    async fn signed_in(&self) -> SignedIn {
        match self.try_in(PASSWORD).await.unwrap() {
            Admission::SignedIn(signed_in) => *signed_in,
            Admission::CodeAsked(_) => panic!("a code was asked for"),
        }
    }

    async fn answer_from(&self, last: u8, challenge: &Secret, code: &Secret) -> Result<SignedIn, Error> {
        let device = Device::of(&self.call(), Some("Firefox"));
        let answer = Answer { challenge: challenge.clone(), code: code.clone(), device, replaces: None };
        self.sign_in.answer(&self.call_from(last), answer).await
    }

    async fn answer(&self, challenge: &Secret, code: &Secret) -> Result<SignedIn, Error> {
        self.answer_from(1, challenge, code).await
    }

    fn own(&self, signed_in: &SignedIn) -> Own {
        Own { account: self.ada, session: signed_in.session.id }
    }

    /// Turns the second factor on; the app, the recovery codes and the session.
    async fn with_mfa(&self) -> (App, Vec<Secret>, Own, Secret) {
        let own = self.own(&self.signed_in().await);
        let enrolment =
            self.sign_in.begin_mfa(&self.call(), own, Secret::new(PASSWORD.into())).await.unwrap();
        let app = App::of(&enrolment);
        let made = self.sign_in.confirm_mfa(&self.call(), own, app.shows(self.now(), 0)).await.unwrap();
        (app, made.codes, own, made.session.unwrap().token)
    }

    fn is_open(&self, own: Own) -> bool {
        let principal = Principal::Account { account: own.account, session: own.session, operator: false };
        self.policy.recheck(&principal, self.now()).is_ok()
    }

    fn account(&self) -> Account {
        self.store.system().read(|tx| account::load(tx, self.ada)).unwrap().unwrap()
    }

    fn rows(&self, table: &'static str) -> Vec<Vec<u8>> {
        let mut rows = Vec::new();
        let read = |tx: &crate::store::ReadTx| {
            tx.walk(table, &Scan::all(1_000), &mut |_, row| {
                rows.push(row.to_vec());
                Ok(())
            })
        };
        self.store.system().read(read).unwrap();
        rows
    }

    /// How often something is in the audit trail.
    fn noted(&self, action: Action) -> usize {
        let text = format!("\"{}\"", action.as_str());
        let rows = self.rows("identity.audit");
        rows.iter().filter(|row| row.windows(text.len()).any(|part| part == text.as_bytes())).count()
    }
}

/// Row B2.
#[tokio::test]
async fn a_second_factor_is_asked_for_once_it_is_confirmed_and_no_code_is_accepted_twice() {
    let desk = Desk::open().await;
    let other = desk.own(&desk.signed_in().await);
    let own = desk.own(&desk.signed_in().await);
    let wrong = desk.sign_in.begin_mfa(&desk.call(), own, Secret::new("wrong".into())).await.unwrap_err();
    assert_eq!((wrong.code(), wrong.kind()), ("password_wrong", Kind::Forbidden));
    let enrolment = desk.sign_in.begin_mfa(&desk.call(), own, Secret::new(PASSWORD.into())).await.unwrap();
    assert!(enrolment.qr_svg.expose().starts_with("<svg"));
    desk.signed_in().await;
    let app = App::of(&enrolment);
    let old = app.shows(desk.now(), -5);
    assert!(matches!(desk.sign_in.confirm_mfa(&desk.call(), own, old).await, Err(Error::CodeWrong)));
    let first = app.shows(desk.now(), 0);
    let made = desk.sign_in.confirm_mfa(&desk.call(), own, first.clone()).await.unwrap();
    assert_eq!(made.codes.len(), RECOVERY_CODES);
    assert!(desk.is_open(own) && !desk.is_open(other), "this session goes on, the others have ended");
    assert_eq!(desk.noted(Action::MfaEnabled), 1);
    let again = desk.sign_in.begin_mfa(&desk.call(), own, Secret::new(PASSWORD.into())).await;
    assert!(matches!(again, Err(Error::MfaEnabledAlready)));

    let challenge = desk.challenge().await;
    let replayed = desk.answer(&challenge, &first).await.unwrap_err();
    assert_eq!((replayed.code(), replayed.field()), ("code_wrong", Some("/code")));
    // The next step's code, of an app whose clock is ahead, is good once; the one that is shown now lies before it.
    let next = app.shows(desk.now(), 1);
    let spaced = Secret::new(format!(" {} {} ", &next.expose()[..3], &next.expose()[3..]));
    let inside = desk.answer(&challenge, &spaced).await.unwrap();
    assert!(desk.is_open(desk.own(&inside)));
    assert!(matches!(desk.answer(&challenge, &next).await, Err(Error::ChallengeEnded)), "it was used");
    let challenge = desk.challenge().await;
    for code in [&next, &first] {
        assert!(matches!(desk.answer(&challenge, code).await, Err(Error::CodeWrong)));
    }
    desk.clock.advance(2 * STEP);
    desk.answer(&challenge, &app.shows(desk.now(), 0)).await.unwrap();
    assert_eq!(desk.noted(Action::SignInRefused), 4, "a wrong password and three wrong codes");
}

#[tokio::test]
async fn each_recovery_code_works_once_and_new_ones_end_the_old() {
    let desk = Desk::open().await;
    let (app, codes, own, _) = desk.with_mfa().await;
    for (used, code) in codes.iter().take(3).enumerate() {
        desk.answer(&desk.challenge().await, code).await.unwrap();
        let left = desk.store.system().read(|tx| mfa::view(tx, desk.ada)).unwrap().recovery_codes_left;
        assert_eq!(left, RECOVERY_CODES - used - 1);
        let challenge = desk.challenge().await;
        assert!(matches!(desk.answer(&challenge, code).await, Err(Error::CodeWrong)), "a second time");
    }
    assert_eq!(desk.noted(Action::RecoveryCodeUsed), 3);
    desk.clock.advance(2 * STEP);
    let password = || Secret::new(PASSWORD.into());
    let renewed = desk
        .sign_in
        .renew_recovery_codes(&desk.call(), own, password(), app.shows(desk.now(), 0))
        .await
        .unwrap();
    assert_eq!(renewed.codes.len(), RECOVERY_CODES);
    let challenge = desk.challenge().await;
    assert!(matches!(desk.answer(&challenge, &codes[5]).await, Err(Error::CodeWrong)));
    desk.answer(&challenge, &renewed.codes[5]).await.unwrap();
    for row in desk.rows("identity.second_factor") {
        for code in &renewed.codes {
            let bare = code.expose().replace('-', "");
            assert!(!row.windows(12).any(|part| part == bare.as_bytes()));
        }
    }

    let wrong = desk
        .sign_in
        .disable_mfa(&desk.call(), own, password(), Secret::new("000000000000".into()))
        .await
        .unwrap_err();
    assert_eq!(wrong.code(), "code_wrong");
    desk.sign_in.disable_mfa(&desk.call(), own, password(), renewed.codes[6].clone()).await.unwrap();
    desk.signed_in().await;
    assert_eq!((desk.noted(Action::MfaDisabled), desk.noted(Action::RecoveryCodesRenewed)), (1, 1));
    let off = desk.sign_in.disable_mfa(&desk.call(), own, password(), renewed.codes[7].clone()).await;
    assert!(matches!(off, Err(Error::MfaNotEnabled)));
}

#[tokio::test]
async fn a_challenge_ends_after_five_codes_or_five_minutes_and_an_account_has_ten() {
    let desk = Desk::open().await;
    let (app, codes, ..) = desk.with_mfa().await;
    desk.clock.advance(2 * STEP);
    let wrong = Secret::new("000000".into());
    let challenge = desk.challenge().await;
    for last in 1..=5 {
        let refused = desk.answer_from(last, &challenge, &wrong).await.unwrap_err();
        assert!(matches!(refused, Error::CodeWrong));
    }
    let good = app.shows(desk.now(), 0);
    let ended = desk.answer_from(9, &challenge, &good).await.unwrap_err();
    assert_eq!((ended.code(), ended.kind()), ("challenge_ended", Kind::Unauthenticated));
    let challenge = desk.challenge().await;
    desk.clock.advance(Duration::from_mins(5));
    assert!(matches!(desk.answer_from(9, &challenge, &codes[0]).await, Err(Error::ChallengeEnded)));
    let oldest = desk.challenge().await;
    desk.clock.advance(Duration::from_secs(1));
    let mut last = oldest.clone();
    for _ in 0..10 {
        last = desk.challenge().await;
    }
    assert!(matches!(desk.answer_from(9, &oldest, &codes[0]).await, Err(Error::ChallengeEnded)));
    desk.answer_from(9, &last, &codes[0]).await.unwrap();
}

/// Row B8.
#[tokio::test]
async fn guessing_codes_is_throttled_and_a_right_password_forgives_no_wrong_code() {
    let desk = Desk::open().await;
    let (_, codes, ..) = desk.with_mfa().await;
    let wrong = Secret::new("000000".into());
    for _ in 0..2 {
        let challenge = desk.challenge().await;
        for _ in 0..5 {
            assert!(matches!(desk.answer(&challenge, &wrong).await, Err(Error::CodeWrong)));
        }
    }
    let challenge = desk.challenge().await;
    let refused = desk.answer(&challenge, &codes[0]).await.unwrap_err();
    assert_eq!((refused.kind(), refused.retry_after()), (Kind::Limited, Some(Duration::from_mins(15))));
    desk.answer_from(200, &challenge, &codes[0]).await.unwrap();
}

#[tokio::test]
async fn a_changed_password_gives_a_new_token_and_ends_everything_else() {
    let desk = Desk::open().await;
    let others = [desk.own(&desk.signed_in().await), desk.own(&desk.signed_in().await)];
    let mine = desk.signed_in().await;
    let own = desk.own(&mine);
    let change = async |current: &str, new: &str| {
        let (current, new) = (Secret::new(current.into()), Secret::new(new.into()));
        desk.sign_in.change_password(&desk.call(), own, current, new, vec!["Zanzibar".into()]).await
    };
    let refused = change("wrong", OTHER_PASSWORD).await.map(drop);
    assert!(matches!(refused, Err(Error::PasswordWrong)));
    let weak = change(PASSWORD, "Zanzibar-2026").await.map(drop).unwrap_err();
    assert_eq!((weak.kind(), weak.field()), (Kind::Invalid, Some("/password")));
    assert!(desk.is_open(others[0]), "a refusal ends nothing");
    let renewed = change(PASSWORD, OTHER_PASSWORD).await.unwrap();
    assert_eq!((renewed.id, desk.noted(Action::PasswordChanged)), (own.session, 1));
    assert_eq!(renewed.expires, mine.session.expires, "it ends when it would have ended");
    assert!(desk.is_open(own) && others.iter().all(|other| !desk.is_open(*other)));
    let old = desk.policy.authenticate_session(mine.session.token.expose(), desk.now()).await;
    assert!(matches!(old, Err(Error::SessionEnded)), "the old token opens nothing");
    desk.policy.authenticate_session(renewed.token.expose(), desk.now()).await.unwrap();
    assert!(matches!(desk.try_in(PASSWORD).await, Err(Error::SignInFailed)));
    assert!(desk.try_in(OTHER_PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_link_sets_the_password_once_within_half_an_hour_and_leaves_the_second_factor() {
    let desk = Desk::open().await;
    let (_, codes, own, _) = desk.with_mfa().await;
    let call = desk.call();
    let issue = |email: &'static str| {
        let call = call.clone();
        desk.write(move |tx| password_reset::issue(tx, &call, email))
    };
    assert!(issue("eve@example.com").await.is_none());
    let redeem = |token: &Secret, new: &str| {
        let (call, token, new) = (desk.call(), token.clone(), Secret::new(new.into()));
        let sign_in = &desk.sign_in;
        async move { sign_in.reset_password(&call, &token, new).await }
    };
    let mut links = Vec::new();
    for _ in 0..6 {
        let issued = issue(" ADA@example.com").await.unwrap();
        assert_eq!(issued.email.as_str(), EMAIL, "the letter goes to the account's own address");
        links.push(issued.token);
        desk.clock.advance(Duration::from_secs(1));
    }
    // Issued at one time, they end together; the account keeps five of six.
    let good = redeem(&links[5], "short").await.unwrap_err();
    assert!(matches!(good, Error::PasswordTooShort), "a refused password leaves the link good");
    redeem(&links[5], OTHER_PASSWORD).await.unwrap();
    assert!(!desk.is_open(own), "every session has ended");
    for link in &links {
        let ended = redeem(link, PASSWORD).await.unwrap_err();
        assert_eq!((ended.code(), ended.kind()), ("reset_link_ended", Kind::Forbidden));
    }
    let Admission::CodeAsked(asked) = desk.try_in(OTHER_PASSWORD).await.unwrap() else {
        panic!("the second factor is gone");
    };
    desk.answer(&asked.token, &codes[0]).await.unwrap();
    let late = {
        let call = desk.call();
        desk.write(move |tx| password_reset::issue(tx, &call, EMAIL)).await.unwrap().token
    };
    desk.clock.advance(Duration::from_mins(30));
    assert!(matches!(redeem(&late, PASSWORD).await, Err(Error::ResetLinkEnded)));
    assert_eq!((desk.noted(Action::PasswordReset), desk.noted(Action::PasswordResetIssued)), (1, 7));
    assert!(desk.account().password_hash.as_str().starts_with("$argon2id$"));
}

/// Row B8.
#[tokio::test]
async fn five_links_an_hour_are_asked_for_whether_or_not_there_is_such_an_account() {
    let desk = Desk::open().await;
    for email in [EMAIL, "eve@example.com"] {
        for last in 0..5 {
            let address = if email == EMAIL { last } else { 100 + last };
            desk.sign_in.reset_is_asked(&desk.call_from(address), email).unwrap();
        }
        let refused = desk.sign_in.reset_is_asked(&desk.call_from(90), email).unwrap_err();
        assert_eq!((refused.kind(), refused.retry_after()), (Kind::Limited, Some(Duration::from_hours(1))));
    }
}

/// Row B2.
#[tokio::test]
async fn a_workspace_that_demands_a_second_factor_is_entered_with_one_and_not_without() {
    let desk = Desk::open().await;
    let (now, ada, tenant) = (desk.now(), desk.ada, TenantId::new(desk.now()));
    let call = desk.call();
    desk.write(move |tx| {
        tenant_roll::enrol(tx, now, tenant)?;
        membership::grant(tx, &call, Pass::appliance("test"), ada, tenant, Role::Owner).map(drop)
    })
    .await;
    let signed_in = desk.signed_in().await;
    let token = signed_in.session.token.clone();
    let person = desk.policy.authenticate_session(token.expose(), desk.now()).await.unwrap();
    let member = desk.policy.choose_workspace(person, None).unwrap();
    desk.policy.enter(&member).await.unwrap();
    let mut told = desk.revocations.of(member);
    desk.write(move |tx| tenant_roll::require_mfa(tx, tenant, true)).await;
    told.next().await;
    assert!(desk.policy.recheck(&member, desk.now()).is_err(), "what is open is closed");
    let outside = desk.policy.choose_workspace(person, Some(tenant)).unwrap();
    assert_eq!(outside.signed_in(), Some((ada, signed_in.session.id)));
    let refused = desk.policy.enter(&outside).await.unwrap_err();
    assert_eq!((refused.code(), refused.kind()), ("mfa_required", Kind::Forbidden));
    let pass = Policy::pass::<crate::identity::pass::ReadWorkspace>(&outside).map(drop);
    assert!(matches!(pass, Err(Error::MfaRequired)));

    let own = desk.own(&signed_in);
    let enrolment = desk.sign_in.begin_mfa(&desk.call(), own, Secret::new(PASSWORD.into())).await.unwrap();
    let code = App::of(&enrolment).shows(desk.now(), 0);
    desk.sign_in.confirm_mfa(&desk.call(), own, code).await.unwrap();
    let inside = desk.policy.choose_workspace(person, Some(tenant)).unwrap();
    assert_eq!(desk.policy.enter(&inside).await.unwrap().tenant(), Some(tenant));
    assert!(desk.policy.recheck(&inside, desk.now()).is_ok());
}

#[tokio::test]
async fn sign_ins_are_remembered_with_their_devices_and_a_new_one_is_known_as_such() {
    let desk = Desk::open().await;
    let open = |last: u8, agent: &'static str| {
        let (call, ada) = (desk.call_from(last), desk.ada);
        let device = Device::of(&call, Some(agent));
        desk.write(move |tx| session::open(tx, call.now, ada, &device))
    };
    let first = open(1, "Firefox").await;
    assert!(!first.new_device, "there is nothing to compare the first with");
    let before =
        |session| desk.store.system().read(|tx| device::sign_in_before(tx, desk.ada, session)).unwrap();
    assert_eq!(before(Some(first.id)), None);
    desk.clock.advance(Duration::from_mins(1));
    let second = open(9, "Firefox").await;
    assert!(!second.new_device, "the same browser in the same network");
    let third = open(1, "curl").await;
    assert!(third.new_device);
    assert_eq!(before(Some(first.id)), None);
    let seen = before(Some(second.id)).unwrap();
    assert_eq!((seen.at, seen.user_agent.as_deref()), (Timestamp::from_millis(START), Some("Firefox")));
    assert_eq!(before(Some(third.id)).unwrap().address, Some(IpAddr::from([192, 0, 2, 9])));
    assert_eq!(before(None).unwrap().user_agent.as_deref(), Some("curl"));
    for _ in 0..20 {
        open(1, "Firefox").await;
    }
    let listed =
        desk.store.system().read(|tx| session::list(tx, desk.ada, Some(first.id), desk.now())).unwrap();
    assert_eq!(listed.len(), 23);
    assert_eq!(listed.iter().filter(|session| session.current).count(), 1);
    assert_eq!(listed[0].user_agent.as_deref(), Some("Firefox"));
}

#[tokio::test]
async fn the_hourly_job_removes_challenges_links_and_enrolments_that_have_ended() {
    let desk = Desk::open().await;
    let own = desk.own(&desk.signed_in().await);
    desk.sign_in.begin_mfa(&desk.call(), own, Secret::new(PASSWORD.into())).await.unwrap();
    let (call, ada) = (desk.call(), desk.ada);
    desk.write(move |tx| {
        crate::identity::challenge::open(tx, call.now, ada)?;
        password_reset::issue(tx, &call, EMAIL)?;
        password_reset::issue(tx, &call, "nobody@example.com").map(drop)
    })
    .await;
    let tables =
        ["identity.challenge", "identity.password_reset", "identity.mfa_enrolment", "identity.session"];
    let counts = || tables.map(|table| desk.rows(table).len());
    assert_eq!(counts(), [1, 2, 1, 1]);
    desk.clock.advance(Duration::from_mins(31));
    let now = desk.now();
    let queued = desk
        .store
        .system()
        .write(move |tx| crate::jobs::enqueue(tx, now, &crate::identity::ForgetSessions {}));
    queued.await.unwrap();
    let runner = Runner::new(desk.store.clone(), desk.clock.clone(), desk.wakeups.clone());
    let running = runner.with::<crate::identity::ForgetSessions>(SessionSweeper).start().unwrap();
    while counts() != [0; 4] {
        tokio::task::yield_now().await;
    }
    running.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_refusal_of_an_address_that_is_nobodys_writes_nothing_of_it_down() {
    let desk = Desk::open().await;
    let typed = Credentials {
        email: "my-secret-typed-in-the-wrong-box".into(),
        password: Secret::new("x".into()),
        device: Device::default(),
        replaces: None,
    };
    assert!(matches!(desk.sign_in.sign_in(&desk.call(), typed).await, Err(Error::SignInFailed)));
    assert_eq!(desk.noted(Action::SignInRefused), 1);
    let rows = desk.rows("identity.audit");
    assert!(!rows.iter().any(|row| row.windows(9).any(|part| part == b"my-secret")));
}
