//! Signing in as an auditor would have it: second factors, sessions that can be ended, passwords that can be changed and reset.

use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{SET_COOKIE, USER_AGENT};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::caller::Caller;
use super::desk::{Desk, EMAIL, PASSWORD, Reply, run, said, set_up_wish};
use super::socket::Socket;

pub(crate) const OTHER_PASSWORD: &str = "tabletop gravel umbrella";
/// Shorter than a connection waits from one look at its credential to the next.
const AT_ONCE: Duration = Duration::from_secs(20);

/// Whoever shows codes for a seed in base32.
type App = fn(secret: &str, seconds_from_now: u64) -> String;

/// The program's own library.
fn own_app(secret: &str, seconds_from_now: u64) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Builder::new().with_secret(secret).build().unwrap().generate(now + seconds_from_now).to_string()
}

/// An independent implementation.
fn oathtool(secret: &str, seconds_from_now: u64) -> String {
    let when = format!("now + {seconds_from_now} seconds");
    let output = Command::new("oathtool").args(["--totp", "--base32", "--now", &when, secret]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn put(desk: &Desk, caller: &Caller, path: &str, body: &Value) -> Reply {
    desk.send(desk.request(caller, Method::PUT, path).json(body)).await
}

/// Sends the password from a browser that calls itself so.
async fn sign_in_from(desk: &Desk, agent: &str, password: &str) -> Reply {
    let wish = json!({"email": EMAIL, "password": password});
    let request = desk.request(&Caller::Nobody, Method::POST, "/api/v1/sessions");
    desk.send(request.header(USER_AGENT, agent).json(&wish)).await
}

pub(crate) async fn sign_in(desk: &Desk, password: &str) -> Reply {
    sign_in_from(desk, "story", password).await
}

async fn answer(desk: &Desk, challenge: &str, code: &str) -> Reply {
    let wish = json!({"challenge": challenge, "code": code});
    desk.post(&Caller::Nobody, "/api/v1/sessions/challenge", &wish).await
}

/// Turns the second factor on: the seed, the recovery codes, and the person under the new cookie.
pub(crate) async fn enrol(desk: &Desk, person: &Caller, app: App) -> (String, Vec<String>, Caller) {
    let begun = desk.post(person, "/api/v1/me/mfa", &json!({"password": PASSWORD})).await.expect(200);
    let secret = begun.of("secret");
    assert!(begun.of("uri").starts_with("otpauth://totp/Frontdesk:ada%40example.com?secret="));
    assert!(begun.of("qr_svg").starts_with("<svg ") && !begun.of("qr_svg").contains("style"));
    let code = json!({"code": app(&secret, 0)});
    let on = desk.post(person, "/api/v1/me/mfa/confirm", &code).await.expect(200);
    let codes = on.body["recovery_codes"].as_array().unwrap();
    let codes: Vec<_> = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    (secret, codes, on.cookie())
}

async fn a_second_factor_from(app: App) {
    let (desk, first) = Desk::set_up().await;
    let other = sign_in(&desk, PASSWORD).await.expect(201).cookie();
    let (secret, codes, person) = enrol(&desk, &first, app).await;
    desk.get(&first, "/api/v1/me").await.expect(401);
    desk.get(&other, "/api/v1/me").await.expect(401);
    let me = desk.get(&person, "/api/v1/me").await.expect(200).body;
    assert_eq!((&me["mfa"]["enabled"], &me["mfa"]["recovery_codes_left"]), (&json!(true), &json!(10)));

    let asked = sign_in(&desk, PASSWORD).await.expect(202);
    assert!(!asked.headers.contains_key(SET_COOKIE), "a password alone opens nothing");
    let challenge = asked.of("challenge");
    let as_cookie = Caller::Member { cookie: format!("__Host-frontdesk_session={challenge}") };
    desk.get(&as_cookie, "/api/v1/me").await.expect(401);
    assert_eq!(answer(&desk, &challenge, "000000").await.expect(403).of("code"), "code_wrong");
    // The confirming code was of the present step, so this one is of the next: an app whose clock is a little ahead.
    let code = app(&secret, 30);
    let inside = answer(&desk, &challenge, &code).await.expect(201);
    assert_eq!(inside.body["account"]["email"], EMAIL);
    desk.get(&inside.cookie(), "/api/v1/me").await.expect(200);
    assert_eq!(answer(&desk, &challenge, &codes[0]).await.expect(401).of("code"), "challenge_ended");

    let challenge = sign_in(&desk, PASSWORD).await.expect(202).of("challenge");
    assert_eq!(answer(&desk, &challenge, &code).await.expect(403).of("code"), "code_wrong", "a second time");
    let inside = answer(&desk, &challenge, &codes[0]).await.expect(201);
    assert_eq!(inside.body["mfa"]["recovery_codes_left"], 9);
    let challenge = sign_in(&desk, PASSWORD).await.expect(202).of("challenge");
    answer(&desk, &challenge, &codes[0]).await.expect(403);

    let proof = json!({"password": PASSWORD, "code": codes[1]});
    let request = desk.request(&inside.cookie(), Method::DELETE, "/api/v1/me/mfa").json(&proof);
    let off = desk.send(request).await.expect(204);
    desk.get(&inside.cookie(), "/api/v1/me").await.expect(401);
    let me = desk.get(&off.cookie(), "/api/v1/me").await.expect(200).body;
    assert_eq!(me["mfa"], json!({"enabled": false, "enabled_at": null, "recovery_codes_left": 0}));
    sign_in(&desk, PASSWORD).await.expect(201);
    let log = desk.log();
    assert!(!log.contains(&secret) && !codes.iter().any(|code| log.contains(code.as_str())));
}

/// Row B2.
#[tokio::test]
async fn a_second_factor_is_asked_for_and_each_code_of_app_or_paper_works_once() {
    a_second_factor_from(own_app).await;
}

/// Row B2.
#[tokio::test]
async fn codes_of_an_independent_implementation_sign_in() {
    if Command::new("oathtool").arg("--version").output().is_err() {
        eprintln!("skipped: oathtool (Debian package oathtool) is not installed");
        return;
    }
    a_second_factor_from(oathtool).await;
}

/// Row B11: secrets lie sealed, and a new key seals them anew: the key before it opens none of them.
#[tokio::test]
async fn after_a_rotation_a_second_factor_opens_with_the_new_key_alone() {
    let (mut desk, first) = Desk::set_up().await;
    let (secret, codes, owner) = enrol(&desk, &first, own_app).await;
    let file = desk.data_dir().join("appliance.key");
    let before = std::fs::read(&file).unwrap();
    let data_dir = desk.data_dir().display().to_string();
    let done = run(desk.home(), &["rotate-key", "--json", "--data-dir", &data_dir]).await;
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let after = std::fs::read(&file).unwrap();
    assert_eq!((before.len(), after.len(), &after[32..]), (32, 64, &before[..]));
    let challenge = sign_in(&desk, PASSWORD).await.expect(202).of("challenge");
    answer(&desk, &challenge, &codes[0]).await.expect(201);
    let trail = desk.get(&owner, "/api/v1/appliance/audit").await.expect(200);
    assert!(trail.text.contains("appliance.key_rotated"), "{}", trail.text);

    desk.stop().await;
    std::fs::write(&file, &after[..32]).unwrap();
    desk.start_again().await;
    let challenge = sign_in(&desk, PASSWORD).await.expect(202).of("challenge");
    answer(&desk, &challenge, &own_app(&secret, 30)).await.expect(201);
    desk.stop().await;
    std::fs::write(&file, &before).unwrap();
    desk.start_again().await;
    let challenge = sign_in(&desk, PASSWORD).await.expect(202).of("challenge");
    assert_eq!(answer(&desk, &challenge, &own_app(&secret, 60)).await.status, 500, "it opens nothing");
    desk.stop().await;
}

/// Row B5.
#[tokio::test]
async fn a_person_sees_where_they_are_signed_in_and_ends_it_there() {
    let (desk, first) = Desk::set_up().await;
    let phone = sign_in_from(&desk, &format!("Phone {}", "x".repeat(300)), PASSWORD).await.expect(201);
    assert_eq!(phone.body["last_sign_in"]["address"], "127.0.0.1");
    let phone = phone.cookie();
    let laptop = sign_in_from(&desk, "Laptop", PASSWORD).await.expect(201);
    assert!(laptop.body["last_sign_in"]["user_agent"].as_str().unwrap().starts_with("Phone xxx"));
    let laptop = laptop.cookie();
    assert_eq!(desk.get(&first, "/api/v1/me").await.expect(200).body["last_sign_in"], Value::Null);
    let listed = desk.get(&laptop, "/api/v1/sessions").await.expect(200).body;
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    let current: Vec<_> = items.iter().map(|item| item["current"].as_bool().unwrap()).collect();
    assert_eq!(current, [false, false, true]);
    assert_eq!((&items[2]["user_agent"], &items[2]["address"]), (&json!("Laptop"), &json!("127.0.0.1")));
    assert_eq!(items[1]["user_agent"].as_str().unwrap().chars().count(), 200);
    for key in ["id", "created_at", "last_used_at", "expires_at"] {
        assert!(items[0][key].is_string(), "{key}");
    }

    let path = format!("/api/v1/sessions/{}", items[1]["id"].as_str().unwrap());
    desk.delete(&laptop, &path).await.expect(204);
    desk.get(&phone, "/api/v1/me").await.expect(401);
    desk.delete(&laptop, &path).await.expect(404);
    desk.get(&first, "/api/v1/me").await.expect(200);
    desk.delete(&laptop, "/api/v1/sessions").await.expect(204);
    desk.get(&first, "/api/v1/me").await.expect(401);
    desk.get(&laptop, "/api/v1/me").await.expect(200);
}

/// Row B5.
#[tokio::test]
async fn what_is_open_in_a_session_is_closed_when_the_session_is_ended() {
    let (desk, owner) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let phone = sign_in(&desk, PASSWORD).await.expect(201).cookie();
    let mut ended = Socket::open(&desk, &phone, &id, None).await;
    let mut kept = Socket::open(&desk, &owner, &id, None).await;
    assert_eq!(ended.next().await["type"], "connected");
    assert_eq!(kept.next().await["type"], "connected");
    desk.delete(&owner, "/api/v1/sessions").await.expect(204);
    // Well before the next look that a connection takes by itself.
    let farewell = tokio::time::timeout(AT_ONCE, ended.closed()).await.expect("it was not told");
    assert_eq!(farewell, (1008, "session_ended".to_owned()));
    kept.send(json!({"type": "ping", "id": "p"}).to_string()).await;
    assert_eq!(kept.next().await["type"], "pong", "the session that asked goes on");
    desk.delete(&owner, "/api/v1/sessions/current").await.expect(204);
    let farewell = tokio::time::timeout(AT_ONCE, kept.closed()).await.expect("it was not told");
    assert_eq!(farewell.0, 1008);
}

#[tokio::test]
async fn a_changed_password_ends_all_other_sessions_and_a_weak_one_is_refused_with_the_reason() {
    let (desk, owner) = Desk::set_up().await;
    let other = sign_in(&desk, PASSWORD).await.expect(201).cookie();
    let change = async |caller: &Caller, current: &str, new: &str| {
        let wish = json!({"current_password": current, "new_password": new});
        put(&desk, caller, "/api/v1/me/password", &wish).await
    };
    assert_eq!(change(&owner, "wrong", OTHER_PASSWORD).await.expect(403).of("code"), "password_wrong");
    for (weak, code) in [
        ("short", "password_too_short"),
        ("unb3li3v4bl3", "password_common"),
        ("AdaExample2026", "password_trivial"),
        ("manchesterliverpool", "password_weak"),
    ] {
        assert_eq!(change(&owner, PASSWORD, weak).await.expect(400).of("code"), code, "{weak}");
    }
    desk.get(&other, "/api/v1/me").await.expect(200);
    let changed = change(&owner, PASSWORD, OTHER_PASSWORD).await.expect(200);
    assert_eq!(changed.body["account"]["email"], EMAIL);
    desk.get(&owner, "/api/v1/me").await.expect(401);
    desk.get(&other, "/api/v1/me").await.expect(401);
    let renewed = changed.cookie();
    desk.get(&renewed, "/api/v1/me").await.expect(200);
    sign_in(&desk, PASSWORD).await.expect(401);
    sign_in(&desk, OTHER_PASSWORD).await.expect(201);
    let renamed = desk.request(&renewed, Method::PATCH, "/api/v1/me").json(&json!({"name": " Ada L. "}));
    assert_eq!(desk.send(renamed).await.expect(200).body["account"]["name"], "Ada L.");
}

/// Row B8.
#[tokio::test]
async fn guessing_is_stopped_with_the_time_to_wait_and_asking_for_letters_needs_mail() {
    let (desk, _) = Desk::set_up().await;
    for _ in 0..10 {
        assert_eq!(sign_in(&desk, "wrong horse battery").await.expect(401).of("code"), "sign_in_failed");
    }
    let refused = sign_in(&desk, PASSWORD).await.expect(429);
    assert_eq!(refused.of("code"), "sign_in_throttled");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=15 * 60).contains(&wait), "{wait}");
    let asked = json!({"email": EMAIL});
    let no_mail = desk.post(&Caller::Nobody, "/api/v1/password-resets", &asked).await.expect(409);
    assert_eq!(no_mail.of("code"), "mail_not_set_up");
    let unknown = json!({"email": "nobody@example.com"});
    let same = desk.post(&Caller::Nobody, "/api/v1/password-resets", &unknown).await.expect(409);
    assert_eq!(same.of("detail"), no_mail.of("detail"));
}

