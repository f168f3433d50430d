//! The books of one answer: what its calls may cost is set aside before them, and what they did cost is booked.
//!
//! Before each call its most possible cost is set aside. A call that failed after it had cost something is booked at once;
//! the last one is settled with the answer, by whoever stores it.

use super::Error;
use crate::ai::prices::{Price, Reservation};
use crate::ai::route::Choice;
use crate::ai::{ChatRequest, Usage};
use crate::base::{Clock, Micros, Timestamp};
use crate::budget::{self, AtLimit, Budgets, NewCharge, Outcome, Scope, Subject};
use crate::identity::Pass;
use crate::store::{Keyspace, WriteTx};

/// What calls are booked as that answer nobody: their tier would make them look like answers.
const REPLAY: &str = "replay";

/// Whether the budget allows a call.
pub(super) enum Allowed {
    /// So much is set aside for it.
    Yes(Micros),
    No(AtLimit),
}

/// The books of the answer to one message.
pub(super) struct Books<'a> {
    pub(super) budgets: &'a Budgets,
    pub(super) keyspace: &'a Keyspace,
    pub(super) clock: &'a dyn Clock,
    pub(super) subject: Subject,
    /// Whether it is asked for again by somebody who looks into an answer.
    pub(super) replay: bool,
}

impl Books<'_> {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sets aside what the call can cost at most. What is free needs no budget.
    pub(super) async fn reserve(&self, price: &Price, request: &ChatRequest) -> Result<Allowed, Error> {
        if price.is_free() {
            return Ok(Allowed::Yes(Micros::ZERO));
        }
        let amount = price.reserve(&Reservation {
            input_bytes: request.text_bytes(),
            messages: request.messages.len(),
            images: request.images().count(),
            output_tokens_max: request.max_output_tokens,
        })?;
        let (budgets, now, subject) = (self.budgets.clone(), self.now(), self.subject);
        let reserved = move |tx: &mut WriteTx<'_>| {
            Ok::<_, Error>(match budgets.reserve(tx, now, subject, amount)? {
                Outcome::Refused(refusal) => {
                    tracing::info!(?refusal, "the budget does not allow a call");
                    Allowed::No(budgets.budget(tx)?.at_limit)
                }
                Outcome::Reserved(_) | Outcome::Settled(_) => Allowed::Yes(amount),
            })
        };
        self.keyspace.write(reserved).await
    }

    /// A call as it is booked.
    pub(super) fn charge(&self, choice: &Choice, usage: Usage, cost: Micros) -> NewCharge {
        let tier = match (self.replay, choice.tier) {
            (true, _) => REPLAY.to_owned(),
            (false, Some(tier)) => tier.to_string(),
            (false, None) => "fixed".to_owned(),
        };
        NewCharge { provider: choice.provider.clone(), model: choice.model.clone(), tier, usage, cost }
    }

    /// Books a call that came to nothing.
    pub(super) async fn book(&self, charge: Option<NewCharge>) -> Result<(), Error> {
        let Some(charge) = charge else { return Ok(()) };
        let (budgets, now, subject) = (self.budgets.clone(), self.now(), self.subject);
        self.keyspace.write(move |tx| budgets.charge(tx, now, subject, &charge).map_err(Error::from)).await
    }
}

/// What a call cost; what was set aside for it where a server tells more than can be counted.
pub(super) fn cost(price: &Price, choice: &Choice, usage: &Usage, most: Micros) -> Micros {
    price.cost(usage).unwrap_or_else(|error| {
        tracing::error!(?error, provider = choice.provider, "the cost of a call cannot be told");
        most
    })
}

/// Settles what an answer cost, all calls for it together, and gives back what was set aside.
pub(super) fn pay(
    tx: &mut WriteTx<'_>,
    budgets: &Budgets,
    now: Timestamp,
    subject: Subject,
    charge: Option<&NewCharge>,
) -> Result<Micros, budget::Error> {
    if let Some(charge) = charge {
        return Ok(budgets.settle(tx, now, subject, charge)?.total.cost);
    }
    budgets.release(tx, subject.message)?;
    let pass = Pass::appliance("an answer tells what it cost");
    Ok(budget::spent(tx, pass, &Scope::Message(subject.message))?.cost)
}
