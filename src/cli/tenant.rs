//! `frontdesk tenant`: the workspaces of the appliance, for whoever runs it.

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::appliance::{Appliance, Call, with_appliance};
use super::ask::text;
use super::egress::aligned;
use super::shown::say;
use super::tenant_file::{ExportArguments, ImportArguments, export, import};
use super::{Failure, SettingsArguments, Shown};
use crate::base::counted;

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Show every workspace with what it uses
    #[command(after_long_help = "Examples:
  frontdesk tenant list
  frontdesk tenant list --json")]
    List(Shown),
    /// Make a workspace
    ///
    /// Nobody is a member of it yet; one that is made in the dashboard belongs to who makes it.
    #[command(after_long_help = "Examples:
  frontdesk tenant create Acme
  frontdesk tenant create \"Acme Support\" --slug acme")]
    Create(CreateArguments),
    /// Show one workspace, its quotas and what it uses of them
    #[command(after_long_help = "Examples:
  frontdesk tenant show acme
  frontdesk tenant show acme --json")]
    Show(One),
    /// Set what a workspace may use; what is not named stays
    ///
    /// A limit is a number, which may end with K, M, G or T; "unlimited"; or "default", which is what the settings say.
    #[command(after_long_help = "Examples:
  frontdesk tenant quota acme --members 10 --storage 20G
  frontdesk tenant quota acme --conversations unlimited --documents default")]
    Quota(QuotaArguments),
    /// Close a workspace to its members and visitors; nothing of it is lost, and its jobs rest
    #[command(after_long_help = "Example:
  frontdesk tenant suspend acme")]
    Suspend(One),
    /// Open a suspended workspace again
    #[command(after_long_help = "Example:
  frontdesk tenant resume acme")]
    Resume(One),
    /// Write a workspace into one file, to be imported on another appliance
    ///
    /// Passwords, API keys and the keys of model providers are not in it. The file is not encrypted.
    #[command(after_long_help = "Examples:
  frontdesk tenant export acme acme.workspace
  frontdesk tenant export acme acme.workspace --json")]
    Export(ExportArguments),
    /// Take in a workspace from the file of an export
    ///
    /// The file is read to its end before anything counts as taken in.
    #[command(after_long_help = "Examples:
  frontdesk tenant import acme.workspace
  frontdesk tenant import acme.workspace --slug acme-copy")]
    Import(ImportArguments),
    /// Erase a workspace with everything in it; this cannot be undone
    ///
    /// Backups that were made before hold it still; the command says which copies there are. Export it first to keep it.
    #[command(after_long_help = "Example:
  frontdesk tenant erase acme --confirm acme")]
    Erase(EraseArguments),
}

/// Which workspace.
#[derive(Debug, Args)]
pub(super) struct One {
    /// The workspace's short name
    slug: String,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// What people call it
    name: String,
    /// What its addresses are made of [default: made from the name]
    #[arg(long, value_name = "SHORT-NAME")]
    slug: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

/// A limit as it is typed: a number, `unlimited`, or `default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LimitWish(Option<u64>);

impl LimitWish {
    /// A number may end with K, M, G or T, for so many times 1024.
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "default" => return Ok(Self(None)),
            "unlimited" => return Ok(Self(Some(0))),
            _ => {}
        }
        let (digits, shift) = match text.char_indices().last() {
            Some((at, 'K' | 'k')) => (text.get(..at), 10),
            Some((at, 'M' | 'm')) => (text.get(..at), 20),
            Some((at, 'G' | 'g')) => (text.get(..at), 30),
            Some((at, 'T' | 't')) => (text.get(..at), 40),
            _ => (Some(text), 0),
        };
        let number: Option<u64> = digits.and_then(|digits| digits.parse().ok());
        number
            .and_then(|number| number.checked_mul(1 << shift))
            .map(|number| Self(Some(number)))
            .ok_or_else(|| "a number such as 500 or 2G, \"unlimited\" or \"default\"".to_owned())
    }
}

