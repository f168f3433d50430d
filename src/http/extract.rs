//! How handlers take requests apart. Whatever does not fit becomes a problem document.
//!
//! These wrap or replace axum's own extractors, whose refusals are plain text. A body that is not what was asked for is
//! refused with a pointer to the field (RFC 6901), an address whose parts cannot be what they stand for is not found. A
//! creating call reads its `Idempotency-Key` here, with a hash of what it asks for, so that the key serves no other
//! request.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::headers::IDEMPOTENCY_KEY;
use super::{Problem, RequestContext};
use crate::base::{Cursor, PAGE_ROWS_MAX, PageRequest};

/// The parts of the address; an address whose parts cannot be what they stand for is not found.
#[derive(Debug, Clone, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

/// The parameters of the address.
#[derive(Debug, Clone, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// A body in JSON, with a pointer to the field that does not fit.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_json(request.headers())?;
        let bytes = Bytes::from_request(request, state).await?;
        read_json(&bytes).map(Self)
    }
}

fn check_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "Send the body as application/json.";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type_unsupported", detail))
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Which serde would take for the fields in their order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        let sentence = "expected an object, found an array";
        let detail = format!("The body does not fit: {sentence}.");
        let problem = Problem::new(StatusCode::BAD_REQUEST, "body_invalid", detail);
        return Err(problem.at(String::new(), sentence.to_owned()));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        explain(error.inner(), pointer)
    });
    match value {
        Ok(value) => {
            reader.end().map_err(|error| explain(&error, String::new()))?;
            Ok(value)
        }
        Err(problem) => with_whole_numbers(bytes).ok_or(problem),
    }
}

/// Reads `10.0` where a whole number is meant: in JSON Schema it is one, and some languages write it so.
fn with_whole_numbers<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut value = serde_json::from_slice(bytes).ok()?;
    if make_whole(&mut value) { serde_json::from_value(value).ok() } else { None }
}

/// Whether a number was written with a fraction that is zero; such ones become whole, as far as they are exact.
fn make_whole(value: &mut Value) -> bool {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let written = number.as_f64().filter(|real| real.fract() == 0.0 && real.abs() <= EXACT_MAX);
            let whole = written.and_then(|real| format!("{real:.0}").parse::<i64>().ok());
            let changed = whole.is_some();
            if let Some(whole) = whole {
                *value = whole.into();
            }
            changed
        }
        Value::Array(items) => items.iter_mut().fold(false, |changed, item| make_whole(item) | changed),
        Value::Object(fields) => {
            fields.values_mut().fold(false, |changed, field| make_whole(field) | changed)
        }
        _ => false,
    }
}

fn explain(error: &serde_json::Error, pointer: String) -> Problem {
    // serde_json ends its sentences with the place, which the pointer says better.
    let sentence = error.to_string();
    let sentence = sentence.split(" at line ").next().unwrap_or_default().to_owned();
    if error.is_data() {
        let detail = format!("The body does not fit: {sentence}.");
        Problem::new(StatusCode::BAD_REQUEST, "body_invalid", detail).at(pointer, sentence)
    } else {
        let detail = format!("The body is not JSON: {error}.");
        Problem::new(StatusCode::BAD_REQUEST, "json_malformed", detail)
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}

/// The key that makes a creating call safe to repeat, and the hash of what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// 1 to 255 visible ASCII characters, chosen by the caller.
    pub key: String,
    /// Of method, address and body.
    pub request_hash: [u8; 32],
}

/// A body in JSON of a call that creates something, with its `Idempotency-Key` if it has one.
#[derive(Debug, Clone)]
pub struct Creating<T> {
    /// What is wished for.
    pub body: T,
    /// For [`super::idempotency::once`].
    pub once: Option<Once>,
}

/// The most characters of an `Idempotency-Key`.
pub(super) const KEY_CHARS_MAX: usize = 255;

