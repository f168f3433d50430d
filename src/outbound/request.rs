//! What is asked of another host, and what comes back.
//!
//! A request states its purpose and its limits; there is no request without them.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use url::Url;

use super::Error;

/// How long to wait for what, and how much to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the head of an answer, from the start of an attempt (the connection has its own, shorter limit).
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub between_pieces: Duration,
    /// For everything, retries and their pauses included.
    pub whole: Duration,
    /// Bytes of the answer's body.
    pub answer_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_mins(1),
            between_pieces: Duration::from_secs(30),
            whole: Duration::from_mins(10),
            answer_bytes_max: 8 * 1024 * 1024,
        }
    }
}

/// Tells from the status and body of an answer whether it is final although its status says otherwise.
pub type IsFinal = fn(u16, &[u8]) -> bool;

/// Reads from the body of a failed answer how long the server wants to be left alone, for those that say it there.
pub type PauseInBody = fn(&[u8]) -> Option<Duration>;

/// A request to another host.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) purpose: &'static str,
    pub(super) tenant: Option<String>,
    pub(super) limits: Limits,
    pub(super) retries_max: u32,
    pub(super) retry_within: Option<Duration>,
    pub(super) is_final: IsFinal,
    pub(super) pause_in_body: PauseInBody,
}

impl Request {
    /// Asks `url` with `method`, for a `purpose` such as `ai.chat`, with the usual [`Limits`] and no retries.
    #[must_use]
    pub fn new(method: Method, url: Url, purpose: &'static str) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            purpose,
            tenant: None,
            limits: Limits::default(),
            retries_max: 0,
            retry_within: None,
            is_final: |_, _| false,
            pause_in_body: |_| None,
        }
    }

    /// Reads `url`.
    #[must_use]
    pub fn get(url: Url, purpose: &'static str) -> Self {
        Self::new(Method::GET, url, purpose)
    }

    /// Sends `body` as JSON.
    ///
    /// # Errors
    /// [`Error::BadRequest`] if `body` cannot be written as JSON.
    pub fn post_json(url: Url, purpose: &'static str, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(body).map_err(|cause| Error::BadRequest(cause.into()))?;
        let mut request = Self::new(Method::POST, url, purpose);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = body.into();
        Ok(request)
    }

    /// Sets a header.
    ///
    /// # Errors
    /// [`Error::BadRequest`] if a header cannot hold `value`.
    pub fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_str(value).map_err(|cause| Error::BadRequest(cause.into()))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Sets a header that is never logged and not kept in the compression tables of HTTP/2.
    ///
    /// # Errors
    /// [`Error::BadRequest`] if a header cannot hold `value`.
    pub fn secret_header(mut self, name: HeaderName, value: &str) -> Result<Self, Error> {
        let mut value = HeaderValue::from_str(value).map_err(|cause| Error::BadRequest(cause.into()))?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Authorizes with a token, as secret as [`Self::secret_header`].
    ///
    /// # Errors
    /// [`Error::BadRequest`] if a header cannot hold `token`.
    pub fn bearer(self, token: &str) -> Result<Self, Error> {
        self.secret_header(AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// On whose behalf, for the ledger.
    #[must_use]
    pub fn on_behalf_of(mut self, tenant: Option<String>) -> Self {
        self.tenant = tenant;
        self
    }

    /// With these limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Tries up to `retries_max` times more when the failure is one that may pass. Only for requests that do no
    /// harm when they arrive twice.
    #[must_use]
    pub fn retries(mut self, retries_max: u32) -> Self {
        self.retries_max = retries_max;
        self
    }

    /// Begins no further attempt after this time: a pause that leads beyond it is not waited for, and the failure is told
    /// at once with the pause that was asked for.
    #[must_use]
    pub fn retry_within(mut self, time: Duration) -> Self {
        self.retry_within = Some(time);
        self
    }

    /// Looks for the pause that a server asks for in the body, where its headers ask for none.
    #[must_use]
    pub fn pause_in_body(mut self, pause_in_body: PauseInBody) -> Self {
        self.pause_in_body = pause_in_body;
        self
    }

    /// Does not retry answers that `is_final` recognises, such as "your credit is used up" with status 429.
    #[must_use]
    pub fn unless(mut self, is_final: IsFinal) -> Self {
        self.is_final = is_final;
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("purpose", &self.purpose)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A whole answer. Its status is 2xx: everything else is an [`Error`].
#[derive(Debug, Clone)]
pub struct Answer {
    /// 2xx.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// The pieces of a body as they arrive. Dropping it closes the connection.
pub type BodyStream = BoxStream<'static, Result<Bytes, Error>>;

/// An answer that is still arriving. Its status is 2xx: everything else is an [`Error`].
pub struct StreamingAnswer {
    /// 2xx.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body. Ends after the first error.
    pub body: BodyStream,
}

impl fmt::Debug for StreamingAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_prints_no_secret() {
        let url = Url::parse("https://api.example.com/v1?key=hunter2").unwrap();
        let request = Request::post_json(url, "test", &"hunter2").unwrap().bearer("hunter2").unwrap();
        assert!(!format!("{request:?} {:?}", request.headers).contains("hunter2"));
    }

    #[test]
    fn a_token_that_a_header_cannot_hold_is_refused_without_being_shown() {
        let url = Url::parse("https://api.example.com/").unwrap();
        let refused = Request::get(url, "test").bearer("hunter2\n").unwrap_err();
        assert!(!format!("{refused:?} {refused}").contains("hunter2"));
    }
}
