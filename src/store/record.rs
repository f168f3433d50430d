//! Values as MessagePack maps with field names (<https://github.com/msgpack/msgpack/blob/master/spec.md>).
//!
//! Self-describing, so that a field with a default can be added without a migration; decoding returns a
//! `Result`, unlike redb's own `Value`, so that a damaged row is an error and not a panic.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;

/// Anything that serde can write and read back.
pub trait Record: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> Record for T {}

pub(super) fn encode<R: Serialize>(table: &'static str, record: &R) -> Result<Vec<u8>, Error> {
    rmp_serde::to_vec_named(record).map_err(|error| Error::Damaged { table, reason: error.to_string() })
}

pub(super) fn decode<R: DeserializeOwned>(table: &'static str, bytes: &[u8]) -> Result<R, Error> {
    rmp_serde::from_slice(bytes).map_err(|error| Error::Damaged { table, reason: error.to_string() })
}
