//! What can happen that is written down.

use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:tt;)*) => {
        /// What happened. The text is part of the trail's format and never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// How it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

actions! {
    /// The appliance was set up by its first account.
    ApplianceSetUp = "appliance.set_up";
    /// Somebody signed in.
    SignedIn = "session.opened";
    /// A sign-in was refused: wrong password or code.
    SignInRefused = "session.refused";
    /// Somebody signed out, or ended a session.
    SessionEnded = "session.ended";
    /// A password was changed by its owner.
    PasswordChanged = "password.changed";
    /// A link to reset a password was made.
    PasswordResetIssued = "password.reset_issued";
    /// A password was reset with a link.
    PasswordReset = "password.reset";
    /// A second factor was turned on.
    MfaEnabled = "mfa.enabled";
    /// A second factor was turned off.
    MfaDisabled = "mfa.disabled";
    /// Recovery codes were made anew.
    RecoveryCodesRenewed = "mfa.recovery_codes_renewed";
    /// A recovery code was used.
    RecoveryCodeUsed = "mfa.recovery_code_used";
    /// An account was made.
    AccountCreated = "account.created";
    /// An account became, or is no longer, an operator.
    OperatorChanged = "account.operator_changed";
    /// Somebody was invited.
    MemberInvited = "member.invited";
    /// An invitation was taken back.
    InvitationRevoked = "member.invitation_revoked";
    /// Somebody became a member.
    MemberJoined = "member.joined";
    /// A member's role was changed.
    MemberRoleChanged = "member.role_changed";
    /// A member was removed.
    MemberRemoved = "member.removed";
    /// A role was made.
    RoleCreated = "role.created";
    /// A role was changed.
    RoleChanged = "role.changed";
    /// A role was deleted.
    RoleDeleted = "role.deleted";
    /// An API key was made.
    ApiKeyCreated = "api_key.created";
    /// An API key was revoked.
    ApiKeyRevoked = "api_key.revoked";
    /// A workspace was made.
    WorkspaceCreated = "workspace.created";
    /// A workspace's settings were changed.
    WorkspaceChanged = "workspace.changed";
    /// A workspace's quotas were changed.
    QuotasChanged = "workspace.quotas_changed";
    /// A workspace was suspended.
    WorkspaceSuspended = "workspace.suspended";
    /// A suspended workspace was resumed.
    WorkspaceResumed = "workspace.resumed";
    /// A workspace was exported.
    WorkspaceExported = "workspace.exported";
    /// A workspace was imported.
    WorkspaceImported = "workspace.imported";
    /// A workspace was erased.
    WorkspaceErased = "workspace.erased";
    /// A document was deleted.
    DocumentDeleted = "document.deleted";
    /// A provider's key was set.
    ProviderKeySet = "provider_key.set";
    /// A provider's key was removed.
    ProviderKeyRemoved = "provider_key.removed";
    /// A budget was changed.
    BudgetChanged = "budget.changed";
    /// The audit trail was exported.
    AuditExported = "audit.exported";
    /// The appliance was given a new key.
    KeyRotated = "appliance.key_rotated";
    /// A backup was made.
    BackupMade = "backup.made";
    /// A backup was deleted.
    BackupDeleted = "backup.deleted";
    /// A backup was downloaded.
    BackupDownloaded = "backup.downloaded";
    /// The data directory was restored from a backup.
    BackupRestored = "backup.restored";
    /// A support bundle was made.
    SupportBundleMade = "support_bundle.made";
}
