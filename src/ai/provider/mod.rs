//! One dialect per vendor; all look alike from outside.
//!
//! A vendor's file says how a conversation is written and which settings there are, its `_wire` file what that looks
//! like, its `_decode` file how answers are read. Retries and deadlines (`remote`, `reader`), event streams (`sse`),
//! refusals (`refusal`, `failure`) and when an answer is whole (`transcript`) are the same for all. Models that embed or
//! rerank are asked through `endpoint`, with the same refusals and retries.

mod anthropic;
mod anthropic_decode;
mod anthropic_wire;
mod deadlines;
mod dialect;
mod endpoint;
mod failure;
mod google;
mod google_decode;
mod google_wire;
mod openai_compatible;
mod openai_decode;
mod openai_wire;
mod reader;
mod refusal;
mod remote;
mod sse;
mod transcript;
mod turns;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::{Answer, ChatRequest, Error, Event};
use crate::base::Secret;

pub use anthropic::{Anthropic, AnthropicAuth, AnthropicSettings};
pub use deadlines::Deadlines;
pub(in crate::ai) use dialect::{PROBE_TEXT, PURPOSE_CHECK};
pub(in crate::ai) use endpoint::{Endpoint, Question};
pub use google::{Google, GoogleSettings};
pub use openai_compatible::{
    OpenAi, OpenAiCompatible, OpenAiCompatibleSettings, OpenAiSettings, TokenLimitField,
};
pub(in crate::ai) use refusal::{Asked, Refusal};

/// The steps of an answer: any number of [`Event::Waiting`], then any number of [`Event::Delta`], then one [`Event::Finished`] or one error, then nothing.
pub type EventStream = BoxStream<'static, Result<Event, Error>>;

/// What a trial came to.
#[derive(Debug)]
pub struct Checked {
    /// How long it took.
    pub took: Duration,
    /// What is wrong, if anything is.
    pub outcome: Result<(), Error>,
}

/// A model that can be asked.
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// What the settings call it.
    fn name(&self) -> &str;

    /// The model, as the provider names it.
    fn model(&self) -> &str;

    /// Asks. Nothing happens until the stream is polled; dropping it cancels the request.
    fn stream(&self, request: ChatRequest) -> EventStream;

    /// Asks, and waits for the answer as a whole. Dropping the future cancels the request.
    fn complete(&self, request: ChatRequest) -> BoxFuture<'_, Result<Answer, Error>>;

    /// Tries out the address, the key and the model with the cheapest request that proves them.
    fn check(&self) -> BoxFuture<'_, Checked>;

    /// The same model asked with another key; nothing where no key is used, as on this machine.
    fn with_key(&self, _key: Secret) -> Option<Arc<dyn Provider>> {
        None
    }
}

/// A provider that is nothing but a `Remote` with its vendor's dialect.
macro_rules! by_remote {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone)]
        pub struct $name($crate::ai::provider::remote::Remote);

        impl $crate::ai::provider::Provider for $name {
            fn name(&self) -> &str {
                self.0.name()
            }

            fn model(&self) -> &str {
                self.0.model()
            }

            fn stream(&self, request: $crate::ai::ChatRequest) -> $crate::ai::EventStream {
                self.0.stream(request)
            }

            fn complete(
                &self,
                request: $crate::ai::ChatRequest,
            ) -> futures_util::future::BoxFuture<'_, Result<$crate::ai::Answer, $crate::ai::Error>> {
                Box::pin(self.0.complete(request))
            }

            fn check(&self) -> futures_util::future::BoxFuture<'_, $crate::ai::Checked> {
                Box::pin(self.0.check())
            }

            fn with_key(
                &self,
                key: $crate::base::Secret,
            ) -> Option<std::sync::Arc<dyn $crate::ai::provider::Provider>> {
                Some(std::sync::Arc::new(Self(self.0.with_key(key))))
            }
        }
    };
}
use by_remote;

/// For settings that are on unless they are turned off.
fn yes() -> bool {
    true
}
