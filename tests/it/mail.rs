//! Letters, sent to a real mail server: what arrives, what is refused and why, and what is never said.
//!
//! The server is `aiosmtpd`, started with a certificate of its own. Where Python or `aiosmtpd` is missing, these stories say so in one
//! line and are skipped.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use frontdesk::app::App;
use frontdesk::base::{Clock as _, SystemClock};
use frontdesk::config::{FlagValue, Settings, Sources, load};
use frontdesk::notify::mail::{self, Circumstances, Posted};
use frontdesk::store::Store;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::caller::Caller;
use super::desk::{Desk, frontdesk, run, said};
use super::soon;

const LINK: &str = "https://localhost:8443/reset#token=hS3cr3tT0k3n";
const PASSWORD: &str = "hunter2";
/// Debian's Python, which has Debian's packages; then any other.
const PYTHONS: [&str; 2] = ["/usr/bin/python3", "python3"];

/// A mail server with the folder that holds its certificate and its letters.
struct Server {
    folder: tempfile::TempDir,
    encryption: &'static str,
    port: u16,
    said: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

/// A Python that has `aiosmtpd`.
async fn python() -> Option<&'static str> {
    for python in PYTHONS {
        let asked = Command::new(python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status().await;
        if asked.is_ok_and(|status| status.success()) {
            return Some(python);
        }
    }
    // Not `eprintln`, which the harness keeps to itself when a test passes.
    let line = b"skipped: a story of mail, since python3-aiosmtpd is not installed\n";
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line);
    None
}

impl Server {
    /// Nothing where there is no `aiosmtpd`.
    async fn start(encryption: &'static str) -> Option<Self> {
        let python = python().await?;
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mail/server.py");
        let mut command = Command::new(python);
        command.arg(script).arg(folder.path()).arg(encryption).arg(&certificate).arg(&key);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut process = command.kill_on_drop(true).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = soon("the mail server starts", said.next_line()).await.unwrap().unwrap();
        Some(Self { folder, encryption, port: port.parse().unwrap(), said, _process: process })
    }

    /// Settings that lead here: signed in, the certificate known, and allowed.
    fn settings(&self) -> String {
        let (encryption, port) = (self.encryption, self.port);
        let certificate = self.folder.path().join("certificate.pem");
        format!(
            "[mail]\nhost = \"localhost\"\nport = {port}\nencryption = \"{encryption}\"\nusername = \"desk\"\npassword = \"{PASSWORD}\"\n\
             from = \"Frontdesk <desk@example.com>\"\nca_file = \"{}\"\n\
             [outbound]\nallow = [{{ address = \"localhost:{port}\", private = true, plain_http = {} }}]\n",
            certificate.display(),
            encryption == "none",
        )
    }

    /// What it says next.
    async fn next(&mut self) -> Value {
        let line = soon("the mail server is asked something", self.said.next_line()).await.unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// The next letter that it takes.
    async fn letter(&mut self) -> Value {
        loop {
            let said = self.next().await;
            if said["event"] == "letter" {
                return said;
            }
        }
    }

    /// The letters that it has taken.
    fn taken(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "eml"))
            .count()
    }
}

/// `frontdesk mail test --json` with a settings file: what it reported, with what it said to standard error.
async fn trial(file: &str, address: &str) -> (Value, String, Option<i32>) {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("appliance.toml"), file).unwrap();
    let output = run(home.path(), &["mail", "test", address, "--json"]).await;
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (report, said(&output), output.status.code())
}

/// The steps of a report, and whether each was made.
fn steps(report: &Value) -> Vec<(String, bool)> {
    let steps = report["steps"].as_array().unwrap_or_else(|| panic!("{report}"));
    steps.iter().map(|step| (step["step"].as_str().unwrap().to_owned(), step["ok"] == true)).collect()
}

fn made(names: &[&str]) -> Vec<(String, bool)> {
    names.iter().map(|name| ((*name).to_owned(), true)).collect()
}

