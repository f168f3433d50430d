//! What one model costs.

use super::PriceError;
use crate::ai::Usage;
use crate::base::Micros;
use crate::config::PriceSettings;

/// Tokens that the prices are for.
const TOKENS_PER_PRICE: u128 = 1_000_000;
/// Tokens that a provider may add around each message and around the whole (roles, separators).
const FRAME_TOKENS: u64 = 16;
/// What an image is counted as, at most, where the list does not say: the dearest count of any model in it.
const IMAGE_TOKENS_MAX: u32 = 50_000;

/// What one model costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    line: PriceSettings,
}

/// What a call can take at most, as known before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reservation {
    /// Bytes of all texts sent. A token stands for at least one byte, so there are no more tokens than that.
    pub input_bytes: usize,
    /// Messages sent.
    pub messages: usize,
    /// Images sent.
    pub images: usize,
    /// The limit that the call sets on tokens written.
    pub output_tokens_max: u32,
}

impl Price {
    /// The price that a line of the list tells.
    #[must_use]
    pub fn new(line: PriceSettings) -> Self {
        Self { line }
    }

    /// What is computed on the site's own machine costs nothing.
    #[must_use]
    pub fn free(model: &str) -> Self {
        Self::new(PriceSettings {
            model: model.to_owned(),
            input_micros: 0,
            cached_input_micros: None,
            output_micros: 0,
            image_tokens_max: None,
            search_micros: None,
        })
    }

    /// The name that the list has it under, such as `gpt-4o` for `gpt-4o-2024-08-06`.
    #[must_use]
    pub fn listed_as(&self) -> &str {
        &self.line.model
    }

