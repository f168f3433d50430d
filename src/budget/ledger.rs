//! The ledger: each charge as a row, and running totals that are always the exact sum of the charges.
//!
//! A charge and all totals it counts in are written in one transaction, and nothing else writes them, so a total is one
//! look-up by key however long the history is. Rows are only ever added: there is no correction that could lose money.

use serde::{Deserialize, Serialize};

use super::Error;
use super::cause::{Cause, Item, Purpose};
use super::period::{Day, Period};
use crate::ai::Usage;
use crate::base::{ConversationId, DocumentId, MessageId, Micros, Timestamp};
use crate::identity::Pass;
use crate::identity::pass::ReadWorkspace;
use crate::store::{Key, Read, Scan, WriteTx, tables};
use crate::telemetry::Metrics;

/// Characters of a provider's, model's or tier's name that are kept.
pub const NAME_CHARS_MAX: usize = 120;
const CHARGES_SHOWN_MAX: usize = 100;

/// What one call of a model came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCharge {
    /// Who was called.
    pub provider: String,
    /// Which of its models.
    pub model: String,
    /// What the model was chosen as, such as `premium`; `fixed` where the settings name it, `replay` for an answer that is asked for again.
    pub tier: String,
    /// What it read and wrote.
    pub usage: Usage,
    /// What that costs; 0 for what runs on this machine.
    pub cost: Micros,
}

/// A call that was paid for, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// What it was spent on.
    #[serde(default)]
    pub purpose: Purpose,
    /// In which conversation, where it was spent on a message.
    #[serde(default)]
    pub conversation: Option<ConversationId>,
    /// Who was called.
    pub provider: String,
    /// Which of its models.
    pub model: String,
    /// What the model was chosen as.
    pub tier: String,
    /// What it read and wrote.
    pub usage: Usage,
    /// What that cost.
    pub cost: Micros,
    /// When it was booked.
    pub at: Timestamp,
    /// The day that it counts in: the one it was reserved on.
    pub day: Day,
}

/// A sum of charges. Beyond 2^64 micro-dollars, which is eighteen trillion dollars, it stands still.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// How many charges.
    pub calls: u64,
    /// What they cost together.
    pub cost: Micros,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Of the tokens read, those that came from a provider's cache.
    pub cached_tokens: u64,
}

impl Total {
    /// This and one charge more.
    #[must_use]
    pub fn plus(self, usage: &Usage, cost: Micros) -> Self {
        Self {
            calls: self.calls.saturating_add(1),
            cost: Micros(self.cost.0.saturating_add(cost.0)),
            input_tokens: self.input_tokens.saturating_add(usage.input_tokens),
            output_tokens: self.output_tokens.saturating_add(usage.output_tokens),
            cached_tokens: self.cached_tokens.saturating_add(usage.cached_tokens.unwrap_or(0)),
        }
    }
}

/// What a total is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything that the tenant ever spent.
    Tenant,
    /// The answer to one message.
    Message(MessageId),
    /// One conversation.
    Conversation(ConversationId),
    /// All models of one provider.
    Provider(String),
    /// One model of a provider.
    Model(String, String),
    /// One day or month of the tenant's calendar.
    Period(Period),
    /// Making one document searchable.
    Document(DocumentId),
    /// Embedding what was there anew for another model.
    Reembedding,
    /// Questions of people who looked into the documents themselves.
    Searches,
}

impl Key for Scope {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Tenant => 0u8.encode(out),
            Self::Message(id) => (1u8, *id).encode(out),
            Self::Conversation(id) => (2u8, *id).encode(out),
            Self::Provider(provider) => (3u8, provider.clone()).encode(out),
            Self::Model(provider, model) => (4u8, provider.clone(), model.clone()).encode(out),
            Self::Period(period) => (5u8, *period).encode(out),
            Self::Document(id) => (6u8, *id).encode(out),
            Self::Reembedding => 7u8.encode(out),
            Self::Searches => 8u8.encode(out),
        }
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(match u8::decode(bytes)? {
            0 => Self::Tenant,
            1 => Self::Message(MessageId::decode(bytes)?),
            2 => Self::Conversation(ConversationId::decode(bytes)?),
            3 => Self::Provider(String::decode(bytes)?),
            4 => Self::Model(String::decode(bytes)?, String::decode(bytes)?),
            5 => Self::Period(Period::decode(bytes)?),
            6 => Self::Document(DocumentId::decode(bytes)?),
            7 => Self::Reembedding,
            8 => Self::Searches,
            _ => return None,
        })
    }
}

tables! {
    /// Every charge, numbered from 1 within what it was spent on.
    pub(super) Charges = "budget.charge": (Item, u64) => Charge;
    /// The running totals.
    pub(super) Totals = "budget.total": Scope => Total;
    /// The totals by day, provider and model, in the order that they are read in.
    pub(super) Usages = "budget.usage": (Day, String, String) => Total;
}

/// Cuts what is longer than a name may be, so that a key has a bound.
fn name(text: &str) -> String {
    text.chars().take(NAME_CHARS_MAX).collect()
}

/// Books one call: the charge, and every total that it counts in.
pub(super) fn book(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    cause: Cause,
    day: Day,
    new: &NewCharge,
) -> Result<(), Error> {
    let charge = Charge {
        purpose: cause.purpose(),
        conversation: cause.conversation(),
        provider: name(&new.provider),
        model: name(&new.model),
        tier: name(&new.tier),
        usage: new.usage,
        cost: new.cost,
        at: now,
        day,
    };
    let number = total(tx, &cause.scope())?.calls.saturating_add(1);
    tx.insert::<Charges>(&(cause.booked_under(), number), &charge)?;
    let [day_period, month] = Period::both(day);
    let (provider, model) = (charge.provider, charge.model);
    let scopes = [
        Scope::Tenant,
        cause.scope(),
        Scope::Provider(provider.clone()),
        Scope::Model(provider.clone(), model.clone()),
        Scope::Period(day_period),
        Scope::Period(month),
    ];
    for scope in scopes.into_iter().chain(cause.conversation().map(Scope::Conversation)) {
        let sum = total(tx, &scope)?.plus(&new.usage, new.cost);
        tx.put::<Totals>(&scope, &sum)?;
    }
    let place = (day, provider, model);
    let sum = tx.get::<Usages>(&place)?.unwrap_or_default().plus(&new.usage, new.cost);
    tx.put::<Usages>(&place, &sum)?;
    if let Some(metrics) = tx.extension::<Metrics>() {
        let (provider, tier, cost) = (name(&new.provider), charge.tier, new.cost.0);
        let tokens = [new.usage.input_tokens, new.usage.output_tokens];
        tx.after_commit(move || metrics.booked(&provider, &tier, tokens, cost));
    }
    Ok(())
}

pub(super) fn total(tx: &impl Read, scope: &Scope) -> Result<Total, Error> {
    Ok(tx.get::<Totals>(scope)?.unwrap_or_default())
}

/// What was spent in a scope: one look-up.
///
/// # Errors
/// When the store fails.
pub fn spent(tx: &impl Read, _: Pass<ReadWorkspace>, scope: &Scope) -> Result<Total, Error> {
    total(tx, scope)
}

/// The calls that were made for a message, oldest first, at most 100.
///
/// # Errors
/// When the store fails.
pub fn charges(tx: &impl Read, _: Pass<ReadWorkspace>, message: MessageId) -> Result<Vec<Charge>, Error> {
    let rows = tx.scan::<Charges>(&Scan::prefix(&Item::from(message), CHARGES_SHOWN_MAX))?;
    Ok(rows.into_iter().map(|(_, charge)| charge).collect())
}
