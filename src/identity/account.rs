//! Accounts: people who sign in. One account serves every tenant that it is a member of.

use serde::{Deserialize, Serialize};

use super::audit::{self, Action, Note};
use super::pass::{ManageAppliance, ManageTenants};
use super::{
    Email, Error, Pass, PasswordHash, Revocations, Revoked, challenge, device, mfa, password_reset, session,
};
use crate::base::{AccountId, Call, Page, PageRequest, Secret, Timestamp};
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// The most characters of a name.
pub const NAME_CHARS_MAX: usize = 100;
const LOOKED_THROUGH_AT_A_TIME: usize = 100;

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

/// An account as whoever runs the appliance sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AccountEntry {
    /// Its id.
    pub id: AccountId,
    /// What the person is called.
    pub name: String,
    /// The e-mail address.
    pub email: Email,
    /// Whether the person runs the appliance.
    pub operator: bool,
    /// Whether a sign-in asks for a code.
    pub mfa: bool,
    /// Since when there is the account.
    pub created_at: Timestamp,
    /// When the person last signed in.
    pub last_sign_in_at: Option<Timestamp>,
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
    add(tx, call, new, false)
}

pub(super) fn add(
    tx: &mut WriteTx<'_>,
    call: &Call,
    new: &NewAccount,
    operator: bool,
) -> Result<Account, Error> {
    if BY_EMAIL.get(tx, &new.email.folded())?.is_some() {
        return Err(Error::EmailTaken);
    }
    let account = Account {
        id: AccountId::new(call.now),
        name: parse_name(&new.name)?,
        email: new.email.clone(),
        password_hash: new.password_hash.clone(),
        operator,
        created: call.now,
    };
    tx.insert::<Accounts>(&account.id, &account)?;
    let note = Note::new(Action::AccountCreated).about(account.id).with("operator", operator);
    audit::record(tx, call, note)?;
    Ok(account)
}

/// Changes what the person is called.
///
/// # Errors
/// [`Error::BadName`]; [`Error::NotFound`].
pub fn rename(tx: &mut WriteTx<'_>, id: AccountId, name: &str) -> Result<Account, Error> {
    let name = parse_name(name)?;
    load(tx, id)?.ok_or(Error::NotFound)?;
    Ok(tx.update::<Accounts>(&id, |account| account.name = name)?)
}

/// Makes the person one who runs the appliance, or not any more. The last one stays.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::LastOperator`].
pub fn set_operator(
    tx: &mut WriteTx<'_>,
    call: &Call,
    _: Pass<ManageAppliance>,
    id: AccountId,
    operator: bool,
) -> Result<Account, Error> {
    let account = load(tx, id)?.ok_or(Error::NotFound)?;
    if account.operator == operator {
        return Ok(account);
    }
    if !operator && !is_operator_beside(tx, id)? {
        return Err(Error::LastOperator);
    }
    let account = tx.update::<Accounts>(&id, |account| account.operator = operator)?;
    Revocations::tell(tx, Revoked::Account(id));
    audit::record(tx, call, Note::new(Action::OperatorChanged).about(id).with("operator", operator))?;
    Ok(account)
}

/// Whether somebody else runs the appliance. Operators are few among the accounts and asked for rarely, so there is no index.
fn is_operator_beside(tx: &impl Read, id: AccountId) -> Result<bool, Error> {
    let mut request = PageRequest { after: None, limit: Some(LOOKED_THROUGH_AT_A_TIME) };
    loop {
        let page = tx.page::<Accounts>(Scan::all(0), &request)?;
        if page.items.iter().any(|(other, account)| account.operator && *other != id) {
            return Ok(true);
        }
        match page.next_cursor {
            Some(next) => request.after = Some(next),
            None => return Ok(false),
        }
    }
}

/// The token of a link that sets the account's password; without the second factor from now on, if `mfa` says so.
///
/// # Errors
/// [`Error::NotFound`].
pub fn issue_reset(
    tx: &mut WriteTx<'_>,
    call: &Call,
    _: Pass<ManageAppliance>,
    id: AccountId,
    mfa: bool,
) -> Result<Secret, Error> {
    load(tx, id)?.ok_or(Error::NotFound)?;
    if mfa && mfa::remove(tx, call, id)? {
        challenge::end_all(tx, id)?;
        session::end_all(tx, id)?;
    }
    password_reset::issue_for(tx, call, id)
}

/// All accounts, oldest first; with `email`, the one with that address, in any spelling.
///
/// # Errors
/// When the store fails.
pub fn list(
    tx: &impl Read,
    _: Pass<ManageTenants>,
    email: Option<&str>,
    request: &PageRequest,
) -> Result<Page<AccountEntry>, Error> {
    let page = match email {
        Some(email) => {
            let items = find(tx, email)?.map(|account| (account.id, account)).into_iter().collect();
            Page { items, next_cursor: None }
        }
        None => tx.page::<Accounts>(Scan::all(0), request)?,
    };
    let mut items = Vec::with_capacity(page.items.len());
    for (_, account) in page.items {
        items.push(entry(tx, account)?);
    }
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// One account.
///
/// # Errors
/// [`Error::NotFound`].
pub fn show(tx: &impl Read, _: Pass<ManageTenants>, id: AccountId) -> Result<AccountEntry, Error> {
    entry(tx, load(tx, id)?.ok_or(Error::NotFound)?)
}

fn entry(tx: &impl Read, account: Account) -> Result<AccountEntry, Error> {
    Ok(AccountEntry {
        id: account.id,
        mfa: mfa::is_enabled(tx, account.id)?,
        last_sign_in_at: device::sign_in_before(tx, account.id, None)?.map(|seen| seen.at),
        name: account.name,
        email: account.email,
        operator: account.operator,
        created_at: account.created,
    })
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
