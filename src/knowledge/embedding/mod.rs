//! Which models turn texts into vectors here, and what asking them takes.
//!
//! The bundled model computes and is always there; others are on servers, cost money and can be down. [`Models`] knows all that the
//! settings describe, because while another one takes over, questions still go to the one before. Passages are sent in batches and what
//! was bought is kept; a model that is down or over the budget makes documents wait, one that refuses makes them fail. A question is
//! asked once, with a short deadline; without its vector, words alone are looked for.
//!
//! Owns no table and no job of its own. Limits: texts at a time and deadlines as the settings say; pauses of 30 s for a model that failed, 5
//! minutes for a budget, 15 at most.

mod model;
mod passages;
mod question;

pub use model::{Model, Models, RemoteModel};
pub(super) use passages::{Bill, Embedded, Held, Reason};
pub(super) use question::Asked;
