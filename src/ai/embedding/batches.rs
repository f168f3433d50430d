//! How many texts go out in one request.
//!
//! Servers bound the number of texts and the sum of their tokens. Tokens are not counted here: a token stands for at
//! least one byte, so a bound on bytes holds for every tokenizer.

use serde::Deserialize;

/// What one request may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Batches {
    /// Texts, 1 to [`Self::TEXTS_MAX`]. The default is what text-embeddings-inference takes unless it is told otherwise.
    pub texts_max: usize,
    /// Bytes of all texts together, 1 to [`Self::BYTES_MAX`]. The default is the smallest sum of tokens that Voyage (120,000) and
    /// OpenAI (300,000) take.
    pub bytes_max: usize,
}

impl Default for Batches {
    fn default() -> Self {
        Self { texts_max: 32, bytes_max: 120_000 }
    }
}

impl Batches {
    /// The most texts that a setting can allow.
    pub const TEXTS_MAX: usize = 1_000;
    /// The most bytes that a setting can allow.
    pub const BYTES_MAX: usize = 4 * 1024 * 1024;

    /// Why these bounds cannot be used, if they cannot.
    pub(super) fn misfit(self) -> Option<&'static str> {
        if !(1..=Self::TEXTS_MAX).contains(&self.texts_max) {
            return Some("batches.texts_max is from 1 to 1000");
        }
        (!(1..=Self::BYTES_MAX).contains(&self.bytes_max)).then_some("batches.bytes_max is from 1 to 4194304")
    }

    /// The texts in order, cut where a bound is reached; `prefix_bytes` are put before each. A text that alone exceeds the
    /// bytes is a batch of its own.
    pub(super) fn cut<'t, 'a>(
        self,
        texts: &'t [&'a str],
        prefix_bytes: usize,
    ) -> impl Iterator<Item = &'t [&'a str]> {
        let mut rest = texts;
        std::iter::from_fn(move || {
            let mut bytes = 0_usize;
            let fitting = rest.iter().take(self.texts_max).take_while(|text| {
                bytes = bytes.saturating_add(text.len()).saturating_add(prefix_bytes);
                bytes <= self.bytes_max
            });
            let count = fitting.count().max(1);
            let (batch, after) = rest.split_at_checked(count)?;
            rest = after;
            Some(batch)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_batch_ends_at_either_bound() {
        let batches = Batches { texts_max: 3, bytes_max: 10 };
        let cut: Vec<_> = batches.cut(&["aaaa", "bbbb", "cc", "d", "eeeeeeeeeeeeee", "f"], 0).collect();
        assert_eq!(cut, [&["aaaa", "bbbb", "cc"][..], &["d"], &["eeeeeeeeeeeeee"], &["f"]]);
        let cut: Vec<_> = batches.cut(&["aaaa", "b"], 3).collect();
        assert_eq!(cut, [&["aaaa"][..], &["b"]]);
        assert_eq!(batches.cut(&[], 0).count(), 0);
    }

    proptest! {
        #[test]
        fn no_text_is_lost_moved_or_sent_twice(
            texts in prop::collection::vec("[a-zß]{0,20}", 0..60),
            texts_max in 1_usize..10,
            bytes_max in 1_usize..50,
            prefix_bytes in 0_usize..10,
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let batches = Batches { texts_max, bytes_max };
            let cut: Vec<_> = batches.cut(&texts, prefix_bytes).collect();
            prop_assert_eq!(&cut.concat(), &texts);
            for batch in cut {
                let bytes: usize = batch.iter().map(|text| text.len() + prefix_bytes).sum();
                prop_assert!(!batch.is_empty() && batch.len() <= texts_max);
                prop_assert!(bytes <= bytes_max || batch.len() == 1);
            }
        }
    }
}
