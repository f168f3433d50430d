//! `frontdesk ai key`: the keys that providers are asked with, set, listed and removed without ever being shown.

use std::io::{IsTerminal as _, Read as _, Write as _};

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::appliance::{Appliance, Call};
use super::ask::text;
use super::egress::aligned;
use super::{Failure, SettingsArguments, Shown};
use crate::ai::keys::KEY_BYTES_MAX;
use crate::base::Secret;
use crate::telemetry::start_log;

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Keep a key, sealed, for a provider of the settings; the key is read from standard input
    #[command(after_long_help = "Examples:
  frontdesk ai key set openai < key.txt
  frontdesk ai key set openai --workspace acme")]
    Set(Named),
    /// Show which providers have a key, and where it is from
    #[command(after_long_help = "Examples:
  frontdesk ai key list
  frontdesk ai key list --workspace acme --json")]
    List(Listed),
    /// Forget the key of a provider
    #[command(after_long_help = "Example:
  frontdesk ai key remove openai")]
    Remove(Named),
}

/// Which provider's key.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// What the settings call the provider
    provider: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    shown: Shown,
}

/// How the keys are listed.
#[derive(Debug, Args)]
pub(super) struct Listed {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    shown: Shown,
}

/// Whose key.
#[derive(Debug, Args)]
struct Place {
    /// The key of this workspace alone, in place of the appliance's
    #[arg(long, value_name = "SHORT-NAME")]
    workspace: Option<String>,
}

impl Place {
    fn path(&self, provider: Option<&str>) -> String {
        let base = match self.workspace {
            Some(_) => "/api/v1/provider-keys",
            None => "/api/v1/appliance/provider-keys",
        };
        provider.map_or_else(
            || base.to_owned(),
            |provider| {
                let encoded: String = url::form_urlencoded::byte_serialize(provider.as_bytes()).collect();
                format!("{base}/{}", encoded.replace('+', "%20"))
            },
        )
    }

    fn call(&self) -> Call<'_> {
        Call { workspace: self.workspace.as_deref(), ..Call::default() }
    }

    fn said(&self) -> String {
        self.workspace.as_ref().map_or_else(|| "the appliance".to_owned(), |slug| format!("workspace {slug}"))
    }
}

pub(super) fn run(arguments: &SettingsArguments, command: &KeyCommand) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    start_log(&settings.log)?;
    // Before anything is opened, so that whoever types it keeps nobody waiting.
    let key = if let KeyCommand::Set(_) = command { Some(typed()?) } else { None };
    let (line, text) = super::run_async(async move {
        let appliance = Appliance::open(&settings).await?;
        let done = carry_out(&appliance, command, key).await;
        appliance.close().await;
        done
    })?;
    let (KeyCommand::Set(Named { shown, .. })
    | KeyCommand::List(Listed { shown, .. })
    | KeyCommand::Remove(Named { shown, .. })) = command;
    shown.print(&line, &text);
    Ok(())
}

/// The key from standard input.
fn typed() -> Result<Secret, Failure> {
    let input = std::io::stdin();
    let mut text = String::new();
    let read = if input.is_terminal() {
        let _ =
            writeln!(std::io::stderr(), "Type or paste the key, then Enter. It is shown here as you type.");
        input.read_line(&mut text)
    } else {
        // One byte more than may be, so that a longer one is refused instead of being cut.
        let bytes_max = u64::try_from(KEY_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        input.lock().take(bytes_max).read_to_string(&mut text)
    };
    read.map_err(|error| Failure::new(format!("The key could not be read from standard input: {error}")))?;
    Ok(Secret::new(text))
}

async fn carry_out(
    appliance: &Appliance,
    command: &KeyCommand,
    key: Option<Secret>,
) -> Result<(Value, String), Failure> {
    match command {
        KeyCommand::Set(Named { provider, place, .. }) => {
            let body = json!({ "key": key.as_ref().map(Secret::expose) });
            let call = place.call().json(&body);
            let set = appliance.send(Method::PUT, &place.path(Some(provider)), call).await?;
            let last_four = set.pointer("/key/last_four").and_then(Value::as_str).unwrap_or_default();
            let ending =
                if last_four.is_empty() { String::new() } else { format!(", which ends in {last_four}") };
            let said = format!("The key for {provider}{ending}, is kept for {}.", place.said());
            Ok((set, said.replace(",,", ",")))
        }
        KeyCommand::Remove(Named { provider, place, .. }) => {
            appliance.send(Method::DELETE, &place.path(Some(provider)), place.call()).await?;
            let said = format!("No key for {provider} is kept for {} any more.", place.said());
            Ok((json!({ "removed": provider }), said))
        }
        KeyCommand::List(Listed { place, .. }) => {
            let list = appliance.send(Method::GET, &place.path(None), place.call()).await?;
            let shown = table(&list);
            Ok((list, shown))
        }
    }
}

fn table(list: &Value) -> String {
    let items = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    if items.is_empty() {
        return "No model is configured. [[ai.provider]] in the settings adds one.".to_owned();
    }
    let mut rows = vec![["provider", "key from", "ends in", "set", "by"].map(str::to_owned)];
    rows.extend(items.iter().map(|item| {
        let key = item.get("key").cloned().unwrap_or_default();
        let of = |name: &str| Some(text(&key, name)).filter(|word| !word.is_empty());
        let word = |name: &str| of(name).unwrap_or_else(|| "-".to_owned());
        let configured = item.get("configured").and_then(Value::as_bool).unwrap_or(true);
        let source = if configured { text(item, "source") } else { "not in the settings".to_owned() };
        [text(item, "provider"), source, word("last_four"), word("set_at"), word("set_by")]
    }));
    aligned(&rows, &[]).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_listed_with_where_they_are_from_and_without_themselves() {
        let key = json!({"last_four": "wxyz", "set_at": "2026-01-01T00:00:00.000Z", "set_by": "console"});
        let list = json!({"items": [
            {"provider": "gpt", "configured": true, "source": "appliance", "key": key},
            {"provider": "local", "configured": true, "source": "none", "key": null},
            {"provider": "old", "configured": false, "source": "appliance", "key": key},
        ]});
        let shown = table(&list);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[1], "gpt       appliance            wxyz     2026-01-01T00:00:00.000Z  console");
        assert!(lines[2].starts_with("local     none                 -"), "{shown}");
        assert!(lines[3].contains("not in the settings"), "{shown}");
    }

    #[test]
    fn a_workspaces_keys_are_elsewhere_than_the_appliances() {
        let place = |slug: Option<&str>| Place { workspace: slug.map(str::to_owned) };
        assert_eq!(place(None).path(None), "/api/v1/appliance/provider-keys");
        assert_eq!(place(Some("acme")).path(Some("my gpt/4")), "/api/v1/provider-keys/my%20gpt%2F4");
    }
}
