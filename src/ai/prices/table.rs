//! The price list: the shipped one with the site's own lines over it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Price, PriceError};
use crate::config::PriceSettings;

const SHIPPED: &str = include_str!("../../../data/prices.toml");
/// What may stand after a name for a version of the same model.
const VERSION_WORDS: [&str; 5] = ["latest", "preview", "exp", "experimental", "beta"];

/// Prices by model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    prices: BTreeMap<String, Price>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    price: Vec<PriceSettings>,
}

impl PriceTable {
    /// The shipped list with the site's own lines, which replace those of the same name.
    ///
    /// # Errors
    /// [`PriceError::ListBroken`] for a release that was built wrong.
    pub fn new(own: &[PriceSettings]) -> Result<Self, PriceError> {
        let list: List = toml::from_str(SHIPPED)
            .map_err(|error| PriceError::ListBroken { reason: error.message().to_owned() })?;
        let lines = list.price.into_iter().chain(own.iter().cloned());
        Ok(Self { prices: lines.map(|line| (line.model.clone(), Price::new(line))).collect() })
    }

    /// The price of a model: under its exact name, else under the longest name that it is a version of. A different model
    /// with a longer name, such as a `-pro` or `-mini`, is no version: guessing its price can be wrong tenfold.
    ///
    /// # Errors
    /// [`PriceError::Unpriced`].
    pub fn of(&self, model: &str) -> Result<&Price, PriceError> {
        let version = || {
            let names = self.prices.iter().filter(|(name, _)| is_version_of(model, name));
            names.max_by_key(|(name, _)| name.len()).map(|(_, price)| price)
        };
        let found = self.prices.get(model).or_else(version);
        found.ok_or_else(|| PriceError::Unpriced { model: model.to_owned() })
    }
}

/// Whether `model` is `name`, or `name` with a date or the like after it: `gpt-4o-2024-08-06`, `gemini-2.0-flash-exp`,
/// `claude-3-5-sonnet-latest`, `claude-sonnet-4@20250514`. One digit is no date: `claude-opus-4-5` is not a version of
/// `claude-opus-4`.
pub(in crate::ai) fn is_version_of(model: &str, name: &str) -> bool {
    let Some(rest) = model.strip_prefix(name) else { return false };
    let Some(rest) = rest.strip_prefix(['-', '@']) else { return rest.is_empty() };
    let is_version = |part: &str| {
        let is_date = part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        is_date || VERSION_WORDS.contains(&part)
    };
    rest.split('-').all(is_version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ai::Usage;
    use crate::base::Micros;

    fn own(model: &str, input_micros: u64) -> PriceSettings {
        PriceSettings {
            model: model.to_owned(),
            input_micros,
            cached_input_micros: None,
            output_micros: 0,
            image_tokens_max: None,
            search_micros: None,
        }
    }

    #[test]
    fn the_shipped_list_knows_the_models_of_the_shipped_strategies() {
        let table = PriceTable::new(&[]).unwrap();
        let usage = Usage { input_tokens: 1_000_000, output_tokens: 1_000_000, ..Usage::default() };
        let cost = |model: &str| table.of(model).unwrap().cost(&usage).unwrap();
        assert_eq!(cost("gpt-4o-mini"), Micros(750_000));
        assert_eq!(cost("gpt-4o"), Micros(12_500_000));
        assert_eq!(cost("claude-3-5-sonnet"), Micros(18_000_000));
        assert_eq!(cost("gemini-1.5-flash"), Micros(375_000));
        assert_eq!(cost("gemini-2.0-flash-exp"), Micros(500_000));
        assert_eq!(cost("text-embedding-3-small"), Micros(20_000));
        assert_eq!((cost("voyage-3.5"), cost("voyage-3.5-lite")), (Micros(60_000), Micros(20_000)));
    }

    #[test]
    fn every_shipped_line_reads_from_its_cache_for_no_more_than_its_input() {
        let list: List = toml::from_str(SHIPPED).unwrap();
        for line in &list.price {
            assert!(
                line.cached_input_micros.is_none_or(|cached| cached < line.input_micros),
                "{}",
                line.model
            );
            // What writes nothing embeds or reranks, and charges by what it reads or by the search.
            let reads_only =
                line.output_micros == 0 && (line.input_micros > 0) != line.search_micros.is_some();
            assert!(
                reads_only || line.output_micros > line.input_micros && line.image_tokens_max.is_some(),
                "{}",
                line.model
            );
            let same = list.price.iter().filter(|other| other.model == line.model).count();
            assert_eq!(same, 1, "{}", line.model);
        }
    }

    #[test]
    fn a_dated_name_has_the_price_of_the_longest_name_it_is_a_version_of() {
        let table = PriceTable::new(&[]).unwrap();
        let listed_as = |model: &str| table.of(model).unwrap().listed_as().to_owned();
        for (model, name) in [
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
            ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
            ("claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
            ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
            ("claude-opus-4-5-20251101", "claude-opus-4-5"),
            ("claude-sonnet-4@20250514", "claude-sonnet-4"),
            ("gemini-2.0-flash-001", "gemini-2.0-flash"),
            ("gemini-2.5-flash-preview-05-20", "gemini-2.5-flash"),
        ] {
            assert_eq!(listed_as(model), name);
        }
    }

    #[test]
    fn another_model_with_a_longer_name_has_no_price() {
        let table = PriceTable::new(&[]).unwrap();
        for model in
            ["gpt-4o-audio-preview", "gpt-5-pro", "gpt-4ooo", "claude-opus-4-9", "llama3.2", "", "-", "gpt"]
        {
            assert_eq!(table.of(model), Err(PriceError::Unpriced { model: model.to_owned() }), "{model}");
        }
    }

    #[test]
    fn a_sites_own_price_wins() {
        let table = PriceTable::new(&[own("gpt-4o", 7), own("llama3.2", 0), own("gpt-5-pro", 9)]).unwrap();
        let usage = Usage { input_tokens: 1_000_000, ..Usage::default() };
        assert_eq!(table.of("gpt-4o-2024-08-06").unwrap().cost(&usage), Ok(Micros(7)));
        assert!(table.of("llama3.2").unwrap().is_free());
        assert_eq!(table.of("gpt-5-pro").unwrap().listed_as(), "gpt-5-pro");
    }
}