#[tokio::test]
async fn a_trial_letter_arrives_over_tls_starttls_and_plain_and_each_step_is_said() {
    for encryption in ["tls", "starttls", "none"] {
        let Some(mut server) = Server::start(encryption).await else { return };
        let (report, said, code) = trial(&server.settings(), "ada@example.com").await;
        assert_eq!(code, Some(0), "{encryption}: {report} {said}");
        assert_eq!(steps(&report), made(&["resolve", "connect", "encrypt", "sign_in", "accept"]), "{report}");
        assert_eq!(report["ok"], true);
        let signed_in = server.next().await;
        assert_eq!((&signed_in["event"], &signed_in["right"]), (&json!("auth"), &json!(true)));
        assert_eq!(signed_in["encrypted"], json!(encryption != "none"));
        let letter = server.letter().await;
        assert_eq!(letter["sender"], "desk@example.com");
        assert_eq!(letter["recipients"], json!(["ada@example.com"]));
        assert_eq!(letter["parts"], json!(["text/plain", "text/html"]));
        assert_eq!((&letter["defects"], server.taken()), (&json!([]), 1));
        let headers = &letter["headers"];
        assert_eq!(
            (&headers["From"], &headers["To"]),
            (&json!("Frontdesk <desk@example.com>"), &json!("ada@example.com"))
        );
        assert_eq!(headers["Subject"], "Mail from Frontdesk works");
        assert_eq!(headers["Auto-Submitted"], "auto-generated");
        assert!(!letter.to_string().contains(PASSWORD) && !report.to_string().contains(PASSWORD));
    }
}

/// Row A6, for mail.
#[tokio::test]
async fn each_fault_of_a_mail_server_is_told_at_its_step_with_what_to_do() {
    let Some(server) = Server::start("starttls").await else { return };
    let good = server.settings();
    let port = server.port.to_string();
    // Another port is not allowed either, so the list is changed with the setting.
    let elsewhere = good.replace(&port, "9");
    let unknown = good.replace("localhost", "no-such-host.invalid");
    let untrusted = good.lines().filter(|line| !line.starts_with("ca_file")).collect::<Vec<_>>().join("\n");
    let other_name = good.replace("localhost", "127.0.0.1");
    let wrong_password = good.replace(PASSWORD, "hunter3");
    let not_allowed = good.split("[outbound]").next().unwrap().to_owned();
    let cases = [
        (&elsewhere, "ada@example.com", "connect", "remote_unreachable", "mail.port"),
        (&unknown, "ada@example.com", "resolve", "remote_unresolved", "mail.host"),
        (&untrusted, "ada@example.com", "encrypt", "mail_no_tls", "mail.ca_file"),
        (&other_name, "ada@example.com", "encrypt", "mail_no_tls", "made out to another name"),
        (
            &wrong_password,
            "ada@example.com",
            "sign_in",
            "mail_sign_in_refused",
            "mail.username and the password",
        ),
        (&good, "nobody@example.com", "accept", "mail_recipient_refused", "Check the address"),
        (&not_allowed, "ada@example.com", "resolve", "egress_not_allowed", "outbound.allow"),
    ];
    for (file, address, step, code, fix) in cases {
        let (report, said, status) = trial(file, address).await;
        let last =
            report["steps"].as_array().and_then(|steps| steps.last()).unwrap_or_else(|| panic!("{said}"));
        assert_eq!((last["step"].as_str(), &last["ok"]), (Some(step), &json!(false)), "{report}");
        assert_eq!((report["code"].as_str(), status), (Some(code), Some(1)), "{report}");
        assert!(last["fix"].as_str().unwrap().contains(fix) && said.contains(fix), "{report}\n{said}");
        assert!(!said.contains("hunter"), "{said}");
    }
    assert_eq!(server.taken(), 0);
    let (_, said, status) = trial("", "ada@example.com").await;
    assert!(said.contains("Fill in [mail]") && status == Some(1), "{said}");
}

