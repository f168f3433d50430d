//! Which rows to read: a range of keys, a direction and a bound. There is no unbounded scan.

use std::ops::Bound;

use super::key::{Key, encode_text_prefix};
use crate::base::{Cursor, Page, PageRequest};

/// A bounded range of rows.
#[derive(Debug, Clone)]
pub struct Scan {
    pub(super) start: Bound<Vec<u8>>,
    pub(super) end: Bound<Vec<u8>>,
    pub(super) reverse: bool,
    pub(super) rows_max: usize,
}

/// The smallest bytes greater than all that begin with `prefix`.
fn end_of_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

impl Scan {
    /// The first `rows_max` rows of the table.
    #[must_use]
    pub fn all(rows_max: usize) -> Self {
        Self { start: Bound::Unbounded, end: Bound::Unbounded, reverse: false, rows_max }
    }

    /// Rows whose key begins with the parts of `prefix`.
    #[must_use]
    pub fn prefix(prefix: &impl Key, rows_max: usize) -> Self {
        let start = prefix.to_bytes();
        Self { end: end_of_prefix(&start), start: Bound::Included(start), reverse: false, rows_max }
    }

    /// Rows whose key is a text that begins with `prefix`.
    #[must_use]
    pub fn text_prefix(prefix: &str, rows_max: usize) -> Self {
        let mut start = Vec::with_capacity(prefix.len());
        encode_text_prefix(prefix, &mut start);
        Self { end: end_of_prefix(&start), start: Bound::Included(start), reverse: false, rows_max }
    }

    /// From `start` on, up to and including everything that begins with `last`.
    #[must_use]
    pub fn between(start: &impl Key, last: &impl Key, rows_max: usize) -> Self {
        Self {
            start: Bound::Included(start.to_bytes()),
            end: end_of_prefix(&last.to_bytes()),
            reverse: false,
            rows_max,
        }
    }

    /// Only rows after `key`, in the direction of the scan.
    #[must_use]
    pub fn after(self, key: &impl Key) -> Self {
        self.after_bytes(key.to_bytes())
    }

    fn after_bytes(mut self, key: Vec<u8>) -> Self {
        if self.reverse {
            self.end = Bound::Excluded(key);
        } else {
            self.start = Bound::Excluded(key);
        }
        self
    }

    /// From the last row back.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.reverse = !self.reverse;
        self
    }

    /// The part of this scan that `request` asks for, and one row more to know whether another page follows.
    #[must_use]
    pub fn paged(mut self, request: &PageRequest) -> Self {
        self.rows_max = request.rows().saturating_add(1);
        // A cursor comes from outside: it may only narrow the range, never widen it.
        let Some(after) = request.after.as_ref().map(|cursor| cursor.0.clone()) else { return self };
        let inside = match (&self.start, &self.end) {
            (Bound::Included(start) | Bound::Excluded(start), _) if after < *start => false,
            (_, Bound::Included(end) | Bound::Excluded(end)) if after > *end => false,
            _ => true,
        };
        if inside {
            self.after_bytes(after)
        } else {
            self.rows_max = 0;
            self
        }
    }
}

/// Cuts the extra row of [`Scan::paged`] and makes the cursor from the last row that stays.
#[must_use]
pub(super) fn page_of<T>(mut rows: Vec<(Vec<u8>, T)>, request: &PageRequest) -> Page<T> {
    let more = rows.len() > request.rows();
    rows.truncate(request.rows());
    let next_cursor = if more { rows.last().map(|(key, _)| Cursor(key.clone())) } else { None };
    Page { items: rows.into_iter().map(|(_, row)| row).collect(), next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_carries_over_full_bytes() {
        assert_eq!(end_of_prefix(&[1, 0xff]), Bound::Excluded(vec![2]));
        assert_eq!(end_of_prefix(&[0xff, 0xff]), Bound::Unbounded);
    }

    #[test]
    fn a_foreign_cursor_cannot_leave_its_range() {
        let outside = PageRequest { after: Some(Cursor(vec![0])), limit: None };
        assert_eq!(Scan::prefix(&7u8, 10).paged(&outside).rows_max, 0);
        let beyond = PageRequest { after: Some(Cursor(vec![9])), limit: None };
        assert_eq!(Scan::prefix(&7u8, 10).reversed().paged(&beyond).rows_max, 0);
    }
}