    /// Whether it costs nothing whatever is asked.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.line.input_micros == 0 && self.line.output_micros == 0 && self.search_micros() == 0
    }

    /// For one search; 0 where searches are not what is charged.
    pub(super) fn search_micros(&self) -> u64 {
        self.line.search_micros.unwrap_or(0)
    }

    /// The most input tokens that one image is counted as.
    #[must_use]
    pub fn image_tokens_max(&self) -> u32 {
        self.line.image_tokens_max.unwrap_or(IMAGE_TOKENS_MAX)
    }

    /// What a call cost, rounded up to a whole micro-dollar once.
    ///
    /// A server that reports more cached tokens than tokens read is not believed about the difference.
    ///
    /// # Errors
    /// [`PriceError::TooLarge`] when an amount cannot hold it.
    pub fn cost(&self, usage: &Usage) -> Result<Micros, PriceError> {
        let cached = usage.cached_tokens.unwrap_or(0).min(usage.input_tokens);
        let cached_micros = self.line.cached_input_micros.unwrap_or(self.line.input_micros);
        let parts = [
            (usage.input_tokens.saturating_sub(cached), self.line.input_micros),
            (cached, cached_micros),
            (usage.output_tokens, self.line.output_micros),
        ];
        // No product of two u64 exceeds a u128; their sum can.
        let sum = parts
            .into_iter()
            .map(|(tokens, micros)| u128::from(tokens) * u128::from(micros))
            .try_fold(0_u128, u128::checked_add);
        sum.map(|sum| sum.div_ceil(TOKENS_PER_PRICE))
            .and_then(|micros| u64::try_from(micros).ok())
            .map(Micros)
            .ok_or_else(|| PriceError::TooLarge { model: self.line.model.clone() })
    }

    /// The usage that no call of this size exceeds: every byte a token, nothing from the cache, the whole answer.
    #[must_use]
    pub fn usage_max(&self, call: &Reservation) -> Usage {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let frames = count(call.messages).saturating_add(1).saturating_mul(FRAME_TOKENS);
        let images = count(call.images).saturating_mul(u64::from(self.image_tokens_max()));
        Usage {
            input_tokens: count(call.input_bytes).saturating_add(frames).saturating_add(images),
            output_tokens: u64::from(call.output_tokens_max),
            estimated: true,
            ..Usage::default()
        }
    }

    /// What a call of this size costs at most: the amount to set aside before it is made.
    ///
    /// # Errors
    /// [`PriceError::TooLarge`] when an amount cannot hold it.
    pub fn reserve(&self, call: &Reservation) -> Result<Micros, PriceError> {
        self.cost(&self.usage_max(call))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usage(input_tokens: u64, output_tokens: u64, cached_tokens: Option<u64>) -> Usage {
        Usage { input_tokens, output_tokens, cached_tokens, ..Usage::default() }
    }

    fn price(input_micros: u64, cached_input_micros: Option<u64>, output_micros: u64) -> Price {
        Price::new(PriceSettings {
            model: "m".to_owned(),
            input_micros,
            cached_input_micros,
            output_micros,
            image_tokens_max: Some(1_000),
            search_micros: None,
        })
    }

    #[test]
    fn a_cost_is_summed_exactly_and_rounded_up_once() {
        let mini = price(150_000, Some(75_000), 600_000);
        assert_eq!(mini.cost(&usage(1_500, 300, None)).unwrap(), Micros(225 + 180));
        // 0.15 + 0.6 is 0.75, rounded up once and not twice.
        assert_eq!(mini.cost(&usage(1, 1, None)).unwrap(), Micros(1));
        assert_eq!(mini.cost(&usage(0, 0, None)).unwrap(), Micros::ZERO);
        assert_eq!(mini.cost(&usage(1_000, 0, Some(400))).unwrap(), Micros(90 + 30));
    }

    #[test]
    fn cached_tokens_without_a_price_of_their_own_count_as_input() {
        assert_eq!(price(1_000_000, None, 0).cost(&usage(10, 0, Some(10))).unwrap(), Micros(10));
    }

    #[test]
    fn a_server_that_reports_more_cached_than_read_is_not_believed() {
        let believed = price(1_000_000, Some(100_000), 0);
        assert_eq!(believed.cost(&usage(10, 0, Some(u64::MAX))).unwrap(), Micros(1));
    }

    #[test]
    fn what_no_amount_holds_is_an_error_and_not_a_smaller_amount() {
        let dear = price(u64::MAX, None, u64::MAX);
        let too_large = PriceError::TooLarge { model: "m".to_owned() };
        assert_eq!(dear.cost(&usage(u64::MAX, u64::MAX, None)), Err(too_large.clone()));
        assert_eq!(dear.cost(&usage(1_000_001, 0, None)), Err(too_large));
        assert_eq!(dear.cost(&usage(1_000_000, 0, None)), Ok(Micros(u64::MAX)));
    }

    #[test]
    fn what_runs_here_costs_nothing() {
        let free = Price::free("local");
        assert!(free.is_free());
        assert_eq!(free.cost(&usage(u64::MAX, u64::MAX, None)), Ok(Micros::ZERO));
    }

    #[test]
    fn images_are_reserved_at_the_most_they_are_counted_as() {
        let call = Reservation { input_bytes: 100, messages: 1, images: 2, output_tokens_max: 10 };
        let most = price(1, None, 1).usage_max(&call);
        assert_eq!((most.input_tokens, most.output_tokens), (100 + 32 + 2_000, 10));
    }

    proptest! {
        #[test]
        fn a_reservation_covers_every_call_of_its_size(
            input_micros in 0..20_000_000_u64,
            output_micros in 0..90_000_000_u64,
            bytes in 0..200_000_usize,
            messages in 1..20_usize,
            output_tokens_max in 1..4_096_u32,
            share in 0.0..1.0_f64,
        ) {
            let price = price(input_micros, Some(input_micros / 2), output_micros);
            let call = Reservation { input_bytes: bytes, messages, images: 0, output_tokens_max };
            let part = |number: f64| (number * share) as u64;
            let taken = usage(part(bytes as f64), part(f64::from(output_tokens_max)), Some(part(bytes as f64 / 2.0)));
            prop_assert!(price.cost(&taken).unwrap() <= price.reserve(&call).unwrap());
        }

        #[test]
        fn a_call_taken_apart_costs_at_least_as_much(
            input in 0..1_000_000_u64,
            output in 0..100_000_u64,
            cut in 0..100_000_u64,
        ) {
            let price = price(2_500_000, None, 10_000_001);
            let cut = cut.min(output);
            let whole = price.cost(&usage(input, output, None)).unwrap();
            let first = price.cost(&usage(input, cut, None)).unwrap();
            let rest = price.cost(&usage(0, output - cut, None)).unwrap();
            prop_assert!(whole.0 <= first.0 + rest.0 && first.0 + rest.0 <= whole.0 + 1);
        }
    }
}
