//! What can be wrong with a test set.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::base::fault::{Fault, Kind};
use crate::search::keywords;

/// A fault of an evaluation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the set is missing or cannot be read.
    #[error("{} cannot be read: {cause}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A line of a file is not what the format asks for.
    #[error("{}, line {line}: {reason}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The set holds nothing to measure.
    #[error("{} holds no question with a relevant document", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// The embedder failed, or did not return one finite vector for each text.
    #[error("the texts could not be embedded: {0}")]
    Embedding(String),
    /// The reranker that was tried failed.
    #[error("a question could not be reranked: {0}")]
    Reranking(String),
    /// The keyword index failed.
    #[error(transparent)]
    Keywords(#[from] keywords::Error),
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::File { .. } | Self::Line { .. } | Self::Empty { .. } => Kind::Invalid,
            Self::Embedding(_) => Kind::Internal,
            Self::Reranking(_) => Kind::Unavailable,
            Self::Keywords(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "eval_file_unreadable",
            Self::Line { .. } => "eval_line_malformed",
            Self::Empty { .. } => "eval_set_empty",
            Self::Embedding(_) => "eval_embedding_failed",
            Self::Reranking(_) => "eval_reranking_failed",
            Self::Keywords(error) => error.code(),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::File { .. } => "A file of the test set is missing or cannot be read. The set needs corpus.jsonl, queries.jsonl and qrels.tsv.".into(),
            Self::Line { .. } => "A line of the test set is malformed; correct it and run again.".into(),
            Self::Empty { .. } => "The test set has no question with a relevant document.".into(),
            Self::Embedding(_) => "The embedding model failed on the test set; the log has the cause.".into(),
            Self::Reranking(_) => "The reranker failed on the test set, so there is nothing to compare. A longer rerank.deadline_ms may help.".into(),
            Self::Keywords(error) => error.public(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::File { .. } | Self::Line { .. } | Self::Empty { .. } | Self::Embedding(_) => false,
            Self::Reranking(_) => true,
            Self::Keywords(error) => error.retryable(),
        }
    }
}
