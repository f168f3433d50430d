//! The first setup: one link, one owner, one workspace, one sign-in; all of it or nothing.

use super::branding::{NAME_CHARS_MAX, line};
use super::create::create_for;
use super::{Error, NewTenant, Tenant};
use crate::base::{Call, Secret};
use crate::identity::{
    Account, Email, NewAccount, OpenedSession, Pass, Passwords, account, check_password, session, setup,
};
use crate::store::{Keyspace, WriteTx};

/// Who sets the appliance up, with what the setup page asks for.
#[derive(Debug, Clone)]
pub struct NewOwner {
    /// The token of the setup link.
    pub token: Secret,
    /// What the person is called.
    pub name: String,
    /// The address to sign in with.
    pub email: String,
    /// The password to sign in with.
    pub password: Secret,
    /// What the first workspace is called.
    pub workspace_name: String,
}

/// What the setup has made.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// The operator's account, owner of the workspace.
    pub account: Account,
    /// The first workspace.
    pub tenant: Tenant,
    /// The owner's sign-in.
    pub session: OpenedSession,
}

/// Sets the appliance up. The link is looked at first, so that nobody without it costs a password's hash.
///
/// # Errors
/// [`setup::check`]'s; a field's, at `/name`, `/email`, `/password` or `/workspace_name`; the store's.
pub async fn set_up(
    system: &Keyspace,
    passwords: &Passwords,
    call: &Call,
    wish: NewOwner,
) -> Result<SetUp, Error> {
    let NewOwner { token, name, email, password, workspace_name } = wish;
    system.read(|tx| setup::check(tx, call.now, &token))?;
    let name = account::parse_name(&name)?;
    let email = Email::parse(&email)?;
    check_password(&password, &name, &email)?;
    let workspace = line("/workspace_name", &workspace_name, NAME_CHARS_MAX)?;
    let owner = NewAccount { name, email, password_hash: passwords.hash(password).await? };
    let call = call.clone();
    system.write(move |tx| found(tx, &call, &token, &owner, &workspace)).await
}

/// The change that [`set_up`] makes once the password is hashed.
///
/// # Errors
/// As [`set_up`].
pub fn found(
    tx: &mut WriteTx<'_>,
    call: &Call,
    token: &Secret,
    owner: &NewAccount,
    workspace: &str,
) -> Result<SetUp, Error> {
    let account = setup::redeem(tx, call, token, owner)?;
    let pass = Pass::appliance("the setup link stands for the operator who is about to exist");
    let new = NewTenant { name: workspace.to_owned(), slug: None };
    let tenant = create_for(tx, call, pass, Some(account.id), &new)?;
    let session = session::open(tx, call.now, account.id)?;
    Ok(SetUp { account, tenant, session })
}