#[tokio::test]
async fn a_server_without_starttls_is_told_nothing() {
    let Some(mut server) = Server::start("none").await else { return };
    let file = server.settings().replace("encryption = \"none\"", "encryption = \"starttls\"");
    let (report, _, _) = trial(&file, "ada@example.com").await;
    assert_eq!(report["code"], "mail_no_starttls", "{report}");
    // What comes next is the sign-in of a letter that may go unencrypted: the one before was not begun.
    let (report, _, _) = trial(&server.settings(), "second@example.com").await;
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(server.next().await["event"], "auth");
    assert_eq!(server.next().await["to"], "second@example.com");
    assert_eq!(server.taken(), 1);
}

fn settings(file: &Path, data_dir: &Path) -> Settings {
    let text = data_dir.to_str().unwrap().to_owned();
    let flag = FlagValue { flag: "--data-dir".into(), key: "store.data_dir".into(), text };
    let sources = Sources { file: Some(file.to_owned()), flags: vec![flag], ..Sources::default() };
    load(&sources).unwrap().settings
}

/// An appliance in this process, whose rooms can be called as a route calls them.
struct House {
    home: tempfile::TempDir,
    app: Option<App>,
}

impl House {
    async fn open(file: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("appliance.toml"), file).unwrap();
        let mut house = Self { home, app: None };
        house.start().await;
        house
    }

    async fn start(&mut self) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = settings(&self.home.path().join("appliance.toml"), &self.data_dir());
        let app = App::open(&settings, Path::new(env!("CARGO_BIN_EXE_frontdesk"))).await.unwrap();
        self.app = Some(app);
    }

    fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn store(&self) -> &Store {
        self.app.as_ref().unwrap().store()
    }

    /// Posts the link for a new password.
    async fn post(&self, to: &'static str) -> Posted {
        let now = SystemClock.now();
        let posted = self.store().system().write(move |tx| mail::password_reset(tx, now, to, LINK, 30));
        posted.await.unwrap()
    }

    /// What the API tells the operator's console.
    async fn ask(&self, path: &str) -> Value {
        let client = frontdesk::http::control::direct(self.app.as_ref().unwrap().router());
        let request = axum::http::Request::get(path).header("host", "localhost");
        let answer = client.send_request(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        answer.json()
    }

    /// What the API tells, once `is` what is waited for.
    async fn until(&self, what: &str, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let told = async {
            loop {
                let answer = self.ask(path).await;
                if is(&answer) {
                    return answer;
                }
                looks.tick().await;
            }
        };
        soon(what, told).await
    }

    /// The mail's part of the health.
    async fn health(&self, state: &str) -> Value {
        let is = |answer: &Value| {
            let mut checks = answer["checks"].as_array().unwrap().iter();
            checks.any(|check| check["name"] == "mail" && check["state"] == state)
        };
        self.until("the health of the mail", "/healthz/ready", is).await
    }

    /// What the system's queue says of its letters.
    fn jobs(&self) -> Vec<Value> {
        let request = frontdesk::base::PageRequest::default();
        let states = [frontdesk::jobs::JobState::Waiting, frontdesk::jobs::JobState::Dead];
        let of = |state| {
            self.store().system().read(|tx| frontdesk::jobs::list(tx, state, &request)).unwrap().items
        };
        let all = states.into_iter().flat_map(of).map(|job| serde_json::to_value(job).unwrap());
        all.filter(|job| job["name"] == "notify.send_letter").collect()
    }

    async fn until_jobs(&self, what: &str, is: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let told = async {
            loop {
                let jobs = self.jobs();
                if is(&jobs) {
                    return jobs;
                }
                looks.tick().await;
            }
        };
        soon(what, told).await
    }

    async fn stop(&mut self) {
        self.app.take().unwrap().stop().await;
    }
}

