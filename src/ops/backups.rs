//! The backups of a running appliance: made, proven, listed, handed out, deleted.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::folder::{Folder, Record, SCRATCH, name_of, private_folder, sync_folder};
use super::make::{self, Paced, Progress};
use super::pace::Pace;
use super::retention::Kept;
use super::{BackupView, Error, Finding, Schedule, Settings, verify};
use crate::archive::{Opening, Protection};
use crate::base::{Clock, Fault as _, Timestamp, counted};
use crate::store::Store;
use crate::telemetry::Health;

/// The name of the health fact.
const FACT: &str = "backups";
/// A backup is too old when it is older than so many times the time between two.
const INTERVALS_MAX: u32 = 2;

/// A backup that is being made.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Running {
    /// The name of its file.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// Bytes written so far.
    pub bytes: u64,
}

/// A backup that could not be made.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Failed {
    /// The name that it would have had.
    pub name: String,
    /// When it failed.
    pub at: Timestamp,
    /// What went wrong and what to do.
    pub problem: String,
}

/// What there is.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Listed {
    /// The backups, newest first.
    pub items: Vec<BackupView>,
    /// The one that is being made.
    pub running: Option<Running>,
    /// The last attempt since the appliance was started, if it failed.
    pub last_failure: Option<Failed>,
    /// When the next is made by itself; nothing when none is.
    pub next_at: Option<Timestamp>,
}

struct Inner {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    settings: Settings,
    folder: Folder,
    /// Held while one is made.
    making: Mutex<()>,
    running: Mutex<Option<Arc<Progress>>>,
    last_failure: Mutex<Option<Failed>>,
    last_verified: Mutex<Option<Timestamp>>,
    /// The name of the last one that was asked for.
    asked: Mutex<Option<String>>,
}

/// The backups. Cheap to clone.
#[derive(Clone)]
pub struct Backups(Arc<Inner>);

impl std::fmt::Debug for Backups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Backups({})", self.0.settings.folder.display())
    }
}

