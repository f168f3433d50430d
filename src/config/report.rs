//! The settings as a person reads them: value and origin, without secrets.

use toml::Value;

use super::layer::Layer;
use super::load::Setting;

/// The keys of values that nobody is shown, in tables and as settings of their own.
const SECRETS: [&str; 4] = ["api_key", "password", "secret", "token"];
const HIDDEN: &str = "(secret)";

/// A secret that was given; an empty text says that none was.
fn is_given(value: &Value) -> bool {
    value.as_str().is_none_or(|text| !text.is_empty())
}

fn redact(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Table(table) => {
            for (key, value) in table.iter_mut() {
                if SECRETS.contains(&key.as_str()) {
                    *value = Value::String(HIDDEN.to_owned());
                } else {
                    redact(value);
                }
            }
        }
        _ => {}
    }
}

/// Every leaf, secrets replaced.
pub(super) fn values(layer: &Layer) -> Vec<Setting> {
    let show = |(key, leaf): (&String, &super::layer::Leaf)| {
        let mut value = leaf.value.clone();
        let name = key.rsplit('.').next().unwrap_or(key);
        if SECRETS.contains(&name) && is_given(&value) {
            value = Value::String(HIDDEN.to_owned());
        }
        redact(&mut value);
        Setting { key: key.clone(), shown: value.to_string(), origin: leaf.origin.clone() }
    };
    layer.iter().map(show).collect()
}

/// The settings as a table of three columns for a terminal.
#[must_use]
pub fn table(values: &[Setting]) -> String {
    let width = |of: fn(&Setting) -> &str| values.iter().map(|setting| of(setting).chars().count()).max();
    let keys = width(|setting| &setting.key).unwrap_or(0);
    let shown = width(|setting| &setting.shown).unwrap_or(0).min(48);
    let line =
        |setting: &Setting| format!("{:keys$}  {:shown$}  {}\n", setting.key, setting.shown, setting.origin);
    values.iter().map(line).collect()
}
