//! The manners of the commands: exit codes, JSON for programs, and what they write to which output.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use serde_json::{Value, json};

use super::desk::{Desk, run, said};

/// The one line of JSON that is all of standard output.
#[track_caller]
fn line(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}\n{}", said(output));
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_line_that_cannot_be_understood_ends_with_2_and_a_command_that_fails_with_1() {
    let home = tempfile::tempdir().unwrap();
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["serve", "--help"], 0),
        (&["--version"], 0),
        (&["config", "check"], 0),
        (&["nonsense"], 2),
        (&["setup", "--nonsense"], 2),
        (&["model", "check"], 2),
        (&["config", "check", "--set", "log.nonsense=1"], 1),
        (&["model", "check", "none.gguf"], 1),
        (&["healthcheck", "--listen", "127.0.0.1:1"], 1),
    ] {
        let output = run(home.path(), arguments).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
        assert_eq!(code == 0, output.stderr.is_empty(), "{arguments:?}: {}", said(&output));
    }
}

#[tokio::test]
async fn the_settings_are_checked_for_programs_too() {
    let home = tempfile::tempdir().unwrap();
    let fine = run(home.path(), &["config", "check", "--json", "--set", "log.level=debug"]).await;
    let shown = line(&fine);
    assert_eq!((fine.status.code(), &shown["ok"]), (Some(0), &json!(true)));
    let settings = shown["settings"].as_array().unwrap();
    let level = settings.iter().find(|one| one["key"] == "log.level").unwrap();
    assert_eq!((&level["value"], &level["origin"]), (&json!("\"debug\""), &json!("--set")));

    let wrong = run(home.path(), &["config", "check", "--json", "--set", "log.colour=red"]).await;
    let shown = line(&wrong);
    assert_eq!((wrong.status.code(), &shown["ok"]), (Some(1), &json!(false)));
    assert_eq!(shown["problems"][0]["key"], "log.colour");
}

#[tokio::test]
async fn a_running_appliance_is_looked_at_for_programs_too() {
    let mut desk = Desk::open().await;
    let link = desk.next_line().await;
    let link = &link[link.find("https://").unwrap()..];
    let data_dir = desk.data_dir();
    let data_dir = data_dir.to_str().unwrap();
    let listen = format!("127.0.0.1:{}", desk.port());
    let healthy =
        run(desk.home(), &["healthcheck", "--json", "--listen", &listen, "--data-dir", data_dir]).await;
    let shown = line(&healthy);
    assert_eq!((healthy.status.code(), &shown["ok"]), (Some(0), &json!(true)));
    assert!(shown["state"].is_object() && shown["problem"].is_null(), "{shown}");
    let setup = run(desk.home(), &["setup", "--json", "--data-dir", data_dir]).await;
    assert_eq!(line(&setup), json!({ "link": link }));

    desk.stop().await;
    let gone =
        run(desk.home(), &["healthcheck", "--json", "--listen", &listen, "--data-dir", data_dir]).await;
    let shown = line(&gone);
    assert_eq!((gone.status.code(), &shown["ok"]), (Some(1), &json!(false)));
    assert!(shown["problem"].as_str().unwrap().contains("does not answer"), "{shown}");
}

#[tokio::test]
async fn documents_models_and_keys_are_kept_for_programs_too() {
    let file = "[[ai.provider]]\nname = \"spare\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n";
    let (desk, _) = Desk::set_up_with(&[], file).await;
    let data_dir = desk.data_dir();
    let data_dir = data_dir.to_str().unwrap();
    std::fs::create_dir(desk.home().join("texts")).unwrap();
    std::fs::write(desk.home().join("texts/hours.md"), "# Hours\n\nOpen from nine to five.\n").unwrap();
    let added = run(desk.home(), &["knowledge", "add", "texts", "--json", "--data-dir", data_dir]).await;
    assert_eq!(line(&added), json!({ "documents": 1, "ready": 1, "failed": [] }), "{}", said(&added));
    let removed = run(desk.home(), &["ai", "key", "remove", "spare", "--json", "--data-dir", data_dir]).await;
    let listed = run(desk.home(), &["ai", "key", "list", "--json", "--data-dir", data_dir]).await;
    assert_eq!(line(&listed)["items"][0]["provider"], "spare");
    assert!(removed.status.code() == Some(1) || line(&removed) == json!({ "removed": "spare" }));
    let models = run(desk.home(), &["model", "list", "--json", "--data-dir", data_dir]).await;
    assert_eq!(line(&models), json!({ "models": [] }));
    let unknown = run(desk.home(), &["model", "check", "none.gguf", "--json", "--data-dir", data_dir]).await;
    let shown = line(&unknown);
    assert_eq!((unknown.status.code(), &shown["ok"]), (Some(1), &json!(false)));
}

#[tokio::test]
async fn completions_are_printed_and_manual_pages_written() {
    let home = tempfile::tempdir().unwrap();
    let script = run(home.path(), &["completions", "bash"]).await;
    assert!(String::from_utf8_lossy(&script.stdout).contains("_frontdesk()"));
    let written = run(home.path(), &["man", "pages"]).await;
    assert_eq!(written.status.code(), Some(0), "{}", said(&written));
    let page = std::fs::read_to_string(home.path().join("pages/frontdesk-config-check.1")).unwrap();
    assert!(page.contains("EXIT STATUS") && page.contains("frontdesk config check"), "{page}");
    for path in ["pages", "pages/frontdesk.1"] {
        let mode = std::fs::metadata(home.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o044, 0o044, "{path} is for everybody to read");
    }
}
