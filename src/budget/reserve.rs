//! Money is set aside before a call and settled after it, in transactions of the tenant's own keyspace.
//!
//! One writer commits all changes of a keyspace, each of which sees those before it, so what is spent and set aside together
//! never passes a limit, however many answers are under way. A message has at most one reservation and is settled once;
//! both are rows under its id, which is what makes every operation safe to repeat.
//!
//! What is charged counts in the day that it was reserved on, even if midnight passes meanwhile: the next day's budget was
//! never asked. The alternative, the day of the settlement, would let answers under way at midnight overspend the new day.

use serde::{Deserialize, Serialize};

use super::budgets::Budgets;
use super::cause::{Cause, Item};
use super::ledger::{NewCharge, Scope, Total, book, total};
use super::period::{Day, Period};
use super::setting::{Budget, Limit};
use super::{Error, alert, sweep};
use crate::base::{ConversationId, Micros, Timestamp};
use crate::store::{Index, Read, WriteTx, tables};

/// Money set aside for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// In which conversation, where it is for a message.
    #[serde(default)]
    pub conversation: Option<ConversationId>,
    /// How much.
    pub amount: Micros,
    /// When it was last asked for.
    pub at: Timestamp,
    /// The day that it counts in.
    pub day: Day,
}

/// Why a call may not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Whose budget does not allow it; the month's when neither does.
    pub period: Period,
    /// What may be spent in it.
    pub limit: Micros,
    /// What has been spent.
    pub spent: Micros,
    /// What is set aside for answers under way.
    pub reserved: Micros,
    /// When the next period begins.
    pub resets_at: Timestamp,
}

/// The answer to a wish to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The amount is set aside; make the call, then settle or release.
    Reserved(Reservation),
    /// It is not, and nothing is set aside for the same cause any more.
    Refused(Refusal),
    /// The answer to this message has been paid for before; what it came to.
    Settled(Total),
}

/// What became of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// All that was spent on the same.
    pub total: Total,
    /// False when it had been settled before, and nothing was charged.
    pub new: bool,
}

pub(super) static BY_AGE: Index<Reservations, Timestamp> =
    Index::many("budget.reservation.by_age", |_, row: &Reservation| Some(row.at));

tables! {
    /// What is set aside, by what for.
    pub(super) Reservations = "budget.reservation": Item => Reservation, [BY_AGE];
    /// What is set aside in each period together: the exact sum of its reservations.
    pub(super) Reserved = "budget.reserved": Period => Micros;
    /// Messages whose answer has been paid for, and when.
    SettledItems = "budget.settled": Item => Timestamp;
}

pub(super) fn reserved(tx: &impl Read, period: Period) -> Result<Micros, Error> {
    Ok(tx.get::<Reserved>(&period)?.unwrap_or_default())
}

fn is_settled(tx: &impl Read, item: Item) -> Result<bool, Error> {
    Ok(tx.get::<SettledItems>(&item)?.is_some())
}

/// Sets `amount` aside.
fn hold(tx: &mut WriteTx<'_>, item: Item, row: &Reservation) -> Result<(), Error> {
    for period in Period::both(row.day) {
        let sum = Micros(reserved(tx, period)?.0.saturating_add(row.amount.0));
        tx.put::<Reserved>(&period, &sum)?;
    }
    Ok(tx.insert::<Reservations>(&item, row)?)
}

/// Takes back what is set aside for it, if anything is.
pub(super) fn give_back(tx: &mut WriteTx<'_>, item: Item) -> Result<Option<Reservation>, Error> {
    let Some(row) = tx.get::<Reservations>(&item)? else { return Ok(None) };
    for period in Period::both(row.day) {
        let left = reserved(tx, period)?.0.checked_sub(row.amount.0).ok_or(Error::Unbalanced(period))?;
        if left == 0 {
            tx.remove::<Reserved>(&period)?;
        } else {
            tx.put::<Reserved>(&period, &Micros(left))?;
        }
    }
    tx.remove::<Reservations>(&item)?;
    Ok(Some(row))
}

