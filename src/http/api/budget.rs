//! What answers cost, and what they may cost.

use axum::Json as View;
use serde::Deserialize;
use utoipa_axum::routes;

use super::{List, Routes};
use crate::budget::{BudgetView, Day, OwnBudget, UsageView};
use crate::http::{Caller, Inside, Json, Paging, Problem, Query};
use crate::identity::pass::{ManageWorkspace, ReadWorkspace};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(usage)).routes(routes!(read, change))
}

#[derive(Debug, Deserialize)]
struct Range {
    from: Option<Day>,
    to: Option<Day>,
}

/// What each model was used for and what it cost, by day.
///
/// Permission: `ReadWorkspace`. In the order of day, provider and model.
#[utoipa::path(get, path = "/api/v1/usage", tag = "budget", security(("session" = []), ("bearer" = [])),
    params(("from" = Option<Day>, Query, description = "The first day, in the workspace's time zone; the first of the last day's month when not given."), ("to" = Option<Day>, Query, description = "The last day; today when not given."), ("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<UsageView>)))]
async fn usage(
    services: Inside,
    caller: Caller,
    Query(range): Query<Range>,
    Paging(page): Paging,
) -> Result<View<List<UsageView>>, Problem> {
    let pass = caller.pass::<ReadWorkspace>()?;
    let keyspace = caller.enter(&services).await?;
    let (budgets, now) = (services.budgets.clone(), caller.call.now);
    let read = keyspace.query(move |tx| budgets.usage(tx, now, pass, (range.from, range.to), &page));
    Ok(View(read.await?.into()))
}

/// The workspace's budget, and what is left of it today and this month.
///
/// Permission: `ReadWorkspace`.
#[utoipa::path(get, path = "/api/v1/budget", tag = "budget", security(("session" = []), ("bearer" = [])),
    responses((status = 200, description = "The budget.", body = BudgetView)))]
async fn read(services: Inside, caller: Caller) -> Result<View<BudgetView>, Problem> {
    let pass = caller.pass::<ReadWorkspace>()?;
    let keyspace = caller.enter(&services).await?;
    let (budgets, now) = (services.budgets.clone(), caller.call.now);
    Ok(View(keyspace.query(move |tx| budgets.view(tx, now, pass)).await?))
}

/// Sets the workspace's own budget in place of the one before; what is left out follows the appliance.
///
/// Permission: `ManageWorkspace`.
#[utoipa::path(put, path = "/api/v1/budget", tag = "budget", security(("session" = []), ("bearer" = [])), request_body = OwnBudget,
    responses((status = 200, description = "As it is now.", body = BudgetView)))]
async fn change(
    services: Inside,
    caller: Caller,
    Json(own): Json<OwnBudget>,
) -> Result<View<BudgetView>, Problem> {
    let pass = caller.pass::<ManageWorkspace>()?;
    let keyspace = caller.enter(&services).await?;
    let (budgets, call) = (services.budgets.clone(), caller.call);
    Ok(View(keyspace.write(move |tx| budgets.change(tx, &call, pass, &own)).await?))
}
