//! What a reranking costs: by the tokens read, or by searches.
//!
//! Voyage and others charge the tokens of the question once for each document, and those of the documents. Cohere charges by
//! searches: one is a question with up to 100 documents, a document of more than 500 tokens counting as several.

use super::{Price, PriceError};
use crate::ai::Usage;
use crate::base::Micros;

/// Documents in one search.
const DOCUMENTS_PER_SEARCH: usize = 100;
/// Tokens of a document that count as one, the question's included.
const TOKENS_PER_DOCUMENT: usize = 500;
/// However long the question is, so much of a document is in each of its pieces.
const TOKENS_PER_PIECE_MIN: usize = 50;
/// Tokens that a provider may add around each document (marks, separators).
const FRAME_TOKENS: usize = 16;

/// How much a reranking reads, as known before it is made. A token stands for at least one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RerankingSize {
    tokens_max: usize,
    searches_max: usize,
}

impl RerankingSize {
    /// Of a question and documents of so many bytes.
    #[must_use]
    pub fn new(query_bytes: usize, documents_bytes: impl IntoIterator<Item = usize>) -> Self {
        let room = TOKENS_PER_DOCUMENT.saturating_sub(query_bytes).max(TOKENS_PER_PIECE_MIN);
        let (mut tokens, mut pieces) = (FRAME_TOKENS, 0_usize);
        for bytes in documents_bytes {
            let each = query_bytes.saturating_add(bytes).saturating_add(FRAME_TOKENS);
            tokens = tokens.saturating_add(each);
            pieces = pieces.saturating_add(bytes.div_ceil(room).max(1));
        }
        Self { tokens_max: tokens, searches_max: pieces.div_ceil(DOCUMENTS_PER_SEARCH) }
    }
}

impl Price {
    /// What a reranking cost. `searches` is what the provider says it charges; where it charges by searches and does not say,
    /// they are counted as `size` has them at most.
    ///
    /// # Errors
    /// [`PriceError::TooLarge`] when an amount cannot hold it.
    pub fn reranking(
        &self,
        usage: &Usage,
        searches: Option<u64>,
        size: RerankingSize,
    ) -> Result<Micros, PriceError> {
        let tokens = self.cost(usage)?;
        let searches = searches.unwrap_or_else(|| u64::try_from(size.searches_max).unwrap_or(u64::MAX));
        let sum = searches.checked_mul(self.search_micros()).and_then(|micros| micros.checked_add(tokens.0));
        sum.map(Micros).ok_or_else(|| PriceError::TooLarge { model: self.listed_as().to_owned() })
    }

    /// What a reranking of this size costs at most: the amount to set aside before it is made.
    ///
    /// # Errors
    /// [`PriceError::TooLarge`] when an amount cannot hold it.
    pub fn reserve_reranking(&self, size: RerankingSize) -> Result<Micros, PriceError> {
        let input_tokens = u64::try_from(size.tokens_max).unwrap_or(u64::MAX);
        let most = Usage { input_tokens, estimated: true, ..Usage::default() };
        self.reranking(&most, None, size)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::PriceSettings;

    fn price(input_micros: u64, search_micros: Option<u64>) -> Price {
        Price::new(PriceSettings {
            model: "m".to_owned(),
            input_micros,
            cached_input_micros: None,
            output_micros: 0,
            image_tokens_max: None,
            search_micros,
        })
    }

    fn read(input_tokens: u64) -> Usage {
        Usage { input_tokens, ..Usage::default() }
    }

    #[test]
    fn a_reranking_costs_its_tokens_or_its_searches() {
        let size = RerankingSize::new(40, [800; 20]);
        let by_tokens = price(50_000, None);
        assert_eq!(by_tokens.reranking(&read(20_000), None, size), Ok(Micros(1_000)));
        let by_searches = price(0, Some(2_000));
        assert_eq!(by_searches.reranking(&read(20_000), Some(3), size), Ok(Micros(6_000)));
        assert_eq!(by_searches.reranking(&read(20_000), None, size), Ok(Micros(2_000)), "it does not say");
        assert_eq!(by_searches.reserve_reranking(size), Ok(Micros(2_000)));
        assert_eq!(
            by_searches.reserve_reranking(RerankingSize::new(40, [800; 100])),
            Ok(Micros(4_000)),
            "a long document counts twice"
        );
        assert!(!by_searches.is_free() && !by_tokens.is_free() && price(0, Some(0)).is_free());
    }

    #[test]
    fn what_no_amount_holds_is_an_error() {
        let size = RerankingSize::new(1, [1]);
        let too_large = Err(PriceError::TooLarge { model: "m".to_owned() });
        assert_eq!(price(0, Some(u64::MAX)).reranking(&read(0), Some(2), size), too_large);
    }

    proptest! {
        #[test]
        fn what_is_set_aside_covers_a_vendor_that_counts_the_question_with_each_document(
            question in 1..2_000_usize,
            documents in prop::collection::vec(0..5_000_usize, 1..50),
            input_micros in 0..1_000_000_u64,
        ) {
            let size = RerankingSize::new(question, documents.iter().copied());
            let tokens: usize = documents.iter().map(|bytes| bytes + question).sum();
            let price = price(input_micros, None);
            let cost = price.reranking(&read(tokens as u64), None, size).unwrap();
            prop_assert!(cost <= price.reserve_reranking(size).unwrap());
        }
    }
}
