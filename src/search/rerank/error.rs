//! Why a cross-encoder that the site brings cannot be used. Said at start, to whoever runs the appliance.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::base::{Fault, Kind};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a cross-encoder cannot be used. `path` is the file at fault.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what the messages say")]
pub enum Error {
    /// It is not there, or may not be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// It is larger than what is loaded.
    #[error("{} has {bytes} bytes, and at most {bytes_max} are loaded", path.display())]
    TooLarge { path: PathBuf, bytes: u64, bytes_max: u64 },
    /// It is no ONNX model, or uses operators that are not known here.
    #[error("{} is not an ONNX model that can be run here", path.display())]
    NotAModel {
        path: PathBuf,
        #[source]
        source: Cause,
    },
    /// It is no `tokenizer.json`.
    #[error("{} is not a tokenizer", path.display())]
    NotATokenizer {
        path: PathBuf,
        #[source]
        source: Cause,
    },
    /// The tokenizer puts no marks between two texts.
    #[error("{} does not say how a question and a passage are put together", path.display())]
    NoPairs { path: PathBuf },
    /// The model wants something that is not given to it.
    #[error("{} has the input \"{input}\"; a cross-encoder has input_ids, attention_mask and token_type_ids, as whole numbers", path.display())]
    InputUnknown { path: PathBuf, input: String },
    /// The model reads no tokens.
    #[error("{} has no input \"input_ids\"", path.display())]
    InputMissing { path: PathBuf },
    /// The model's answer is not one number for a pair.
    #[error("{} answers {found} for a pair, where a reranker answers one number", path.display())]
    OutputWrong { path: PathBuf, found: String },
    /// The model fails on a pair of words.
    #[error("{} cannot read a question and a passage", path.display())]
    TrialFailed {
        path: PathBuf,
        #[source]
        source: Cause,
    },
    /// The model fails on as many tokens as it should read.
    #[error("{} cannot read {tokens} tokens", path.display())]
    TooManyTokens {
        path: PathBuf,
        tokens: usize,
        #[source]
        source: Cause,
    },
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Unreadable { .. }
            | Self::TooLarge { .. }
            | Self::NotAModel { .. }
            | Self::NotATokenizer { .. }
            | Self::NoPairs { .. }
            | Self::InputUnknown { .. }
            | Self::InputMissing { .. }
            | Self::OutputWrong { .. }
            | Self::TrialFailed { .. }
            | Self::TooManyTokens { .. } => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "reranker_unreadable",
            Self::TooLarge { .. } => "reranker_too_large",
            Self::NotAModel { .. } => "reranker_not_a_model",
            Self::NotATokenizer { .. } => "reranker_not_a_tokenizer",
            Self::NoPairs { .. } => "reranker_no_pairs",
            Self::InputUnknown { .. } | Self::InputMissing { .. } => "reranker_inputs_wrong",
            Self::OutputWrong { .. } => "reranker_output_wrong",
            Self::TrialFailed { .. } => "reranker_trial_failed",
            Self::TooManyTokens { .. } => "reranker_too_many_tokens",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        let advice = match self {
            Self::Unreadable { .. } => {
                "model.onnx and, beside it, tokenizer.json must be there and readable for the appliance"
            }
            Self::TooLarge { .. } => "take a smaller model, or one with 8-bit weights",
            Self::NotAModel { .. } => {
                "export it anew as one ONNX file, without external data and vendor operators"
            }
            Self::NotATokenizer { .. } => "take the tokenizer.json that was published with the model",
            Self::NoPairs { .. } => {
                "take the tokenizer.json of a cross-encoder, whose post-processor knows pairs"
            }
            Self::InputUnknown { .. } | Self::InputMissing { .. } => {
                "export the model as a sequence classifier over tokens"
            }
            Self::OutputWrong { .. } => "take a cross-encoder with one label",
            Self::TrialFailed { .. } => "model and tokenizer may not belong together",
            Self::TooManyTokens { .. } => "set tokens_max to what the model was made for, such as 512",
        };
        format!("{self}: {advice}.").into()
    }

    fn retryable(&self) -> bool {
        false
    }
}
