//! A tenant as it lies in the system keyspace, and how it is found.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::base::{Page, PageRequest, TenantId, Timestamp};
use crate::identity::pass::{ManageTenants, ReadWorkspace};
use crate::identity::{Pass, Right, tenant_roll};
use crate::store::{Index, Read, Scan, tables};

/// What becomes of a model's answer in which a statement has no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UncitedClaims {
    /// It is not given: the documents are quoted instead.
    Withhold,
    /// It is given, with each such statement marked.
    Mark,
}

/// A tenant and its branding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What its addresses are made of; unique, 2 to 48 of `a-z`, `0-9` and `-`.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// The colour of its chat, `#rrggbb`.
    pub accent: String,
    /// What the chat says first.
    pub greeting: String,
    /// What stands in the empty box of the chat.
    pub placeholder: String,
    /// Questions to begin with.
    pub suggestions: Vec<String>,
    /// A line above the chat, as for an outage.
    pub notice: Option<String>,
    /// What becomes of statements without a source; the appliance's setting where it is nothing.
    #[serde(default)]
    pub uncited_claims: Option<UncitedClaims>,
    /// Since when.
    pub created: Timestamp,
}

/// A workspace as its members see it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct WorkspaceView {
    /// Its id.
    pub id: TenantId,
    /// Its short name.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// The colour of its chat, `#rrggbb`.
    pub accent: String,
    /// What the chat says first.
    pub greeting: String,
    /// What stands in the empty box of the chat.
    pub placeholder: String,
    /// Questions to begin with.
    pub suggestions: Vec<String>,
    /// A line above the chat.
    pub notice: Option<String>,
    /// What becomes of a model's answer in which a statement has no source; `null` for what the appliance's settings say.
    pub uncited_claims: Option<UncitedClaims>,
    /// Whether its members must have a second factor.
    pub mfa_required: bool,
    /// Whether the operator has closed it for the time being.
    pub suspended: bool,
    /// Since when.
    pub created_at: Timestamp,
}

impl WorkspaceView {
    /// The tenant with what the roll says about it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn of(tx: &impl Read, tenant: Tenant) -> Result<Self, Error> {
        Ok(Self {
            mfa_required: tenant_roll::requires_mfa(tx, tenant.id)?,
            suspended: tenant_roll::is_suspended(tx, tenant.id)?,
            id: tenant.id,
            slug: tenant.slug,
            name: tenant.name,
            accent: tenant.accent,
            greeting: tenant.greeting,
            placeholder: tenant.placeholder,
            suggestions: tenant.suggestions,
            notice: tenant.notice,
            uncited_claims: tenant.uncited_claims,
            created_at: tenant.created,
        })
    }
}

static BY_SLUG: Index<Tenants, String> =
    Index::unique("tenants.tenant.by_slug", |_, tenant: &Tenant| Some(tenant.slug.clone()));

tables! {
    /// Every tenant.
    pub(super) Tenants = "tenants.tenant": TenantId => Tenant, [BY_SLUG];
}

/// The tenant with this slug. Its name and branding are public: the chat page shows them to anybody.
///
/// # Errors
/// When the store fails.
pub fn by_slug(tx: &impl Read, slug: &str) -> Result<Option<Tenant>, Error> {
    Ok(BY_SLUG.get(tx, &slug.to_owned())?.map(|(_, tenant)| tenant))
}

/// The tenant, if there is one.
///
/// # Errors
/// When the store fails.
pub fn load(tx: &impl Read, id: TenantId) -> Result<Option<Tenant>, Error> {
    Ok(tx.get::<Tenants>(&id)?)
}

/// The tenant that the pass is for.
///
/// # Errors
/// [`Error::NotFound`] when it is for none, or the tenant is gone.
pub fn of_pass(tx: &impl Read, pass: Pass<ReadWorkspace>) -> Result<Tenant, Error> {
    required(tx, pass)
}

pub(super) fn required<R: Right>(tx: &impl Read, pass: Pass<R>) -> Result<Tenant, Error> {
    let id = pass.tenant().ok_or(Error::NotFound)?;
    load(tx, id)?.ok_or(Error::NotFound)
}

/// Every tenant, oldest first.
///
/// # Errors
/// When the store fails.
pub fn list(tx: &impl Read, _: Pass<ManageTenants>, request: &PageRequest) -> Result<Page<Tenant>, Error> {
    Ok(tx.page::<Tenants>(Scan::all(0), request)?.map(|(_, tenant)| tenant))
}