#[tokio::test]
async fn a_letter_is_posted_with_its_cause_arrives_once_and_is_in_the_ledger_without_its_words() {
    let Some(mut server) = Server::start("starttls").await else { return };
    let mut house = House::open(&server.settings()).await;
    assert!(house.app.as_ref().unwrap().services().mail.is_set_up());
    // A change that fails takes its letter with it.
    let now = SystemClock.now();
    let failed: Result<(), frontdesk::store::Error> = house
        .store()
        .system()
        .write(move |tx| {
            mail::password_reset(tx, now, "eve@example.com", LINK, 30)?;
            Err(frontdesk::store::Error::Lost)
        })
        .await;
    assert!(failed.is_err());
    assert!(house.post("ada@example.com").await.is_queued());
    let letter = server.letter().await;
    assert_eq!(letter["recipients"], json!(["ada@example.com"]));
    for part in ["text", "html"] {
        assert!(letter[part].as_str().unwrap().replace("&#x2f;", "/").contains(LINK), "{letter}");
    }
    assert!(letter["headers"]["Message-ID"].as_str().unwrap().ends_with("@example.com>"), "{letter}");
    house.health("ok").await;
    house.until_jobs("nothing is left in the queue", <[Value]>::is_empty).await;
    let filled = |page: &Value| page["items"].as_array().is_some_and(|items| !items.is_empty());
    let ledger = house.until("the ledger holds an entry", "/api/v1/egress", filled).await;
    let entry = &ledger["items"][0];
    assert_eq!(
        (&entry["purpose"], &entry["outcome"], &entry["status"]),
        (&json!("mail"), &json!("answered"), &json!(250))
    );
    assert_eq!(entry["destination"], format!("localhost:{}", server.port));
    assert!(entry["bytes_out"].as_u64().unwrap() > 1_000, "{entry}");
    let text = ledger.to_string();
    assert!(!text.contains("hS3cr3t") && !text.contains("ada@") && !text.contains(PASSWORD), "{text}");
    assert_eq!((ledger["items"].as_array().unwrap().len(), server.taken()), (1, 1));
    house.stop().await;
}

