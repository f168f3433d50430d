//! Models elsewhere that read a question and passages together and say how well each passage answers.
//!
//! A [`Reranker`] reads what the indexes found and puts it in a better order. What comes back is checked: no passage twice, none
//! that was not sent, as many as were asked for, every score finite; passages leave best first, whatever order they came in.
//! Scores of one answer can be compared with each other and with nothing else: some servers send chances, some do not.
//!
//! [`crate::knowledge`] is who asks: it hands over the best candidates of a search, keeps the order that was there when anything
//! fails, leaves a reranker that fails again and again alone ([`crate::ai::Breaker`]), and keeps to the budget
//! ([`crate::ai::prices::Price::reserve_reranking`]). Money is by [`Reranked::usage`] where the price is by tokens, by
//! [`Reranked::search_units`] where it is by searches (Cohere). An answer that is refused here may have been charged all the same.
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