/// The budget that does not allow `amount` more on `day`, not counting what is set aside as `own`.
fn refusal(
    tx: &impl Read,
    budget: &Budget,
    day: Day,
    amount: Micros,
    own: Option<&Reservation>,
) -> Result<Option<Refusal>, Error> {
    if amount == Micros::ZERO {
        return Ok(None);
    }
    let mut found = None;
    for period in Period::both(day) {
        let Limit::Micros(limit) = budget.limit(period.kind) else { continue };
        let own = own.filter(|row| Period::both(row.day).contains(&period)).map_or(0, |row| row.amount.0);
        let spent = total(tx, &Scope::Period(period))?.cost;
        let reserved = Micros(reserved(tx, period)?.0.saturating_sub(own));
        if spent.0.saturating_add(reserved.0).saturating_add(amount.0) > limit.0 {
            let resets_at = period.resets_at(&budget.zone());
            found = Some(Refusal { period, limit, spent, reserved, resets_at });
        }
    }
    Ok(found)
}

impl Budgets {
    /// Asks for `amount` before a call is made for `cause`.
    ///
    /// Asking again with the same amount finds the reservation as it is; with another amount, or on another day, it is replaced.
    /// An amount of 0 is always granted, and nothing needs to be set aside for it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn reserve(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        cause: impl Into<Cause>,
        amount: Micros,
    ) -> Result<Outcome, Error> {
        let cause = cause.into();
        let item = Item::from(cause);
        if is_settled(tx, item)? {
            return Ok(Outcome::Settled(total(tx, &cause.scope())?));
        }
        let budget = self.budget(tx)?;
        let day = budget.today(now);
        let wanted = Reservation { conversation: cause.conversation(), amount, at: now, day };
        match tx.get::<Reservations>(&item)? {
            Some(held) if held.amount == amount && held.day == day => {
                // Renewed, so that it is not taken for one that was left behind.
                tx.put::<Reservations>(&item, &wanted)?;
                return Ok(Outcome::Reserved(wanted));
            }
            _ => give_back(tx, item)?,
        };
        if let Some(refusal) = refusal(tx, &budget, day, amount, None)? {
            alert::tell_refused(tx, now, refusal.period, refusal.limit, refusal.spent)?;
            return Ok(Outcome::Refused(refusal));
        }
        if amount > Micros::ZERO {
            hold(tx, item, &wanted)?;
            sweep::plan(tx, now, now)?;
        }
        Ok(Outcome::Reserved(wanted))
    }

    /// Books a call that cost something and did not become the answer, such as a stream that broke. What is set aside stays.
    /// Each use is a charge of its own.
    ///
    /// # Errors
    /// When the store fails.
    pub fn charge(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        cause: impl Into<Cause>,
        charge: &NewCharge,
    ) -> Result<(), Error> {
        let (cause, budget) = (cause.into(), self.budget(tx)?);
        let held = tx.get::<Reservations>(&Item::from(cause))?;
        let day = held.map_or_else(|| budget.today(now), |held| held.day);
        book(tx, now, cause, day, charge)?;
        alert::tell_reached(tx, now, &budget, day)
    }

    /// Books the call that became the answer, and gives back what was set aside. The whole cost is booked, be it more than
    /// was set aside, or nothing was. Once for each cause: repeated, it charges nothing. So it is for what ends with one answer; work
    /// of many calls, such as a document's, charges each and releases.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settle(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        cause: impl Into<Cause>,
        charge: &NewCharge,
    ) -> Result<Settled, Error> {
        let cause = cause.into();
        let item = Item::from(cause);
        let new = !is_settled(tx, item)?;
        if new {
            self.charge(tx, now, cause, charge)?;
            give_back(tx, item)?;
            tx.insert::<SettledItems>(&item, &now)?;
        }
        Ok(Settled { total: total(tx, &cause.scope())?, new })
    }

    /// Gives back what is set aside, such as for a message that gets no answer that costs; whether anything was.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release(&self, tx: &mut WriteTx<'_>, item: impl Into<Item>) -> Result<bool, Error> {
        Ok(give_back(tx, item.into())?.is_some())
    }

    /// Which of `offers`, each with what it may cost, the budget allows for `item` at this moment, in the order
    /// given. What costs nothing is always among them. Only [`Budgets::reserve`] sets anything aside.
    ///
    /// # Errors
    /// When the store fails.
    pub fn affordable<T: Clone>(
        &self,
        tx: &impl Read,
        now: Timestamp,
        item: impl Into<Item>,
        offers: &[(T, Micros)],
    ) -> Result<Vec<T>, Error> {
        let budget = self.budget(tx)?;
        let day = budget.today(now);
        let own = tx.get::<Reservations>(&item.into())?;
        let mut fitting = Vec::new();
        for (offer, amount) in offers {
            if refusal(tx, &budget, day, *amount, own.as_ref())?.is_none() {
                fitting.push(offer.clone());
            }
        }
        Ok(fitting)
    }
}
