//! The egress ledger: what left the appliance, or was refused.
//!
//! It is the appliance's, for its operator: it names the hosts and the workspaces of all.

use axum::Json as View;
use utoipa_axum::routes;

use super::{List, Routes};
use crate::http::{Caller, Inside, Paging, Problem};
use crate::identity::pass::ManageTenants;
use crate::outbound::{EgressView, egress};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(list))
}

/// Every attempt to reach another host, newest first.
///
/// Permission: `ManageTenants` (the operator). An attempt is there soon after it has ended.
#[utoipa::path(get, path = "/api/v1/egress", tag = "egress", security(("session" = [])),
    params(("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<EgressView>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Paging(page): Paging,
) -> Result<View<List<EgressView>>, Problem> {
    caller.pass::<ManageTenants>()?;
    Ok(View(services.system().query(move |tx| egress(tx, &page)).await?.into()))
}
