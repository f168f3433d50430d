//! The room's operations over the appliance's default, and what people see of a budget.

use std::sync::Arc;

use serde::Serialize;

use super::Error;
use super::alert::{self, Alert};
use super::ledger::{Scope, Total, Usages, total};
use super::period::{Day, Period};
use super::reserve::reserved;
use super::setting::{self, AtLimit, Budget, OwnBudget};
use crate::base::{Call, Micros, Page, PageRequest, Timestamp};
use crate::identity::Pass;
use crate::identity::audit::{Action, Note, record};
use crate::identity::pass::{ManageWorkspace, ReadWorkspace};
use crate::store::{Read, Scan, WriteTx};

/// How many of the last alerts are shown.
const ALERTS_SHOWN_MAX: usize = 20;

/// Keeps to the budgets of all tenants. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Budgets {
    default: Arc<Budget>,
}

/// A period as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PeriodView {
    /// Its first day.
    pub starts_on: Day,
    /// When the next one begins.
    pub resets_at: Timestamp,
    /// What may be spent, in micro-dollars; `null` for no limit.
    pub limit_micros: Option<Micros>,
    /// What has been spent.
    pub spent_micros: Micros,
    /// What is set aside for answers under way.
    pub reserved_micros: Micros,
}

/// A budget as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BudgetView {
    /// Whose midnight ends a day.
    pub time_zone: String,
    /// What follows when the budget does not allow a call.
    pub at_limit: AtLimit,
    /// The shares of a limit at which people are told, in percent.
    pub alert_percents: Vec<u8>,
    /// What the workspace has set itself; what is not in it follows the appliance.
    pub own: OwnBudget,
    /// Today.
    pub day: PeriodView,
    /// This month.
    pub month: PeriodView,
    /// All that was ever spent.
    pub spent_micros: Micros,
    /// The last alerts, newest first; at most 20.
    pub alerts: Vec<Alert>,
}

/// What one model was used for on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct UsageView {
    /// The day, in the workspace's time zone.
    pub day: Day,
    /// Who was called.
    pub provider: String,
    /// Which model.
    pub model: String,
    /// How often.
    pub calls: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Of them, those that came from the provider's cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// What it cost.
    pub cost_micros: Micros,
}

fn usage_view(((day, provider, model), sum): ((Day, String, String), Total)) -> UsageView {
    UsageView {
        day,
        provider,
        model,
        calls: sum.calls,
        input_tokens: sum.input_tokens,
        cached_tokens: sum.cached_tokens,
        output_tokens: sum.output_tokens,
        cost_micros: sum.cost,
    }
}

impl Budgets {
    /// With the appliance's budget for tenants that set none.
    #[must_use]
    pub fn new(default: Budget) -> Self {
        Self { default: Arc::new(default) }
    }

    /// The budget that holds for the tenant of the keyspace.
    ///
    /// # Errors
    /// When the store fails.
    pub fn budget(&self, tx: &impl Read) -> Result<Budget, Error> {
        Ok(setting::load(tx)?.over(&self.default))
    }

    /// The budget, and what is left of it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn view(&self, tx: &impl Read, now: Timestamp, _: Pass<ReadWorkspace>) -> Result<BudgetView, Error> {
        self.shown(tx, now)
    }

    fn shown(&self, tx: &impl Read, now: Timestamp) -> Result<BudgetView, Error> {
        let own = setting::load(tx)?;
        let budget = own.over(&self.default);
        let (today, zone) = (budget.today(now), budget.zone());
        let shown = |period: Period| {
            Ok::<_, Error>(PeriodView {
                starts_on: period.first,
                resets_at: period.resets_at(&zone),
                limit_micros: budget.limit(period.kind).micros(),
                spent_micros: total(tx, &Scope::Period(period))?.cost,
                reserved_micros: reserved(tx, period)?,
            })
        };
        Ok(BudgetView {
            day: shown(Period::day(today))?,
            month: shown(Period::month(today))?,
            time_zone: budget.time_zone,
            at_limit: budget.at_limit,
            alert_percents: budget.alert_percents,
            own,
            spent_micros: total(tx, &Scope::Tenant)?.cost,
            alerts: alert::latest(tx, ALERTS_SHOWN_MAX)?,
        })
    }

    /// Sets the tenant's own budget in place of the one before. A threshold that the new limit has passed already is told
    /// of at once.
    ///
    /// # Errors
    /// [`Error::Field`], and then nothing is changed.
    pub fn change(
        &self,
        tx: &mut WriteTx<'_>,
        call: &Call,
        _: Pass<ManageWorkspace>,
        own: &OwnBudget,
    ) -> Result<BudgetView, Error> {
        let (own, now) = (own.clone().checked()?, call.now);
        setting::save(tx, &own)?;
        let written = serde_json::to_string(&own).unwrap_or_default();
        record(tx, call, Note::new(Action::BudgetChanged).with("budget", written))?;
        let budget = self.budget(tx)?;
        alert::tell_reached(tx, now, &budget, budget.today(now))?;
        self.shown(tx, now)
    }

    /// What was spent from `from` to `to`, both included, by day, provider and model. Without them, this month so far.
    ///
    /// # Errors
    /// [`Error::RangeReversed`].
    pub fn usage(
        &self,
        tx: &impl Read,
        now: Timestamp,
        _: Pass<ReadWorkspace>,
        range: (Option<Day>, Option<Day>),
        request: &PageRequest,
    ) -> Result<Page<UsageView>, Error> {
        let to = match range.1 {
            Some(to) => to,
            None => self.budget(tx)?.today(now),
        };
        let from = range.0.unwrap_or_else(|| to.first_of_month());
        if from > to {
            return Err(Error::RangeReversed);
        }
        let page = tx.page::<Usages>(Scan::between(&from, &to, 0), request)?;
        Ok(page.map(usage_view))
    }
}
