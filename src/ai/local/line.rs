//! The line before the model: who is next, and how many are before whom.
//!
//! Tenants take turns, so that one with many questions does not keep another's single question waiting.

use std::collections::VecDeque;

/// One that waits.
#[derive(Debug)]
struct Waiting<T> {
    /// Whose it is.
    tenant: String,
    item: T,
}

/// Those who wait, in the order in which they come.
#[derive(Debug)]
pub(super) struct Line<T> {
    waiting: VecDeque<Waiting<T>>,
    length_max: usize,
}

impl<T> Line<T> {
    pub(super) fn new(length_max: usize) -> Self {
        Self { waiting: VecDeque::new(), length_max }
    }

    /// Takes a place: behind all that have waited for as many turns of their own tenant. Gives the item back when the line is full.
    pub(super) fn join(&mut self, tenant: &str, item: T) -> Result<(), T> {
        if self.waiting.len() >= self.length_max {
            return Err(item);
        }
        let own = self.waiting.iter().filter(|one| one.tenant == tenant).count();
        // Everybody's first before anybody's second.
        let mut turns: Vec<(&str, usize)> = Vec::new();
        let mut place = self.waiting.len();
        for (at, one) in self.waiting.iter().enumerate() {
            let turn = if let Some((_, turn)) = turns.iter_mut().find(|(known, _)| *known == one.tenant) {
                *turn += 1;
                *turn
            } else {
                turns.push((&one.tenant, 0));
                0
            };
            if turn > own {
                place = at;
                break;
            }
        }
        self.waiting.insert(place, Waiting { tenant: tenant.to_owned(), item });
        Ok(())
    }

    /// Whose turn it is.
    pub(super) fn next(&mut self) -> Option<T> {
        self.waiting.pop_front().map(|one| one.item)
    }

    /// Lets those go who do not want to wait any longer.
    pub(super) fn keep(&mut self, mut wants: impl FnMut(&T) -> bool) {
        self.waiting.retain(|one| wants(&one.item));
    }

    /// Each with how many are before it.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, &T)> {
        self.waiting.iter().map(|one| &one.item).enumerate()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(joins: &[&'static str]) -> Vec<String> {
        let mut line = Line::new(100);
        for (number, tenant) in joins.iter().enumerate() {
            line.join(tenant, format!("{tenant}{number}")).unwrap();
        }
        std::iter::from_fn(|| line.next()).collect()
    }

    #[test]
    fn tenants_take_turns_and_within_one_the_first_comes_first() {
        assert_eq!(served(&["a", "a", "a", "b", "c"]), ["a0", "b3", "c4", "a1", "a2"]);
        assert_eq!(served(&["a", "b", "b", "a", "b"]), ["a0", "b1", "b2", "a3", "b4"]);
        assert_eq!(served(&["a", "a", "a"]), ["a0", "a1", "a2"]);
    }

    #[test]
    fn a_full_line_takes_nobody_and_who_leaves_makes_room() {
        let mut line = Line::new(2);
        line.join("a", 1).unwrap();
        line.join("a", 2).unwrap();
        assert_eq!(line.join("b", 3), Err(3));
        line.keep(|item| *item != 1);
        line.join("b", 3).unwrap();
        assert_eq!(line.places().map(|(place, item)| (place, *item)).collect::<Vec<_>>(), [(0, 2), (1, 3)]);
    }
}
