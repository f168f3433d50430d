//! Cursor pagination: a page says where the next one starts, so that rows which arrive meanwhile shift nothing.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most rows of one page.
pub const PAGE_ROWS_MAX: usize = 100;
/// The rows of a page when nothing is asked for.
pub const PAGE_ROWS_DEFAULT: usize = 50;
const CURSOR_BYTES_MAX: usize = 512;

/// Where a page ends: the encoded key of its last row. Opaque to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub Vec<u8>);

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > CURSOR_BYTES_MAX {
            return Err(serde::de::Error::custom("the cursor is too long"));
        }
        BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("the cursor is damaged"))
    }
}

/// What the caller asks for.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Continue after this.
    pub after: Option<Cursor>,
    /// At most so many rows; see [`PageRequest::rows`].
    pub limit: Option<usize>,
}

impl PageRequest {
    /// The rows to read: what was asked for, at least 1 and at most [`PAGE_ROWS_MAX`].
    #[must_use]
    pub fn rows(&self) -> usize {
        self.limit.unwrap_or(PAGE_ROWS_DEFAULT).clamp(1, PAGE_ROWS_MAX)
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts; nothing on the last one.
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// The same page with each row turned into its view.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(view).collect(), next_cursor: self.next_cursor }
    }
}
