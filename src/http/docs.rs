//! The API's document as a page for people: one HTML text without a script, made once at the start.

use std::fmt::Write as _;

use serde_json::Value;
use utoipa::openapi::OpenApi;

use super::openapi;

/// The page's style sheet.
pub(super) const STYLE: &str = include_str!("../../assets/docs/docs.css");

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Escaped, with `code` set in backticks and blank lines as paragraphs.
fn prose(text: &str) -> String {
    let escaped = escape(text.trim());
    let mut html = String::from("<p>");
    for (place, part) in escaped.split('`').enumerate() {
        match place {
            0 => html.push_str(part),
            odd if odd % 2 == 1 => _ = write!(html, "<code>{part}</code>"),
            _ => html.push_str(part),
        }
    }
    html.push_str("</p>");
    html.replace("\n\n", "</p><p>")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A type in one line: `string`, `[Document]`, `Document or null`; names lead to their schema.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#schema-{0}\">{0}</a>", escape(name));
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(options) = schema.get(key).and_then(Value::as_array) {
            return options.iter().map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .map(|value| format!("<code>{}</code>", escape(&value.to_string())))
            .collect::<Vec<_>>()
            .join(" ");
    }
    let plain = match schema.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    };
    if plain == "array" {
        return format!("[{}]", schema.get("items").map_or_else(|| "anything".to_owned(), kind));
    }
    match text(schema, "format") {
        "" => escape(&plain),
        format => format!("{} <small>{}</small>", escape(&plain), escape(format)),
    }
}

fn fields(schema: &Value, html: &mut String) {
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        parts.iter().for_each(|part| fields(part, html));
        return;
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        _ = write!(html, "<p class=\"kind\">{}</p>", kind(schema));
        return;
    };
    let required = schema.get("required").and_then(Value::as_array);
    html.push_str("<table><tbody>");
    for (name, property) in properties {
        let needed = required.is_some_and(|names| names.iter().any(|one| one == name.as_str()));
        row(name, &kind(property), needed, text(property, "description"), html);
    }
    html.push_str("</tbody></table>");
}

fn row(name: &str, kind: &str, needed: bool, description: &str, html: &mut String) {
    let mark = if needed { "" } else { " <small>optional</small>" };
    let described = if description.is_empty() { String::new() } else { prose(description) };
    _ = write!(
        html,
        "<tr><th scope=\"row\"><code>{}</code>{mark}</th><td class=\"kind\">{kind}</td><td>{described}</td></tr>",
        escape(name)
    );
}

fn schema_of(content: &Value) -> Option<String> {
    let bodies = content.get("content")?.as_object()?;
    let shown = bodies.iter().map(|(media, body)| {
        let kind = body.get("schema").map(kind).unwrap_or_default();
        format!("{kind} <small>{}</small>", escape(media))
    });
    Some(shown.collect::<Vec<_>>().join(", "))
}

fn operation(method: &str, path: &str, operation: &Value, html: &mut String) {
    let id = escape(text(operation, "operationId"));
    _ = write!(
        html,
        "<article id=\"{id}\"><h3><span class=\"method {0}\">{1}</span> <code>{2}</code></h3>",
        method.to_lowercase(),
        escape(method),
        escape(path)
    );
    for key in ["summary", "description"] {
        let words = text(operation, key);
        if !words.is_empty() {
            html.push_str(&prose(words));
        }
    }
    let parameters = operation.get("parameters").and_then(Value::as_array).filter(|list| !list.is_empty());
    if let Some(parameters) = parameters {
        html.push_str("<h4>Parameters</h4><table><tbody>");
        for parameter in parameters {
            let kind = parameter.get("schema").map(kind).unwrap_or_default();
            let kind = format!("{kind} <small>in {}</small>", escape(text(parameter, "in")));
            let needed = parameter.get("required").and_then(Value::as_bool).unwrap_or(false);
            row(text(parameter, "name"), &kind, needed, text(parameter, "description"), html);
        }
        html.push_str("</tbody></table>");
    }
    if let Some(body) = operation.get("requestBody").and_then(schema_of) {
        _ = write!(html, "<h4>Body</h4><p class=\"kind\">{body}</p>");
    }
    html.push_str("<h4>Answers</h4><table><tbody>");
    for (status, answer) in operation.get("responses").and_then(Value::as_object).into_iter().flatten() {
        let kind = schema_of(answer).unwrap_or_default();
        row(status, &kind, true, text(answer, "description"), html);
    }
    html.push_str("</tbody></table></article>");
}

/// The page.
pub(super) fn page(document: &OpenApi) -> String {
    let value = serde_json::to_value(document).unwrap_or_default();
    let mut groups: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for (path, item) in &document.paths.paths {
        for (verb, found) in openapi::operations(item) {
            let group = found.tags.iter().flatten().next().cloned().unwrap_or_else(|| "other".to_owned());
            let method = openapi::method(&verb).to_string();
            let entry = (method, path.clone());
            match groups.iter_mut().find(|(name, _)| *name == group) {
                Some((_, entries)) => entries.push(entry),
                None => groups.push((group, vec![entry])),
            }
        }
    }
    groups.sort();
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>Frontdesk API</title><link rel=\"stylesheet\" href=\"/api/docs.css\"></head><body><nav><h2>Frontdesk API</h2>",
    );
    for (group, _) in &groups {
        _ = write!(html, "<a href=\"#group-{0}\">{0}</a>", escape(group));
    }
    html.push_str(
        "<a href=\"#schemas\">schemas</a><a href=\"/api/openapi.json\">openapi.json</a></nav><main>",
    );
    _ = write!(
        html,
        "<h1>Frontdesk API <small>{}</small></h1>{}",
        escape(text(value.get("info").unwrap_or(&Value::Null), "version")),
        prose(text(value.get("info").unwrap_or(&Value::Null), "description"))
    );
    for (group, entries) in &groups {
        _ = write!(html, "<section id=\"group-{0}\"><h2>{0}</h2>", escape(group));
        for (method, path) in entries {
            let found = value.get("paths").and_then(|paths| paths.get(path)?.get(method.to_lowercase()));
            if let Some(found) = found {
                operation(method, path, found, &mut html);
            }
        }
        html.push_str("</section>");
    }
    html.push_str("<section id=\"schemas\"><h2>schemas</h2>");
    let schemas = value.get("components").and_then(|components| components.get("schemas")?.as_object());
    for (name, schema) in schemas.into_iter().flatten() {
        _ = write!(html, "<article id=\"schema-{0}\"><h3>{0}</h3>", escape(name));
        let description = text(schema, "description");
        if !description.is_empty() {
            html.push_str(&prose(description));
        }
        fields(schema, &mut html);
        html.push_str("</article>");
    }
    html.push_str("</section></main></body></html>");
    html
}
