//! Background work of the caller's workspace: what waits, what failed, and trying again.
//!
//! For who keeps the workspace going: an admin sees dead letters, with the last error, and has them tried again when the
//! cause is mended. A job's payload is not shown, and another workspace's jobs do not exist.

use axum::Json as View;
use serde::Deserialize;
use utoipa_axum::routes;

use super::{List, Routes};
use crate::base::JobId;
use crate::http::{Caller, Inside, Paging, Path, Problem, Query};
use crate::identity::pass::ManageJobs;
use crate::jobs::{self, JobState, JobView};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(list)).routes(routes!(retry))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    state: Option<JobState>,
}

/// The workspace's jobs in one state, oldest first.
///
/// Permission: `ManageJobs`. A page may hold fewer rows than asked for, or none; go on while there is a cursor.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", security(("session" = []), ("bearer" = [])),
    params(("state" = Option<JobState>, Query, description = "`dead` when not given."), ("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<JobView>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Query(wanted): Query<Wanted>,
    Paging(page): Paging,
) -> Result<View<List<JobView>>, Problem> {
    caller.pass::<ManageJobs>()?;
    let keyspace = caller.enter(&services).await?;
    let state = wanted.state.unwrap_or(JobState::Dead);
    Ok(View(keyspace.query(move |tx| jobs::list(tx, state, &page)).await?.into()))
}

/// Runs a dead job again, from its first attempt.
///
/// Permission: `ManageJobs`.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", tag = "jobs", security(("session" = []), ("bearer" = [])),
    params(("id" = JobId, Path, description = "The job.")), responses((status = 200, description = "As it is now.", body = JobView)))]
async fn retry(services: Inside, caller: Caller, Path(id): Path<JobId>) -> Result<View<JobView>, Problem> {
    caller.pass::<ManageJobs>()?;
    let keyspace = caller.enter(&services).await?;
    let now = caller.call.now;
    Ok(View(keyspace.write(move |tx| jobs::retry(tx, now, id)).await?))
}