#[derive(Debug, Args)]
pub(super) struct QuotaArguments {
    /// The workspace's short name
    slug: String,
    /// Members: a number, "unlimited", or "default" for what the settings say
    #[arg(long, value_parser = LimitWish::parse)]
    members: Option<LimitWish>,
    /// Documents
    #[arg(long, value_parser = LimitWish::parse)]
    documents: Option<LimitWish>,
    /// Bytes of files, such as 20G
    #[arg(long, value_name = "BYTES", value_parser = LimitWish::parse)]
    storage: Option<LimitWish>,
    /// Conversations begun in a month
    #[arg(long, value_parser = LimitWish::parse)]
    conversations: Option<LimitWish>,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct EraseArguments {
    /// The workspace's short name
    slug: String,
    /// The short name once more, to say that this one is meant
    #[arg(long, value_name = "SHORT-NAME")]
    confirm: String,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(arguments: &SettingsArguments, command: &TenantCommand) -> Result<(), Failure> {
    let said = with_appliance(arguments, async |appliance| carry_out(appliance, command).await)?;
    say(&said);
    Ok(())
}

async fn carry_out(appliance: &Appliance, command: &TenantCommand) -> Result<String, Failure> {
    match command {
        TenantCommand::List(shown) => list(appliance, *shown).await,
        TenantCommand::Create(wish) => create(appliance, wish).await,
        TenantCommand::Show(one) => {
            let found =
                appliance.send(Method::GET, &path(appliance, &one.slug).await?, Call::default()).await?;
            Ok(if one.shown.json { found.to_string() } else { described(&found) })
        }
        TenantCommand::Quota(wish) => quota(appliance, wish).await,
        TenantCommand::Suspend(one) => suspend(appliance, one, true).await,
        TenantCommand::Resume(one) => suspend(appliance, one, false).await,
        TenantCommand::Export(wish) => export(appliance, wish).await,
        TenantCommand::Import(wish) => import(appliance, wish).await,
        TenantCommand::Erase(wish) => erase(appliance, wish).await,
    }
}

/// Where the API has the workspace of this short name.
pub(super) async fn path(appliance: &Appliance, slug: &str) -> Result<String, Failure> {
    let found = appliance.send(Method::GET, "/api/v1/workspace", Call::within(slug)).await?;
    Ok(format!("/api/v1/tenants/{}", text(&found, "id")))
}

async fn list(appliance: &Appliance, shown: Shown) -> Result<String, Failure> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = appliance
            .send(Method::GET, &format!("/api/v1/tenants?limit=100{cursor}"), Call::default())
            .await?;
        items.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    Ok(if shown.json { json!({ "items": items }).to_string() } else { table(&items) })
}

async fn create(appliance: &Appliance, wish: &CreateArguments) -> Result<String, Failure> {
    let mut body = json!({ "name": wish.name });
    if let (Some(slug), Some(body)) = (&wish.slug, body.as_object_mut()) {
        body.insert("slug".to_owned(), slug.as_str().into());
    }
    let made = appliance.send(Method::POST, "/api/v1/tenants", Call::default().json(&body)).await?;
    let (name, slug) = (text(&made, "name"), text(&made, "slug"));
    Ok(if wish.shown.json {
        made.to_string()
    } else {
        format!("The workspace {name} is made. Its short name is {slug}.")
    })
}

async fn quota(appliance: &Appliance, wish: &QuotaArguments) -> Result<String, Failure> {
    let wishes = [
        ("members", wish.members),
        ("documents", wish.documents),
        ("storage_bytes", wish.storage),
        ("conversations_per_month", wish.conversations),
    ];
    let quotas: Map<String, Value> = wishes
        .into_iter()
        .filter_map(|(name, wish)| wish.map(|LimitWish(limit)| (name.to_owned(), limit.into())))
        .collect();
    let path = path(appliance, &wish.slug).await?;
    let changed =
        appliance.send(Method::PATCH, &path, Call::default().json(&json!({ "quotas": quotas }))).await?;
    Ok(if wish.shown.json { changed.to_string() } else { described(&changed) })
}

async fn suspend(appliance: &Appliance, one: &One, suspended: bool) -> Result<String, Failure> {
    let path = path(appliance, &one.slug).await?;
    let call = Call::default().json(&json!({ "suspended": suspended }));
    let changed = appliance.send(Method::PATCH, &path, call).await?;
    let slug = &one.slug;
    Ok(if one.shown.json {
        changed.to_string()
    } else if suspended {
        format!("{slug} is suspended. `frontdesk tenant resume {slug}` opens it again.")
    } else {
        format!("{slug} is open.")
    })
}

async fn erase(appliance: &Appliance, wish: &EraseArguments) -> Result<String, Failure> {
    let path = path(appliance, &wish.slug).await?;
    let call = Call::default().json(&json!({ "confirm": wish.confirm }));
    let proof = appliance.send(Method::DELETE, &path, call).await?;
    if wish.shown.json {
        return Ok(proof.to_string());
    }
    let (slug, copies) = (&wish.slug, text(&proof, "copies"));
    if proof.get("erased_at").is_none_or(Value::is_null) {
        return Ok(format!("{slug} is closed and being erased; something still holds it open. {copies}"));
    }
    let number = |key: &str| proof.get(key).and_then(Value::as_u64).unwrap_or_default();
    Ok(format!(
        "{slug} is erased: {} of {}, {}, {}. {copies}",
        counted(number("files"), "file", "files"),
        counted(number("bytes"), "byte", "bytes"),
        counted(number("rows"), "row", "rows"),
        counted(number("accounts"), "account", "accounts")
    ))
}

fn limit(found: &Value, name: &str) -> String {
    let limit = found.pointer(&format!("/quotas/{name}")).and_then(Value::as_u64);
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}

fn used(found: &Value, name: &str) -> String {
    found.get(name).and_then(Value::as_u64).unwrap_or_default().to_string()
}

fn state(found: &Value) -> &'static str {
    let suspended = found.get("suspended").and_then(Value::as_bool).unwrap_or(false);
    if suspended { "suspended" } else { "open" }
}

