//! `[[ai.price]]`: what a model costs, where the shipped list does not know it or the site pays something else.

use serde::Deserialize;

use super::settings::Finding;

/// One line of a price list: whole micro-dollars for a million tokens. The shipped list (`data/prices.toml`) has the same
/// form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSettings {
    /// As the provider names it; stands for its dated versions too.
    pub model: String,
    /// For tokens read.
    pub input_micros: u64,
    /// For tokens read again from the provider's cache. Missing: they count as input.
    #[serde(default)]
    pub cached_input_micros: Option<u64>,
    /// For tokens written.
    pub output_micros: u64,
    /// The most input tokens that one image is counted as.
    #[serde(default)]
    pub image_tokens_max: Option<u32>,
    /// Rerankers: for one search, where the provider charges by searches.
    #[serde(default)]
    pub search_micros: Option<u64>,
}

const KEY: &str = "ai.price";

/// Names are given once, and reading from the cache costs no more than reading.
pub(super) fn check(prices: &[PriceSettings]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, price) in prices.iter().enumerate() {
        let before = prices.iter().take(at).any(|other| other.model == price.model);
        if price.model.trim().is_empty() || before {
            let reason =
                format!("\"{}\" cannot be a model's name here: it is empty or priced twice", price.model);
            findings.push((KEY, reason));
        }
        if price.cached_input_micros.is_some_and(|cached| cached > price.input_micros) {
            let reason = format!(
                "\"{}\": cached_input_micros is above input_micros; reading from a cache is the cheaper way",
                price.model
            );
            findings.push((KEY, reason));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(model: &str, input_micros: u64, cached_input_micros: Option<u64>) -> PriceSettings {
        PriceSettings {
            model: model.to_owned(),
            input_micros,
            cached_input_micros,
            output_micros: 1,
            image_tokens_max: None,
            search_micros: None,
        }
    }

    #[test]
    fn a_model_is_priced_once_and_its_cache_is_the_cheaper_way() {
        assert!(check(&[price("a", 2, Some(1)), price("b", 0, None)]).is_empty());
        let found = check(&[price("a", 1, Some(2)), price("a", 1, None), price("", 1, None)]);
        assert_eq!(found.len(), 3);
        assert!(found[0].1.contains("cached_input_micros"), "{found:?}");
        assert!(found[1].1.contains("priced twice"), "{found:?}");
    }
}
