//! What answers cost, and what they may cost.
//!
//! Every call of a model that is paid for is a [`Charge`] in the tenant's own keyspace, with running totals per message (or other cause),
//! conversation, tenant, provider, model, day and month that are the exact sum of the charges, because one transaction
//! writes both ([`spent`] is one look-up). All amounts are whole micro-dollars. A [`Budget`] limits a day and a month of the
//! tenant's calendar: [`Budgets::reserve`] sets the most that a call can cost aside before it is made, [`Budgets::settle`] books
//! what it did cost. Two hundred answers at a time cannot spend what is there once.
//!
//! How the job that answers a message uses it. Each block is a change of the tenant's keyspace; all of it may run again:
//!
//! ```text
//! let subject = Subject { conversation, message };
//! // 1. Before the call: the best tier that fits. `offers` is [(Premium, most it can cost), .., (Local, 0), (Extractive, 0)].
//! let chosen = keyspace.write(move |tx| {
//!     for (tier, amount) in &offers {
//!         match budgets.reserve(tx, now, subject, *amount)? {
//!             Outcome::Reserved(_) => return Ok(Chosen::Tier(*tier)),
//!             Outcome::Settled(total) => return Ok(Chosen::PaidBefore(total)),
//!             Outcome::Refused(refusal) if at_limit == AtLimit::HandOver => return Ok(Chosen::Person(refusal)),
//!             Outcome::Refused(_) => {}
//!         }
//!     }
//!     Ok(Chosen::Extractive)
//! });
//! // 2. A call that broke after it had cost something: book it, then ask again for the next tier.
//! keyspace.write(move |tx| budgets.charge(tx, now, subject, &broken));
//! // 3. The answer: its cost, its message and the end of the job in one transaction.
//! keyspace.write(move |tx| {
//!     if ticket.complete(tx, now)? {
//!         let cost = budgets.settle(tx, now, subject, &charge)?.total.cost;
//!         conversations::reply(tx, &call, pass, conversation, &reply_that_cost(cost))?;
//!     }
//!     Ok(())
//! });
//! // 4. No answer that costs, or the job is given up:
//! keyspace.write(move |tx| budgets.release(tx, message));
//! ```
//!
//! What is spent on no message has a [`Cause`] of its own: a document that is made searchable, all documents embedded anew, a
//! look into the documents by a person. Its work is many calls, each of which sets aside, books with [`Budgets::charge`] in the
//! transaction that keeps what was bought, and releases; it is never settled. All totals are sums over all causes.
//!
//! [`Budgets::affordable`] says beforehand which tiers would fit. A job that runs again after a crash asks again: it finds its
//! reservation, or that the message is settled. What a job leaves behind that never runs again is given back by a durable sweep
//! ([`KEPT`]). What a vendor bills for a call that was cut off by a crash is not known here, and is not booked.
//!
//! Tables, in the tenant's keyspace: `budget.charge`, `budget.total`, `budget.usage`, `budget.reservation`, `budget.reserved`,
//! `budget.settled`, `budget.alert`, `budget.setting`. Job: `budget.release_left` (upkeep). Event: `budget.alerted`, with its row,
//! once for each threshold of a period and limit, and once when a call is refused for the first time. Limits: names of 120
//! characters; 10 thresholds; limits up to a billion dollars; reservations that are not renewed are kept an hour, and swept 1,000 at
//! a time; lists are paged.

mod alert;
mod budgets;
mod cause;
mod error;
mod ledger;
mod period;
mod reserve;
mod setting;
mod sweep;
#[cfg(test)]
mod tests;

pub use alert::{Alert, AlertCause, BudgetAlerted};
pub use budgets::{BudgetView, Budgets, PeriodView, UsageView};
pub use cause::{Cause, Item, Purpose, Subject};
pub use error::{Error, Rule};
pub use ledger::{Charge, NAME_CHARS_MAX, NewCharge, Scope, Total, charges, spent};
pub use period::{Day, Period, PeriodKind};
pub use reserve::{Outcome, Refusal, Reservation, Settled};
pub use setting::{ALERTS_MAX, AtLimit, Budget, LIMIT_MICROS_MAX, Limit, OwnBudget};
pub use sweep::{KEPT, ReleaseLeft};
