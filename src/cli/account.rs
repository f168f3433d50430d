//! `frontdesk account`: who can sign in, and letting people back in who cannot.
//!
//! The commands work whether the appliance is running or not: a locked-out administrator needs the machine and nothing else.

use axum::http::Method;
use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use super::appliance::{Appliance, Call, with_appliance};
use super::ask::text;
use super::egress::aligned;
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Show every account
    ///
    /// The address, the name, whether the person runs the appliance, whether there is a second factor, and the last sign-in.
    #[command(after_long_help = "Examples:
  frontdesk account list
  frontdesk account list --json")]
    List(Shown),
    /// Show one account, with its workspaces and where it is signed in
    #[command(after_long_help = "Examples:
  frontdesk account show ada@example.com
  frontdesk account show ada@example.com --json")]
    Show(Named),
    /// Make an account, and print the link that sets its password
    ///
    /// Nothing is sent: give the link to the person. It is for one use. The account is a member of no workspace until it is
    /// invited to one.
    #[command(after_long_help = "Examples:
  frontdesk account create bob@example.com --name \"Bob Byrne\"
  frontdesk account create bob@example.com --name \"Bob Byrne\" --operator")]
    Create(Wanted),
    /// Print a link that sets a new password, once and within 30 minutes
    ///
    /// For who has forgotten the password. Nothing is sent: give the link to the person. With --mfa for who has lost the second
    /// factor as well.
    #[command(after_long_help = "Examples:
  frontdesk account reset ada@example.com
  frontdesk account reset ada@example.com --mfa")]
    Reset(Lost),
    /// Let a person run the appliance, or not any more
    ///
    /// Who runs the appliance makes and erases workspaces, looks after backups and reads the audit trail of the whole appliance.
    #[command(after_long_help = "Examples:
  frontdesk account operator bob@example.com --grant
  frontdesk account operator bob@example.com --revoke")]
    Operator(Right),
}

/// Which account.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// The address that the person signs in with
    email: String,
    #[command(flatten)]
    shown: Shown,
}

/// An account to be made.
#[derive(Debug, Args)]
pub(super) struct Wanted {
    /// The address that the person will sign in with
    email: String,
    /// What the person is called
    #[arg(long)]
    name: String,
    /// The person runs the appliance
    #[arg(long)]
    operator: bool,
    #[command(flatten)]
    shown: Shown,
}

/// Who is let back in.
#[derive(Debug, Args)]
pub(super) struct Lost {
    #[command(flatten)]
    named: Named,
    /// Remove the second factor too, for who has lost it and the recovery codes
    #[arg(long)]
    mfa: bool,
}

/// Who runs the appliance.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true))]
pub(super) struct Right {
    #[command(flatten)]
    named: Named,
    /// From now on
    #[arg(long, group = "change")]
    grant: bool,
    /// Not any more
    #[arg(long, group = "change")]
    revoke: bool,
}

pub(super) fn run(arguments: &SettingsArguments, command: &AccountCommand) -> Result<(), Failure> {
    let said = with_appliance(arguments, async |appliance| carry_out(appliance, command).await)?;
    say(&said);
    Ok(())
}

