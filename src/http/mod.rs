//! The doors: HTTPS, the control socket, and everything that is asked through them.
//!
//! A request passes, outermost first: its context (id, address, span) and the writing of problems and security headers;
//! panics; limits on rate, size and time; then its handler, which extracts, gets a pass, makes one call and shows a
//! view. Only this room knows status codes, and only [`Problem`] maps faults to them.
//!
//! A WebSocket and a stream of server-sent events are two doors to one feed (`feed`). The console is the same router
//! behind a Unix socket ([`control`]).
//!
//! Beside HTTPS there may be plain HTTP, which leads to it (`plain`), and a listener for `/metrics` alone. The certificate is
//! read again while connections stay ([`Certificates`]). In recovery mode only those who run the appliance are let in (`recovery`).
//!
//! Table, in every keyspace: `http.idempotency`. Job: `http.forget_answers` (lane upkeep). Owns no event.
//!
//! Limits: the section `[limits]` of the settings; the setting `server.connections_max`, and 256 connections to each listener without
//! encryption; 100 headers and 64 KiB of them;
//! 10 s for a handshake, then 20 s to the first request and 30 s for headers; 128 HTTP/2 streams a connection; 15 minutes
//! for an upload; an answer is kept for a day; a WebSocket as in `ws`, an event stream 15 minutes.

mod address;
mod api;
mod caller;
mod certificates;
mod context;
pub mod control;
mod docs;
mod error;
mod events;
mod extract;
mod feed;
mod headers;
pub mod idempotency;
mod leftover;
mod limits;
mod metrics;
mod openapi;
mod pages;
mod plain;
mod problem;
mod recovery;
mod router;
mod server;
mod services;
#[cfg(test)]
mod tests;
mod tls;
mod ws;

pub use address::PublicAddress;
pub use caller::{BEARER_PROTOCOL_PREFIX, Caller};
pub use certificates::Certificates;
pub use context::RequestContext;
pub use error::Error;
pub use extract::{Creating, Json, Once, Paging, Path, Query, idempotency_key};
pub use feed::{conversation_frame, message_frame};
pub use headers::{IDEMPOTENCY_KEY, REQUEST_ID, SESSION_COOKIE, WORKSPACE};
pub use limits::Limits;
pub use metrics::alone as metrics_alone;
pub use plain::{Leading, leading_to_https};
pub use problem::{FieldError, PROBLEM_JSON, Problem};
pub use router::{document, router, routes_listed};
pub use server::{ServerOptions, listen, run, run_plain};
pub use services::{Inside, Routes, Services};
pub use tls::authority_path;
