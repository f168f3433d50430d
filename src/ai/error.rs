//! Why a model did not answer.
//!
//! None of these is the asking person's fault, so none has a kind that would tell them so: what a visitor did wrong
//! is known before a model is asked.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::Usage;
use crate::base::{Fault, Kind};
use crate::outbound;

/// What was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// For the first sign of an answer.
    FirstToken,
    /// Between two signs of life.
    BetweenTokens,
    /// For the whole answer.
    Whole,
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstToken => "the first token",
            Self::BetweenTokens => "the next token",
            Self::Whole => "the whole answer",
        })
    }
}

/// `provider` is the name that the settings give it; `detail` is what the server said, for the log only; `usage` is what
/// the provider charges although there is no answer, where that is known.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what the messages say")]
pub enum Error {
    /// The settings cannot be used.
    #[error("{provider}: the settings cannot be used: {reason}")]
    BadSettings { provider: String, reason: &'static str },
    /// The key is missing, wrong or not allowed to do this.
    #[error("{provider} refused the key: {detail}")]
    CredentialRefused { provider: String, detail: String },
    /// The server does not know the model, or there is no such server at the address.
    #[error("{provider} does not know the model {model}: {detail}")]
    ModelUnknown { provider: String, model: String, detail: String },
    /// The conversation, or a text, does not fit the model.
    #[error("{provider}: more text than the model can read: {detail}")]
    ContextTooLong { provider: String, detail: String },
    /// The credit with the provider is used up.
    #[error("{provider}: the credit is used up: {detail}")]
    CreditSpent { provider: String, detail: String },
    /// Too many requests, also after trying again.
    #[error("{provider} asks to slow down: {detail}")]
    Limited { provider: String, retry_after: Option<Duration>, detail: String },
    /// The server is there and cannot answer at the moment.
    #[error("{provider} failed: {detail}")]
    Failed { provider: String, retry_after: Option<Duration>, detail: String },
    /// The server does not accept the request as it is.
    #[error("{provider} refused the request: {detail}")]
    RequestRefused { provider: String, detail: String },
    /// It took too long.
    #[error("{provider} took too long: waiting for {deadline}")]
    TimedOut { provider: String, deadline: Deadline },
    /// The stream ended before the answer did.
    #[error("{provider} broke off in the middle of the answer")]
    Interrupted { provider: String },
    /// What came is not what such a server sends.
    #[error("{provider} sent something unreadable: {detail}")]
    Malformed { provider: String, detail: String },
    /// The pictures cannot be sent to this model.
    #[error("{provider} cannot be shown the pictures: {reason}")]
    ImagesUnfit { provider: String, reason: &'static str },
    /// The model itself would not answer.
    #[error("{provider}: the model refused to answer: {detail}")]
    ModelRefused { provider: String, detail: String, usage: Option<Box<Usage>> },
    /// The provider's filter let nothing through, of the question or of the answer.
    #[error("{provider}: the provider's filter stopped the answer: {detail}")]
    Filtered { provider: String, detail: String, usage: Option<Box<Usage>> },
    /// The server ended an answer in which nothing is said.
    #[error("{provider} sent an empty answer")]
    EmptyAnswer { provider: String, usage: Option<Box<Usage>> },
    /// More text than an answer may have.
    #[error("{provider} sent more than {bytes_max} bytes")]
    TooLong { provider: String, bytes_max: usize },
    /// The request did not leave, or did not come back.
    #[error("{provider} could not be asked")]
    Outbound {
        provider: String,
        #[source]
        source: outbound::Error,
    },
}

impl Error {
    /// The provider's name in the settings.
    #[must_use]
    pub fn provider(&self) -> &str {
        match self {
            Self::BadSettings { provider, .. }
            | Self::CredentialRefused { provider, .. }
            | Self::ModelUnknown { provider, .. }
            | Self::ContextTooLong { provider, .. }
            | Self::CreditSpent { provider, .. }
            | Self::Limited { provider, .. }
            | Self::Failed { provider, .. }
            | Self::RequestRefused { provider, .. }
            | Self::TimedOut { provider, .. }
            | Self::Interrupted { provider }
            | Self::Malformed { provider, .. }
            | Self::ImagesUnfit { provider, .. }
            | Self::ModelRefused { provider, .. }
            | Self::Filtered { provider, .. }
            | Self::EmptyAnswer { provider, .. }
            | Self::TooLong { provider, .. }
            | Self::Outbound { provider, .. } => provider,
        }
    }

    /// Whether it says something about the provider, and not about this one request: what a [`super::Breaker`] counts.
    #[must_use]
    pub fn counts_against_provider(&self) -> bool {
        !matches!(
            self,
            Self::ContextTooLong { .. }
                | Self::ImagesUnfit { .. }
                | Self::ModelRefused { .. }
                | Self::Filtered { .. }
                | Self::RequestRefused { .. }
        )
    }

    /// What the provider charges although there is no answer, where that is known.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::ModelRefused { usage, .. }
            | Self::Filtered { usage, .. }
            | Self::EmptyAnswer { usage, .. } => usage.as_deref().copied(),
            _ => None,
        }
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::BadSettings { .. } => Kind::Invalid,
            Self::Outbound { source, .. } => source.kind(),
            Self::CredentialRefused { .. }
            | Self::ModelUnknown { .. }
            | Self::ContextTooLong { .. }
            | Self::CreditSpent { .. }
            | Self::Limited { .. }
            | Self::Failed { .. }
            | Self::RequestRefused { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. }
            | Self::Malformed { .. }
            | Self::ImagesUnfit { .. }
            | Self::ModelRefused { .. }
            | Self::Filtered { .. }
            | Self::EmptyAnswer { .. }
            | Self::TooLong { .. } => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadSettings { .. } => "model_settings_invalid",
            Self::CredentialRefused { .. } => "model_credential_refused",
            Self::ModelUnknown { .. } => "model_unknown",
            Self::ContextTooLong { .. } => "model_context_too_long",
            Self::CreditSpent { .. } => "model_credit_spent",
            Self::Limited { .. } => "model_limited",
            Self::Failed { .. } => "model_failed",
            Self::RequestRefused { .. } => "model_request_refused",
            Self::TimedOut { .. } => "model_timed_out",
            Self::Interrupted { .. } => "model_interrupted",
            Self::Malformed { .. } => "model_malformed",
            Self::ImagesUnfit { .. } => "model_images_unfit",
            Self::ModelRefused { .. } => "model_refused",
            Self::Filtered { .. } => "model_filtered",
            Self::EmptyAnswer { .. } => "model_empty_answer",
            Self::TooLong { .. } => "model_too_long",
            Self::Outbound { source, .. } => source.code(),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::BadSettings { provider, reason } => {
                format!("The settings of the model \"{provider}\" cannot be used: {reason}.").into()
            }
            Self::CredentialRefused { provider, .. } => {
                format!("The key for \"{provider}\" was refused. Check api_key in the settings.").into()
            }
            Self::ModelUnknown { provider, model, .. } => format!(
                "\"{provider}\" does not know the model {model}. Check model and base_url in the settings."
            )
            .into(),
            Self::ContextTooLong { .. } => "That is more text than the model can read at once.".into(),
            Self::CreditSpent { provider, .. } => format!("The credit with \"{provider}\" is used up.").into(),
            Self::Limited { .. } | Self::Failed { .. } | Self::TimedOut { .. } => {
                "The model cannot answer at the moment. Try again in a little while.".into()
            }
            Self::RequestRefused { provider, .. } => {
                format!("\"{provider}\" did not accept the request. The log says why.").into()
            }
            Self::Interrupted { .. } => "The answer broke off. Ask again.".into(),
            Self::Malformed { provider, .. } => format!(
                "\"{provider}\" does not answer as a server of its kind does. Check kind and base_url in the settings."
            )
            .into(),
            Self::ImagesUnfit { reason, .. } => {
                format!("The pictures cannot be shown to the model: {reason}.").into()
            }
            Self::ModelRefused { .. } => "The model would not answer this.".into(),
            Self::Filtered { .. } => "The model's provider does not let this be answered.".into(),
            Self::EmptyAnswer { .. } => "The model had nothing to say. Ask again.".into(),
            Self::TooLong { .. } => "The answer grew too long and was stopped.".into(),
            Self::Outbound { source, .. } => source.public(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Limited { .. }
            | Self::Failed { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. }
            | Self::EmptyAnswer { .. } => true,
            Self::Outbound { source, .. } => source.retryable(),
            Self::BadSettings { .. }
            | Self::CredentialRefused { .. }
            | Self::ModelUnknown { .. }
            | Self::ContextTooLong { .. }
            | Self::CreditSpent { .. }
            | Self::RequestRefused { .. }
            | Self::Malformed { .. }
            | Self::ImagesUnfit { .. }
            | Self::ModelRefused { .. }
            | Self::Filtered { .. }
            | Self::TooLong { .. } => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after, .. } | Self::Failed { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
