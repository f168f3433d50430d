//! What a cosine means, by embedding model, and the score that people see.
//!
//! A cosine of 0.8 is near certainty for one model and chance for another. Every model has a mean and a spread of the cosine of
//! texts that have nothing to do with each other; measured in that spread, cosines of different models can be compared, and one
//! logistic curve turns them, with the share of the question's words found, into the chance that the passage is relevant.

use serde::{Deserialize, Serialize};

/// How far apart unrelated texts are for one embedding model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Mean cosine of a question and a passage drawn at random.
    pub unrelated_mean: f32,
    /// Standard deviation of the same.
    pub unrelated_deviation: f32,
}

/// Logistic regression of relevance on (cosine in deviations, coverage), over the first ten semantic candidates of six sets with
/// the bundled model.
const OFFSET: f32 = -5.67;
const PER_DEVIATION: f32 = 0.84;
const PER_COVERAGE: f32 = 2.09;

impl Calibration {
    /// The bundled all-MiniLM-L6-v2: measured on six question sets.
    pub const MINILM: Self = Self { unrelated_mean: 0.10, unrelated_deviation: 0.10 };
    /// The multilingual-e5 family, whose cosines live between 0.75 and 0.97: an estimate from that range, not a measurement.
    pub const E5: Self = Self { unrelated_mean: 0.76, unrelated_deviation: 0.03 };

    /// A model that nobody has measured. Today's models, by what their makers and users tell, put texts that have nothing to do with each
    /// other anywhere from 0.1 to 0.6, mostly about 0.3, with about the spread of the bundled one. It is a guess: the order of passages
    /// hardly depends on it, but a shown score is not a chance then ([`Calibration::is_measured`]). Better: [`Calibration::measure`].
    pub const UNKNOWN: Self = Self { unrelated_mean: 0.30, unrelated_deviation: 0.10 };
    /// Likeness in deviations that is taken where none is known: that of a middling find.
    const DEVIATIONS_UNKNOWN: f32 = 4.0;

    /// The calibration of a model by its id.
    #[must_use]
    pub fn of_model(id: &str) -> Self {
        let id = id.to_ascii_lowercase();
        let mut words = id.split(|letter: char| !letter.is_ascii_alphanumeric());
        if Self::is_measured(&id) {
            Self::MINILM
        } else if words.any(|word| word == "e5") {
            Self::E5
        } else {
            Self::UNKNOWN
        }
    }

    /// Whether shown scores have been measured to mean a chance with this model: so far with the bundled one, wherever it runs.
    #[must_use]
    pub fn is_measured(id: &str) -> bool {
        id.to_ascii_lowercase().contains("all-minilm")
    }

    /// From cosines of pairs drawn at random from the texts of a tenant; `None` for fewer than thirty usable ones.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "samples are small")]
    pub fn measure(cosines: &[f32]) -> Option<Self> {
        let usable: Vec<f32> = cosines.iter().copied().filter(|cosine| cosine.is_finite()).collect();
        let count = usable.len() as f32;
        let mean = usable.iter().sum::<f32>() / count;
        let deviation = (usable.iter().map(|cosine| (cosine - mean).powi(2)).sum::<f32>() / count).sqrt();
        (usable.len() >= 30 && deviation > 1e-4)
            .then_some(Self { unrelated_mean: mean, unrelated_deviation: deviation })
    }

    /// A cosine in deviations above chance.
    #[must_use]
    pub fn deviations(&self, cosine: f32) -> f32 {
        (cosine - self.unrelated_mean) / self.unrelated_deviation.max(1e-4)
    }

    /// The score to show, 0 to 1: about the chance that a passage with this cosine and this share of the question's telling words
    /// is relevant.
    #[must_use]
    pub fn shown(&self, cosine: f32, coverage: f32) -> f32 {
        logistic(self.deviations(cosine), coverage)
    }

    /// The same where the question has no vector, and the words are all there is.
    #[must_use]
    pub fn shown_by_words(coverage: f32) -> f32 {
        logistic(Self::DEVIATIONS_UNKNOWN, coverage)
    }
}

fn logistic(deviations: f32, coverage: f32) -> f32 {
    let logit = PER_COVERAGE.mul_add(coverage, PER_DEVIATION.mul_add(deviations, OFFSET));
    1.0 / (1.0 + (-logit).exp())
}

impl Default for Calibration {
    fn default() -> Self {
        Self::MINILM
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_distance_from_chance_shows_the_same_score_for_every_model() {
        let at = |model: Calibration| {
            model.shown(model.unrelated_deviation.mul_add(5.0, model.unrelated_mean), 0.5)
        };
        assert!((at(Calibration::MINILM) - at(Calibration::E5)).abs() < 1e-4);
    }

    #[test]
    fn unrelated_texts_show_next_to_nothing_and_close_ones_nearly_one() {
        let model = Calibration::MINILM;
        assert!(model.shown(0.1, 0.0) < 0.02);
        assert!(model.shown(0.85, 0.9) > 0.9);
        assert!(model.shown(0.5, 0.8) > model.shown(0.5, 0.2));
    }

    #[test]
    fn a_model_that_nobody_has_measured_is_not_said_to_be() {
        let of = Calibration::of_model;
        assert_eq!(of("all-minilm-l6-v2-int8-v1"), Calibration::MINILM);
        assert_eq!(of("openai:intfloat/multilingual-E5-small"), Calibration::E5);
        for id in ["voyage:voyage-3.5", "openai:text-embedding-3-small", "openai:gte-base5"] {
            assert_eq!(of(id), Calibration::UNKNOWN, "{id}");
            assert!(!Calibration::is_measured(id));
        }
        assert!(Calibration::is_measured("openai:all-minilm:latest"));
    }

    #[test]
    fn a_model_is_measured_from_enough_pairs_only() {
        assert_eq!(Calibration::measure(&[0.1; 10]), None);
        assert_eq!(Calibration::measure(&[0.5; 100]), None);
        let spread: Vec<f32> = (0..100_u8).map(|step| f32::from(step) / 100.0).collect();
        assert!((Calibration::measure(&spread).unwrap().unrelated_mean - 0.495).abs() < 1e-3);
    }
}
