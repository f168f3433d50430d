//! Models elsewhere that turn texts into vectors.
//!
//! An [`Embedder`] says with [`Embedder::model_id`] whose vectors its vectors can be compared with; an index records it and is
//! rebuilt when it changes. Questions and passages are embedded differently ([`InputType`]). What comes back is checked: as
//! many vectors as texts, each text's own by its `index`, all of one size, finite, and with a direction; they leave with
//! length 1, so that a product of two is their cosine.
//!
//! `knowledge::embedding` uses it. How:
//! - Money: set aside [`crate::ai::prices::Price::reserve`] of a [`crate::ai::prices::Reservation`] with the bytes of all texts and
//!   their number as messages, ask, then settle [`Embedded::usage`]. Of a call that failed, [`EmbeddingFailed::done`] tells what was
//!   spent all the same.
//! - Documents: hand over as many texts as a step of the job has. They go out in batches, one after another; when one fails, the
//!   vectors before it are in [`EmbeddingFailed::done`] and need not be paid for again.
//! - Questions: one text, [`InputType::Query`]. When the embedder is down, search goes on by words alone.
//! - A setting that names another model is another [`Embedder::model_id`]: embed everything anew while the old index serves.
//!
//! Owns no table, no job and no event. Limits: those of [`Batches`] for a request; a text that is larger than a batch is refused;
//! [`DIMENSIONS_MAX`] numbers in a vector; one deadline for each request, its retries included.

mod batches;
mod decode;
mod embedder;
mod openai_compatible;
mod remote;
mod voyage;

pub use batches::Batches;
pub use decode::DIMENSIONS_MAX;
pub use embedder::{Embedded, Embedder, EmbeddingFailed, EmbeddingRequest, InputType};
pub use openai_compatible::OpenAiCompatibleSettings;
pub use remote::RemoteEmbedder;
pub use voyage::VoyageSettings;
