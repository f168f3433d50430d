//! The first setup: one link, one owner, one workspace, one sign-in; all of it or nothing.

use super::branding::{NAME_CHARS_MAX, line};
use super::create::create_for;
use super::{Error, NewTenant, Tenant};
use crate::base::{Call, Secret};
use crate::identity::setup::Warrant;
use crate::identity::{
    Account, Device, Email, NewAccount, OpenedSession, Pass, Passwords, Person, account, session, setup,
};
use crate::store::{Keyspace, WriteTx};

/// Who sets the appliance up, with what the setup page asks for.
#[derive(Debug, Clone)]
pub struct NewOwner {
    /// What allows it.
    pub warrant: Warrant,
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
    /// The owner's sign-in; nothing when the console did it, which has no browser.
    pub session: Option<OpenedSession>,
}

/// Sets the appliance up. The link is looked at first, so that nobody without it costs a password's hash.
///
/// # Errors
/// [`setup::check`]'s; a field's, at `/name`, `/email`, `/password` or `/workspace_name`; the store's.
pub async fn set_up(
    system: &Keyspace,
    passwords: &Passwords,
    call: &Call,
    device: Device,
    wish: NewOwner,
) -> Result<SetUp, Error> {
    let NewOwner { warrant, name, email, password, workspace_name } = wish;
    system.read(|tx| setup::check(tx, call.now, &warrant))?;
    let name = account::parse_name(&name)?;
    let email = Email::parse(&email)?;
    let workspace = line("/workspace_name", &workspace_name, NAME_CHARS_MAX)?;
    let person = Person { name: name.clone(), email: email.clone(), workspaces: vec![workspace.clone()] };
    let owner = NewAccount { name, email, password_hash: passwords.hash_new(password, person).await? };
    let call = call.clone();
    system.write(move |tx| found(tx, &call, &warrant, &device, &owner, &workspace)).await
}

/// The change that [`set_up`] makes once the password is hashed.
///
/// # Errors
/// As [`set_up`].
pub fn found(
    tx: &mut WriteTx<'_>,
    call: &Call,
    warrant: &Warrant,
    device: &Device,
    owner: &NewAccount,
    workspace: &str,
) -> Result<SetUp, Error> {
    let account = setup::redeem(tx, call, warrant, owner)?;
    let pass = Pass::appliance("the warrant stands for the operator who is about to exist");
    let new = NewTenant { name: workspace.to_owned(), slug: None };
    let tenant = create_for(tx, call, pass, Some(account.id), &new)?;
    let session = match warrant {
        Warrant::Link(_) => Some(session::open(tx, call.now, account.id, device)?),
        Warrant::Console => None,
    };
    Ok(SetUp { account, tenant, session })
}
