//! Without a network: the same answer, and not one attempt to connect to anything.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::appliance::{command, data};

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

/// The same command inside a network namespace in which only loopback is up, its system calls traced when that can be.
fn demo_offline(folder: &Path, settings: &[&str], trace: Option<&Path>) -> Command {
    let plain = demo(folder, settings);
    let mut words = Vec::new();
    if let Some(trace) = trace {
        words.extend(["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o"].map(Into::into));
        words.push(trace.as_os_str().to_owned());
    }
    words.push(plain.get_program().to_owned());
    words.extend(plain.get_args().map(ToOwned::to_owned));
    let mut offline = Command::new("unshare");
    offline
        .args(["-rn", "sh", "-c", "ip link set lo up 2>/dev/null; exec \"$@\"", "sh"])
        .args(words)
        .current_dir(folder);
    offline
}

/// Whether a traced call goes to this machine or this process's own pipes.
fn stays_home(call: &str) -> bool {
    let elsewhere = ["sa_family=AF_INET", "sa_family=AF_NETLINK"].iter().any(|family| call.contains(family));
    !elsewhere || call.contains("inet_addr(\"127.") || call.contains("inet_pton(AF_INET6, \"::1\"")
}

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
    let found = answer(&mut demo_offline(without.path(), &[], traced.then_some(trace.as_path())));
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
    let answer = answer(&mut demo_offline(folder.path(), &AIR_GAPPED, traced.then_some(trace.as_path())));
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
