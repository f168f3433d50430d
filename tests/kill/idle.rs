//! An appliance that nobody uses takes little, and tenants that nobody uses nothing: no file of theirs is made or opened.

use std::ffi::OsStr;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::json;

use super::appliance::{Appliance, Ask, data};

/// Row A2, which is itself a bound on time; a debug build needs a tenth of it.
#[tokio::test]
async fn on_one_processor_the_sign_in_page_is_there_at_once_and_memory_stays_small() {
    let one_processor = ["taskset", "--cpu-list", "0"].map(OsStr::new);
    let folder = tempfile::tempdir().unwrap();
    let appliance = Appliance::start_within(folder.path(), &one_processor).await;
    let page = appliance.console.ask(Method::GET, "/", Ask::default()).await.unwrap();
    assert_eq!(page.status, StatusCode::OK);
    assert!(String::from_utf8_lossy(&page.body).contains("<html"));
    let (idle, most) = (appliance.resident_mb(), appliance.resident_max_mb());
    println!("ready after {} ms, {idle} MB resident, {most} MB at most", appliance.ready_after.as_millis());
    assert!(appliance.ready_after < Duration::from_secs(5), "{:?}", appliance.ready_after);
    assert!(idle < 150, "{idle} MB");
    assert!(most < 512, "{most} MB");
}

#[tokio::test]
async fn idle_tenants_are_neither_created_on_disk_nor_opened() {
    let tenants = std::env::var("IDLE_TENANTS").ok().and_then(|text| text.parse().ok()).unwrap_or(50);
    let folder = tempfile::tempdir().unwrap();
    let appliance = Appliance::start(folder.path()).await;
    for number in 0..tenants {
        let new = json!({ "name": format!("Tenant {number}"), "slug": format!("tenant-{number}") });
        let asked = Ask { json: Some(new), ..Ask::default() };
        appliance.console.tell(Method::POST, "/api/v1/tenants", asked).await.unwrap();
    }
    appliance.kill();
    let appliance = Appliance::start(folder.path()).await;
    println!(
        "{tenants} idle tenants: ready after {} ms, {} MB resident",
        appliance.ready_after.as_millis(),
        appliance.resident_mb()
    );
    let databases = |files: Vec<std::path::PathBuf>| {
        files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "redb")).count()
    };
    assert_eq!(databases(appliance.open_files()), 1, "the system's database alone is open");
    let on_disk = walkdir::WalkDir::new(data(folder.path())).into_iter();
    assert_eq!(databases(on_disk.map(|entry| entry.unwrap().into_path()).collect()), 1);
}
