//! Accounts: people who sign in. One account serves every tenant that it is a member of.

use serde::{Deserialize, Serialize};

use super::pass::ManageTenants;
use super::{Email, Error, Pass, PasswordHash};
use crate::base::{AccountId, Call, Timestamp};
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// The most characters of a name.
pub const NAME_CHARS_MAX: usize = 100;

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// What the person is called.
    pub name: String,
    /// Where mail reaches the person; also what is typed to sign in.
    pub email: Email,
    pub(super) password_hash: PasswordHash,
    /// Whether the person runs the appliance, and so may create tenants.
    pub operator: bool,
    /// Since when.
    pub created: Timestamp,
}

/// An account as its owner sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AccountView {
    /// Its id.
    pub id: AccountId,
    /// What the person is called.
    pub name: String,
    /// The e-mail address.
    pub email: Email,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        Self { id: account.id, name: account.name.clone(), email: account.email.clone() }
    }
}

/// An account to be made. The password has been checked and hashed before.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// A checked name: see [`parse_name`].
    pub name: String,
    /// A checked address.
    pub email: Email,
    /// The hash of a checked password.
    pub password_hash: PasswordHash,
}

static BY_EMAIL: Index<Accounts, String> =
    Index::unique("identity.account.by_email", |_, account: &Account| Some(account.email.folded()));

tables! {
    /// Everybody who can sign in.
    pub(super) Accounts = "identity.account": AccountId => Account, [BY_EMAIL];
}

/// A name of a person or a thing without the blanks around it.
///
/// # Errors
/// [`Error::BadName`] unless it has 1 to [`NAME_CHARS_MAX`] characters, none of them a control character.
pub fn parse_name(text: &str) -> Result<String, Error> {
    let name = text.trim();
    let fits =
        !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(Error::BadName) }
}

/// Makes an account, which is not a member of anything yet.
///
/// # Errors
/// [`Error::EmailTaken`], or [`Error::BadName`] when the name was not checked.
pub fn create(
    tx: &mut WriteTx<'_>,
    call: &Call,
    _: Pass<ManageTenants>,
    new: &NewAccount,
) -> Result<Account, Error> {
    add(tx, call.now, new, false)
}

pub(super) fn add(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    new: &NewAccount,
    operator: bool,
) -> Result<Account, Error> {
    if BY_EMAIL.get(tx, &new.email.folded())?.is_some() {
        return Err(Error::EmailTaken);
    }
    let account = Account {
        id: AccountId::new(now),
        name: parse_name(&new.name)?,
        email: new.email.clone(),
        password_hash: new.password_hash.clone(),
        operator,
        created: now,
    };
    tx.insert::<Accounts>(&account.id, &account)?;
    Ok(account)
}

/// The account, if there is one.
///
/// # Errors
/// When the store fails.
pub fn load(tx: &impl Read, id: AccountId) -> Result<Option<Account>, Error> {
    Ok(tx.get::<Accounts>(&id)?)
}

/// The account of an address in any spelling, if there is one.
///
/// # Errors
/// When the store fails.
pub fn with_email(tx: &impl Read, email: &str) -> Result<Option<AccountId>, Error> {
    Ok(find(tx, email)?.map(|account| account.id))
}

/// The account of an address in any spelling; `email` need not be an address at all.
pub(super) fn find(tx: &impl Read, email: &str) -> Result<Option<Account>, Error> {
    Ok(BY_EMAIL.get(tx, &super::email::fold(email))?.map(|(_, account)| account))
}

/// Whether anybody can sign in at all.
pub(super) fn any(tx: &impl Read) -> Result<bool, Error> {
    Ok(!tx.keys::<Accounts>(&Scan::all(1))?.is_empty())
}