async fn carry_out(appliance: &Appliance, command: &AccountCommand) -> Result<String, Failure> {
    match command {
        AccountCommand::List(shown) => list(appliance, *shown).await,
        AccountCommand::Show(Named { email, shown }) => {
            let path = format!("/api/v1/accounts/{}", id_of(appliance, email).await?);
            let account = appliance.send(Method::GET, &path, Call::default()).await?;
            Ok(if shown.json { account.to_string() } else { detail(&account) })
        }
        AccountCommand::Create(Wanted { email, name, operator, shown }) => {
            let body = json!({ "email": email, "name": name, "operator": operator });
            let made = appliance.send(Method::POST, "/api/v1/accounts", Call::default().json(&body)).await?;
            Ok(if shown.json {
                made.to_string()
            } else {
                format!(
                    "{email} has an account. This link sets its password, once, until {}:\n{}",
                    text(&made, "link_expires_at"),
                    text(&made, "link")
                )
            })
        }
        AccountCommand::Reset(Lost { named: Named { email, shown }, mfa }) => {
            let path = format!("/api/v1/accounts/{}/password-reset", id_of(appliance, email).await?);
            let call = json!({ "mfa": mfa });
            let issued = appliance.send(Method::POST, &path, Call::default().json(&call)).await?;
            Ok(if shown.json {
                issued.to_string()
            } else {
                let without = if *mfa { " Its second factor is removed." } else { "" };
                format!(
                    "This link sets a new password for {email}, once, until {}.{without}\n{}",
                    text(&issued, "expires_at"),
                    text(&issued, "link")
                )
            })
        }
        AccountCommand::Operator(Right { named: Named { email, shown }, grant, .. }) => {
            let path = format!("/api/v1/accounts/{}", id_of(appliance, email).await?);
            let change = json!({ "operator": grant });
            let changed = appliance.send(Method::PATCH, &path, Call::default().json(&change)).await?;
            Ok(match (shown.json, *grant) {
                (true, _) => changed.to_string(),
                (false, true) => format!("{email} runs the appliance."),
                (false, false) => format!("{email} does not run the appliance any more."),
            })
        }
    }
}

/// The id of the account with this address.
async fn id_of(appliance: &Appliance, email: &str) -> Result<String, Failure> {
    let asked: String = url::form_urlencoded::byte_serialize(email.as_bytes()).collect();
    let path = format!("/api/v1/accounts?email={asked}");
    let list = appliance.send(Method::GET, &path, Call::default()).await?;
    let id = list.pointer("/items/0/id").and_then(Value::as_str).map(str::to_owned);
    id.ok_or_else(|| Failure::new(format!("No account has the address {email}.")))
}

async fn list(appliance: &Appliance, shown: Shown) -> Result<String, Failure> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/accounts?limit=100{cursor}");
        let page = appliance.send(Method::GET, &path, Call::default()).await?;
        items.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    Ok(if shown.json { json!({ "items": items }).to_string() } else { table(&items) })
}

fn table(items: &[Value]) -> String {
    if items.is_empty() {
        return "There is no account yet. frontdesk setup makes the first.".to_owned();
    }
    let mut rows =
        vec![["address", "name", "runs the appliance", "second factor", "last sign-in"].map(str::to_owned)];
    rows.extend(items.iter().map(|item| {
        let last = Some(text(item, "last_sign_in_at")).filter(|at| !at.is_empty());
        [
            text(item, "email"),
            text(item, "name"),
            yes(item, "operator"),
            yes(item, "mfa"),
            last.unwrap_or_else(|| "-".to_owned()),
        ]
    }));
    aligned(&rows, &[]).trim_end().to_owned()
}

fn yes(item: &Value, key: &str) -> String {
    let yes = item.get(key).and_then(Value::as_bool).unwrap_or_default();
    if yes { "yes".to_owned() } else { "no".to_owned() }
}

fn detail(account: &Value) -> String {
    let mut lines = vec![table(std::slice::from_ref(account)), format!("\n{}", text(account, "id"))];
    let part = |key: &str| account.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    for workspace in part("workspaces") {
        lines.push(format!("  {} of {}", text(&workspace, "role"), text(&workspace, "slug")));
    }
    for session in part("sessions") {
        let from = Some(text(&session, "address")).filter(|from| !from.is_empty());
        let from = from.unwrap_or_else(|| "an address that is not known".to_owned());
        lines.push(format!("  signed in since {} from {from}", text(&session, "created_at")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_listed_with_what_an_administrator_looks_for() {
        let items = [
            json!({"email": "ada@example.com", "name": "Ada", "operator": true, "mfa": true, "last_sign_in_at": "2026-01-01T00:00:00.000Z"}),
            json!({"email": "bob@example.com", "name": "Bob", "operator": false, "mfa": false, "last_sign_in_at": null}),
        ];
        let shown = table(&items);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("ada@example.com  Ada   yes"), "{shown}");
        assert!(lines[1].ends_with("2026-01-01T00:00:00.000Z") && lines[2].ends_with('-'), "{shown}");
        assert!(table(&[]).contains("frontdesk setup"));
    }
}
