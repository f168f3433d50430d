//! What a trail tells about one tenant.

use super::trail::{BY_TENANT, Trail};
use crate::base::TenantId;
use crate::store::{self, Key as _, Read, Scan};

/// Entries read at a time.
const ENTRIES_AT_A_TIME: usize = 256;

/// Visits the entries about a tenant, oldest first, each with its place in the trail and the bytes of its JSON.
///
/// # Errors
/// What `visit` fails with, or the engine.
pub fn each_of_tenant<E: From<store::Error>>(
    tx: &impl Read,
    tenant: TenantId,
    mut visit: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut scan = Scan::prefix(&tenant, ENTRIES_AT_A_TIME);
    loop {
        let keys = BY_TENANT.keys(tx, &scan)?;
        for (_, place) in &keys {
            let Some(sequence) = u64::from_bytes(place) else { continue };
            if let Some(link) = tx.get::<Trail>(&sequence)? {
                visit(sequence, &link.entry)?;
            }
            scan = scan.after(&(tenant, sequence));
        }
        if keys.len() < ENTRIES_AT_A_TIME {
            return Ok(());
        }
    }
}