/// Row B8.
#[tokio::test]
async fn attempts_from_one_address_have_a_rate_whatever_they_are() {
    let (desk, _) = Desk::set_up_with(&["limits.sign_ins_per_minute_per_address=3"], "").await;
    for _ in 0..2 {
        desk.post(&Caller::Nobody, "/api/v1/sessions", &json!({"email": "x", "password": "y"}))
            .await
            .expect(401);
    }
    let guesses = [
        ("/api/v1/sessions", json!({"email": EMAIL, "password": PASSWORD})),
        ("/api/v1/sessions/challenge", json!({"challenge": "x", "code": "000000"})),
        ("/api/v1/password-resets", json!({"email": EMAIL})),
        ("/api/v1/password-resets/redeem", json!({"token": "x", "new_password": PASSWORD})),
    ];
    for (path, body) in guesses {
        desk.post(&Caller::Nobody, path, &body).await.expect(429);
    }
}

/// Runs a command on the appliance's data directory.
async fn command(desk: &Desk, arguments: &[&str]) -> std::process::Output {
    let data_dir = desk.data_dir();
    let mut all = arguments.to_vec();
    all.extend(["--data-dir", data_dir.to_str().unwrap()]);
    run(desk.home(), &all).await
}

/// The JSON that a command says.
async fn told(desk: &Desk, arguments: &[&str]) -> Value {
    let output = command(desk, arguments).await;
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn redeem(desk: &Desk, link: &str, password: &str) -> Reply {
    let token = link.split("/reset#token=").nth(1).unwrap();
    let wish = json!({"token": token, "new_password": password});
    desk.post(&Caller::Nobody, "/api/v1/password-resets/redeem", &wish).await
}

/// Row B12.
#[tokio::test]
async fn who_is_locked_out_gets_back_in_by_a_command_whether_the_appliance_runs_or_not() {
    let (mut desk, owner) = Desk::set_up().await;
    enrol(&desk, &owner, own_app).await;
    let issued = told(&desk, &["account", "reset", "ADA@example.com", "--json"]).await;
    let link = issued["link"].as_str().unwrap();
    assert!(link.starts_with(&format!("https://localhost:{}/reset#token=", desk.port())), "{link}");
    assert_eq!(redeem(&desk, link, "short").await.expect(400).of("code"), "password_too_short");
    redeem(&desk, link, OTHER_PASSWORD).await.expect(204);
    assert_eq!(redeem(&desk, link, PASSWORD).await.expect(403).of("code"), "reset_link_ended");
    sign_in(&desk, PASSWORD).await.expect(401);
    sign_in(&desk, OTHER_PASSWORD).await.expect(202);

    assert_eq!(desk.stop().await, Some(0));
    let output = command(&desk, &["account", "reset", EMAIL, "--mfa"]).await;
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Its second factor is removed."), "{text}");
    let link = text.lines().last().unwrap().to_owned();
    desk.start_again().await;
    redeem(&desk, &link, PASSWORD).await.expect(204);
    sign_in(&desk, PASSWORD).await.expect(201);
    let unknown = command(&desk, &["account", "reset", "nobody@example.com"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("No account has the address nobody@example.com."), "{}", said(&unknown));
    assert!(!desk.log().contains("#token="), "no link is logged");
}

#[tokio::test]
async fn accounts_are_made_shown_and_made_operators_by_commands() {
    let (desk, owner) = Desk::set_up().await;
    let made = told(&desk, &["account", "create", "bob@example.com", "--name", "Bob", "--json"]).await;
    redeem(&desk, made["link"].as_str().unwrap(), OTHER_PASSWORD).await.expect(204);
    let wish = json!({"email": "bob@example.com", "password": OTHER_PASSWORD});
    let bob = desk.post(&Caller::Nobody, "/api/v1/sessions", &wish).await.expect(201);
    assert_eq!((&bob.body["operator"], &bob.body["workspaces"]), (&json!(false), &json!([])));
    let bob = bob.cookie();
    desk.get(&bob, "/api/v1/accounts").await.expect(403);
    let again = command(&desk, &["account", "create", "BOB@example.com", "--name", "Bob"]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("Another account has this e-mail address already."));

    command(&desk, &["account", "operator", "bob@example.com", "--grant"]).await;
    desk.get(&bob, "/api/v1/accounts").await.expect(200);
    command(&desk, &["account", "operator", EMAIL, "--revoke"]).await;
    desk.get(&owner, "/api/v1/accounts").await.expect(403);
    let last = command(&desk, &["account", "operator", "bob@example.com", "--revoke"]).await;
    assert_eq!(last.status.code(), Some(1));
    assert!(said(&last).contains("Nobody else runs this appliance."), "{}", said(&last));
    let neither = command(&desk, &["account", "operator", EMAIL]).await;
    assert_eq!(neither.status.code(), Some(2));

    let listed = told(&desk, &["account", "list", "--json"]).await;
    let emails: Vec<_> = listed["items"].as_array().unwrap().iter().map(|one| one["email"].clone()).collect();
    assert_eq!(emails, [EMAIL, "bob@example.com"]);
    assert_eq!(listed["items"][1]["operator"], true);
    let shown = told(&desk, &["account", "show", EMAIL, "--json"]).await;
    assert_eq!((&shown["workspaces"][0]["slug"], &shown["operator"]), (&json!("acme"), &json!(false)));
    assert_eq!(shown["sessions"].as_array().unwrap().len(), 1);
    let table = String::from_utf8(command(&desk, &["account", "show", EMAIL]).await.stdout).unwrap();
    assert!(table.contains("owner of acme") && table.contains("signed in since"), "{table}");
}

/// Row A4.
#[tokio::test]
async fn one_call_sets_the_appliance_up_with_nobody_at_a_browser() {
    let mut desk = Desk::open().await;
    let link = desk.next_line().await;
    let token = link.split("#token=").nth(1).unwrap().to_owned();
    std::fs::write(desk.home().join("password"), format!("{PASSWORD}\n")).unwrap();
    std::fs::write(desk.home().join("weak"), "password1234\n").unwrap();
    let wish = ["setup", "--email", EMAIL, "--name", "Ada", "--workspace", "Acme", "--password-file"];
    let with = |file: &'static str| [&wish[..], &[file]].concat();
    let weak = command(&desk, &with("weak")).await;
    assert_eq!(weak.status.code(), Some(1));
    assert!(said(&weak).contains("password"), "{}", said(&weak));
    let half = command(&desk, &["setup", "--email", EMAIL]).await;
    assert_eq!(half.status.code(), Some(2));
    assert_eq!(desk.get(&Caller::Nobody, "/api/v1/setup").await.body["needed"], true);
    let done = command(&desk, &with("password")).await;
    assert!(done.status.success(), "{}", said(&done));
    assert!(!String::from_utf8_lossy(&done.stdout).contains(PASSWORD));
    let me = sign_in(&desk, PASSWORD).await.expect(201).body;
    assert_eq!((&me["operator"], &me["workspaces"][0]["role"]), (&json!(true), &json!("owner")));
    assert_eq!(me["last_sign_in"], Value::Null, "the command signed nobody in");
    let late = desk.post(&Caller::Nobody, "/api/v1/setup", &set_up_wish(&token)).await.expect(409);
    assert_eq!(late.of("code"), "set_up_already", "the link of the first start is worth nothing any more");
    let again = command(&desk, &with("password")).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("set up already"), "{}", said(&again));
}

/// Row A4.
#[tokio::test]
async fn a_machine_image_can_be_set_up_before_its_first_start() {
    let home = tempfile::tempdir().unwrap();
    let password = home.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let file = password.to_str().unwrap();
    let done = run(
        home.path(),
        &[
            "setup",
            "--email",
            EMAIL,
            "--name",
            "Ada",
            "--workspace",
            "Acme",
            "--password-file",
            file,
            "--json",
        ],
    )
    .await;
    assert!(done.status.success(), "{}", said(&done));
    let made: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&made["account"]["email"], &made["tenant"]["slug"]), (&json!(EMAIL), &json!("acme")));
    let listed = run(home.path(), &["account", "list"]).await;
    let table = String::from_utf8(listed.stdout).unwrap();
    assert!(table.contains(EMAIL) && table.contains("yes"), "{table}");
}

/// Without the link, setting up is nobody's but the console's.
#[tokio::test]
async fn the_network_sets_nothing_up_without_the_link() {
    let desk = Desk::open().await;
    let mut wish = set_up_wish("x");
    wish.as_object_mut().unwrap().remove("token");
    let refused = desk.post(&Caller::Nobody, "/api/v1/setup", &wish).await.expect(403);
    assert_eq!(refused.of("code"), "setup_link_invalid");
    assert_eq!(desk.get(&Caller::Nobody, "/api/v1/setup").await.body["needed"], true);
}
