//! What routing a file of questions costs, beside sending all of them to the premium model.
//!
//! Nobody is asked, so tokens are assumed ([`Assumptions`]) and the same for every model: the difference between two
//! sums comes from where questions go, not from guesses about how long each model talks.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Decision, Question, Router, Tier};
use crate::ai::Usage;
use crate::ai::prices::{Price, PriceError, PriceTable};
use crate::base::Micros;

/// Tokens that a call is taken to need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumptions {
    /// Read besides the question: rules, passages, what was said before.
    pub prompt_tokens: u64,
    /// Written.
    pub answer_tokens: u64,
}

impl Default for Assumptions {
    /// The rules and ten passages of about a hundred tokens each, and an answer of about two hundred words.
    fn default() -> Self {
        Self { prompt_tokens: 1_500, answer_tokens: 300 }
    }
}

impl fmt::Display for Assumptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tokens of prompt (rules, passages, history) and the question's own at four bytes each, {} tokens of answer, the \
             same for every model; an image at the most tokens that the model counts for one; no cache",
            self.prompt_tokens, self.answer_tokens
        )
    }
}

/// One line of a file of questions. What else a line tells is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What the file calls it.
    #[serde(default)]
    pub id: Option<String>,
    /// The words.
    pub text: String,
    /// Messages of the person before it.
    #[serde(default)]
    pub turns: usize,
    /// Whether an image comes with it.
    #[serde(default)]
    pub image: bool,
    /// The half of the file that it belongs to, such as `tune` or `report`.
    #[serde(default)]
    pub split: Option<String>,
    /// The tier that a person chose for it.
    #[serde(default)]
    pub tier: Option<Tier>,
}

impl Line {
    /// As the router looks at it.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        Question { text: &self.text, turns: self.turns, images: usize::from(self.image) }
    }
}

/// One tier's part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Which.
    pub tier: Tier,
    /// Who answers by the strategy.
    pub model: String,
    /// Questions.
    pub questions: u64,
    /// Their share of all, in [0, 1].
    pub share: f64,
    /// What they cost.
    pub cost_micros: Micros,
}

/// What a file costs by one strategy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// The strategy.
    pub strategy: String,
    /// Questions.
    pub questions: u64,
    /// By tier, all four.
    pub parts: Vec<Part>,
    /// What they cost where they go.
    pub cost_micros: Micros,
    /// The model that all of them would go to.
    pub premium_model: String,
    /// What they would cost there.
    pub premium_cost_micros: Micros,
    /// What is saved, in [0, 1] of the latter; nothing to save is 0.
    pub saved: f64,
    /// Of the questions with a tier that a person chose, the share that is routed to it, in [0, 1].
    pub agreement: Option<f64>,
}

/// What one call costs under the assumptions.
///
/// # Errors
/// [`PriceError::TooLarge`].
pub fn call_cost(
    price: &Price,
    question: &Question<'_>,
    assumed: &Assumptions,
) -> Result<Micros, PriceError> {
    let own = Usage::estimate(question.text.len(), 0).input_tokens;
    let images = u64::from(price.image_tokens_max()).saturating_mul(question.images as u64);
    price.cost(&Usage {
        input_tokens: assumed.prompt_tokens.saturating_add(own).saturating_add(images),
        output_tokens: assumed.answer_tokens,
        estimated: true,
        ..Usage::default()
    })
}

/// What a decided question costs by the strategy's list: the model of its tier, whether a provider has it or not.
///
/// # Errors
/// [`PriceError::Unpriced`].
pub fn listed_cost(
    router: &Router,
    decision: &Decision,
    question: &Question<'_>,
    table: &PriceTable,
    assumed: &Assumptions,
) -> Result<(String, Micros), PriceError> {
    let (model, price) = router.price(decision.tier, table)?;
    Ok((model, call_cost(&price, question, assumed)?))
}

#[derive(Default)]
struct Count {
    questions: u64,
    cost: u64,
}

/// Routes all lines and sums up. A tier that no question goes to need not have a price.
///
/// # Errors
/// [`PriceError::Unpriced`] for a model that the strategy sends questions to, or for its premium model.
pub fn forecast(
    router: &Router,
    lines: &[Line],
    table: &PriceTable,
    assumed: &Assumptions,
) -> Result<Forecast, PriceError> {
    let (premium_model, premium) = router.price(Tier::Premium, table)?;
    let too_large = || PriceError::TooLarge { model: premium_model.clone() };
    let add = |sum: u64, cost: Micros| sum.checked_add(cost.0).ok_or_else(too_large);
    let mut counts: BTreeMap<Tier, Count> = BTreeMap::new();
    let (mut all_premium, mut chosen, mut agreed) = (0, 0_u64, 0_u64);
    for line in lines {
        let question = line.question();
        let decision = router.decide(&question);
        let (_, cost) = listed_cost(router, &decision, &question, table, assumed)?;
        let count = counts.entry(decision.tier).or_default();
        count.questions += 1;
        count.cost = add(count.cost, cost)?;
        all_premium = add(all_premium, call_cost(&premium, &question, assumed)?)?;
        chosen += u64::from(line.tier.is_some());
        agreed += u64::from(line.tier == Some(decision.tier));
    }
    let total = counts.values().try_fold(0_u64, |sum, count| add(sum, Micros(count.cost)))?;
    let questions = lines.len() as u64;
    let parts = Tier::ALL.map(|tier| {
        let count = counts.remove(&tier).unwrap_or_default();
        let model =
            router.price(tier, table).map_or_else(|_| router.named(tier).to_owned(), |(model, _)| model);
        Part {
            tier,
            model,
            questions: count.questions,
            share: share(count.questions, questions),
            cost_micros: Micros(count.cost),
        }
    });
    Ok(Forecast {
        strategy: router.strategy().to_owned(),
        questions,
        parts: parts.into(),
        cost_micros: Micros(total),
        premium_model: premium_model.clone(),
        premium_cost_micros: Micros(all_premium),
        saved: if all_premium == 0 { 0.0 } else { 1.0 - share(total, all_premium) },
        agreement: (chosen > 0).then(|| share(agreed, chosen)),
    })
}

/// `part` of `whole`; 0 of nothing.
#[allow(clippy::cast_precision_loss, reason = "a share that is shown to a tenth of a percent")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