/// Reads the header `Idempotency-Key`.
///
/// # Errors
/// A problem with status 400 when it is empty, too long or not visible ASCII.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    let sound = !value.is_empty()
        && value.len() <= KEY_CHARS_MAX
        && value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if sound => Ok(Some(key.to_owned())),
        _ => {
            let detail = "The header Idempotency-Key takes 1 to 255 visible ASCII characters.";
            Err(Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_invalid", detail))
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Creating<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_json(request.headers())?;
        let key = idempotency_key(request.headers())?;
        let mut hash = blake3::Hasher::new();
        hash.update(request.method().as_str().as_bytes())
            .update(b" ")
            .update(request.uri().path().as_bytes());
        let bytes = Bytes::from_request(request, state).await?;
        let request_hash = hash.update(b"\n").update(&bytes).finalize().into();
        let body = read_json(&bytes)?;
        Ok(Self { body, once: key.map(|key| Once { key, request_hash }) })
    }
}

#[derive(Debug, Deserialize)]
struct PagingQuery {
    cursor: Option<Cursor>,
    limit: Option<usize>,
}

/// `cursor` and `limit` of a list.
#[derive(Debug, Clone, Default)]
pub struct Paging(pub PageRequest);

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(query) = Query::<PagingQuery>::from_request_parts(parts, state).await?;
        check_rows(query.limit)?;
        Ok(Self(PageRequest { after: query.cursor, limit: query.limit }))
    }
}

/// Refuses a message's number that no message has: what is over 63 bits is no number of the description's.
pub(super) fn check_number(name: &str, number: u64) -> Result<(), Problem> {
    if i64::try_from(number).is_ok() {
        return Ok(());
    }
    let detail = format!("The address's parameters are wrong: {name}: it is too large.");
    Err(Problem::new(StatusCode::BAD_REQUEST, "query_invalid", detail))
}

/// Refuses a number of rows that no page can have, instead of answering with another.
pub(super) fn check_rows(limit: Option<usize>) -> Result<(), Problem> {
    if limit.is_none_or(|limit| (1..=PAGE_ROWS_MAX).contains(&limit)) {
        return Ok(());
    }
    let detail = format!("The address's parameters are wrong: limit: expected 1 to {PAGE_ROWS_MAX}.");
    Err(Problem::new(StatusCode::BAD_REQUEST, "query_invalid", detail))
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.extensions.get::<Self>().cloned();
        known.ok_or_else(|| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", super::problem::INTERNAL)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        #[allow(dead_code, reason = "only its type matters")]
        name: String,
        #[serde(default)]
        #[allow(dead_code, reason = "only its type matters")]
        tags: Vec<u8>,
    }

    async fn refusal(body: &str) -> serde_json::Value {
        let response = read_json::<Wish>(body.as_bytes()).unwrap_err().into_response();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_body_that_does_not_fit_points_at_the_field() {
        let problem = refusal(r#"{"name": "x", "tags": [1, "2"]}"#).await;
        assert_eq!(problem["code"], "body_invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/tags/1");
        assert_eq!(refusal(r#" ["x", []]"#).await["code"], "body_invalid");
        assert_eq!(refusal("{}").await["errors"][0]["detail"], "missing field `name`");
        assert_eq!(refusal(r#"{"name": "x"} x"#).await["code"], "json_malformed");
        assert_eq!(refusal("{").await["code"], "json_malformed");
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_zero() {
        let tags = |body: &str| read_json::<Wish>(body.as_bytes()).map(|wish| wish.tags);
        assert_eq!(tags(r#"{"name": "x", "tags": [1.0, 2, 3e0]}"#).unwrap(), [1, 2, 3]);
        assert!(tags(r#"{"name": "x", "tags": [1.5]}"#).is_err());
        assert!(tags(r#"{"name": "x", "tags": [256.0]}"#).is_err());
    }

    #[test]
    fn a_page_has_as_many_rows_as_its_description_allows() {
        assert!(check_rows(None).is_ok() && check_rows(Some(1)).is_ok() && check_rows(Some(100)).is_ok());
        assert!(check_rows(Some(0)).is_err() && check_rows(Some(101)).is_err());
    }

    #[test]
    fn a_key_is_visible_ascii_of_bounded_length() {
        let read = |text: &str| {
            let value = axum::http::HeaderValue::from_bytes(text.as_bytes()).unwrap();
            idempotency_key(&HeaderMap::from_iter([(IDEMPOTENCY_KEY, value)]))
        };
        assert_eq!(read("a-1").unwrap().as_deref(), Some("a-1"));
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
        assert!(read("").is_err() && read("a b").is_err() && read("é").is_err());
        assert!(read(&"k".repeat(256)).is_err());
    }
}
