//! The OpenAPI 3.1 document, generated from the handlers, and the list of all routes.

use axum::http::Method;
use utoipa::PartialSchema as _;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Content, InfoBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

use super::extract::KEY_CHARS_MAX;
use super::problem::PROBLEM_JSON;
use crate::identity::Permission;

/// The document without its operations.
pub(super) fn outline() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Frontdesk")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Errors are problem documents (RFC 9457) with a stable `code`. Lists are read with `cursor` and `limit`. \
             Creating calls accept `Idempotency-Key`. With several workspaces, the header `Frontdesk-Workspace` \
             chooses one.",
        ))
        .build();
    let mut document = OpenApi::new(info, utoipa::openapi::Paths::new());
    let mut components = Components::new();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A visitor's token, or an API key that begins with fdk_."))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
        super::SESSION_COOKIE,
        "A member who has signed in. Same origin only.",
    ));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    document.components = Some(components);
    document
}

/// Base64 for addresses without padding (RFC 4648, section 5), which `base::Cursor` reads.
const CURSOR: &str = "^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$";
const CURSOR_CHARS_MAX: usize = 512;

/// What every parameter of this name takes, wherever it stands.
fn taken_by(parameter: &str) -> Option<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let schema = match parameter {
        "cursor" => text.pattern(Some(CURSOR)).max_length(Some(CURSOR_CHARS_MAX)),
        "Idempotency-Key" => {
            text.pattern(Some("^[!-~]+$")).min_length(Some(1)).max_length(Some(KEY_CHARS_MAX))
        }
        _ => return None,
    };
    Some(schema.into())
}

/// Adds what holds for every operation.
pub(super) fn complete(document: &mut OpenApi) {
    let schema = Content::new(Some(Ref::from_schema_name("Problem")));
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations_mut(item) {
            let problem = ResponseBuilder::new()
                .description("A problem document.")
                .content(PROBLEM_JSON, schema.clone())
                .build();
            operation.responses.responses.entry("default".to_owned()).or_insert_with(|| problem.into());
            name_permission(operation);
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter
                    && let Some(schema) = taken_by(&parameter.name)
                {
                    parameter.schema = Some(schema.into());
                }
            }
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    let add = |components: &mut Components, (name, schema): (String, _)| {
        components.schemas.insert(name, schema);
    };
    add(components, ("Problem".to_owned(), super::problem::ProblemDocument::schema()));
    add(components, ("FieldError".to_owned(), super::problem::FieldError::schema()));
}

/// What the description calls the operation's permission, for programs too: `x-permission`.
fn name_permission(operation: &mut Operation) {
    let words = operation.description.as_deref().unwrap_or_default();
    let named = words.split_once("Permission: `").and_then(|(_, rest)| rest.split_once('`'));
    let permission = named
        .and_then(|(name, _)| Permission::ALL.iter().find(|permission| format!("{permission:?}") == name));
    if let Some(permission) = permission {
        let extension = Extensions::builder().add("x-permission", permission.name()).build();
        operation.extensions.get_or_insert_with(Extensions::default).merge(extension);
    }
}

macro_rules! each_operation {
    ($item:expr, $borrow:ident) => {{
        let item = $item;
        [
            (HttpMethod::Get, item.get.$borrow()),
            (HttpMethod::Put, item.put.$borrow()),
            (HttpMethod::Post, item.post.$borrow()),
            (HttpMethod::Delete, item.delete.$borrow()),
            (HttpMethod::Patch, item.patch.$borrow()),
        ]
        .into_iter()
        .filter_map(|(method, operation)| operation.map(|operation| (method, operation)))
    }};
}

/// The operations of one path.
pub(super) fn operations(item: &PathItem) -> impl Iterator<Item = (HttpMethod, &Operation)> {
    each_operation!(item, as_ref)
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    each_operation!(item, as_mut)
}

/// The method as it is written in a request.
pub(super) fn method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

/// Every operation of the document.
pub(super) fn listed(document: &OpenApi) -> impl Iterator<Item = (Method, String)> {
    document
        .paths
        .paths
        .iter()
        .flat_map(|(path, item)| operations(item).map(move |(verb, _)| (method(&verb), path.clone())))
}
