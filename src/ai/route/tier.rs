//! The tiers, and which score belongs to which.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::Routing;

/// How much model a question gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Plain questions.
    Economical,
    /// Those in between.
    Middle,
    /// The hard ones.
    Premium,
    /// Those with images.
    Vision,
}

impl Tier {
    /// All of them, the cheap ones first.
    pub const ALL: [Self; 4] = [Self::Economical, Self::Middle, Self::Premium, Self::Vision];

    /// The tiers to try for a question of this one, in order: its own, then what is cheaper, then what is dearer. Never
    /// vision for a question without images.
    pub(super) fn and_next(self) -> [Self; 3] {
        match self {
            Self::Economical => [Self::Economical, Self::Middle, Self::Premium],
            Self::Middle => [Self::Middle, Self::Economical, Self::Premium],
            Self::Premium | Self::Vision => [Self::Premium, Self::Middle, Self::Economical],
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Economical => "economical",
            Self::Middle => "middle",
            Self::Premium => "premium",
            Self::Vision => "vision",
        })
    }
}

/// Where the tiers part, in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Scores from here on are for the middle tier.
    pub middle_from: f64,
    /// Scores from here on are for the premium tier.
    pub premium_from: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { middle_from: 0.4, premium_from: 0.7 }
    }
}

impl From<&Routing> for Thresholds {
    fn from(routing: &Routing) -> Self {
        Self { middle_from: routing.middle_from, premium_from: routing.premium_from }
    }
}

impl Thresholds {
    /// The tier of a question without images.
    #[must_use]
    pub fn tier(&self, score: f64) -> Tier {
        if score >= self.premium_from {
            Tier::Premium
        } else if score >= self.middle_from {
            Tier::Middle
        } else {
            Tier::Economical
        }
    }

    /// Why a score belongs to its tier, for people.
    pub(super) fn reason(&self, score: f64) -> String {
        let Self { middle_from, premium_from } = self;
        match self.tier(score) {
            Tier::Economical => format!("score {score:.2} is below {middle_from:.2}"),
            Tier::Middle => format!("score {score:.2} is from {middle_from:.2} to {premium_from:.2}"),
            Tier::Premium | Tier::Vision => format!("score {score:.2} is {premium_from:.2} or more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_on_a_threshold_belongs_to_the_tier_above_it() {
        let thresholds = Thresholds::default();
        let tiers = [0.0, 0.399, 0.4, 0.699, 0.7, 1.0].map(|score| thresholds.tier(score));
        use Tier::{Economical, Middle, Premium};
        assert_eq!(tiers, [Economical, Economical, Middle, Middle, Premium, Premium]);
    }
}