/// The token in a letter's link.
fn token(letter: &Value, page: &str) -> String {
    let text = letter["text"].as_str().unwrap();
    let after = text.split_once(&format!("{page}#token=")).unwrap_or_else(|| panic!("no link in {text}")).1;
    after.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn invitations_and_new_passwords_come_by_mail_and_a_change_is_told_to_whom_it_concerns() {
    let Some(mut server) = Server::start("starttls").await else { return };
    let (mut desk, owner) = Desk::set_up_with(&[], &server.settings()).await;
    assert_eq!(desk.get(&Caller::Nobody, "/api/v1/setup").await.expect(200).body["mail"], true);
    let wish = json!({"email": "bob@example.com", "role": "agent"});
    let made = desk.post(&owner, "/api/v1/invitations", &wish).await.expect(201);
    assert_eq!(made.body["mailed"], true);
    let letter = server.letter().await;
    assert_eq!(letter["recipients"], json!(["bob@example.com"]));
    let wish =
        json!({"token": token(&letter, "/invite"), "name": "Bob", "password": "plum teapot harvest 9"});
    let bob = desk.post(&Caller::Nobody, "/api/v1/invitations/accept", &wish).await.expect(201).cookie();

    // Whoever asks hears the same; only who has an account gets a letter.
    for email in ["eve@example.com", "BOB@example.com"] {
        let wish = json!({"email": email});
        desk.post(&Caller::Nobody, "/api/v1/password-resets", &wish).await.expect(202);
    }
    let letter = server.letter().await;
    assert_eq!(letter["recipients"], json!(["bob@example.com"]));
    let wish = json!({"token": token(&letter, "/reset"), "new_password": "walnut ladder sunrise 4"});
    desk.post(&Caller::Nobody, "/api/v1/password-resets/redeem", &wish).await.expect(204);
    desk.post(&Caller::Nobody, "/api/v1/password-resets/redeem", &wish).await.expect(403);
    desk.get(&bob, "/api/v1/me").await.expect(401);
    let told = server.letter().await;
    assert_eq!(told["recipients"], json!(["bob@example.com"]));
    assert!(told["text"].as_str().unwrap().contains("password"), "{told}");
    assert_eq!(server.taken(), 3);
    desk.stop().await;
}

#[tokio::test]
async fn an_address_that_nobody_has_is_a_dead_letter_and_the_others_arrive() {
    let Some(mut server) = Server::start("tls").await else { return };
    let mut house = House::open(&server.settings()).await;
    assert!(house.post("nobody@example.com").await.is_queued());
    let now = SystemClock.now();
    let how = Circumstances { at: now, address: "203.0.113.9", user_agent: "" };
    let posted = house
        .store()
        .system()
        .write(move |tx| mail::password_changed(tx, now, "ada@example.com", &how))
        .await;
    assert!(posted.unwrap().is_queued());
    let letter = server.letter().await;
    assert_eq!(letter["recipients"], json!(["ada@example.com"]));
    assert!(letter["text"].as_str().unwrap().contains("203.0.113.9"), "{letter}");
    let is_dead = |jobs: &[Value]| jobs.len() == 1 && jobs[0]["state"] == "dead";
    let jobs = house.until_jobs("the refused letter is dead", is_dead).await;
    let reason = jobs[0]["last_error"].as_str().unwrap();
    for words in ["nobody@example.com", "550", "No such user", "Check the address", "mail_recipient_refused"]
    {
        assert!(reason.contains(words), "{reason}");
    }
    assert!(!reason.contains("hS3cr3t"), "{reason}");
    assert_eq!(jobs[0]["attempts"], 1);
    house.health("ok").await;
    house.stop().await;
}

#[tokio::test]
async fn a_letter_that_is_put_off_is_tried_again_under_its_first_id() {
    let Some(mut server) = Server::start("starttls").await else { return };
    let mut house = House::open(&server.settings()).await;
    assert!(house.post("grey@example.com").await.is_queued());
    let letter = server.letter().await;
    assert_eq!(letter["recipients"], json!(["grey@example.com"]));
    house.until_jobs("the letter is off the queue", <[Value]>::is_empty).await;
    let answered = |page: &Value| page["items"].as_array().is_some_and(|items| items.len() == 2);
    let ledger = house.until("both attempts are in the ledger", "/api/v1/egress", answered).await;
    assert_eq!(
        (&ledger["items"][1]["code"], &ledger["items"][1]["status"]),
        (&json!("mail_put_off"), &json!(450))
    );
    assert_eq!((&ledger["items"][0]["outcome"], server.taken()), (&json!("answered"), 1));
    house.stop().await;
}

#[tokio::test]
async fn a_certificate_that_is_not_believed_gets_no_letter_and_the_health_says_so() {
    let Some(server) = Server::start("tls").await else { return };
    let file = server.settings();
    let file = file.lines().filter(|line| !line.starts_with("ca_file")).collect::<Vec<_>>().join("\n");
    let mut house = House::open(&file).await;
    assert!(house.post("ada@example.com").await.is_queued());
    let health = house.health("degraded").await;
    assert_eq!(health["ready"], true, "the appliance serves without mail: {health}");
    assert!(health.to_string().contains("frontdesk mail test"), "{health}");
    let tried = |jobs: &[Value]| jobs.len() == 1 && jobs[0]["last_error"].is_string();
    let jobs = house.until_jobs("the letter waits", tried).await;
    assert!(jobs[0]["last_error"].as_str().unwrap().contains("mail.ca_file"), "{jobs:?}");
    assert_eq!((jobs[0]["state"].as_str(), server.taken()), (Some("waiting"), 0));
    house.stop().await;
}

#[tokio::test]
async fn what_the_policy_forbids_is_not_sent_and_is_in_the_ledger() {
    // An air-gapped appliance with a mail server elsewhere does not start; one that is here is let out.
    let far =
        "[mail]\nhost = \"mail.example.com\"\nfrom = \"desk@example.com\"\n[outbound]\nair_gapped = true\n";
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("appliance.toml"), far).unwrap();
    let refused = run(home.path(), &["config", "check"]).await;
    assert!(said(&refused).contains("mail.host \"mail.example.com\" is at"), "{}", said(&refused));
    assert_eq!(refused.status.code(), Some(1));
    // Without an entry in the list nothing leaves, and the ledger says so.
    let mut house = House::open(&far.replace("air_gapped = true", "")).await;
    assert!(house.post("ada@example.com").await.is_queued());
    let filled = |page: &Value| page["items"].as_array().is_some_and(|items| !items.is_empty());
    let ledger = house.until("the ledger holds the refusal", "/api/v1/egress", filled).await;
    let entry = &ledger["items"][0];
    assert_eq!((&entry["outcome"], &entry["code"]), (&json!("refused"), &json!("egress_not_allowed")));
    assert_eq!((&entry["purpose"], &entry["bytes_out"]), (&json!("mail"), &json!(0)));
    house.stop().await;
    let Some(mut server) = Server::start("starttls").await else { return };
    let near = server.settings().replace("[outbound]\n", "[outbound]\nair_gapped = true\n");
    let mut house = House::open(&near).await;
    assert!(house.post("ada@example.com").await.is_queued());
    assert_eq!(server.letter().await["recipients"], json!(["ada@example.com"]));
    house.stop().await;
}

