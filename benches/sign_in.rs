//! What signing in costs beside the password's hash, and what a flood of sign-ins does to everybody else.
//!
//! `cargo bench --bench sign_in` prints two things. First the median of a bare Argon2id verification, in memory that is kept
//! for the next one, as ours is, and in memory that is asked for each time; of a whole sign-in over a store on disk (account,
//! throttle, session, audit trail; no second factor), taken in turns, and how much more the sign-in costs; and of one durable
//! change of that store, which is the disk's share of it. Then, five times, 200 people who sign in at the same moment, each from
//! an address of their own, at an appliance in this process: how many are told to come back, how long it takes until all are in,
//! the memory of the process before and at its highest, and p50 and p99 of posts in an open chat before and meanwhile. `ROUNDS`
//! sets how many sign-ins the first measurement makes.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::too_many_lines,
    reason = "a benchmark"
)]

mod desk;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use frontdesk::app::App;
use frontdesk::base::{Call, Clock as _, Sealer, Secret, SystemClock};
use frontdesk::http::control;
use frontdesk::identity::audit::{self, Action, Note};
use frontdesk::identity::{
    Admission, Credentials, Device, Email, NewAccount, Pass, Passwords, SignIn, account,
};
use frontdesk::store::{Store, StoreOptions};
use serde_json::json;
use tower::ServiceExt as _;

use desk::{Desk, ask, settings};

const PASSWORD: &str = "correct horse battery";
const PEOPLE: usize = 200;
const WARM_UP: usize = 5;
const FLOODS: u32 = 5;
const QUIET: Duration = Duration::from_secs(5);

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let rounds = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(one(rounds));
    runtime.block_on(many());
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, Some(32)).unwrap())
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// How long a verification takes on a thread where it may.
async fn verified(phc: &str, verify: impl FnOnce(Phc) -> bool + Send + 'static) -> Duration {
    let (begun, phc) = (Instant::now(), Phc::new(phc).unwrap());
    assert!(tokio::task::spawn_blocking(move || verify(phc)).await.unwrap());
    begun.elapsed()
}

/// A sign-in beside the bare verification.
async fn one(rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock);
    let store = Store::open(folder.path(), StoreOptions::default(), clock.clone()).unwrap();
    let passwords = Passwords::new();
    let password_hash = passwords.hash(Secret::new(PASSWORD.to_owned())).await.unwrap();
    let email = Email::parse("ada@example.com").unwrap();
    let new = NewAccount { name: "Ada".to_owned(), email, password_hash };
    let call = Call::appliance(clock.now());
    store
        .system()
        .write(move |tx| account::create(tx, &call, Pass::appliance("a benchmark"), &new))
        .await
        .unwrap();
    let sign_in = SignIn::new(store.system().clone(), passwords, Sealer::new(&[7; 32]));
    let phc = argon2().hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    let (mut fresh, mut bare, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    let kept = Arc::new(Mutex::new(vec![Block::default(); argon2().params().block_count()]));
    // The session that the browser still has, which a new one replaces.
    let mut before = None;
    for round in 0..rounds + WARM_UP {
        let in_fresh_memory =
            verified(&phc, |phc| argon2().verify_password(PASSWORD.as_bytes(), &phc).is_ok());
        let in_fresh_memory = in_fresh_memory.await;
        let memory = kept.clone();
        let in_kept_memory = verified(&phc, move |phc| {
            let mut output = [0; 32];
            let (salt, mut blocks) = (phc.salt.unwrap(), memory.lock().unwrap());
            let done = argon2().hash_password_into_with_memory(
                PASSWORD.as_bytes(),
                &salt,
                &mut output,
                blocks.as_mut_slice(),
            );
            done.is_ok() && output == phc.hash.unwrap().as_bytes()
        });
        let in_kept_memory = in_kept_memory.await;
        let call = Call::appliance(clock.now());
        let credentials = Credentials {
            email: "ada@example.com".to_owned(),
            password: Secret::new(PASSWORD.to_owned()),
            device: Device::of(&call, Some("bench")),
            replaces: before.take(),
        };
        let begun = Instant::now();
        let admission = sign_in.sign_in(&call, credentials).await.unwrap();
        if round >= WARM_UP {
            whole.push(begun.elapsed());
            fresh.push(in_fresh_memory);
            bare.push(in_kept_memory);
        }
        let Admission::SignedIn(signed_in) = admission else { panic!("{admission:?}") };
        before = Some(signed_in.session.token);
    }
    let mut commits = Vec::new();
    for _ in 0..rounds {
        let call = Call::appliance(clock.now());
        let begun = Instant::now();
        let note = move |tx: &mut frontdesk::store::WriteTx<'_>| {
            audit::record(tx, &call, Note::new(Action::SignedIn))
        };
        store.system().write(note).await.unwrap();
        commits.push(begun.elapsed());
    }
    let (fresh, bare) = (median(&mut fresh), median(&mut bare));
    let (whole, commit) = (median(&mut whole), median(&mut commits));
    println!("bare Argon2id verification: {bare:.2} ms; {fresh:.2} ms in memory that is asked for each time");
    println!("a whole sign-in:            {whole:.2} ms, {:+.1} %", (whole / bare - 1.0) * 100.0);
    println!(
        "one durable change alone:   {commit:.2} ms; without it {:+.1} %",
        ((whole - commit) / bare - 1.0) * 100.0
    );
}

