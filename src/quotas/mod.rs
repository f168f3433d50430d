//! What a tenant may use: members, documents, bytes of files, conversations in a month. What it may spend is `budget`'s.
//!
//! The operator sets quotas for a tenant over the appliance's own, field by field; they lie in the system keyspace. What is
//! used is counted by the room that owns it, in the transaction of the thing itself, and that room asks [`admit`] there: so
//! two at a time can never take the last place together. The limits are read in that moment from a snapshot of the
//! system keyspace, so a change holds from the next request on; what is over a lowered limit stays, and nothing comes to it.
//!
//! Table, in the system keyspace: `quotas.own`. Owns no job and no event.
//!
//! Limits: a number of a quota is at most [`LIMIT_MAX`].

mod error;
mod month;
mod own;
mod quota;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use month::{month_of, start_of_month};
pub use own::{LIMIT_MAX, OwnQuotas, QuotaChange, change, forget, keep, own, read_change};
pub use quota::{Quota, QuotaBook, Quotas, admit, limits};
