//! `frontdesk egress`: what left the appliance or was refused, newest first.

use std::collections::HashMap;
use std::fmt::Write as _;

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::appliance::{Appliance, Call, with_appliance};
use super::ask::text;
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};

/// Rows of a page that is asked for.
const PAGE_ROWS: usize = 100;
/// What stands where there is nothing to say.
const NOTHING: &str = "-";

#[derive(Debug, Args)]
pub(super) struct EgressArguments {
    #[command(flatten)]
    shown: Shown,
    /// Entries at most, the newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

pub(super) fn run(arguments: &SettingsArguments, wish: &EgressArguments) -> Result<(), Failure> {
    let shown = with_appliance(arguments, async |appliance| show(appliance, wish).await)?;
    say(&shown);
    Ok(())
}

async fn show(appliance: &Appliance, wish: &EgressArguments) -> Result<String, Failure> {
    let entries = entries(appliance, usize::try_from(wish.limit).unwrap_or(PAGE_ROWS)).await?;
    if wish.shown.json {
        return Ok(json!({ "items": entries }).to_string());
    }
    let workspaces = workspaces(appliance).await?;
    Ok(table(&entries, &workspaces))
}

/// The newest `limit` entries, page by page.
async fn entries(appliance: &Appliance, limit: usize) -> Result<Vec<Value>, Failure> {
    let mut entries: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    while entries.len() < limit {
        let rows = PAGE_ROWS.min(limit - entries.len());
        let path = format!("/api/v1/egress?limit={rows}{cursor}");
        let page = appliance.send(Method::GET, &path, Call::default()).await?;
        entries.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    Ok(entries)
}

/// The short names of the first workspaces by their ids; others are shown by their id.
async fn workspaces(appliance: &Appliance) -> Result<HashMap<String, String>, Failure> {
    let path = format!("/api/v1/tenants?limit={PAGE_ROWS}");
    let list = appliance.send(Method::GET, &path, Call::default()).await?;
    let items = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(items.iter().map(|one| (text(one, "id"), text(one, "slug"))).collect())
}

fn table(entries: &[Value], workspaces: &HashMap<String, String>) -> String {
    if entries.is_empty() {
        return "Nothing was sent, and nothing was refused.".to_owned();
    }
    let head = ["time", "destination", "purpose", "workspace", "sent", "received", "ms", "outcome"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(entries.iter().map(|entry| row(entry, workspaces)));
    let mut shown = aligned(&rows, &[4, 5, 6]);
    _ = write!(shown, "\n{} shown, newest first; sizes are bytes of the body.", entries.len());
    shown
}

fn row(entry: &Value, workspaces: &HashMap<String, String>) -> [String; 8] {
    let number = |key: &str| entry.get(key).and_then(Value::as_u64).unwrap_or_default();
    let word = |key: &str| {
        Some(text(entry, key)).filter(|word| !word.is_empty()).unwrap_or_else(|| NOTHING.to_owned())
    };
    let outcome = text(entry, "outcome");
    if outcome == "lost" {
        let said = format!("{} attempts were not written down", number("lost"));
        let none = || NOTHING.to_owned();
        return [word("at"), none(), none(), none(), none(), none(), none(), said];
    }
    let tenant = text(entry, "tenant");
    let workspace = match workspaces.get(&tenant) {
        Some(slug) => slug.clone(),
        None => word("tenant"),
    };
    let status = entry.get("status").and_then(Value::as_u64).map(|status| format!(" {status}"));
    let code = Some(text(entry, "code")).filter(|code| !code.is_empty()).map(|code| format!(" ({code})"));
    [
        word("at"),
        word("destination"),
        word("purpose"),
        workspace,
        number("bytes_out").to_string(),
        number("bytes_in").to_string(),
        number("duration_ms").to_string(),
        format!("{outcome}{}{}", status.unwrap_or_default(), code.unwrap_or_default()),
    ]
}

/// Lines of columns as wide as their widest cell; those in `numbers` end at the same place.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]], numbers: &[usize]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut shown = String::new();
    for row in rows {
        let mut line = String::new();
        for (place, (cell, width)) in row.iter().zip(widths).enumerate() {
            _ = if numbers.contains(&place) {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:width$}  ")
            };
        }
        shown.push_str(line.trim_end());
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_columns_that_line_up_and_read_the_workspaces_short_name() {
        let entries = [
            json!({"at": "2026-01-01T00:00:00.000Z", "destination": "api.openai.com:443", "purpose": "ai.chat", "tenant": "ten_1",
                "bytes_out": 1200, "bytes_in": 90, "status": 200, "duration_ms": 7, "outcome": "answered", "code": null, "lost": 0}),
            json!({"at": "2026-01-01T00:00:00.000Z", "destination": "a.example:443", "purpose": "ai.check", "tenant": null,
                "bytes_out": 0, "bytes_in": 0, "status": null, "duration_ms": 0, "outcome": "refused", "code": "egress_not_allowed", "lost": 0}),
            json!({"at": "2026-01-01T00:00:00.000Z", "destination": "", "purpose": "", "tenant": null, "bytes_out": 0,
                "bytes_in": 0, "status": null, "duration_ms": 0, "outcome": "lost", "code": null, "lost": 12}),
        ];
        let workspaces = HashMap::from([("ten_1".to_owned(), "acme".to_owned())]);
        let shown = table(&entries, &workspaces);
        let lines: Vec<_> = shown.lines().collect();
        let column = |name: &str| lines[0].find(name).unwrap();
        assert!(lines[1][column("workspace")..].starts_with("acme"), "{shown}");
        assert!(lines[1].ends_with("7  answered 200"), "{shown}");
        assert!(lines[2].ends_with("refused (egress_not_allowed)"), "{shown}");
        assert!(lines[3].ends_with("12 attempts were not written down"), "{shown}");
        assert_eq!(lines[1].find("1200").unwrap() + 4, column("sent") + 4);
        assert_eq!(table(&[], &workspaces), "Nothing was sent, and nothing was refused.");
    }
}
