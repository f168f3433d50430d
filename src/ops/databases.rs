//! The databases of the data directory: each that should open does, and no folder is left of a workspace that is gone.

use std::path::Path;

use super::Finding;
use crate::base::TenantId;
use crate::identity::{self, tenant_roll};
use crate::store::{Error, Examined, Look, Read};

/// Workspaces that are looked at.
const TENANTS_MAX: usize = 1_000;
const RESTORE: &str =
    "Restore a backup (frontdesk restore FILE), or install the release that wrote the data.";

/// The folders of workspaces.
fn folders(data_dir: &Path) -> Vec<(String, Option<TenantId>)> {
    let Ok(entries) = std::fs::read_dir(data_dir.join("tenants")) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.take(TENANTS_MAX).map(|name| (name.clone(), TenantId::parse(&name).ok())).collect()
}

/// Folders of workspaces that nobody knows.
pub(super) fn orphans(data_dir: &Path, system: &impl Read) -> Finding {
    const NAME: &str = "workspace_folders";
    let mut orphans = Vec::new();
    for (name, tenant) in folders(data_dir) {
        let known = tenant.map_or(Ok::<_, identity::Error>(false), |tenant| tenant_roll::has(system, tenant));
        match known {
            Ok(true) => {}
            Ok(false) => orphans.push(name),
            Err(error) => {
                return Finding::failed(NAME, format!("Who exists cannot be read: {error}."), RESTORE);
            }
        }
    }
    if orphans.is_empty() {
        return Finding::ok(NAME, "Each folder belongs to a workspace.");
    }
    let folder = data_dir.join("tenants");
    let detail = format!(
        "{} folders in {} belong to no workspace: {}.",
        orphans.len(),
        folder.display(),
        orphans.join(", ")
    );
    Finding::warning(NAME, detail, "Look into them, and remove them if nothing of them is wanted.")
}

/// Looks into every database of a data directory that no process has open, changing nothing.
pub(super) fn stopped(data_dir: &Path) -> Vec<Finding> {
    const NAME: &str = "databases";
    let file = data_dir.join("system.redb");
    if !file.exists() {
        return vec![Finding::ok(NAME, "There is none yet.")];
    }
    let system = match Examined::open(&file) {
        Ok(Look::Sound(system)) => system,
        Ok(Look::Unclosed) => {
            let detail = "The appliance was cut off; the next start puts the databases in order.";
            return vec![Finding::ok(NAME, detail)];
        }
        Err(error) => return vec![damaged("The appliance's own database", &error)],
    };
    let mut findings: Vec<_> = folders(data_dir)
        .into_iter()
        .filter_map(|(name, _)| {
            let file = data_dir.join("tenants").join(&name).join("keyspace.redb");
            let error = if file.exists() { Examined::open(&file).err()? } else { return None };
            Some(damaged(&format!("The database of the workspace {name}"), &error))
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok(NAME, "Each can be read."));
    }
    let orphans = system.read(|tx| Ok::<_, Error>(orphans(data_dir, tx)));
    findings.push(orphans.unwrap_or_else(|error| damaged("The appliance's own database", &error)));
    findings
}

fn damaged(what: &str, error: &Error) -> Finding {
    use crate::base::Fault as _;
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
    Finding::failed("databases", format!("{what} cannot be read: {}{cause}", error.public()), RESTORE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::base::{ManualClock, Timestamp};
    use crate::ops::FindingState::{Failed, Ok, Warning};
    use crate::store::{Store, StoreOptions};

    #[test]
    fn a_damaged_database_and_a_folder_of_nobody_are_named_and_nothing_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(stopped(path)[0].state, Ok);
        let now = Timestamp::from_millis(1_800_000_000_000);
        let store = Store::open(path, StoreOptions::default(), Arc::new(ManualClock::at(now))).unwrap();
        let (tenant, stranger) = (TenantId::new(now), TenantId::new(now));
        store.system().write_blocking(move |tx| tenant_roll::enrol(tx, now, tenant)).unwrap();
        for tenant in [tenant, stranger] {
            drop(store.tenant(tenant).unwrap());
        }
        drop(store);
        let states = |found: &[Finding]| found.iter().map(|one| one.state).collect::<Vec<_>>();
        let found = stopped(path);
        assert_eq!(states(&found), [Ok, Warning], "{found:?}");
        assert!(
            found[1].detail.contains(&stranger.to_string()) && !found[1].detail.contains(&tenant.to_string())
        );
        let file = path.join("tenants").join(tenant.to_string()).join("keyspace.redb");
        std::fs::write(&file, vec![7; 4_096]).unwrap();
        let found = stopped(path);
        assert_eq!(states(&found), [Failed, Warning], "{found:?}");
        assert!(found[0].detail.contains(&tenant.to_string()) && found[0].fix.is_some());
        assert_eq!(std::fs::read(&file).unwrap(), vec![7; 4_096]);
    }
}
