//! What is left of a tenant in the system keyspace, taken away when the tenant is erased.

use super::account::{self, Accounts};
use super::api_key::{API_KEYS_MAX, ApiKeys};
use super::custom_role::{CustomRoles, ROLES_MAX};
use super::device::SignIns;
use super::invitation::{INVITATIONS_MAX, Invitations};
use super::membership::{self, MEMBERS_MAX, Memberships};
use super::mfa::{Enrolments, SecondFactors};
use super::{Error, challenge, password_reset, session, tenant_roll};
use crate::base::{Actor, TenantId};
use crate::store::{Read, Scan, WriteTx};

/// What was taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Rows of tables.
    pub rows: u64,
    /// Accounts among them: of people who were members of nothing else.
    pub accounts: u64,
    /// Who can act for the tenant no more.
    pub actors: Vec<Actor>,
}

/// Takes a tenant off the roll with its memberships, keys, roles and invitations, and erases the accounts that belonged to nothing else: of
/// people who run the appliance only the membership ends. Nobody enters the tenant from this transaction on.
///
/// # Errors
/// [`Error::NotFound`] when it is not on the roll, or the store fails.
pub fn leave(tx: &mut WriteTx<'_>, tenant: TenantId) -> Result<Left, Error> {
    if !tenant_roll::strike(tx, tenant)? {
        return Err(Error::NotFound);
    }
    let mut left = Left { rows: 1, ..Left::default() };
    for key in tx.keys::<Memberships>(&Scan::prefix(&tenant, MEMBERS_MAX))? {
        tx.remove::<Memberships>(&key)?;
        left.rows += 1;
        let (_, account) = key;
        let operator = account::load(tx, account)?.is_some_and(|account| account.operator);
        if !operator && membership::of_account(tx, account)?.is_empty() {
            left.rows += u64::try_from(session::end_all(tx, account)?).unwrap_or(0);
            left.rows += u64::from(tx.remove::<SecondFactors>(&account)?);
            left.rows += u64::from(tx.remove::<Enrolments>(&account)?);
            left.rows += u64::from(tx.remove::<SignIns>(&account)?);
            challenge::end_all(tx, account)?;
            password_reset::end_all(tx, account)?;
            left.rows += u64::from(tx.remove::<Accounts>(&account)?);
            left.accounts += 1;
            left.actors.push(Actor::Account(account));
        }
    }
    for key in tx.keys::<ApiKeys>(&Scan::prefix(&tenant, API_KEYS_MAX))? {
        tx.remove::<ApiKeys>(&key)?;
        left.rows += 1;
        left.actors.push(Actor::ApiKey(key.1));
    }
    for key in tx.keys::<CustomRoles>(&Scan::prefix(&tenant, ROLES_MAX))? {
        left.rows += u64::from(tx.remove::<CustomRoles>(&key)?);
    }
    for key in tx.keys::<Invitations>(&Scan::prefix(&tenant, INVITATIONS_MAX))? {
        left.rows += u64::from(tx.remove::<Invitations>(&key)?);
    }
    Ok(left)
}
