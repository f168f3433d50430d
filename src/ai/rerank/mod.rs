//! Models elsewhere that read a question and passages together and say how well each passage answers.
//!
//! A [`Reranker`] reads what the indexes found and puts it in a better order. What comes back is checked: no passage twice, none
//! that was not sent, as many as were asked for, every score finite; passages leave best first, whatever order they came in.
//! Scores of one answer can be compared with each other and with nothing else: some servers send chances, some do not.
//!
//! How to use it:
//! - Hand over the best 20 to 50 candidates of a search, with what fits in the price and the time; take [`Reranked::ranked`]'s indexes
//!   as the new order. An error is no reason to fail a search: keep the order that was there, and say so in its explanation.
//! - Ask behind a [`crate::ai::Breaker`], so that visitors do not wait for a server that is down.
//! - Money: settle [`Reranked::usage`] where the price is by tokens, [`Reranked::search_units`] where it is by searches (Cohere). An answer
//!   that is refused here may have been charged all the same: settle what was set aside for it.
//!
//! Owns no table, no job and no event. Limits: [`DOCUMENTS_MAX`] documents and [`REQUEST_BYTES_MAX`] bytes of text in a request; one
//! deadline, retries included.

mod cohere;
mod decode;
mod http;
mod remote;
mod reranker;
mod voyage;

pub use cohere::CohereSettings;
pub use http::{DocumentsField, HttpSettings};
pub use remote::{DOCUMENTS_MAX, REQUEST_BYTES_MAX, RemoteReranker};
pub use reranker::{Ranked, RerankRequest, Reranked, Reranker};
pub use voyage::VoyageSettings;
