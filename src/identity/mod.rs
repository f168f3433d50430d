//! Accounts, passwords, sign-in sessions, API keys, roles, and the passes they earn.
//!
//! Everything that says who somebody is lies in the system keyspace. Accounts are global; a membership gives an account a
//! role in a tenant. A door turns a credential into a [`Principal`] ([`Policy::authenticate_session`],
//! [`Policy::authenticate_api_key`]; visitors' tokens are `contacts`'), and the [`Policy`] turns the principal into the
//! two things that operations demand: the tenant's keyspace ([`Policy::enter`]) and a [`Pass`] ([`Policy::pass`]). No
//! other code opens a tenant's keyspace for somebody, or makes a pass.
//!
//! Secrets that we only compare are kept as hashes: tokens as SHA-256, passwords as Argon2id, recovery codes under the
//! appliance's key. A second factor's seed lies sealed.
//!
//! Tables, all in the system keyspace: `identity.account`, `identity.session`, `identity.sign_in`, `identity.challenge`,
//! `identity.password_reset`, those of [`mfa`], `identity.api_key`, `identity.membership`, `identity.role`,
//! `identity.invitation`, `identity.setup_link`, `identity.tenant_roll`; in every keyspace `identity.audit` and
//! `identity.audit_head`. Job: `identity.forget_sessions` (lane upkeep), hourly. Owns no event.
//!
//! Limits: 2 passwords are hashed at a time and 256 wait; [`session::SESSIONS_MAX`] sessions for an account, each good for
//! [`session::SESSION_LIFE`] and [`session::SESSION_IDLE`] without use; challenges as in [`challenge`], links as in
//! [`password_reset`], remembered sign-ins as in [`device`]; [`api_key::API_KEYS_MAX`] API keys,
//! [`membership::MEMBERS_MAX`] members, [`custom_role::ROLES_MAX`] roles of its own and [`invitation::INVITATIONS_MAX`] open
//! invitations, each good for [`invitation::INVITATION_LIFE`], for a tenant; [`membership::MEMBERSHIPS_MAX`] memberships for an account; sign-in
//! attempts as in [`throttle`].

pub mod account;
pub mod api_key;
pub mod audit;
pub mod challenge;
pub mod device;
pub mod custom_role;
mod email;
mod error;
mod leave;
pub mod invitation;
pub mod member;
pub mod membership;
pub mod mfa;
mod notice;
mod own_account;
pub mod pass;
mod password;
mod password_memory;
pub mod password_reset;
mod permission;
mod policy;
mod principal;
mod revocations;
mod role;
pub mod session;
pub mod setup;
mod sign_in;
mod strength;
pub mod tenant_roll;
pub mod throttle;
#[cfg(test)]
mod tests;

pub use account::{Account, AccountEntry, AccountView, NewAccount};
pub use api_key::{ApiKeyView, CreatedApiKey, NewApiKey};
pub use challenge::OpenedChallenge;
pub use custom_role::{NewRole, RoleChange, RoleView};
pub use device::{Device, SignInView, is_new_device};
pub use email::Email;
pub use error::Error;
pub use invitation::{CreatedInvitation, InvitationView, Invited, NewInvitation};
pub use leave::{Left, leave};
pub use member::MemberView;
pub use membership::Membership;
pub use mfa::MfaView;
pub use own_account::{Own, RecoveryCodes};
pub use pass::{Authority, Pass, Reach, Right};
pub use password::{PasswordHash, Passwords, Verdict};
pub use permission::{Permission, Permissions};
pub use policy::Policy;
pub use principal::Principal;
pub use revocations::{Revocations, RevocationsOf, Revoked};
pub use role::{MemberRole, Role};
pub use session::{ForgetSessions, OpenedSession, SessionSweeper, SessionView};
pub use sign_in::{Admission, Answer, Credentials, SignIn, SignedIn};
pub use strength::Person;
pub use throttle::Throttle;
