//! Money in whole micro-dollars (one millionth of a US dollar), so that sums never drift.

use serde::{Deserialize, Serialize};

/// An amount in micro-dollars.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct Micros(pub u64);

impl Micros {
    /// Nothing.
    pub const ZERO: Self = Self(0);
}

impl std::fmt::Display for Micros {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "${}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_shown_to_the_last_micro_dollar() {
        assert_eq!(Micros(1_000_001).to_string(), "$1.000001");
        assert_eq!(Micros::ZERO.to_string(), "$0.000000");
    }
}
