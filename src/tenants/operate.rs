//! What the operator does to a tenant: rename it, set its quotas, suspend it, let it go on.

use serde::{Deserialize, Serialize};

use super::Error;
use super::branding::{NAME_CHARS_MAX, line};
use super::tenant::{Tenant, Tenants, WorkspaceView};
use crate::base::{Call, TenantId};
use crate::identity::audit::{self, Action, Note};
use crate::identity::pass::ManageTenants;
use crate::identity::{Pass, membership, tenant_roll};
use crate::jobs::Wakeups;
use crate::quotas::{self, OwnQuotas, QuotaChange, Quotas};
use crate::store::{Read, WriteTx};

/// What is to change; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it is closed to everybody but the operator. Nothing of it is lost, and its jobs rest.
    #[serde(default)]
    pub suspended: Option<bool>,
    /// What it may use.
    #[serde(default, deserialize_with = "quotas::read_change")]
    pub quotas: Option<QuotaChange>,
}

/// A tenant as the operator sees it, as far as the system keyspace tells.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct TenantView {
    /// The workspace.
    #[serde(flatten)]
    pub workspace: WorkspaceView,
    /// Members.
    pub members: u64,
    /// The quotas that hold; `null` is no limit.
    pub quotas: Quotas,
    /// What was set for it alone; `null` follows the appliance, 0 is no limit.
    pub own_quotas: OwnQuotas,
}

/// A tenant as the operator sees it.
///
/// # Errors
/// When the store fails.
pub fn view(tx: &impl Read, default: &Quotas, tenant: Tenant) -> Result<TenantView, Error> {
    let own_quotas = quotas::own(tx, tenant.id)?;
    Ok(TenantView {
        members: u64::try_from(membership::count(tx, tenant.id)?).unwrap_or(0),
        quotas: own_quotas.over(default),
        own_quotas,
        workspace: WorkspaceView::of(tx, tenant)?,
    })
}

/// The tenant, for the operator.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(tx: &impl Read, _: Pass<ManageTenants>, id: TenantId) -> Result<Tenant, Error> {
    super::load(tx, id)?.ok_or(Error::NotFound)
}

/// Changes a tenant. One that is suspended begins no job from here on; one that goes on does so at once.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Field`] at `/name`; [`Error::Quotas`] at a field of `/quotas`.
pub fn change(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageTenants>,
    id: TenantId,
    change: &TenantChange,
) -> Result<Tenant, Error> {
    let mut tenant = get(tx, pass, id)?;
    if let Some(name) = &change.name {
        tenant.name = line("/name", name, NAME_CHARS_MAX)?;
        tx.put::<Tenants>(&id, &tenant)?;
        audit::record(tx, call, Note::new(Action::WorkspaceChanged).of_tenant(id).with("fields", "name"))?;
    }
    if let Some(wish) = &change.quotas {
        let set = quotas::change(tx, id, wish)?;
        audit::record(tx, call, quota_note(id, &set))?;
    }
    if let Some(suspended) = change.suspended
        && suspended != tenant_roll::is_suspended(tx, id)?
    {
        tenant_roll::suspend(tx, id, suspended)?;
        let action = if suspended { Action::WorkspaceSuspended } else { Action::WorkspaceResumed };
        audit::record(tx, call, Note::new(action).of_tenant(id))?;
        if let Some(wakeups) = tx.extension::<Wakeups>() {
            tx.after_commit(move || if suspended { wakeups.rest(id) } else { wakeups.resume(id) });
        }
    }
    Ok(tenant)
}

fn quota_note(id: TenantId, set: &OwnQuotas) -> Note {
    let said = |limit: Option<u64>| match limit {
        None => "default".to_owned(),
        Some(0) => "unlimited".to_owned(),
        Some(limit) => limit.to_string(),
    };
    Note::new(Action::QuotasChanged)
        .of_tenant(id)
        .with("members", said(set.members))
        .with("documents", said(set.documents))
        .with("storage_bytes", said(set.storage_bytes))
        .with("conversations_per_month", said(set.conversations_per_month))
}
