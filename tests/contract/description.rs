//! A vendor's API description as a judge of requests and bodies.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

/// An OpenAPI 3.1 document from `shared/specs/FILE` beside the crate; nothing, and a line that says so, where that is
/// missing.
fn document(file: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        static SAID: OnceLock<()> = OnceLock::new();
        SAID.get_or_init(|| {
            // Not by a macro: the harness keeps what those print of a test that passes.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: no API descriptions at ../shared/specs, bodies are not checked"
            );
        });
        return None;
    };
    Some(serde_yaml_ng::from_str(&text).expect("the description is YAML"))
}

/// An answer as the vendor itself shows it, at a JSON pointer (RFC 6901) below `paths`; nothing where the descriptions are
/// missing.
pub(crate) fn example(file: &str, pointer: &str) -> Option<Value> {
    let document = document(file)?;
    Some(document["paths"].pointer(pointer).expect("the description has such an example").clone())
}

/// A schema of a description.
pub(crate) struct Schema(jsonschema::Validator);

impl Schema {
    /// By name; nothing where the descriptions are missing.
    pub(crate) fn load(file: &str, name: &str) -> Option<Self> {
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        document(file).map(|document| Self::of(&document, &reference))
    }

    fn of(document: &Value, schema: &Value) -> Self {
        let root = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": document["components"],
            "allOf": [schema],
        });
        Self(jsonschema::validator_for(&root).expect("the description holds valid schemas"))
    }

    /// What is wrong with `body`; empty when nothing is.
    pub(crate) fn violations(&self, body: &Value) -> Vec<String> {
        self.0.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

struct Parameter {
    name: String,
    place: String,
    schema: Schema,
}

struct Operation {
    method: String,
    path: String,
    /// Those that may not be missing.
    parameters: Vec<Parameter>,
    body: Option<Schema>,
}

/// All operations of a description.
pub(crate) struct Description(Vec<Operation>);

impl Description {
    /// Read once for all tests; nothing where the descriptions are missing.
    pub(crate) fn load(file: &'static str) -> Option<Arc<Self>> {
        static LOADED: Mutex<BTreeMap<&str, Option<Arc<Description>>>> = Mutex::new(BTreeMap::new());
        let mut loaded = LOADED.lock().unwrap();
        loaded
            .entry(file)
            .or_insert_with(|| document(file).map(|document| Arc::new(Self::of(&document))))
            .clone()
    }

    fn of(document: &Value) -> Self {
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let parameters = parameters
                    .filter(|parameter| parameter["required"] == true && parameter["in"] != "path")
                    .map(|parameter| Parameter {
                        name: parameter["name"].as_str().unwrap().to_owned(),
                        place: parameter["in"].as_str().unwrap().to_owned(),
                        schema: Schema::of(document, &parameter["schema"]),
                    })
                    .collect();
                let body = operation.pointer("/requestBody/content/application~1json/schema");
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    parameters,
                    body: body.map(|schema| Schema::of(document, schema)),
                });
            }
        }
        Self(operations)
    }

    /// What the vendor would find wrong; empty when nothing is.
    pub(crate) fn violations(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Value,
    ) -> Vec<String> {
        let found = self
            .0
            .iter()
            .find(|operation| operation.method == method.as_str() && is_at(uri.path(), &operation.path));
        let Some(operation) = found else { return vec![format!("there is no {method} {}", uri.path())] };
        let mut violations = Vec::new();
        for Parameter { name, place, schema } in &operation.parameters {
            let given = match place.as_str() {
                "header" => headers.get(name).map(|value| value.to_str().unwrap().to_owned()),
                _ => url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.into_owned()),
            };
            match given {
                Some(value) => violations.extend(schema.violations(&value.into())),
                None => violations.push(format!("the {place} {name} is missing")),
            }
        }
        match &operation.body {
            Some(schema) => violations.extend(schema.violations(body)),
            None if body.is_null() => {}
            None => violations.push("there should be no body".to_owned()),
        }
        violations
    }
}

/// Whether a path is at a template such as `/v1/models/{model}:countTokens`.
fn is_at(path: &str, template: &str) -> bool {
    let (mut path, mut template) = (path.split('/'), template.split('/'));
    loop {
        match (path.next(), template.next()) {
            (None, None) => return true,
            (Some(given), Some(wanted)) => {
                let fits = match wanted.split_once('{') {
                    None => given == wanted,
                    Some((head, rest)) => {
                        let tail = rest.split_once('}').unwrap().1;
                        given.len() > head.len() + tail.len()
                            && given.starts_with(head)
                            && given.ends_with(tail)
                            && !(tail.is_empty() && given.contains(':'))
                    }
                };
                if !fits {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

#[test]
fn the_judge_notices_what_each_vendor_would_refuse() {
    let judged = |file: &'static str, method: Method, uri: &str, headers: &HeaderMap, body: Value| {
        let description = Description::load(file)?;
        Some(description.violations(&method, &uri.parse().unwrap(), headers, &body).len())
    };
    let none = HeaderMap::new();
    let version: HeaderMap =
        [("anthropic-version".parse().unwrap(), "2026-10-21".parse().unwrap())].into_iter().collect();
    let (messages, count) = ("/v1/messages", "/v1/messages/count_tokens");
    let said = json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]});
    let asked = json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}]});
    let stream = "/v1beta/models/m:streamGenerateContent";
    let embeddings = "/v1/embeddings";
    let passage = json!({"model": "m", "input": ["x"], "input_type": "passage"});
    let ranked = json!({"model": "m", "query": "x", "documents": ["y"]});
    for (file, method, uri, headers, body, wrong) in [
        ("anthropic.yaml", Method::POST, messages, &version, said.clone(), 0),
        ("anthropic.yaml", Method::POST, messages, &none, said.clone(), 1),
        ("anthropic.yaml", Method::GET, messages, &version, Value::Null, 1),
        ("anthropic.yaml", Method::POST, count, &version, json!({"model": "m"}), 1),
        ("gemini.yaml", Method::POST, &format!("{stream}?alt=sse"), &none, asked.clone(), 0),
        ("gemini.yaml", Method::POST, stream, &none, asked, 1),
        ("gemini.yaml", Method::POST, "/v1beta/models/m:generateContent", &none, json!({"contents": []}), 1),
        ("openai.yaml", Method::GET, "/v1/models/m", &none, Value::Null, 0),
        ("openai.yaml", Method::GET, "/v1/models/m", &none, json!({}), 1),
        ("openai.yaml", Method::POST, "/chat/completions", &none, json!({}), 1),
        ("openai.yaml", Method::POST, embeddings, &none, json!({"model": "m", "input": ["x"]}), 0),
        ("openai.yaml", Method::POST, embeddings, &none, json!({"model": "m", "input": []}), 1),
        ("voyage.yaml", Method::POST, embeddings, &none, json!({"model": "m", "input": ["x"]}), 0),
        ("voyage.yaml", Method::POST, embeddings, &none, passage, 1),
        ("voyage.yaml", Method::POST, "/v1/rerank", &none, ranked.clone(), 0),
        ("cohere.yaml", Method::POST, "/v2/rerank", &none, ranked, 0),
        ("cohere.yaml", Method::POST, "/v2/rerank", &none, json!({"model": "m", "query": "x"}), 1),
    ] {
        let found = judged(file, method, uri, headers, body.clone());
        assert!(found.is_none_or(|found| found == wrong), "{uri} {body}: {found:?}");
    }
}