impl Backups {
    /// Those of `store`, as the site has set. Says at once how the last one is.
    #[must_use]
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>, health: Arc<Health>, settings: Settings) -> Self {
        let folder = Folder::new(settings.folder.clone());
        let backups = Self(Arc::new(Inner {
            store,
            clock,
            health,
            settings,
            folder,
            making: Mutex::default(),
            running: Mutex::default(),
            last_failure: Mutex::default(),
            last_verified: Mutex::default(),
            asked: Mutex::default(),
        }));
        backups.look();
        backups
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(super) fn schedule(&self) -> &Schedule {
        &self.0.settings.schedule
    }

    pub(super) fn asked(&self) -> Option<String> {
        self.0.asked.lock().clone()
    }

    pub(super) fn remember_asked(&self, name: &str) {
        *self.0.asked.lock() = Some(name.to_owned());
    }

    /// The name of a backup that is begun at `at`.
    pub(super) fn name(at: Timestamp) -> String {
        name_of(at)
    }

    /// When the newest backup was made that was proven good; nothing when there is none. For metrics: costs nothing.
    #[must_use]
    pub fn last_verified(&self) -> Option<Timestamp> {
        *self.0.last_verified.lock()
    }

    /// How backups are, for whoever examines the appliance. Costs nothing.
    #[must_use]
    pub fn finding(&self, now: Timestamp) -> Finding {
        const FIX: &str = "See `frontdesk backup list`, and make one: frontdesk backup";
        let scheduled = self.schedule().interval().is_some();
        if self.0.last_failure.lock().is_some() {
            return Finding::warning(FACT, "The last backup failed.", FIX);
        }
        match self.last_verified() {
            Some(at) => {
                let days = now.since(at).as_secs() / 86_400;
                let age = counted(days, "day", "days");
                let detail = format!("The newest backup that was proven good is {age} old.");
                let late = self
                    .schedule()
                    .interval()
                    .is_some_and(|interval| now.since(at) > interval.saturating_mul(INTERVALS_MAX));
                if late { Finding::warning(FACT, detail, FIX) } else { Finding::ok(FACT, detail) }
            }
            None if scheduled => Finding::warning(FACT, "No backup was made yet.", FIX),
            None => {
                let fix = "Set backup.at, such as \"02:30\", and best backup.folder on another disk.";
                Finding::warning(FACT, "No backup was made, and none is scheduled.", fix)
            }
        }
    }

    /// What there is. On this thread.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Listed, Error> {
        let running = self.0.running.lock().as_ref().map(|progress| Running {
            name: progress.name.clone(),
            since: progress.since,
            bytes: progress.bytes.load(Ordering::Relaxed),
        });
        Ok(Listed {
            items: self.0.folder.list()?,
            running,
            last_failure: self.0.last_failure.lock().clone(),
            next_at: self.schedule().next(self.now()),
        })
    }

    /// The open file of a backup, and its size.
    ///
    /// # Errors
    /// [`Error::Missing`], or when the disk fails.
    pub fn open(&self, name: &str) -> Result<(File, u64), Error> {
        self.0.folder.open(name)
    }

    /// Deletes a backup.
    ///
    /// # Errors
    /// [`Error::Missing`], or when the disk fails.
    pub fn delete(&self, name: &str) -> Result<(), Error> {
        self.0.folder.delete(name)?;
        self.look();
        Ok(())
    }

    /// Makes a backup and proves it, on a thread of its own that gives way to others. What is wrong with one that was made stands
    /// in it.
    ///
    /// # Errors
    /// When it cannot be made, or [`Error::Stopping`].
    pub async fn make(&self, name: String, stopping: CancellationToken) -> Result<BackupView, Error> {
        let (answer, made) = tokio::sync::oneshot::channel();
        let backups = self.clone();
        let thread = std::thread::Builder::new().name("backup".to_owned());
        let started = thread.spawn(move || {
            let _ = answer.send(backups.make_blocking(&name, &stopping));
        });
        started.map_err(Error::io("start a thread for", &self.0.settings.folder))?;
        made.await.unwrap_or(Err(Error::Store(crate::store::Error::Lost)))
    }

    /// [`Backups::make`] on this thread.
    ///
    /// # Errors
    /// As there.
    pub fn make_blocking(&self, name: &str, stopping: &CancellationToken) -> Result<BackupView, Error> {
        let _one_at_a_time = self.0.making.lock();
        let progress = Arc::new(Progress {
            name: name.to_owned(),
            since: self.now(),
            bytes: std::sync::atomic::AtomicU64::new(0),
        });
        *self.0.running.lock() = Some(progress.clone());
        let made = self.make_and_prove(name, &progress, stopping);
        *self.0.running.lock() = None;
        let failure = match &made {
            Ok(record) => record.problem.clone(),
            Err(_) if stopping.is_cancelled() => return Err(Error::Stopping),
            Err(error) => {
                tracing::error!(code = error.code(), ?error, "the backup failed");
                Some(error.public().into_owned())
            }
        };
        *self.0.last_failure.lock() =
            failure.map(|problem| Failed { name: name.to_owned(), at: self.now(), problem });
        let made = made.and_then(|_| {
            self.forget_old()?;
            let mut found = self.0.folder.list()?;
            found.retain(|one| one.name == name);
            found.pop().ok_or_else(|| Error::Missing { name: name.to_owned() })
        });
        self.look();
        made
    }

    fn make_and_prove(
        &self,
        name: &str,
        progress: &Progress,
        stopping: &CancellationToken,
    ) -> Result<Record, Error> {
        let folder = self.0.folder.prepare()?;
        let (protection, opening) = witnessed(&self.0.settings.protection);
        let unfinished = self.0.folder.unfinished(name)?;
        let written = self.write(&unfinished, &protection, progress, stopping);
        let (written, missing) = written.inspect_err(|_| {
            // What is left is removed before the next one too.
            let _ = std::fs::remove_file(&unfinished);
        })?;
        let path = self.0.folder.path(name)?;
        let renamed = std::fs::rename(&unfinished, &path).and_then(|()| sync_folder(folder));
        renamed.map_err(Error::io("write", &path))?;
        let (_, bytes) = self.0.folder.open(name)?;
        let mut record = Record {
            made_at: progress.since,
            bytes,
            encrypted: !matches!(protection, Protection::None),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            contents: written.contents,
            blake3: written.blake3,
            verified_at: None,
            problem: None,
        };
        self.0.folder.write_record(name, &record)?;
        match self.prove(name, &opening) {
            Ok(()) if missing.is_empty() => record.verified_at = Some(self.now()),
            Ok(()) => {
                record.problem = Some(format!("{} missing", counted(missing.len(), "file is", "files are")));
            }
            Err(error) => {
                tracing::error!(code = error.code(), ?error, name, "the backup was made and is not good");
                record.problem = Some(error.public().into_owned());
            }
        }
        self.0.folder.write_record(name, &record)?;
        Ok(record)
    }

    fn write(
        &self,
        path: &std::path::Path,
        protection: &Protection,
        progress: &Progress,
        stopping: &CancellationToken,
    ) -> Result<(crate::archive::Written, Vec<String>), Error> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(Error::io("create", path))?;
        let output = Paced::new(file, progress, stopping);
        let configuration = self.0.settings.configuration.as_deref();
        let (output, written, missing) =
            make::write(&self.0.store, configuration, progress.since, output, protection, stopping)?;
        output.finish().map_err(Error::io("write", path))?;
        Ok((written, missing))
    }

    fn prove(&self, name: &str, opening: &Opening) -> Result<(), Error> {
        let (file, _) = self.open(name)?;
        let scratch = tempfile::Builder::new()
            .prefix(SCRATCH)
            .permissions(private_folder())
            .tempdir_in(&self.0.settings.folder);
        let scratch = scratch.map_err(Error::io("create a folder in", &self.0.settings.folder))?;
        verify::verify(std::io::BufReader::new(file), opening, scratch.path(), Pace::gentle()).map(drop)
    }

    fn forget_old(&self) -> Result<(), Error> {
        let found = self.0.folder.list()?;
        let kept: Vec<_> = found
            .iter()
            .filter(|one| one.version.is_some())
            .map(|one| Kept { name: &one.name, made_at: one.made_at, verified: one.verified_at.is_some() })
            .collect();
        for name in self.0.settings.retention.expired(&kept) {
            tracing::info!(name, "an old backup is deleted");
            self.0.folder.delete(name)?;
        }
        Ok(())
    }

    /// Looks how the newest is, and says so.
    fn look(&self) {
        let newest = match self.0.folder.list() {
            Ok(found) => found.iter().filter(|one| one.verified_at.is_some()).map(|one| one.made_at).max(),
            Err(error) => {
                self.0.health.degraded(FACT, "The folder of the backups cannot be read. The log says why.");
                tracing::warn!(code = error.code(), ?error, "the folder of the backups cannot be read");
                return;
            }
        };
        *self.0.last_verified.lock() = newest;
        if self.0.last_failure.lock().is_some() {
            return self.0.health.degraded(FACT, "The last backup failed. The list of backups says why.");
        }
        let allowed = self.schedule().interval().map(|interval| interval.saturating_mul(INTERVALS_MAX));
        match (newest, allowed) {
            (Some(newest), Some(allowed)) if self.now().since(newest) > allowed => {
                self.0
                    .health
                    .degraded(FACT, "The last good backup is too old. The list of backups says why.");
            }
            _ => self.0.health.ok(FACT),
        }
    }
}

/// The protection to write with, and what opens it for the proof. To a recipient a witness of this one time is added, because the
/// appliance has no key of its own to what it has sealed.
fn witnessed(protection: &Protection) -> (Protection, Opening) {
    match protection {
        Protection::None => (Protection::None, Opening::None),
        Protection::Passphrase(passphrase) => (protection.clone(), Opening::Passphrase(passphrase.clone())),
        Protection::Recipients(recipients) => {
            let (witness, opening) = Opening::one_time();
            (Protection::Recipients(recipients.iter().cloned().chain([witness]).collect()), opening)
        }
    }
}
