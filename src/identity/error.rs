//! What can go wrong between a credential and a pass.

use std::borrow::Cow;
use std::time::Duration;

use super::Permission;
use crate::base::pool::PoolError;
use crate::base::{Fault, Kind};
use crate::{quotas, store};

/// A fault of identity.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A person's or a key's name is empty, too long or holds control characters.
    #[error("the name is not 1 to 100 printable characters")]
    BadName,
    /// Not an e-mail address.
    #[error("not an e-mail address")]
    BadEmail,
    /// The password has too few characters.
    #[error("the password is too short")]
    PasswordTooShort,
    /// The password has too many characters.
    #[error("the password is too long")]
    PasswordTooLong,
    /// The password is the e-mail address, the name, a repetition or a run.
    #[error("the password is too easy to guess")]
    PasswordTrivial,
    /// The password is one that many people use.
    #[error("the password is on the list of common passwords")]
    PasswordCommon,
    /// The password takes too few guesses.
    #[error("the password takes too few guesses: {why}")]
    PasswordWeak {
        /// What makes it so, as a sentence.
        why: &'static str,
    },
    /// A signed-in person has given a wrong password.
    #[error("the password is not this account's")]
    PasswordWrong,
    /// The code is neither the app's nor an unused recovery code.
    #[error("wrong code")]
    CodeWrong,
    /// The challenge is unknown, was used up, or has run out.
    #[error("the challenge is unknown or has ended")]
    ChallengeEnded,
    /// The workspace demands a second factor, and the person has none.
    #[error("the workspace demands a second factor")]
    MfaRequired,
    /// The account has a second factor.
    #[error("the account has a second factor already")]
    MfaEnabledAlready,
    /// The account has no second factor.
    #[error("the account has no second factor")]
    MfaNotEnabled,
    /// No enrolment was begun, or it has run out.
    #[error("no enrolment of a second factor is under way")]
    MfaEnrolmentEnded,
    /// A seed does not open, or is none: another appliance's key, or damage.
    #[error("the seed of a second factor cannot be read")]
    SeedDamaged,
    /// The link is unknown, was used, or has run out.
    #[error("the link to reset a password is unknown or has ended")]
    ResetLinkEnded,
    /// Nobody else could run the appliance.
    #[error("no other account is an operator")]
    LastOperator,
    /// Another account has the address.
    #[error("the e-mail address belongs to another account")]
    EmailTaken,
    /// The address or the password is wrong; which, is not said.
    #[error("wrong e-mail address or password")]
    SignInFailed,
    /// Too many attempts.
    #[error("too many attempts; the next is allowed in {retry_after:?}")]
    Throttled {
        /// When the next attempt is allowed.
        retry_after: Duration,
    },
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// The session is unknown, was ended, or has run out.
    #[error("the session is unknown or has ended")]
    SessionEnded,
    /// The API key is unknown or was revoked.
    #[error("the API key is unknown or was revoked")]
    ApiKeyUnknown,
    /// The API key has expired.
    #[error("the API key has expired")]
    ApiKeyExpired,
    /// No role in a workspace and no key can have a permission of this name.
    #[error("there is no permission {name:?} in a workspace")]
    PermissionUnknown {
        /// As it was asked for.
        name: String,
    },
    /// A role or key that permits nothing.
    #[error("no permission was given")]
    PermissionsEmpty,
    /// This is left to people.
    #[error("an API key cannot have the permission {permission:?}")]
    ApiKeyPermission {
        /// Which.
        permission: Permission,
    },
    /// Nobody gives, takes or changes what they do not have themselves.
    #[error("it needs rights that the caller lacks")]
    BeyondOwnRights,
    /// The workspace has no such role.
    #[error("the workspace has no such role")]
    RoleUnknown,
    /// Another role of the workspace is called so.
    #[error("another role has this name")]
    RoleNameTaken,
    /// Somebody holds the role, or is invited to it.
    #[error("the role is in use")]
    RoleInUse,
    /// The four roles that every workspace has stay as they are.
    #[error("the role is built in")]
    RoleBuiltIn,
    /// A workspace without an owner could never have one again.
    #[error("the last owner stays")]
    LastOwner,
    /// The address is a member's already.
    #[error("the person is a member already")]
    AlreadyMember,
    /// The invitation was never made, was used or taken back, or has run out.
    #[error("the invitation is unknown or no longer good")]
    InvitationUnknown,
    /// Whoever is signed in is not who is invited.
    #[error("the invitation is for another address")]
    InvitationForOther,
    /// The invited address has an account, whose owner must sign in.
    #[error("the invited address has an account")]
    AccountExists,
    /// The expiry lies in the past.
    #[error("the expiry lies in the past")]
    ExpiryPassed,
    /// A quota is reached.
    #[error(transparent)]
    Quota(#[from] quotas::Error),
    /// The operator has suspended the workspace.
    #[error("the workspace is suspended")]
    WorkspaceSuspended {
        /// Whether it is a visitor who is told.
        to_visitor: bool,
    },
    /// The tenant has as many as it may.
    #[error("no more than {count_max} {what} are allowed")]
    TooMany {
        /// Of what, in words.
        what: &'static str,
        /// The limit.
        count_max: usize,
    },
    /// Known, and the role does not allow it.
    #[error("the role does not allow it")]
    Forbidden,
    /// It does not exist, or the caller may not know that it does.
    #[error("it does not exist, or not for this caller")]
    NotFound,
    /// The account has several memberships, or none, and the call says no workspace.
    #[error("no workspace is chosen")]
    WorkspaceNotChosen,
    /// The setup link is not the one that was issued last.
    #[error("not the setup link that was issued last")]
    SetupLinkUnknown,
    /// The setup link has expired.
    #[error("the setup link has expired")]
    SetupLinkExpired,
    /// There is an account already.
    #[error("the appliance is set up already")]
    SetUpAlready,
    /// More passwords wait to be hashed than may, or the process is ending.
    #[error("passwords cannot be hashed at the moment")]
    PasswordsBusy(#[source] PoolError),
    /// The hash function refused, or the stored hash does not parse.
    #[error("the password hash failed")]
    PasswordHash(#[source] argon2::password_hash::Error),
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::PasswordsBusy(error)
    }
}

impl Error {
    /// The public sentences about rights, members and invitations.
    fn public_of_rights(&self) -> Cow<'static, str> {
        match self {
            Self::PermissionUnknown { name } => {
                format!("There is no permission called {name}. GET /api/v1/permissions lists those there are.").into()
            }
            Self::PermissionsEmpty => "Choose at least one permission.".into(),
            Self::ApiKeyPermission { permission } => {
                format!("An API key cannot have {}: that is left to people.", permission.name()).into()
            }
            Self::BeyondOwnRights => {
                "This needs rights that you do not have yourself. Ask an owner of the workspace.".into()
            }
            Self::RoleUnknown => "This workspace has no such role.".into(),
            Self::RoleNameTaken => "Another role of this workspace has this name. Choose a different one.".into(),
            Self::RoleInUse => {
                "Members hold this role, or are invited to it. Give them another role first.".into()
            }
            Self::RoleBuiltIn => "This role is built in and stays as it is. Make one of your own instead.".into(),
            Self::LastOwner => {
                "This is the workspace's last owner. Make somebody else an owner first.".into()
            }
            Self::AlreadyMember => "This person is a member of the workspace already.".into(),
            Self::InvitationUnknown => {
                "This invitation is not valid, or not any more. Ask whoever invited you for a new one.".into()
            }
            Self::InvitationForOther => {
                "This invitation is for another e-mail address than the one you are signed in with. Sign out first."
                    .into()
            }
            Self::AccountExists => {
                "There is an account with this e-mail address already. Sign in, then open the invitation again.".into()
            }
            other => other.to_string().into(),
        }
    }
}

