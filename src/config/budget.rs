//! `[budget]`: what a workspace may spend on models while it sets nothing else.

use serde::Deserialize;

use super::settings::Finding;

/// What follows when a budget does not allow a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtLimit {
    /// A cheaper model, at last the documents' own words.
    Degrade,
    /// A person.
    HandOver,
}

/// The budget of a workspace that sets none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// For a day; -1 for no limit, 0 for nothing that costs.
    pub day_limit_micros: i64,
    /// For a month; -1 for no limit.
    pub month_limit_micros: i64,
    /// The shares of a limit at which people are told.
    pub alert_percents: Vec<u8>,
    /// What follows a refusal.
    pub at_limit: AtLimit,
    /// Whose midnight ends a day.
    pub time_zone: String,
}

const NO_LIMIT: i64 = -1;
const LIMIT_MICROS_MAX: i64 = 1_000_000_000_000_000;
const ALERTS_MAX: usize = 10;

impl Budget {
    pub(super) fn check(&self) -> Vec<Finding> {
        let limits = [
            ("budget.day_limit_micros", self.day_limit_micros),
            ("budget.month_limit_micros", self.month_limit_micros),
        ];
        let mut findings: Vec<Finding> = limits
            .into_iter()
            .filter(|(_, limit)| !(NO_LIMIT..=LIMIT_MICROS_MAX).contains(limit))
            .map(|(key, _)| (key, format!("-1 for no limit, or micro-dollars up to {LIMIT_MICROS_MAX}")))
            .collect();
        let percents = &self.alert_percents;
        let rising = percents.is_sorted_by(|a, b| a < b);
        if !rising
            || percents.len() > ALERTS_MAX
            || percents.iter().any(|percent| !(1..=100).contains(percent))
        {
            let reason = format!("at most {ALERTS_MAX} rising percentages from 1 to 100");
            findings.push(("budget.alert_percents", reason));
        }
        if jiff::tz::TimeZone::get(&self.time_zone).is_err() {
            let reason = format!("\"{}\" is no time zone such as \"Europe/Berlin\"", self.time_zone);
            findings.push(("budget.time_zone", reason));
        }
        findings
    }
}
