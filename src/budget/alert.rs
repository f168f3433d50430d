//! Telling people that a budget runs out, exactly once for each threshold of a period.
//!
//! A threshold's row is written in the transaction that reaches it, and the row's key is what makes it happen once: period,
//! limit, threshold. A limit that is changed within the period is another budget and tells anew; without that, whoever
//! raised a limit that had been reached would never hear of it again.

use serde::{Deserialize, Serialize};

use super::Error;
use super::ledger::{Scope, total};
use super::period::{Day, Period, PeriodKind};
use super::setting::{Budget, Limit};
use crate::base::{Micros, Timestamp};
use crate::jobs::news::{self, Event};
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// What people are told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertCause {
    /// So much of the limit has been spent.
    Reached,
    /// A call was refused for the first time.
    Refused,
}

/// An alert as it is stored and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Alert {
    /// Of the day's budget or the month's.
    pub period: PeriodKind,
    /// The first day of the period.
    pub starts_on: Day,
    /// Why.
    pub cause: AlertCause,
    /// The threshold that was reached, in percent of the limit.
    pub percent: Option<u8>,
    /// The limit.
    pub limit_micros: Micros,
    /// What had been spent by then.
    pub spent_micros: Micros,
    /// When.
    pub at: Timestamp,
}

/// A threshold of a budget was reached, or a call refused for the first time.
#[derive(Debug, Clone)]
pub struct BudgetAlerted {
    /// Which.
    pub alert: Alert,
}

impl Event for BudgetAlerted {
    const NAME: &'static str = "budget.alerted";
}

/// Stands for a refusal where thresholds have their percentage.
const REFUSED: u8 = 255;

type Place = (Period, u64, u8);

static BY_TIME: Index<Alerts, Timestamp> =
    Index::many("budget.alert.by_time", |_: &Place, alert: &Alert| Some(alert.at));

tables! {
    /// What people have been told, by period, limit and threshold.
    pub(super) Alerts = "budget.alert": Place => Alert, [BY_TIME];
}

/// Tells of every threshold that `day` and its month have reached and nobody was told of.
pub(super) fn tell_reached(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    budget: &Budget,
    day: Day,
) -> Result<(), Error> {
    for period in Period::both(day) {
        let Limit::Micros(limit) = budget.limit(period.kind) else { continue };
        let spent = total(tx, &Scope::Period(period))?.cost;
        for percent in &budget.alert_percents {
            let reached = u128::from(spent.0) * 100 >= u128::from(limit.0) * u128::from(*percent);
            if reached && spent > Micros::ZERO {
                tell(tx, now, (period, limit.0, *percent), spent)?;
            }
        }
    }
    Ok(())
}

/// Tells that a call was refused. Thresholds alone would keep silent while every call that costs is too dear for what is left.
pub(super) fn tell_refused(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    period: Period,
    limit: Micros,
    spent: Micros,
) -> Result<(), Error> {
    tell(tx, now, (period, limit.0, REFUSED), spent)
}

fn tell(tx: &mut WriteTx<'_>, now: Timestamp, place: Place, spent: Micros) -> Result<(), Error> {
    if tx.get::<Alerts>(&place)?.is_some() {
        return Ok(());
    }
    let (period, limit, mark) = place;
    let (cause, percent) = match mark {
        REFUSED => (AlertCause::Refused, None),
        percent => (AlertCause::Reached, Some(percent)),
    };
    let alert = Alert {
        period: period.kind,
        starts_on: period.first,
        cause,
        percent,
        limit_micros: Micros(limit),
        spent_micros: spent,
        at: now,
    };
    tx.insert::<Alerts>(&place, &alert)?;
    Ok(news::publish(tx, now, &BudgetAlerted { alert })?)
}

/// The last alerts, newest first.
pub(super) fn latest(tx: &impl Read, rows_max: usize) -> Result<Vec<Alert>, Error> {
    let rows = BY_TIME.scan(tx, &Scan::all(rows_max).reversed())?;
    Ok(rows.into_iter().map(|(_, alert)| alert).collect())
}
