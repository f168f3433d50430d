//! The durable job that makes a backup, and makes sure that there is a next one.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Backups, Error};
use crate::base::{Actor, Call, RequestId, Timestamp};
use crate::identity::audit::{self, Action, Note};
use crate::jobs::{self, Failure, Job, Lane, Work, Worker};
use crate::store::{self, WriteTx};

/// Who asked for a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    /// The principal.
    pub actor: Actor,
    /// Under which request.
    pub request: RequestId,
    /// From where.
    pub address: Option<IpAddr>,
}

impl From<&Call> for Asked {
    fn from(call: &Call) -> Self {
        Self { actor: call.actor, request: call.request.clone(), address: call.address }
    }
}

/// Makes a backup and proves it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MakeBackup {
    /// What its file is called.
    pub name: String,
    /// Who asked; nothing when the schedule did.
    pub asked: Option<Asked>,
    /// The moment of the schedule that it is for.
    pub due: Option<Timestamp>,
}

impl Job for MakeBackup {
    const NAME: &'static str = "ops.backup";
    const LANE: Lane = Lane::Upkeep;
    const ATTEMPTS_MAX: u32 = 3;
    fn dedup_key(&self) -> Option<String> {
        Some(self.due.map_or_else(|| "asked".to_owned(), |due| due.as_millis().to_string()))
    }
}

impl Worker<MakeBackup> for Backups {
    async fn run(&self, work: Work<MakeBackup>) -> Result<(), Failure> {
        let MakeBackup { name, asked, due } = work.job;
        if due.is_some_and(|due| !self.schedule().holds(due)) {
            // The schedule was changed since, and its own next job is queued.
            return Ok(());
        }
        let made = match self.make(name.clone(), work.stopping.clone()).await {
            Ok(made) => made,
            Err(Error::Stopping) => return Err(Failure::Later(Duration::ZERO)),
            Err(error) => return Err(error.into()),
        };
        let backups = self.clone();
        let wrote = work.keyspace.write(move |tx| {
            let now = backups.now();
            let mut call = Call::appliance(now);
            if let Some(asked) = &asked {
                call =
                    Call { actor: asked.actor, now, request: asked.request.clone(), address: asked.address };
            }
            let note = Note::new(Action::BackupMade).about(&name).with("bytes", made.bytes);
            audit::record(tx, &call, note.with("verified", made.verified_at.is_some()))?;
            if due.is_some() {
                backups.queue_next(tx, now)?;
            }
            Ok::<_, Error>(())
        });
        Ok(wrote.await?)
    }

    fn give_up(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        job: &MakeBackup,
        _reason: &str,
    ) -> Result<(), store::Error> {
        if job.due.is_some() { self.queue_next(tx, now) } else { Ok(()) }
    }
}

impl Backups {
    /// Queues the next backup of the schedule, if there is one; one that is queued already stays.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn queue_next(&self, tx: &mut WriteTx<'_>, now: Timestamp) -> Result<(), store::Error> {
        let Some(due) = self.schedule().next(now) else { return Ok(()) };
        let job = MakeBackup { name: Self::name(due), asked: None, due: Some(due) };
        jobs::enqueue_at(tx, now, due, &job).map(drop)
    }

    /// Queues a backup that somebody asks for; its name. While one waits that was asked for, that is the one: it will hold
    /// what is there when it begins.
    ///
    /// # Errors
    /// [`Error::Waiting`] when one waits from before the process started, or when the engine fails.
    pub fn ask(&self, tx: &mut WriteTx<'_>, call: &Call) -> Result<String, Error> {
        let name = Self::name(call.now);
        let job = MakeBackup { name: name.clone(), asked: Some(call.into()), due: None };
        match jobs::enqueue(tx, call.now, &job)? {
            Some(_) => {
                self.remember_asked(&name);
                Ok(name)
            }
            None => self.asked().ok_or(Error::Waiting),
        }
    }
}
