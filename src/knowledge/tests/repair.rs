//! The indexes are derived: whatever becomes of their files, they come back from the rows.

use std::path::Path;

use super::desk::{Desk, tenant};
use crate::store::crash::CrashDisks;

async fn filled(folder: &Path, disks: &CrashDisks) -> Vec<String> {
    let desk = Desk::open(folder, Some(disks.clone()));
    desk.receive("red.md", b"# Red\n\nA red light means that the tank is empty.").await;
    desk.receive("green.md", b"# Green\n\nA green light means that the machine is ready.").await;
    desk.work().await;
    // A snapshot of the vectors is on disk, and the log is trimmed.
    assert_eq!(desk.rows("store.index_log"), 0);
    desk.found("What does a red light mean?").await
}

fn overwrite(folder: &Path) {
    for entry in walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let length = entry.metadata().unwrap().len();
            std::fs::write(entry.path(), vec![0x5a; usize::try_from(length).unwrap()]).unwrap();
        }
    }
}

#[tokio::test]
async fn indexes_that_are_missing_or_damaged_are_built_anew() {
    let spoil: [fn(&Path); 4] = [
        |folder| std::fs::remove_dir_all(folder.join("keywords")).unwrap(),
        |folder| std::fs::remove_dir_all(folder.join("vectors")).unwrap(),
        |folder| overwrite(&folder.join("keywords")),
        |folder| overwrite(&folder.join("vectors")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut disks = CrashDisks::default();
    let before = filled(folder.path(), &disks).await;
    assert_eq!(before[0], "red.md");
    for spoil in spoil {
        spoil(&folder.path().join("tenants").join(tenant().to_string()));
        disks = disks.after_crash(0);
        let desk = Desk::open(folder.path(), Some(disks.clone()));
        assert_eq!(desk.found("What does a red light mean?").await, before);
        desk.receive("blue.md", b"# Blue\n\nA blue light means that the filter is old.").await;
        desk.work().await;
        assert_eq!(desk.found("What does a blue light mean?").await[0], "blue.md");
        let id = desk.document("blue.md").unwrap().id;
        let pass = crate::identity::Pass::appliance("a test");
        let call = super::desk::call();
        desk.keyspace.write(move |tx| crate::knowledge::delete(tx, &call, pass, id)).await.unwrap();
        desk.work().await;
    }
}

#[tokio::test]
async fn an_index_that_is_ahead_of_the_store_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let disks = CrashDisks::default();
    let before = filled(folder.path(), &disks).await;
    let backup = disks.after_crash(0);
    {
        let desk = Desk::open(folder.path(), Some(disks.after_crash(0)));
        desk.receive("blue.md", b"# Blue\n\nA blue light means that the filter is old.").await;
        desk.work().await;
        assert_eq!(desk.found("blue light").await.len(), 3);
    }
    let desk = Desk::open(folder.path(), Some(backup));
    assert_eq!(desk.found("What does a red light mean?").await, before);
    assert_eq!(desk.ask("blue light").await.explanation.indexed, 2);
}
