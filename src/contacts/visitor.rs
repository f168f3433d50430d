//! Visitors who have done something: a row in the tenant's keyspace from then on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::base::{Timestamp, VisitorId};
use crate::store::{Read, WriteTx, tables};

/// Seeing a visitor again is written at most this often.
const SEEN_WRITTEN_EVERY: Duration = Duration::from_mins(1);

/// A visitor of the chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    /// When they first did something.
    pub created: Timestamp,
    /// When they last did something, give or take a minute.
    pub last_seen: Timestamp,
}

tables! {
    /// The visitors of this tenant.
    pub(super) Visitors = "contacts.visitor": VisitorId => Visitor;
}

/// Notes that the visitor did something, in the transaction of what they did; the first time makes the row.
///
/// # Errors
/// When the store fails.
pub fn remember(tx: &mut WriteTx<'_>, now: Timestamp, visitor: VisitorId) -> Result<Visitor, Error> {
    match tx.get::<Visitors>(&visitor)? {
        Some(known) if now.since(known.last_seen) < SEEN_WRITTEN_EVERY => Ok(known),
        Some(_) => Ok(tx.update::<Visitors>(&visitor, |known| known.last_seen = now)?),
        None => {
            let new = Visitor { created: now, last_seen: now };
            tx.insert::<Visitors>(&visitor, &new)?;
            Ok(new)
        }
    }
}

/// The visitor, if they ever did anything.
///
/// # Errors
/// When the store fails.
pub fn load(tx: &impl Read, visitor: VisitorId) -> Result<Option<Visitor>, Error> {
    Ok(tx.get::<Visitors>(&visitor)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::{ManualClock, TenantId};
    use crate::store::{Store, StoreOptions};

    #[test]
    fn a_visitor_has_a_row_from_the_first_thing_they_do_in_their_tenant_only() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(1_700_000_000_000);
        let clock = Arc::new(ManualClock::at(now));
        let store = Store::open(folder.path(), StoreOptions::default(), clock).unwrap();
        let keyspace = store.tenant(TenantId::new(now)).unwrap();
        let visitor = VisitorId::new(now);
        assert_eq!(keyspace.read(|tx| load(tx, visitor)).unwrap(), None);
        for (seconds, last_seen_seconds) in [(0, 0), (59, 0), (60, 60), (90, 60)] {
            let at = now.plus(Duration::from_secs(seconds));
            let seen = keyspace.write_blocking(move |tx| remember(tx, at, visitor)).unwrap();
            assert_eq!(seen.created, now);
            assert_eq!(seen.last_seen, now.plus(Duration::from_secs(last_seen_seconds)));
        }
        let other = store.tenant(TenantId::new(now)).unwrap();
        assert_eq!(other.read(|tx| load(tx, visitor)).unwrap(), None);
    }
}