#[tokio::test]
async fn a_process_killed_before_it_heard_the_yes_sends_one_duplicate_with_the_same_id() {
    let Some(mut server) = Server::start("starttls").await else { return };
    // The letter is posted while the mail server is not there.
    let away = server.settings().replace(&server.port.to_string(), "9");
    let (mut desk, _): (Desk, Caller) = Desk::set_up_with(&[], &away).await;
    assert_eq!(desk.stop().await, Some(0), "{}", desk.log());
    let file = desk.home().join("appliance.toml");
    let app = App::open(&settings(&file, &desk.data_dir()), Path::new(env!("CARGO_BIN_EXE_frontdesk"))).await;
    let app = app.unwrap();
    let now = SystemClock.now();
    let post = move |tx: &mut frontdesk::store::WriteTx<'_>| {
        mail::password_reset(tx, now, "slow@example.com", LINK, 30)
    };
    assert!(app.store().system().write(post).await.unwrap().is_queued());
    app.stop().await;
    std::fs::write(&file, server.settings()).unwrap();
    desk.start_again().await;
    let first = server.letter().await;
    desk.kill().await;
    desk.start_again().await;
    let second = server.letter().await;
    assert_eq!(first["headers"]["Message-ID"], second["headers"]["Message-ID"]);
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let heard = async {
        while desk.console(Method::GET, "/api/v1/egress", "", None).await.body["items"][0]["status"] != 250 {
            looks.tick().await;
        }
    };
    soon("the yes is heard", heard).await;
    assert_eq!(desk.stop().await, Some(0), "{}", desk.log());
    // This time it has noted the yes: nothing is left to be sent.
    let app = App::open(&settings(&file, &desk.data_dir()), Path::new(env!("CARGO_BIN_EXE_frontdesk"))).await;
    let house = House { home: tempfile::tempdir().unwrap(), app: Some(app.unwrap()) };
    assert_eq!(house.jobs(), Vec::<Value>::new());
    drop(house);
    assert_eq!(server.taken(), 2);
    assert!(!desk.log().contains("hS3cr3t") && !desk.log().contains(PASSWORD), "{}", desk.log());
}

#[tokio::test]
async fn the_trial_is_readable_without_json() {
    let Some(server) = Server::start("starttls").await else { return };
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("appliance.toml"), server.settings()).unwrap();
    let shown =
        soon("the command ends", frontdesk(home.path(), &["mail", "test", "ada@example.com"]).output());
    let shown = shown.await.unwrap();
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    for word in ["name ", "connection ", "encryption ", "sign-in ", "letter ", "The server took the letter"] {
        assert!(text.contains(word), "{text}");
    }
    let help = run(home.path(), &["mail", "test", "--help"]).await;
    assert!(String::from_utf8_lossy(&help.stdout).contains("Send a letter to an address"));
}
