//! What workspaces use, and what they may.

use axum::Json as View;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use crate::base::Timestamp;
use crate::files;
use crate::http::{Caller, Inside, Problem, Services};
use crate::identity::pass::{ManageTenants, ReadWorkspace};
use crate::identity::{self, Pass, membership};
use crate::knowledge;
use crate::quotas;
use crate::store::Keyspace;
use crate::tenants::{self, Tenant, TenantView, operate};
use crate::{budget, conversations};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(usage))
}

/// What is used of a quota.
#[derive(Debug, Serialize, ToSchema)]
struct Used {
    /// So much is used.
    used: u64,
    /// So much may be; `null` for no limit.
    #[schema(required)]
    limit: Option<u64>,
}

/// What is used of each quota.
#[derive(Debug, Serialize, ToSchema)]
struct UsedQuotas {
    /// Members.
    members: Used,
    /// Documents.
    documents: Used,
    /// Bytes of documents, of the texts read from them, and of pictures.
    storage_bytes: Used,
    /// Conversations begun this month, by UTC.
    conversations_per_month: Used,
    /// Micro-dollars spent this month, by the budget.
    money_micros_per_month: Used,
}

/// What the workspace uses.
#[derive(Debug, Serialize, ToSchema)]
struct WorkspaceUsage {
    /// Each quota.
    quotas: UsedQuotas,
}

/// What is counted in a tenant's own keyspace.
struct Counted {
    documents: u64,
    storage_bytes: u64,
    conversations: u64,
}

async fn counted(keyspace: &Keyspace, now: Timestamp) -> Result<Counted, Problem> {
    let storage_bytes = files::stored_bytes(keyspace).await?;
    let documents = keyspace.query(knowledge::count).await?;
    let conversations = keyspace.query(move |tx| conversations::opened_in_month(tx, now)).await?;
    Ok(Counted { documents, storage_bytes, conversations })
}

/// What the workspace uses of what it may. What is over a limit that was lowered stays; nothing comes to it.
///
/// Permission: `ReadWorkspace`.
#[utoipa::path(get, path = "/api/v1/workspace/usage", tag = "workspaces", security(("session" = []), ("bearer" = [])),
    responses((status = 200, description = "What is used.", body = WorkspaceUsage)))]
async fn usage(services: Inside, caller: Caller) -> Result<View<WorkspaceUsage>, Problem> {
    let pass = caller.pass::<ReadWorkspace>()?;
    let keyspace = caller.enter(&services).await?;
    let (now, book) = (caller.call.now, services.quotas.clone());
    let (limits, members) = services
        .system()
        .query(move |tx| {
            let tenant = tenants::of_pass(tx, pass)?.id;
            let limits = quotas::limits(tx, book.default_quotas(), tenant)?;
            Ok::<_, tenants::Error>((limits, membership::count(tx, tenant)?))
        })
        .await?;
    let counted = counted(&keyspace, now).await?;
    let budgets = services.budgets.clone();
    let month = keyspace.query(move |tx| Ok::<_, budget::Error>(budgets.view(tx, now, pass)?.month)).await?;
    let used = |used, limit| Used { used, limit };
    Ok(View(WorkspaceUsage {
        quotas: UsedQuotas {
            members: used(u64::try_from(members).unwrap_or(u64::MAX), limits.members),
            documents: used(counted.documents, limits.documents),
            storage_bytes: used(counted.storage_bytes, limits.storage_bytes),
            conversations_per_month: used(counted.conversations, limits.conversations_per_month),
            money_micros_per_month: used(month.spent_micros.0, month.limit_micros.map(|limit| limit.0)),
        },
    }))
}

/// A workspace as the operator sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TenantUse {
    /// The workspace, its members and its quotas.
    #[serde(flatten)]
    tenant: TenantView,
    /// Documents.
    documents: u64,
    /// Bytes of documents, of the texts read from them, and of pictures.
    storage_bytes: u64,
    /// Conversations begun this month, by UTC.
    conversations_this_month: u64,
}

/// What the tenant uses; nothing when it was erased meanwhile.
pub(super) async fn use_of(
    services: &Services,
    pass: Pass<ManageTenants>,
    tenant: Tenant,
) -> Result<Option<TenantUse>, Problem> {
    let keyspace = match services.policy.enter_any(pass, tenant.id).await {
        Err(identity::Error::NotFound) => return Ok(None),
        entered => entered?,
    };
    let counted = counted(&keyspace, services.clock.now()).await?;
    let book = services.quotas.clone();
    let view = services.system().query(move |tx| operate::view(tx, book.default_quotas(), tenant));
    Ok(Some(TenantUse {
        tenant: view.await?,
        documents: counted.documents,
        storage_bytes: counted.storage_bytes,
        conversations_this_month: counted.conversations,
    }))
}