impl Fault for Error {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } => Some(*retry_after),
            Self::PasswordsBusy(_) => Some(Duration::from_secs(2)),
            _ => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Quota(error) => error.kind(),
            Self::BadName
            | Self::BadEmail
            | Self::PasswordTooShort
            | Self::PasswordTooLong
            | Self::PasswordTrivial
            | Self::PermissionUnknown { .. }
            | Self::PermissionsEmpty
            | Self::ApiKeyPermission { .. }
            | Self::RoleUnknown
            | Self::PasswordCommon
            | Self::PasswordWeak { .. }
            | Self::ExpiryPassed
            | Self::WorkspaceNotChosen => Kind::Invalid,
            Self::SignInFailed
            | Self::NotSignedIn
            | Self::SessionEnded
            | Self::ChallengeEnded
            | Self::ApiKeyUnknown
            | Self::ApiKeyExpired => Kind::Unauthenticated,
            Self::Throttled { .. } => Kind::Limited,
            Self::Forbidden
            | Self::BeyondOwnRights
            | Self::InvitationForOther
            | Self::PasswordWrong
            | Self::CodeWrong
            | Self::MfaRequired
            | Self::ResetLinkEnded
            | Self::SetupLinkUnknown
            | Self::SetupLinkExpired
            | Self::WorkspaceSuspended { .. } => Kind::Forbidden,
            Self::NotFound | Self::InvitationUnknown => Kind::NotFound,
            Self::EmailTaken
            | Self::RoleNameTaken
            | Self::RoleInUse
            | Self::RoleBuiltIn
            | Self::LastOwner
            | Self::AlreadyMember
            | Self::AccountExists
            | Self::SetUpAlready
            | Self::MfaEnabledAlready
            | Self::MfaNotEnabled
            | Self::MfaEnrolmentEnded
            | Self::LastOperator
            | Self::TooMany { .. } => Kind::Conflict,
            Self::PasswordsBusy(_) => Kind::Unavailable,
            Self::PasswordHash(_) | Self::SeedDamaged => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Quota(error) => error.code(),
            Self::WorkspaceSuspended { .. } => "workspace_suspended",
            Self::PasswordWrong => "password_wrong",
            Self::BadName => "name_invalid",
            Self::BadEmail => "email_invalid",
            Self::PasswordTooShort => "password_too_short",
            Self::PasswordTooLong => "password_too_long",
            Self::PasswordTrivial => "password_trivial",
            Self::PasswordCommon => "password_common",
            Self::PasswordWeak { .. } => "password_weak",
            Self::CodeWrong => "code_wrong",
            Self::ChallengeEnded => "challenge_ended",
            Self::MfaRequired => "mfa_required",
            Self::MfaEnabledAlready => "mfa_enabled_already",
            Self::MfaNotEnabled => "mfa_not_enabled",
            Self::MfaEnrolmentEnded => "mfa_enrolment_ended",
            Self::SeedDamaged => "mfa_seed_damaged",
            Self::ResetLinkEnded => "reset_link_ended",
            Self::LastOperator => "last_operator",
            Self::EmailTaken => "email_taken",
            Self::SignInFailed => "sign_in_failed",
            Self::Throttled { .. } => "sign_in_throttled",
            Self::NotSignedIn => "sign_in_required",
            Self::SessionEnded => "session_expired",
            Self::ApiKeyUnknown => "api_key_invalid",
            Self::ApiKeyExpired => "api_key_expired",
            Self::PermissionUnknown { .. } => "permission_unknown",
            Self::PermissionsEmpty => "permissions_empty",
            Self::ApiKeyPermission { .. } => "api_key_permission_invalid",
            Self::BeyondOwnRights => "beyond_own_rights",
            Self::RoleUnknown => "role_unknown",
            Self::RoleNameTaken => "role_name_taken",
            Self::RoleInUse => "role_in_use",
            Self::RoleBuiltIn => "role_built_in",
            Self::LastOwner => "last_owner",
            Self::AlreadyMember => "already_member",
            Self::InvitationUnknown => "invitation_invalid",
            Self::InvitationForOther => "invitation_for_other",
            Self::AccountExists => "account_exists",
            Self::ExpiryPassed => "expiry_passed",
            Self::TooMany { .. } => "too_many",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::WorkspaceNotChosen => "workspace_required",
            Self::SetupLinkUnknown => "setup_link_invalid",
            Self::SetupLinkExpired => "setup_link_expired",
            Self::SetUpAlready => "set_up_already",
            Self::PasswordsBusy(_) => "passwords_busy",
            Self::PasswordHash(_) => "password_hash_failed",
        }
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each sentence")]
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.public(),
            Self::Quota(error) => error.public(),
            Self::WorkspaceSuspended { to_visitor: true } => {
                "This chat is closed at the moment. Please try again later.".into()
            }
            Self::WorkspaceSuspended { to_visitor: false } => {
                "This workspace is suspended. Nothing of it is lost; whoever runs the appliance can resume it.".into()
            }
            Self::BadName => "Give a name of 1 to 100 characters on one line.".into(),
            Self::BadEmail => "This is not an e-mail address. It should look like name@example.com.".into(),
            Self::PasswordTooShort => "Choose a password of at least 12 characters. A few words are easiest.".into(),
            Self::PasswordTooLong => "Choose a password of at most 128 characters.".into(),
            Self::PasswordTrivial => {
                "This password is too easy to guess. Do not use your name, your e-mail address, a repetition or a \
                 run of characters; a few unrelated words are best."
                    .into()
            }
            Self::PasswordCommon => {
                "This is one of the passwords and words that many people use, and that attackers try first. Choose another; \
                 a few unrelated words are best."
                    .into()
            }
            Self::PasswordWeak { why } => {
                format!("This password is too easy to guess. {why} A few unrelated words are best.").into()
            }
            Self::PasswordWrong => "The password is wrong.".into(),
            Self::CodeWrong => {
                "The code is wrong, or was used already. Enter the one that your app shows now, or a recovery code.".into()
            }
            Self::ChallengeEnded => "It took too long, or too many codes were wrong. Sign in again.".into(),
            Self::MfaRequired => {
                "This workspace demands a second factor. Set one up for your account, then come back.".into()
            }
            Self::MfaEnabledAlready => {
                "This account has a second factor already. Turn it off first to set up another.".into()
            }
            Self::MfaNotEnabled => "This account has no second factor.".into(),
            Self::MfaEnrolmentEnded => "It took too long, or too many codes were wrong. Begin again.".into(),
            Self::SeedDamaged => {
                "The second factor of this account cannot be read. An administrator can remove it with frontdesk account \
                 reset --mfa."
                    .into()
            }
            Self::ResetLinkEnded => {
                "This link was used already, or has run out. Ask for a new one.".into()
            }
            Self::LastOperator => {
                "Nobody else runs this appliance. Make another account an operator first.".into()
            }
            Self::EmailTaken => "Another account has this e-mail address already.".into(),
            Self::SignInFailed => "The e-mail address or the password is wrong.".into(),
            Self::Throttled { retry_after } => format!(
                "Too many attempts. Try again in {} minutes.",
                retry_after.as_secs().div_ceil(60).max(1)
            )
            .into(),
            Self::NotSignedIn => "Sign in, or send an API key.".into(),
            Self::SessionEnded => "Your sign-in has ended. Sign in again.".into(),
            Self::ApiKeyUnknown => "This API key is not known here. It may have been revoked.".into(),
            Self::ApiKeyExpired => "This API key has expired. Create a new one.".into(),
            Self::PermissionUnknown { .. }
            | Self::PermissionsEmpty
            | Self::ApiKeyPermission { .. }
            | Self::BeyondOwnRights
            | Self::RoleUnknown
            | Self::RoleNameTaken
            | Self::RoleInUse
            | Self::RoleBuiltIn
            | Self::LastOwner
            | Self::AlreadyMember
            | Self::InvitationUnknown
            | Self::InvitationForOther
            | Self::AccountExists => self.public_of_rights(),
            Self::ExpiryPassed => "The expiry lies in the past. Choose a later one.".into(),
            Self::TooMany { what, count_max } => {
                format!("There are {count_max} {what} already, which is the limit. Remove one first.").into()
            }
            Self::Forbidden => {
                "Your role in this workspace does not allow this. Ask an administrator of the workspace.".into()
            }
            Self::NotFound => "It does not exist.".into(),
            Self::WorkspaceNotChosen => {
                "Say which workspace you mean: send its short name in the header Frontdesk-Workspace.".into()
            }
            Self::SetupLinkUnknown => {
                "This setup link is not valid. Use the one that Frontdesk printed when it was last started.".into()
            }
            Self::SetupLinkExpired => "This setup link has expired. Restart Frontdesk to get a new one.".into(),
            Self::SetUpAlready => "Frontdesk is set up already. Sign in instead.".into(),
            Self::PasswordsBusy(_) => "Many people are signing in right now. Try again in a moment.".into(),
            Self::PasswordHash(_) => "The password could not be checked. The appliance's log says why.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Quota(error) => error.retryable(),
            Self::Throttled { .. } | Self::PasswordsBusy(_) => true,
            Self::WorkspaceSuspended { .. }
            | Self::PasswordWrong
            | Self::BadName
            | Self::BadEmail
            | Self::PasswordTooShort
            | Self::PasswordTooLong
            | Self::PasswordTrivial
            | Self::EmailTaken
            | Self::SignInFailed
            | Self::NotSignedIn
            | Self::SessionEnded
            | Self::ApiKeyUnknown
            | Self::ApiKeyExpired
            | Self::PermissionUnknown { .. }
            | Self::PermissionsEmpty
            | Self::ApiKeyPermission { .. }
            | Self::BeyondOwnRights
            | Self::RoleUnknown
            | Self::RoleNameTaken
            | Self::RoleInUse
            | Self::RoleBuiltIn
            | Self::LastOwner
            | Self::AlreadyMember
            | Self::InvitationUnknown
            | Self::InvitationForOther
            | Self::AccountExists
            | Self::ExpiryPassed
            | Self::TooMany { .. }
            | Self::Forbidden
            | Self::NotFound
            | Self::WorkspaceNotChosen
            | Self::SetupLinkUnknown
            | Self::SetupLinkExpired
            | Self::SetUpAlready
            | Self::PasswordCommon
            | Self::PasswordWeak { .. }
            | Self::CodeWrong
            | Self::ChallengeEnded
            | Self::MfaRequired
            | Self::MfaEnabledAlready
            | Self::MfaNotEnabled
            | Self::MfaEnrolmentEnded
            | Self::SeedDamaged
            | Self::ResetLinkEnded
            | Self::LastOperator
            | Self::PasswordHash(_) => false,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::BadName | Self::RoleNameTaken => Some("/name"),
            Self::BadEmail | Self::EmailTaken | Self::AlreadyMember => Some("/email"),
            Self::PermissionUnknown { .. } | Self::PermissionsEmpty | Self::ApiKeyPermission { .. } => {
                Some("/permissions")
            }
            Self::RoleUnknown => Some("/role"),
            Self::PasswordTooShort
            | Self::PasswordTooLong
            | Self::PasswordTrivial
            | Self::PasswordCommon
            | Self::PasswordWeak { .. }
            | Self::PasswordWrong => Some("/password"),
            Self::CodeWrong => Some("/code"),
            Self::ExpiryPassed => Some("/expires_at"),
            _ => None,
        }
    }
}