/// A line of `/proc/self/status`, in MiB.
fn memory_mib(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let found = status.lines().find_map(|text| text.strip_prefix(line)).unwrap();
    found.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// Forgets how high the memory was.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// A person with an address of their own.
async fn person(router: Router, number: usize) -> (usize, Duration) {
    let number_bytes = u32::try_from(number).unwrap();
    let address = SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 + (number_bytes << 8)), 4_000));
    let body = json!({ "email": format!("person{number}@example.com"), "password": PASSWORD }).to_string();
    let (begun, mut told_to_wait) = (Instant::now(), 0);
    loop {
        let request = Request::post("/api/v1/sessions")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .extension(ConnectInfo(address))
            .body(Body::from(body.clone()))
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        match response.status() {
            StatusCode::CREATED => return (told_to_wait, begun.elapsed()),
            StatusCode::SERVICE_UNAVAILABLE => {
                told_to_wait += 1;
                let after = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                tokio::time::sleep(Duration::from_secs(after)).await;
            }
            other => panic!("{other}"),
        }
    }
}

/// Posts into an open chat until it is told to stop; how long each took.
async fn chat(router: Router, key: String, conversation: String, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let said = json!({ "text": format!("Number {}: the parcel is on its way.", times.len()) });
        let request = Request::post(format!("/api/v1/conversations/{conversation}/messages"))
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {key}"))
            .body(Body::from(said.to_string()))
            .unwrap();
        let begun = Instant::now();
        let response = router.clone().oneshot(request).await.unwrap();
        times.push(begun.elapsed());
        assert_eq!(response.status(), StatusCode::CREATED);
        // A person does not post as fast as a machine can.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times
}

fn figure(mut times: Vec<Duration>) -> (usize, f64, f64) {
    times.sort_unstable();
    let ms = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e3;
    (times.len(), ms(50), ms(99))
}

/// Two hundred people at once.
async fn many() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::open(&settings(folder.path()), Path::new("/nonexistent")).await.unwrap();
    let router = app.router();
    let console = control::direct(router.clone());
    let desk = Desk::open(control::direct(router.clone())).await;
    let (conversation, key) = (desk.conversation().await, desk.key);
    for number in 0..PEOPLE {
        let email = format!("person{number}@example.com");
        let made = ask(&console, "/api/v1/accounts", &[], json!({ "name": "Person", "email": email })).await;
        let token = made["link"].as_str().unwrap().split("#token=").nth(1).unwrap().to_owned();
        let redeemed = json!({ "token": token, "new_password": PASSWORD });
        ask(&console, "/api/v1/password-resets/redeem", &[], redeemed).await;
    }
    let talk = || {
        let stop = Arc::new(AtomicBool::new(false));
        (tokio::spawn(chat(router.clone(), key.clone(), conversation.clone(), stop.clone())), stop)
    };
    let (mut quiet, mut busy, mut times) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sent_away, mut total, mut before) = (0, Duration::ZERO, 0.0_f64);
    // Taken in turns, as the machine has better and worse moments.
    for _ in 0..FLOODS {
        let (chatting, stop) = talk();
        tokio::time::sleep(QUIET).await;
        stop.store(true, Ordering::Relaxed);
        quiet.extend(chatting.await.unwrap());
        if times.is_empty() {
            forget_peak();
            before = memory_mib("VmRSS:");
        }
        let (chatting, stop) = talk();
        let begun = Instant::now();
        let people: Vec<_> = (0..PEOPLE).map(|number| tokio::spawn(person(router.clone(), number))).collect();
        for one in people {
            let (waits, taken) = one.await.unwrap();
            sent_away += usize::from(waits > 0);
            times.push(taken);
        }
        total += begun.elapsed();
        stop.store(true, Ordering::Relaxed);
        busy.extend(chatting.await.unwrap());
    }
    let (posts, p50, quiet_p99) = figure(quiet);
    println!("an open chat alone:         {posts} posts, p50 {p50:.2} ms, p99 {quiet_p99:.2} ms");
    let (_, in_p50, in_p99) = figure(times);
    println!(
        "{PEOPLE} people at once:         all in after {:.2} s, p50 {in_p50:.0} ms, p99 {in_p99:.0} ms; {sent_away} told to come back",
        total.as_secs_f64() / f64::from(FLOODS)
    );
    let (posts, p50, p99) = figure(busy);
    println!(
        "the open chat meanwhile:    {posts} posts, p50 {p50:.2} ms, p99 {p99:.2} ms, {:.2} times as long",
        p99 / quiet_p99
    );
    let peak = memory_mib("VmHWM:");
    println!(
        "memory:                     {before:.0} MiB before, {peak:.0} MiB at most, {:+.0} MiB",
        peak - before
    );
    app.stop().await;
}
