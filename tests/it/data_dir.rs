//! Data directories that cannot be used: a sentence, an exit code, and nothing is touched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use redb::{ReadableDatabase as _, ReadableTable as _, TableHandle as _};

use super::desk::{Desk, run, said};

fn serve(data_dir: &Path) -> Vec<String> {
    let data_dir = data_dir.to_str().unwrap();
    ["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir].map(str::to_owned).to_vec()
}

async fn refused(home: &Path, data_dir: &Path) -> String {
    let arguments = serve(data_dir);
    let output = run(home, &arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(output.stdout.is_empty(), "nothing is announced");
    let said = said(&output);
    assert!(!said.contains("panicked") && !said.trim().is_empty(), "{said}");
    said
}

#[tokio::test]
async fn a_second_process_on_the_same_data_directory_is_refused_and_the_first_goes_on() {
    let (desk, owner) = Desk::set_up().await;
    let said = refused(desk.home(), &desk.data_dir()).await;
    assert!(said.contains("in use by another Frontdesk process") && said.contains("--data-dir"), "{said}");
    desk.get(&owner, "/api/v1/me").await.expect(200);
    let console = desk.console(reqwest::Method::GET, "/api/v1/tenants", "", None).await.expect(200);
    assert!(console.text.contains("acme"));
}

#[tokio::test]
async fn a_file_in_the_place_of_the_data_directory_is_named_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("data");
    std::fs::write(&place, "somebody's notes").unwrap();
    let said = refused(home.path(), &place).await;
    assert!(said.contains(place.to_str().unwrap()), "{said}");
    let said = refused(home.path(), &place.join("below")).await;
    assert!(said.contains(place.to_str().unwrap()), "{said}");
    assert_eq!(std::fs::read_to_string(&place).unwrap(), "somebody's notes");
}

/// Every row of every table of a database. The engine notes in the file's header that it was open; that is no change.
fn rows(file: &Path) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let database = redb::Database::open(file).unwrap();
    let read = database.begin_read().unwrap();
    let mut rows = Vec::new();
    for table in read.list_tables().unwrap() {
        let name = table.name().to_owned();
        let definition = redb::TableDefinition::<&[u8], &[u8]>::new(&name);
        for row in read.open_table(definition).unwrap().iter().unwrap() {
            let (key, value) = row.unwrap();
            rows.push((name.clone(), key.value().to_vec(), value.value().to_vec()));
        }
    }
    assert!(rows.len() > 3);
    rows
}

/// Every other file with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    let files = files.filter(|one| one.file_type().is_file() && one.file_name() != "system.redb");
    files.map(|one| (one.path().to_owned(), std::fs::read(one.path()).unwrap())).collect()
}

#[tokio::test]
async fn a_data_directory_of_a_newer_release_is_refused_untouched() {
    const SCHEMA: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new("store.schema");
    let (mut desk, _) = Desk::set_up().await;
    assert_eq!(desk.stop().await, Some(0));
    let file = desk.data_dir().join("system.redb");
    let database = redb::Database::open(&file).unwrap();
    let write = database.begin_write().unwrap();
    let newer = 999_u32.to_be_bytes();
    let before = write.open_table(SCHEMA).unwrap().insert(&b"version"[..], &newer[..]).unwrap().is_some();
    assert!(before, "the version is kept where this story looks for it");
    write.commit().unwrap();
    drop(database);
    let before = (files(&desk.data_dir()), rows(&file));
    let said = refused(desk.home(), &desk.data_dir()).await;
    assert!(said.contains("newer release") && said.contains("999"), "{said}");
    assert!((files(&desk.data_dir()), rows(&file)) == before, "something was changed");
}

#[tokio::test]
async fn a_damaged_key_is_refused_with_what_to_do() {
    let (mut desk, _) = Desk::set_up().await;
    assert_eq!(desk.stop().await, Some(0));
    std::fs::write(desk.data_dir().join("appliance.key"), "short").unwrap();
    let said = refused(desk.home(), &desk.data_dir()).await;
    assert!(said.contains("appliance.key") && said.contains("32 bytes"), "{said}");
}
