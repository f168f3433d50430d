//! The order of the house: a room uses only rooms that `src/lib.rs` lists before it, opens no other room's table, and the
//! few doors that are guarded are opened only where they may be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(source_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The rooms in the order of `lib.rs`.
fn rooms() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("lib.rs")).unwrap();
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

/// Each file of a room, as (room, path below `src`, code without comments).
fn code() -> Vec<(String, String, String)> {
    let files = source_files(&root()).into_iter().filter_map(|path| {
        let below = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let room = below.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        let code = lines.collect::<Vec<_>>().join("\n");
        (room != "lib" && room != "main").then_some((room, below, code))
    });
    files.collect()
}

/// The rooms that `code` names in paths that begin with `crate::`, grouped imports too.
fn rooms_named(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut part = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => named.push(std::mem::take(&mut part)),
                    c if depth == 0 => part.push(c),
                    _ => {}
                }
            }
            named.push(part);
        } else {
            named.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    let first = |path: &String| path.trim().split("::").next().unwrap_or_default().trim().to_owned();
    named.iter().map(first).filter(|name| !name.is_empty()).collect()
}

#[test]
fn a_grouped_import_is_taken_apart() {
    assert_eq!(rooms_named("use crate::{a::b, c::{d, e}, f};"), ["a", "c", "f"]);
    assert_eq!(rooms_named("crate::store::Key"), ["store"]);
}

#[test]
fn no_room_looks_up() {
    let rooms = rooms();
    let place: BTreeMap<&str, usize> =
        rooms.iter().enumerate().map(|(place, room)| (room.as_str(), place)).collect();
    let mut wrong = Vec::new();
    for (room, file, code) in code() {
        let own = place
            .get(room.as_str())
            .unwrap_or_else(|| panic!("{file}: the room {room} is not listed in lib.rs"));
        for named in rooms_named(&code) {
            if place.get(named.as_str()).is_some_and(|other| other > own) {
                wrong.push(format!("{file} uses {named}, which lies above {room}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_table_and_index_belongs_to_the_room_that_its_name_says() {
    let mut wrong = Vec::new();
    for (room, file, code) in code() {
        for (declared, _) in code.match_indices("tables! {") {
            for line in code[declared..].lines().take_while(|line| !line.starts_with('}')) {
                if let Some((_, rest)) = line.split_once(" = \"") {
                    let name = rest.split('"').next().unwrap_or_default();
                    if !name.starts_with(&format!("{room}.")) && !name.starts_with("test.") {
                        wrong.push(format!("{file}: {name}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Code, and the only files in which it may stand.
const GUARDED: [(&str, &[&str]); 11] = [
    (".tenant_async(", &["identity/policy.rs", "jobs/runner.rs"]),
    ("store.tenant(", &["store/open.rs", "ops/make.rs"]),
    (
        "Pass::appliance(",
        &["identity/pass.rs", "tenants/set_up.rs", "assistant/", "http/api/conversations.rs"],
    ),
    ("reqwest::Client", &["outbound/"]),
    ("lettre::", &["outbound/smtp.rs", "notify/mail/compose.rs", "config/mail.rs"]),
    ("lettre::transport", &["outbound/smtp.rs"]),
    ("axum::", &["http/", "app/", "cli/"]),
    ("SystemTime::now", &["base/clock.rs"]),
    ("Pass::mint", &["identity/"]),
    ("store.retire(", &["tenants/erase.rs"]),
    (".remove_folder(", &["store/", "tenants/"]),
];

#[test]
fn guarded_doors_are_opened_only_where_they_may_be() {
    let mut wrong = Vec::new();
    let is_test = |file: &str| file.ends_with("tests.rs") || file.contains("/tests/");
    for (_, file, code) in code().into_iter().filter(|(_, file, _)| !is_test(file)) {
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (door, allowed) in GUARDED {
            if code.contains(door) && !allowed.iter().any(|place| file.starts_with(place)) {
                wrong.push(format!("{file} uses {door}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
