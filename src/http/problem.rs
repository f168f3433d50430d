//! Every error as a problem document (RFC 9457): the only place that knows which kind of fault is which status.
//!
//! A [`Problem`] is made from any [`Fault`], of which only the public sentence is shown; the cause goes to the log, here and
//! nowhere else. The outermost layer writes it out, because only there the request's id is known.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::base::{Fault, Kind, RequestId};

/// The media type of RFC 9457.
pub const PROBLEM_JSON: &str = "application/problem+json";
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(5);

/// One field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where in the body, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What to write instead.
    pub detail: String,
}

/// What is answered when something went wrong.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemDocument<'a> {
    /// `about:blank`: the code says what it is.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// The status in words.
    pub(super) title: &'a str,
    /// The status code.
    pub(super) status: u16,
    /// Stable and machine-readable.
    pub(super) code: &'a str,
    /// A sentence to show: what happened and what to do next.
    pub(super) detail: &'a str,
    /// Finds the request in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
    /// The fields at fault, where there are any.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    pub(super) errors: &'a [FieldError],
}

/// The only map from kinds of faults to status codes.
fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Limited => StatusCode::TOO_MANY_REQUESTS,
        Kind::OverBudget => StatusCode::PAYMENT_REQUIRED,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl<F: Fault> From<F> for Problem {
    fn from(fault: F) -> Self {
        let kind = fault.kind();
        log(&fault, kind);
        let detail = fault.public();
        let errors = fault
            .field()
            .map(|pointer| FieldError { pointer: pointer.to_owned(), detail: detail.clone().into_owned() });
        Self {
            status: status_of(kind),
            code: fault.code(),
            detail,
            errors: errors.into_iter().collect(),
            retry_after: fault.retry_after(),
        }
    }
}

/// An error is logged once, where it stops: here.
fn log(fault: &dyn Fault, kind: Kind) {
    let error: &dyn std::error::Error = fault;
    match kind {
        Kind::Internal => tracing::error!(code = fault.code(), error, "a request failed"),
        Kind::Unavailable => tracing::warn!(code = fault.code(), error, "a request could not be served"),
        _ => tracing::debug!(code = fault.code(), error, "a request was refused"),
    }
}

impl Problem {
    /// One that is the door's own.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// With a field at fault.
    #[must_use]
    pub fn at(mut self, pointer: String, detail: String) -> Self {
        self.errors.push(FieldError { pointer, detail });
        self
    }

    /// To be tried again after so long.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// There is no such thing, or not for this caller.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
    }

    /// The body is over the limit.
    #[must_use]
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "What was sent is larger than is accepted here.",
        )
    }

    /// Too much in too short a time.
    #[must_use]
    pub fn limited(pause: Duration) -> Self {
        let detail = "That was too much in a short time. Wait a moment and try again.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail).retry_after(pause)
    }

    /// The status that is answered.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence to show.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The appliance is being stopped.
    #[must_use]
    pub fn going_away() -> Self {
        let detail = "The appliance is being restarted. Try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "going_away", detail).retry_after(Duration::from_secs(2))
    }

    /// The problem of an answer that was made without one, such as the router's 405.
    fn of_status(status: StatusCode) -> Option<Self> {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => return Some(Self::not_found()),
            StatusCode::PAYLOAD_TOO_LARGE => return Some(Self::too_large()),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method_not_allowed", "This address does not take that method.")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("media_type_unsupported", "That type of content is not accepted here.")
            }
            StatusCode::REQUEST_TIMEOUT => ("timeout", "It took too long and was given up. Try again."),
            StatusCode::BAD_REQUEST => ("bad_request", "The request is malformed."),
            StatusCode::UPGRADE_REQUIRED => ("upgrade_required", "Connect with a WebSocket client."),
            StatusCode::INTERNAL_SERVER_ERROR => ("internal", INTERNAL),
            _ => return None,
        };
        Some(Self::new(status, code, detail))
    }

    fn write(&self, request: Option<&RequestId>) -> Response {
        let document = ProblemDocument {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            request_id: request.map(|request| request.0.as_str()),
            errors: &self.errors,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        let usual = (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(UNAVAILABLE_RETRY);
        if let Some(pause) = self.retry_after.or(usual) {
            // Rounded up, so that who waits as told is let in.
            let seconds = pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0)).max(1);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

pub(super) const INTERNAL: &str =
    "Something went wrong on our side. Try again; if it stays so, tell the administrator the request id.";

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.write(None);
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes problems out with the request's id, and turns bare error answers of the framework into problems.
pub(super) fn finish(mut response: Response, request: &RequestId) -> Response {
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| {
        // An error answer with a type of its own was made on purpose.
        let typed =
            response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind != "text/plain; charset=utf-8");
        if typed { None } else { Problem::of_status(status) }
    });
    let Some(problem) = problem else { return response };
    let mut written = problem.write(Some(request));
    if let Some(allow) = response.headers_mut().remove(ALLOW) {
        written.headers_mut().insert(ALLOW, allow);
    }
    for (name, value) in response.headers() {
        if name.as_str().starts_with("access-control-") || name == "vary" || name == "set-cookie" {
            written.headers_mut().append(name, value.clone());
        }
    }
    written
}

impl From<PathRejection> for Problem {
    /// An address whose parts cannot be what they stand for leads nowhere.
    fn from(_: PathRejection) -> Self {
        Self::not_found()
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        let reason = rejection.body_text();
        let reason = reason.rsplit_once("query string: ").map_or(reason.as_str(), |(_, reason)| reason);
        Self::new(
            StatusCode::BAD_REQUEST,
            "query_invalid",
            format!("The address's parameters are wrong: {reason}."),
        )
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Self::too_large()
        } else {
            Self::new(
                StatusCode::BAD_REQUEST,
                "body_broken",
                "What was sent did not arrive whole. Try again.",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the disk said no")]
    struct Broken(Kind);

    impl Fault for Broken {
        fn kind(&self) -> Kind {
            self.0
        }
        fn code(&self) -> &'static str {
            "broken"
        }
        fn public(&self) -> Cow<'static, str> {
            "It is broken.".into()
        }
        fn retryable(&self) -> bool {
            false
        }
        fn retry_after(&self) -> Option<Duration> {
            Some(Duration::from_millis(1_200))
        }
        fn field(&self) -> Option<&str> {
            Some("/name")
        }
    }

    async fn document(response: Response) -> serde_json::Value {
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn a_fault_shows_its_public_sentence_and_never_its_cause() {
        let response = Problem::from(Broken(Kind::Limited)).into_response();
        let response = finish(response, &RequestId("abc".into()));
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
        assert_eq!(
            document(response).await,
            serde_json::json!({
                "type": "about:blank", "title": "Too Many Requests", "status": 429, "code": "broken",
                "detail": "It is broken.", "request_id": "abc",
                "errors": [{"pointer": "/name", "detail": "It is broken."}],
            })
        );
    }

    #[tokio::test]
    async fn bare_errors_become_problems_and_answers_on_purpose_stay() {
        let request = RequestId("abc".into());
        let bare = finish(StatusCode::METHOD_NOT_ALLOWED.into_response(), &request);
        assert_eq!(document(bare).await["code"], "method_not_allowed");
        let typed = finish((StatusCode::NOT_FOUND, axum::Json("mine")).into_response(), &request);
        assert_eq!(document(typed).await, "mine");
        let fine = finish(StatusCode::NO_CONTENT.into_response(), &request);
        assert_eq!(fine.status(), StatusCode::NO_CONTENT);
    }

    #[test]
    fn what_is_unavailable_says_when_to_try_again() {
        let response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "x", "x").into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "5");
    }
}
