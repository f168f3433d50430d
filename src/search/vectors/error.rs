//! What the vector index refuses or cannot do.

use std::borrow::Cow;

use crate::base::fault::{Fault, Kind};

/// Why a vector, a query or a snapshot was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The vector is longer or shorter than those of this index.
    #[error("a vector of {actual} dimensions, where the index holds {expected}")]
    Dimensions {
        /// What the index holds.
        expected: usize,
        /// What came.
        actual: usize,
    },
    /// A component is NaN or infinite.
    #[error("a vector with a component that is not finite")]
    NotFinite,
    /// All components are zero: there is no direction to compare.
    #[error("a vector of length zero")]
    Zero,
    /// Slots are numbered with 32 bits and all are taken; a rebuild frees those of removed chunks.
    #[error("the vector index is full")]
    Full,
    /// There is no snapshot in the directory.
    #[error("no snapshot of the vector index")]
    SnapshotMissing,
    /// A file of the snapshot is truncated, changed or contradicts another. The index must be rebuilt.
    #[error("the snapshot of the vector index is damaged: {file}: {what}")]
    SnapshotDamaged {
        /// The file's name, without its directory.
        file: String,
        /// What does not hold.
        what: &'static str,
    },
    /// The snapshot was written by another version of this format.
    #[error("a snapshot of format {found}, where this program reads {expected}")]
    SnapshotVersion {
        /// The version in the file.
        found: u32,
        /// The one this program reads and writes.
        expected: u32,
    },
    /// The snapshot holds vectors of another embedding model.
    #[error("a snapshot of model {model} with {dimensions} dimensions")]
    SnapshotOfAnotherModel {
        /// The model it was made with.
        model: String,
        /// Its dimensions.
        dimensions: usize,
    },
    /// The disk did not do as asked.
    #[error("reading or writing the snapshot of the vector index")]
    Io(#[from] std::io::Error),
    /// The graph library failed on its input; its panic was contained and the exact scan goes on serving.
    #[error("the graph library failed while {0}")]
    Graph(&'static str),
    /// A rebuild was asked to stop before it was done; nothing was swapped in.
    #[error("the rebuild was stopped")]
    Stopped,
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Dimensions { .. } | Self::NotFinite | Self::Zero => Kind::Invalid,
            Self::Full => Kind::Limited,
            Self::SnapshotMissing => Kind::NotFound,
            Self::Stopped => Kind::Unavailable,
            Self::SnapshotDamaged { .. }
            | Self::SnapshotVersion { .. }
            | Self::SnapshotOfAnotherModel { .. }
            | Self::Io(_)
            | Self::Graph(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Dimensions { .. } => "vector_dimensions",
            Self::NotFinite => "vector_not_finite",
            Self::Zero => "vector_zero",
            Self::Full => "vector_index_full",
            Self::SnapshotMissing => "vector_snapshot_missing",
            Self::SnapshotDamaged { .. } => "vector_snapshot_damaged",
            Self::SnapshotVersion { .. } => "vector_snapshot_version",
            Self::SnapshotOfAnotherModel { .. } => "vector_snapshot_model",
            Self::Io(_) => "vector_snapshot_io",
            Self::Graph(_) => "vector_graph",
            Self::Stopped => "vector_rebuild_stopped",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Dimensions { .. } => {
                "The embedding model answered with vectors of another size than this index holds. \
                 Check the embedding settings, then re-index."
            }
            Self::NotFinite | Self::Zero => {
                "The embedding model answered with a vector that cannot be compared. Check the embedding model."
            }
            Self::Full => "The vector index is full.",
            Self::SnapshotMissing
            | Self::SnapshotDamaged { .. }
            | Self::SnapshotVersion { .. }
            | Self::SnapshotOfAnotherModel { .. } => {
                "The saved vector index cannot be used; it is rebuilt from the documents."
            }
            Self::Io(_) => {
                "The saved vector index could not be read or written. Check the disk and its free space."
            }
            Self::Graph(_) | Self::Stopped => {
                "Preparing the vector index did not finish. Search goes on working; it will be tried again."
            }
        })
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Io(_) | Self::Graph(_) | Self::Stopped => true,
            Self::Dimensions { .. }
            | Self::NotFinite
            | Self::Zero
            | Self::Full
            | Self::SnapshotMissing
            | Self::SnapshotDamaged { .. }
            | Self::SnapshotVersion { .. }
            | Self::SnapshotOfAnotherModel { .. } => false,
        }
    }
}
