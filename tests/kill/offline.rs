//! Without a network: the same answer, and not one attempt to connect to anything.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use axum::http::Method;
use serde_json::{Value, json};

use super::appliance::{Appliance, Ask, Console, command, data, until, within};
use super::desk::{Desk, WORKSPACE};
use super::witness;

const QUESTION: &str = "How do I descale the machine?";

/// Says so in spite of the harness, which keeps what a passing test prints by a macro.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// Whether `program` with `arguments` runs here.
fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// The demo's answer, as `frontdesk demo --ask` prints it, without what differs between two runs.
fn answer(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    let (said, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{complaints}");
    let mut answer: Value =
        serde_json::from_str(said.trim()).unwrap_or_else(|_| panic!("{said}{complaints}"));
    answer.as_object_mut().unwrap().remove("timings_ms").unwrap();
    answer
}

fn knowledge() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/how-to")
}

fn demo(folder: &Path, settings: &[&str]) -> Command {
    let mut demo = command(folder);
    demo.args(settings.iter().flat_map(|setting| ["--set", setting]));
    demo.args(["demo", "--json", "--ask", QUESTION, "--knowledge"]).arg(knowledge());
    demo
}

/// Makes a process part of a network namespace in which only loopback is up, its system calls traced when that can be.
fn cut_off(trace: Option<&Path>) -> Vec<&OsStr> {
    const UP: &str = "ip link set lo up 2>/dev/null; exec \"$@\"";
    // The tracer is another process, so that what is started is the appliance.
    const STRACE: [&str; 7] = ["strace", "-D", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o"];
    let mut words: Vec<_> = ["unshare", "-rn", "sh", "-c", UP, "sh"].map(OsStr::new).to_vec();
    if let Some(trace) = trace {
        words.extend(STRACE.map(OsStr::new));
        words.push(trace.as_os_str());
    }
    words
}

/// Whether a traced call goes to this machine or this process's own pipes.
fn stays_home(call: &str) -> bool {
    let elsewhere = ["sa_family=AF_INET", "sa_family=AF_NETLINK"].iter().any(|family| call.contains(family));
    !elsewhere || call.contains("inet_addr(\"127.") || call.contains("inet_pton(AF_INET6, \"::1\"")
}

/// Row A9.
#[test]
fn the_demo_answers_the_same_without_a_network_and_contacts_nobody() {
    if !works("unshare", &["-rn", "true"]) {
        skipped("this machine does not permit a network namespace of one's own");
        return;
    }
    let (with, without) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = answer(&mut demo(with.path(), &[]));
    assert_eq!(expected["declined"], false, "{expected}");
    let trace = without.path().join("trace");
    let traced = works("unshare", &["-rn", "strace", "-o", "/dev/null", "true"]);
    let trace_to = traced.then_some(trace.as_path());
    let found = answer(&mut within(&cut_off(trace_to), &demo(without.path(), &[])));
    assert_eq!(found, expected);
    assert!(data(without.path()).exists());
    if !traced {
        skipped("strace is not here, so connections were not watched");
        return;
    }
    assert_nobody_was_contacted(&trace);
}

#[track_caller]
fn assert_nobody_was_contacted(trace: &Path) {
    let calls = std::fs::read_to_string(trace).unwrap();
    let abroad: Vec<_> = calls.lines().filter(|call| !stays_home(call)).collect();
    assert!(abroad.is_empty(), "connections were attempted: {abroad:#?}");
}

/// An account that has a password, signed in.
async fn sign_in(console: &Console) {
    const PASSWORD: &str = "a long walk by the quiet river";
    let tell = async |path: &str, json: Value| {
        console.tell(Method::POST, path, Ask { json: Some(json), ..Ask::default() }).await.unwrap()
    };
    let account = tell("/api/v1/accounts", json!({ "name": "Ada", "email": "ada@example.com" })).await;
    let token = account["link"].as_str().unwrap().split("#token=").nth(1).unwrap();
    let redeemed = json!({ "token": token, "new_password": PASSWORD });
    tell("/api/v1/password-resets/redeem", redeemed).await;
    let session = tell("/api/v1/sessions", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    assert_eq!(session["account"]["email"], "ada@example.com", "{session}");
}

/// A backup, proven by being opened, and everything of a workspace in one file.
async fn take_away(console: &Console) {
    const BACKUPS: &str = "/api/v1/appliance/backups";
    console.tell(Method::POST, BACKUPS, Ask::default()).await.unwrap();
    let backup = until("the backup is made and proven", async || {
        let list = console.tell(Method::GET, BACKUPS, Ask::default()).await.unwrap();
        let done = list["running"].is_null().then(|| list["items"][0].clone());
        done.filter(|backup| !backup.is_null())
    })
    .await;
    assert!(backup["verified_at"].is_string() && backup["problem"].is_null(), "{backup}");
    let asked = Ask { workspace: Some(WORKSPACE), ..Ask::default() };
    let export = console.ask(Method::GET, "/api/v1/workspace/export", asked).await.unwrap();
    assert!(export.status.is_success() && !export.body.is_empty(), "{}", export.status);
}

/// Rows A1, A9.
#[tokio::test]
async fn the_whole_product_is_one_process_that_contacts_nobody() {
    if !works("unshare", &["-rn", "true"]) {
        skipped("this machine does not permit a network namespace of one's own");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let traced = works("unshare", &["-rn", "strace", "-o", "/dev/null", "true"]);
    let appliance = Appliance::start_within(folder.path(), &cut_off(traced.then_some(&trace))).await;
    let console = &appliance.console;
    sign_in(console).await;
    let mut desk = Desk::set_up(console).await;
    desk.plan(1);
    desk.send(console, &|| ()).await;
    witness::check_finished(console, &desk).await;
    take_away(console).await;
    assert_eq!(appliance.children(), [] as [u32; 0]);
    appliance.kill();
    if traced {
        assert_nobody_was_contacted(&trace);
    }
}

/// Row A9.
#[cfg(feature = "local-model")]
#[test]
fn an_air_gapped_appliance_routes_to_the_model_inside_and_contacts_nobody() {
    use super::gguf::Made;

    // The model reads byte by byte, so that a prompt takes more of its tokens than of a real one's.
    const AIR_GAPPED: [&str; 4] = [
        "outbound.air_gapped=true",
        "assistant.provider=auto",
        "routing.strategy=local",
        "local_model.context_tokens=32768",
    ];
    if !works("unshare", &["-rn", "true"]) {
        skipped("this machine does not permit a network namespace of one's own");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let models = data(folder.path()).join("models");
    std::fs::create_dir_all(&models).unwrap();
    let says = Made::saying("Descale the machine with descaler [1].");
    Made { context_tokens: 32_768, ..says }.write(&models.join("small.gguf"));
    let trace = folder.path().join("trace");
    let traced = works("unshare", &["-rn", "strace", "-o", "/dev/null", "true"]);
    let trace_to = traced.then_some(trace.as_path());
    let answer = answer(&mut within(&cut_off(trace_to), &demo(folder.path(), &AIR_GAPPED)));
    assert_eq!(
        (answer["provider"].as_str(), answer["model"].as_str()),
        (Some("local"), Some("small")),
        "{answer}"
    );
    assert_eq!(answer["answer"], "Descale the machine with descaler [1].");
    if traced {
        assert_nobody_was_contacted(&trace);
    }
}
