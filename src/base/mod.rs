//! Words that every room uses: ids, time, the call, secrets, money, pages, faults, counts and bounded pools.
//!
//! Nothing here knows a database, a network or the support trade. A thing belongs here only when at least
//! three rooms would otherwise each invent it.
//!
//! It is the ground floor: it uses no other room. Owns no table, no job and no event.
//!
//! Limits: [`page::PAGE_ROWS_MAX`] rows of a page ([`page::PAGE_ROWS_DEFAULT`] when nothing is asked for) and 512 bytes
//! of a cursor; a [`Timestamp`] ends with the year 9999; a [`Pool`] runs and lets wait as many as whoever builds it says,
//! and refuses the next.

pub mod call;
pub mod clock;
pub mod counted;
pub mod fault;
pub mod id;
pub mod money;
pub mod page;
pub mod pool;
pub mod secret;

pub use call::{Actor, Call, RequestId};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use counted::counted;
pub use fault::{Fault, Kind};
pub use id::{
    AccountId, ApiKeyId, ConversationId, DocumentId, IdError, ImageId, InvitationId, JobId, LetterId,
    MembershipId, MessageId, RoleId, SessionId, TenantId, VisitorId,
};
pub use money::Micros;
pub use page::{Cursor, PAGE_ROWS_MAX, Page, PageRequest};
pub use pool::Pool;
pub use secret::{DoesNotOpen, Sealed, Sealer, Secret, TokenHash};
