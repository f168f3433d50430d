//! How a workspace looks and speaks to customers, and what its owner may write there.
//!
//! Everything is plain text; pages escape it. A change names only what changes; a field at fault is named as a JSON
//! pointer, and then nothing is changed.

use serde::{Deserialize, Deserializer};

use super::tenant::{Tenant, Tenants, UncitedClaims, required};
use super::{Error, Rule};
use crate::base::{Actor, Call};
use crate::identity::audit::{self, Action, Note};
use crate::identity::pass::ManageWorkspace;
use crate::identity::{Pass, tenant_roll};
use crate::store::WriteTx;

/// The most characters of a workspace's name.
pub const NAME_CHARS_MAX: usize = 100;
/// The most characters of the greeting.
pub const GREETING_CHARS_MAX: usize = 500;
/// The most characters of the text in the empty box.
pub const PLACEHOLDER_CHARS_MAX: usize = 120;
/// The most suggestions.
pub const SUGGESTIONS_MAX: usize = 5;
/// The most characters of a suggestion.
pub const SUGGESTION_CHARS_MAX: usize = 120;
/// The most characters of the notice.
pub const NOTICE_CHARS_MAX: usize = 500;

/// What is to change; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceChange {
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
    /// The colour of its chat, `#rrggbb`.
    #[serde(default)]
    pub accent: Option<String>,
    /// What the chat says first.
    #[serde(default)]
    pub greeting: Option<String>,
    /// What stands in the empty box of the chat.
    #[serde(default)]
    pub placeholder: Option<String>,
    /// Questions to begin with.
    #[serde(default)]
    pub suggestions: Option<Vec<String>>,
    /// A line above the chat; `null` or an empty text takes it away.
    #[serde(default, deserialize_with = "present")]
    pub notice: Option<String>,
    /// What becomes of a model's answer in which a statement has no source: `withhold` it, or `mark` the statement; `null` for
    /// what the appliance's settings say.
    #[serde(default, deserialize_with = "chosen")]
    #[schema(value_type = Option<UncitedClaims>)]
    pub uncited_claims: Option<UncitedChoice>,
    /// Whether members must have a second factor. Who turns it on must have one.
    #[serde(default)]
    pub mfa_required: Option<bool>,
}

impl WorkspaceChange {
    /// The names of the fields that change, for the audit trail.
    fn fields(&self) -> String {
        let fields = [
            ("name", self.name.is_some()),
            ("accent", self.accent.is_some()),
            ("greeting", self.greeting.is_some()),
            ("placeholder", self.placeholder.is_some()),
            ("suggestions", self.suggestions.is_some()),
            ("notice", self.notice.is_some()),
            ("uncited_claims", self.uncited_claims.is_some()),
            ("mfa_required", self.mfa_required.is_some()),
        ];
        let changed: Vec<_> = fields.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect();
        changed.join(" ")
    }
}

/// What a workspace chooses about statements without a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UncitedChoice {
    /// Whatever the appliance's settings say.
    Appliance,
    /// This.
    Own(UncitedClaims),
}

/// Reads `null` as a choice, which a field that is left out is not.
fn chosen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UncitedChoice>, D::Error> {
    let own = Option::<UncitedClaims>::deserialize(deserializer)?;
    Ok(Some(own.map_or(UncitedChoice::Appliance, UncitedChoice::Own)))
}

/// Reads `null` as an empty text, which a field that is left out is not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| Some(text.unwrap_or_default()))
}

/// Changes the workspace of the pass.
///
/// # Errors
/// [`Error::Field`]; [`Error::NoSecondFactor`]; [`Error::NotFound`] when the pass is for no tenant.
pub fn update(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageWorkspace>,
    change: &WorkspaceChange,
) -> Result<Tenant, Error> {
    let mut tenant = required(tx, pass)?;
    if let Some(name) = &change.name {
        tenant.name = line("/name", name, NAME_CHARS_MAX)?;
    }
    if let Some(accent) = &change.accent {
        tenant.accent = color("/accent", accent)?;
    }
    if let Some(greeting) = &change.greeting {
        tenant.greeting = text("/greeting", greeting, GREETING_CHARS_MAX)?;
    }
    if let Some(placeholder) = &change.placeholder {
        tenant.placeholder = line("/placeholder", placeholder, PLACEHOLDER_CHARS_MAX)?;
    }
    if let Some(suggestions) = &change.suggestions {
        tenant.suggestions = lines("/suggestions", suggestions)?;
    }
    if let Some(notice) = &change.notice {
        let shown = !notice.trim().is_empty();
        tenant.notice = if shown { Some(text("/notice", notice, NOTICE_CHARS_MAX)?) } else { None };
    }
    match change.uncited_claims {
        Some(UncitedChoice::Own(own)) => tenant.uncited_claims = Some(own),
        Some(UncitedChoice::Appliance) => tenant.uncited_claims = None,
        None => {}
    }
    if let Some(required) = change.mfa_required {
        if required && !has_second_factor(call.actor) {
            return Err(Error::NoSecondFactor);
        }
        tenant_roll::require_mfa(tx, tenant.id, required)?;
    }
    tx.put::<Tenants>(&tenant.id, &tenant)?;
    let mut note = Note::new(Action::WorkspaceChanged).of_tenant(tenant.id).with("fields", change.fields());
    if let Some(required) = change.mfa_required {
        note = note.with("mfa_required", required);
    }
    audit::record(tx, call, note)?;
    Ok(tenant)
}

fn fault(pointer: &str, rule: Rule) -> Error {
    Error::Field { pointer: pointer.to_owned(), rule }
}

fn text(pointer: &str, text: &str, chars_max: usize) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(fault(pointer, Rule::Empty));
    }
    if text.chars().count() > chars_max {
        return Err(fault(pointer, Rule::TooLong(chars_max)));
    }
    if text.chars().any(|letter| letter.is_control() && letter != '\n') {
        return Err(fault(pointer, Rule::NotPlainText));
    }
    Ok(text.to_owned())
}

pub(super) fn line(pointer: &str, line: &str, chars_max: usize) -> Result<String, Error> {
    let line = text(pointer, line, chars_max)?;
    if line.contains('\n') { Err(fault(pointer, Rule::NotPlainText)) } else { Ok(line) }
}

fn lines(pointer: &str, suggestions: &[String]) -> Result<Vec<String>, Error> {
    if suggestions.len() > SUGGESTIONS_MAX {
        return Err(fault(pointer, Rule::TooMany(SUGGESTIONS_MAX)));
    }
    let each = suggestions.iter().enumerate();
    each.map(|(place, suggestion)| line(&format!("{pointer}/{place}"), suggestion, SUGGESTION_CHARS_MAX))
        .collect()
}

fn color(pointer: &str, text: &str) -> Result<String, Error> {
    let digits = text.trim().strip_prefix('#').filter(|digits| digits.len() == 6);
    match digits {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(format!("#{}", digits.to_ascii_lowercase()))
        }
        _ => Err(fault(pointer, Rule::NotAColor)),
    }
}

/// Whether whoever asks for a second factor of others has one. A program and the console do not sign in, so they cannot lock
/// themselves out.
fn has_second_factor(actor: Actor) -> bool {
    match actor {
        // No account has one in this release.
        Actor::Account(_) => false,
        Actor::Nobody | Actor::Visitor(_) | Actor::ApiKey(_) | Actor::Console | Actor::Appliance => true,
    }
}
