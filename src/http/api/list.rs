//! How a page of a list is shown.
//!
//! All lists are alike: `items`, and a `next_cursor` that is opaque to the client and null on the last page. A cursor
//! names a row and not a count, so rows that arrive meanwhile shift nothing.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::{Cursor, Page};

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// Where the next page starts, for the parameter `cursor`; null on the last page.
    #[schema(value_type = Option<String>, required)]
    pub(crate) next_cursor: Option<Cursor>,
}

impl<T> From<Page<T>> for List<T> {
    fn from(page: Page<T>) -> Self {
        Self { items: page.items, next_cursor: page.next_cursor }
    }
}
