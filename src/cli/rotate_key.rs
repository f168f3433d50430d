//! `frontdesk rotate-key`: a new key for the appliance.

use axum::http::Method;
use serde_json::json;

use super::appliance::{Call, with_appliance};
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::base::counted;

/// Says what was sealed anew.
pub(super) fn run(arguments: &SettingsArguments, how: Shown) -> Result<(), Failure> {
    with_appliance(arguments, async |appliance| {
        let path = "/api/v1/appliance/key-rotation";
        let done =
            appliance.send(Method::POST, path, Call::default().json(&json!({ "confirm": true }))).await?;
        let of = |name: &str| done.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
        say(&if how.json {
            done.to_string()
        } else {
            format!(
                "The appliance has a new key. Sealed anew: {}, in {} and for the appliance, and every second factor. Make a new backup: \
                 those before open with the key before.",
                counted(of("provider_keys"), "key of a model provider", "keys of model providers"),
                counted(of("workspaces"), "workspace", "workspaces")
            )
        });
        Ok(())
    })
}
