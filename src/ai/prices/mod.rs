//! What a call of a model costs, in whole micro-dollars.
//!
//! The shipped list is `data/prices.toml`, compiled in; a site's own `[[ai.price]]` wins over it. A cost is summed exactly
//! and rounded up once, so that the sum over calls is never below what the tokens cost. A model without a price is an
//! error of its own, never a zero: what runs on the site's own machine is free because the caller says so
//! ([`Price::free`]), not because it is unknown.
//!
//! [`Price::cost`] is what a call took; [`Price::reserve`] is what it can take at most, before it is made. For rerankers, which
//! charge by tokens or by searches, these are [`Price::reranking`] and [`Price::reserve_reranking`].

mod error;
mod price;
mod reranking;
mod table;

pub use error::PriceError;
pub use price::{Price, Reservation};
pub use reranking::RerankingSize;
pub use table::PriceTable;
pub(super) use table::is_version_of;
