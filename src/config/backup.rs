//! `[backup]`: where backups go, when they are made, how many are kept, and to whom they are encrypted.

use std::path::PathBuf;

use serde::Deserialize;

use super::settings::Finding;
use super::value::optional_path;

/// Backups of the appliance.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The folder; that of the data directory when not given.
    #[serde(deserialize_with = "optional_path")]
    pub folder: Option<PathBuf>,
    /// The time of day, such as `02:30`, at which one is made; empty for none.
    pub at: String,
    /// The hours between two; 0 for none.
    pub every_hours: u32,
    /// The newest so many are kept.
    pub keep_last: u32,
    /// The newest of each of so many days is kept.
    pub keep_daily_days: u32,
    /// The newest of each of so many weeks is kept.
    pub keep_weekly_weeks: u32,
    /// The age public key that they are encrypted to; empty for none.
    pub recipient: String,
    /// The file with the passphrase that they are encrypted with.
    #[serde(deserialize_with = "optional_path")]
    pub passphrase_file: Option<PathBuf>,
}

/// A year of hours.
const EVERY_HOURS_MAX: u32 = 8_760;
/// So many are looked through.
const KEEP_MAX: u32 = 366;

impl Backup {
    /// The time of day that [`Backup::at`] says, as hour and minute.
    #[must_use]
    pub fn time_of_day(&self) -> Option<(i8, i8)> {
        let (hour, minute) = self.at.split_once(':')?;
        let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !two_digits(hour) || !two_digits(minute) {
            return None;
        }
        let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some((hour, minute))
    }

    pub(super) fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !self.at.is_empty() && self.time_of_day().is_none() {
            findings.push(("backup.at", format!("\"{}\" is no time of day such as \"02:30\"", self.at)));
        }
        if self.every_hours > EVERY_HOURS_MAX {
            findings.push(("backup.every_hours", format!("at most {EVERY_HOURS_MAX}, or 0 for never")));
        }
        if !self.at.is_empty() && self.every_hours > 0 {
            findings
                .push(("backup.every_hours", "leave it 0 or leave out backup.at: one says when".to_owned()));
        }
        if !(1..=KEEP_MAX).contains(&self.keep_last) {
            findings.push(("backup.keep_last", format!("from 1 to {KEEP_MAX}")));
        }
        for (key, value) in [
            ("backup.keep_daily_days", self.keep_daily_days),
            ("backup.keep_weekly_weeks", self.keep_weekly_weeks),
        ] {
            if value > KEEP_MAX {
                findings.push((key, format!("at most {KEEP_MAX}")));
            }
        }
        if !self.recipient.is_empty() && self.passphrase_file.is_some() {
            let reason = "leave it out or leave out backup.recipient: a backup is encrypted to one of them";
            findings.push(("backup.passphrase_file", reason.to_owned()));
        }
        if !self.recipient.is_empty() && !self.recipient.starts_with("age1") {
            findings.push(("backup.recipient", "an age public key, which begins with age1".to_owned()));
        }
        findings
    }
}
