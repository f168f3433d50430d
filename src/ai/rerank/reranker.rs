//! What every reranker can be asked, and what it answers.

use std::fmt;

use futures_util::future::BoxFuture;

use super::super::provider::Checked;
use super::super::{Error, Usage};

/// What is to be ranked.
#[derive(Debug, Clone)]
pub struct RerankRequest<'a> {
    /// What somebody looks for; not blank.
    pub query: &'a str,
    /// What was found, in the order in which it was found: best first.
    pub documents: &'a [&'a str],
    /// How many of them are wanted; more than there are is all.
    pub top: usize,
    /// On whose behalf, for the egress ledger.
    pub tenant: Option<String>,
}

/// A document's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Which of the documents, from 0.
    pub index: usize,
    /// Finite. The higher, the better; comparable within one answer only.
    pub score: f32,
}

/// The best documents, and what it took to find them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reranked {
    /// Best first; each document at most once.
    pub ranked: Vec<Ranked>,
    /// Tokens read; nothing is ever written.
    pub usage: Usage,
    /// What is charged by those who charge by searches, rounded up.
    pub search_units: Option<u64>,
}

/// A model that puts documents in order.
pub trait Reranker: fmt::Debug + Send + Sync + 'static {
    /// What the settings call it.
    fn name(&self) -> &str;

    /// The model, as the provider names it: what the price list is asked for.
    fn model(&self) -> &str;

    /// Ranks. Asks nobody where there are no documents or none is wanted. Dropping the future cancels the request.
    fn rerank<'a>(&'a self, request: RerankRequest<'a>) -> BoxFuture<'a, Result<Reranked, Error>>;

    /// Tries out the address, the key and the model with the shortest of texts.
    fn check(&self) -> BoxFuture<'_, Checked>;
}
