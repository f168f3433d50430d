//! Where everything is kept: the data directory, its disk, and the clock that its files were written by.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::Finding;
use super::finding::megabytes;
use crate::base::Timestamp;
use crate::telemetry::DiskFacts;

/// With less to write the appliance fails soon.
pub(super) const DISK_FAILED_BYTES: u64 = 64 << 20;
/// With less to write somebody should look.
pub(super) const DISK_WARNING_BYTES: u64 = 1 << 30;
/// Files that are newer than now by more than this were written by another clock.
const AHEAD_MS: u64 = 5 * 60 * 1_000;
/// This release was not there before.
const EARLIEST_YEAR: i16 = 2026;
const LATEST_YEAR: i16 = 2100;
/// What holds secrets, below the data directory.
const PRIVATE_FILES: [&str; 5] =
    ["appliance.key", "setup-link", "control.sock", "tls/authority.key", "tls/server.key"];

/// The data directory: there, ours, and for nobody else.
pub(super) fn data_directory(path: &Path) -> Finding {
    const NAME: &str = "data_directory";
    let shown = path.display();
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Finding::ok(NAME, format!("{shown} is not there yet; the first start makes it."));
        }
        Err(error) => {
            let fix = "Check store.data_dir, and who owns the folders above it.";
            return Finding::failed(NAME, format!("{shown} cannot be looked into: {error}."), fix);
        }
    };
    if !found.is_dir() {
        return Finding::failed(
            NAME,
            format!("{shown} is not a folder."),
            "Name another with store.data_dir.",
        );
    }
    if let Err(error) = tempfile::tempfile_in(path) {
        let fix = format!("Give it to the account that runs Frontdesk: chown -R frontdesk {shown}");
        return Finding::failed(NAME, format!("Nothing can be written to {shown}: {error}."), fix);
    }
    let us = rustix::process::geteuid().as_raw();
    if found.uid() != us {
        let detail =
            format!("{shown} belongs to the account {}, and this process runs as {us}.", found.uid());
        let fix = format!("Run it as that account, or give it over: chown -R {us} {shown}");
        return Finding::warning(NAME, detail, fix);
    }
    let open = std::iter::once(path.to_path_buf()).chain(PRIVATE_FILES.map(|name| path.join(name)));
    let open: Vec<_> = open
        .filter(|path| std::fs::metadata(path).is_ok_and(|found| found.mode() & 0o077 != 0))
        .map(|path| path.display().to_string())
        .collect();
    if open.is_empty() {
        return Finding::ok(NAME, format!("{shown} can be written and is nobody else's."));
    }
    let detail = format!("Other accounts of this machine may look into {}.", open.join(", "));
    Finding::warning(NAME, detail, format!("chmod go= {}", open.join(" ")))
}

/// The room on the disk.
pub(super) fn disk(path: &Path) -> Finding {
    const NAME: &str = "disk";
    const FIX: &str = "Free some space, or move the data directory to a larger disk.";
    // Before the first start it is the disk of the nearest folder that is there.
    let there = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let facts = match DiskFacts::of(if there.as_os_str().is_empty() { Path::new(".") } else { there }) {
        Ok(facts) => facts,
        Err(error) => {
            return Finding::warning(NAME, format!("The disk does not say how full it is: {error}."), FIX);
        }
    };
    let detail = format!("{} of {} are free.", megabytes(facts.free_bytes), megabytes(facts.total_bytes));
    match facts.free_bytes {
        0..DISK_FAILED_BYTES => Finding::failed(NAME, detail, FIX),
        DISK_FAILED_BYTES..DISK_WARNING_BYTES => Finding::warning(NAME, detail, FIX),
        _ => Finding::ok(NAME, detail),
    }
}

/// The clock: a sane year, and not behind the files of the data directory.
pub(super) fn clock(path: &Path, now: Timestamp) -> Finding {
    const NAME: &str = "clock";
    const FIX: &str = "Set the machine's clock (timedatectl), and keep it right with NTP: codes, sessions and certificates depend on it.";
    let millis = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let year = jiff::Timestamp::from_millisecond(millis)
        .map_or(9999, |time| time.to_zoned(jiff::tz::TimeZone::UTC).year());
    if !(EARLIEST_YEAR..=LATEST_YEAR).contains(&year) {
        return Finding::failed(NAME, format!("The machine's clock says {now}."), FIX);
    }
    let newest = ["system.redb", "lock", "appliance.key"].iter().filter_map(|name| {
        let written = std::fs::metadata(path.join(name)).ok()?.mtime();
        u64::try_from(written).ok()?.checked_mul(1_000)
    });
    match newest.max() {
        Some(newest) if newest > now.as_millis().saturating_add(AHEAD_MS) => {
            let written = Timestamp::from_millis(newest);
            let detail = format!("The machine's clock says {now}, and the data was written at {written}.");
            Finding::failed(NAME, detail, FIX)
        }
        _ => Finding::ok(NAME, format!("It is {now}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::FindingState::{Failed, Ok, Warning};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_folder_that_others_may_look_into_is_named_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let mode =
            |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o700);
        assert_eq!(data_directory(folder.path()).state, Ok);
        mode(0o755);
        let found = data_directory(folder.path());
        assert_eq!(found.state, Warning);
        assert!(found.fix.unwrap().starts_with("chmod go= "));
        assert_eq!(data_directory(&folder.path().join("not-yet")).state, Ok);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(data_directory(&file).state, Failed);
    }

    #[test]
    fn a_clock_behind_its_own_files_or_in_another_century_has_failed() {
        let folder = tempfile::tempdir().unwrap();
        let time = Timestamp::from_millis;
        assert_eq!(clock(folder.path(), time(1_800_000_000_000)).state, Ok);
        assert_eq!(clock(folder.path(), time(0)).state, Failed);
        let file = std::fs::File::create(folder.path().join("system.redb")).unwrap();
        let written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000);
        file.set_modified(written).unwrap();
        assert_eq!(clock(folder.path(), time(1_799_990_000_000)).state, Failed);
        assert_eq!(clock(folder.path(), time(1_800_000_010_000)).state, Ok);
    }
}
