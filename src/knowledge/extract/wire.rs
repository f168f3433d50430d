//! What the server and the extraction worker say to each other.
//!
//! Request: one line of JSON ([`Request`]), then the file's bytes, as many as the line says. Reply: [`MARK`], the
//! length of what follows as a decimal number and a line end, then JSON ([`Reply`]). The mark lets the reply be found even when
//! something else wrote to the worker's standard output before.

use super::document::Extracted;
use super::error::Error;
use super::limits::Limits;
use serde::{Deserialize, Serialize};

/// Stands before the reply.
pub(super) const MARK: &[u8] = b"\x01frontdesk-extracted:";
/// The mark stands within so many bytes of the worker's output.
pub(super) const MARK_WITHIN_BYTES: usize = 64 << 10;
/// The request line is no longer than this.
pub(super) const HEADER_BYTES_MAX: u64 = 64 << 10;

/// The line before the bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) name: String,
    pub(super) media_type: Option<String>,
    pub(super) limits: Limits,
    pub(super) bytes: u64,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    Extracted(Box<Extracted>),
    Failed(Error),
}

impl From<Reply> for Result<Extracted, Error> {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Extracted(extracted) => Ok(*extracted),
            Reply::Failed(error) => Err(error),
        }
    }
}
