//! Tenants that nobody uses cost nothing: no file of theirs is made or opened.

use axum::http::Method;
use serde_json::json;

use super::appliance::{Appliance, Ask, data};

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
