//! A vendor's API description as a judge of bodies.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

/// A schema of an OpenAPI 3.1 document, by name.
pub(crate) struct Schema(jsonschema::Validator);

impl Schema {
    /// From `shared/specs/FILE` beside the crate; nothing, and a line that says so, where that is missing.
    pub(crate) fn load(file: &str, name: &str) -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs").join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            static SAID: OnceLock<()> = OnceLock::new();
            SAID.get_or_init(|| {
                println!("skipped: no API descriptions at ../shared/specs, bodies are not checked")
            });
            return None;
        };
        let mut document: Value = serde_yaml_ng::from_str(&text).expect("the description is YAML");
        document["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        document["$ref"] = format!("#/components/schemas/{name}").into();
        Some(Self(jsonschema::validator_for(&document).expect("the description holds valid schemas")))
    }

    /// What is wrong with `body`; empty when nothing is.
    pub(crate) fn violations(&self, body: &Value) -> Vec<String> {
        self.0.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}
