//! The two indexes of a tenant as one: what is in them, how they keep up with the store, and how they are asked.
//!
//! Passages come in groups (a group is one version of one document; this room does not care). A group is filled while nobody
//! can find it ([`add`]), announced to the indexes while it is still hidden ([`prepare`]), and shown in a single row
//! ([`show`]); taking it away ([`withdraw`]) hides it at once. So a new version takes the place of an old one in one transaction
//! however large they are, and a search never waits for an index: what is shown was in the indexes before, and what was
//! withdrawn is hidden until it has left them ([`clear`], [`forget`]).
//!
//! The rows are the truth. [`TenantIndex`] reads the index log on from its own positions, and is rebuilt from the rows when a
//! file of it is missing, damaged, of another version, or ahead of or behind what the log still tells.
//!
//! Which embedding model's vectors serve, and how another model's take their place while they do, is in [`spaces`].
//!
//! Tables, in each tenant's keyspace: `search.group`, `search.passage`, `search.vector`, `search.vector_other`, `search.space`,
//! `search.hidden`, and entries of the store's index log. Owns no job and no event.
//!
//! Limits: [`PASSAGES_MAX`] passages in a group; 100,000 hidden groups that a search looks at; 256 entries of the log and
//! 256 passages read at a time; 2,048 changes in a commit of the keyword index; the vectors are saved when 4,096 of them
//! and a quarter of all have changed.

mod ask;
mod attached;
mod catch_up;
mod error;
mod open;
mod rows;
pub mod spaces;
mod unrelated;
mod vector_in;

pub use ask::{Answer, Question};
pub use attached::{EmbeddingModel, TenantIndex};
pub use error::Error;
pub use rows::{
    Group, PASSAGES_MAX, Passage, add, begin, clear, forget, group, group_of, number, passage, prepare, show,
    vector_of_text, withdraw,
};