fn table(items: &[Value]) -> String {
    if items.is_empty() {
        return "There is no workspace yet. `frontdesk setup` prints the link to make one.".to_owned();
    }
    let head = ["short name", "name", "state", "members", "documents", "bytes"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(items.iter().map(|one| {
        [
            text(one, "slug"),
            text(one, "name"),
            state(one).to_owned(),
            used(one, "members"),
            used(one, "documents"),
            used(one, "storage_bytes"),
        ]
    }));
    aligned(&rows, &[3, 4, 5]).trim_end().to_owned()
}

fn described(found: &Value) -> String {
    let mut rows = vec![["", "used", "limit"].map(str::to_owned)];
    let quotas = [
        ("members", "members", "members"),
        ("documents", "documents", "documents"),
        ("bytes of files", "storage_bytes", "storage_bytes"),
        ("conversations this month", "conversations_this_month", "conversations_per_month"),
    ];
    rows.extend(
        quotas.map(|(said, use_of, quota)| [said.to_owned(), used(found, use_of), limit(found, quota)]),
    );
    format!(
        "{} ({}), {}, since {}\n{}",
        text(found, "name"),
        text(found, "slug"),
        state(found),
        text(found, "created_at"),
        aligned(&rows, &[1, 2]).trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_typed_as_people_say_it() {
        for (text, limit) in [
            ("500", Some(500)),
            ("2G", Some(2 << 30)),
            ("1k", Some(1024)),
            ("unlimited", Some(0)),
            ("default", None),
        ] {
            assert_eq!(LimitWish::parse(text), Ok(LimitWish(limit)), "{text}");
        }
        for bad in ["", "G", "-1", "1.5G", "99999999999T", "ten"] {
            assert!(LimitWish::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_workspace_is_described_with_what_it_uses_of_what_it_may() {
        let found = json!({
            "name": "Acme", "slug": "acme", "suspended": true, "created_at": "2026-01-01T00:00:00.000Z", "members": 2,
            "documents": 7, "storage_bytes": 1024, "conversations_this_month": 3,
            "quotas": {"members": 5, "documents": null, "storage_bytes": null, "conversations_per_month": 100},
        });
        let shown = described(&found);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[0], "Acme (acme), suspended, since 2026-01-01T00:00:00.000Z");
        assert!(lines[2].starts_with("members") && lines[2].ends_with("5"), "{shown}");
        assert!(lines[3].ends_with("unlimited"), "{shown}");
    }
}
