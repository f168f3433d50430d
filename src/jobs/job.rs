//! What a job is, and how it lies in its keyspace.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::base::{JobId, Timestamp};
use crate::store::{Index, tables};

/// Jobs of one lane share its concurrency, so that slow work never holds up a waiting visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody waits for it.
    Answer,
    /// Extracting and embedding documents: bound by the processor.
    Knowledge,
    /// Everything that may take its time.
    Upkeep,
    /// Mail: waits for a server elsewhere, which must hold up nothing else, and which nothing long may hold up.
    Letter,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 4] = [Self::Answer, Self::Knowledge, Self::Upkeep, Self::Letter];

    /// How many of its jobs run at a time in the whole appliance.
    #[must_use]
    pub fn running_max(self) -> usize {
        match self {
            Self::Answer => 16,
            Self::Knowledge | Self::Upkeep => 2,
            Self::Letter => 4,
        }
    }

    pub(super) fn number(self) -> u8 {
        match self {
            Self::Answer => 0,
            Self::Knowledge => 1,
            Self::Upkeep => 2,
            Self::Letter => 3,
        }
    }
}

/// A kind of durable work. Running it twice must do no more than running it once.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `room.verb`; part of the file format.
    const NAME: &'static str;
    /// Whose concurrency it uses.
    const LANE: Lane;
    /// After so many failed attempts it is a dead letter.
    const ATTEMPTS_MAX: u32 = 8;
    /// When it succeeds it is due again after so long.
    const EVERY: Option<Duration> = None;
    /// Of two waiting jobs of one kind with the same key, only the first is kept.
    fn dedup_key(&self) -> Option<String> {
        None
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It runs when it is due.
    Waiting,
    /// It is running.
    Running,
    /// It failed too often or for good.
    Dead,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct JobRow {
    pub(super) name: String,
    pub(super) lane: Lane,
    pub(super) payload: serde_json::Value,
    pub(super) dedup_key: Option<String>,
    pub(super) state: JobState,
    /// The process that claimed it, while it runs.
    pub(super) boot: u64,
    pub(super) attempts: u32,
    /// How often a process ended while it ran, since it last got on.
    #[serde(default)]
    pub(super) crashes: u32,
    pub(super) created: Timestamp,
    pub(super) due: Timestamp,
    pub(super) last_error: Option<String>,
}

pub(super) static BY_DUE: Index<Jobs, (u8, Timestamp)> = Index::many("jobs.job.by_due", |_, row: &JobRow| {
    (row.state == JobState::Waiting).then_some((row.lane.number(), row.due))
});

pub(super) static BY_STATE: Index<Jobs, u8> =
    Index::many("jobs.job.by_state", |_, row: &JobRow| match row.state {
        JobState::Waiting => None,
        JobState::Running => Some(RUNNING),
        JobState::Dead => Some(DEAD),
    });

/// Only what waits is deduplicated: a job that runs may have read its data already.
pub(super) static BY_DEDUP_KEY: Index<Jobs, (String, String)> =
    Index::unique("jobs.job.by_dedup_key", |_, row: &JobRow| match (&row.dedup_key, row.state) {
        (Some(key), JobState::Waiting) => Some((row.name.clone(), key.clone())),
        _ => None,
    });

pub(super) const RUNNING: u8 = 1;
pub(super) const DEAD: u8 = 2;

tables! {
    /// The jobs of a keyspace.
    pub(super) Jobs = "jobs.job": JobId => JobRow, [BY_DUE, BY_STATE, BY_DEDUP_KEY];
}

/// A job as people see it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// Its kind.
    pub name: String,
    /// Where it stands.
    pub state: JobState,
    /// Failed attempts so far.
    pub attempts: u32,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it runs next.
    pub due_at: Timestamp,
    /// What the last attempt failed with.
    pub last_error: Option<String>,
}

impl JobView {
    pub(super) fn of(id: JobId, row: JobRow) -> Self {
        Self {
            id,
            name: row.name,
            state: row.state,
            attempts: row.attempts,
            created_at: row.created,
            due_at: row.due,
            last_error: row.last_error,
        }
    }
}
