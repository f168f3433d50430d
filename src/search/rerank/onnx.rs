//! A cross-encoder in a file: a BERT-like model that reads question and passage together and answers one number.
//!
//! The file is what the usual exporters write: inputs `input_ids`, `attention_mask` and, where the model tells question and
//! passage apart, `token_type_ids`, all `[batch, tokens]`; the output `logits` (or the only one), `[batch, 1]` or `[batch]`. Whether
//! weights are f32 or int8 is the file's business. All that can be wrong with it is found when it is loaded, with a trial pair and a
//! trial as long as any, so that no question meets it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rten::{DataType, Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueType};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};

use super::Error;
use super::in_process::{InProcess, Reader, Scored};
use super::pairs::{Input, Pairs, QuestionTokens};
use crate::ai::rerank::{RerankRequest, Reranked, Reranker};
use crate::ai::{self, Checked};

/// Bytes of a model's file.
pub const MODEL_BYTES_MAX: u64 = 1 << 30;
/// Bytes of a tokenizer's file.
pub const TOKENIZER_BYTES_MAX: u64 = 64 << 20;
/// What most cross-encoders read.
const TOKENS_MAX: usize = 512;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A cross-encoder and how it is asked.
#[derive(Debug, Clone)]
pub struct OnnxSettings {
    /// What people call it.
    pub name: String,
    /// What the price list and the ledger call it.
    pub model: String,
    /// The model's file; `tokenizer.json` lies beside it.
    pub path: PathBuf,
    /// Tokens of question and passage together; 512 when not given, and never more than the tokenizer itself says.
    pub tokens_max: Option<usize>,
    /// For one reranking, waiting in line included.
    pub deadline: Duration,
}

/// A cross-encoder, ready to be asked.
#[derive(Debug)]
pub struct OnnxReranker(InProcess<CrossEncoder>);

struct CrossEncoder {
    model: Model,
    inputs: Vec<(NodeId, Row)>,
    output: NodeId,
    pairs: Pairs,
}

/// Which row of an [`Input`] an input of the model takes.
#[derive(Debug, Clone, Copy)]
enum Row {
    Ids,
    Attention,
    Types,
}

impl OnnxReranker {
    /// Loads the model and tries it out. Blocks for some hundred milliseconds, and takes about twice the size of the file.
    ///
    /// # Errors
    /// What is wrong with the file or with the tokenizer beside it.
    pub fn open(settings: OnnxSettings) -> Result<Self, Error> {
        let OnnxSettings { name, model, path, tokens_max, deadline } = settings;
        let encoder = CrossEncoder::open(&path, tokens_max.unwrap_or(TOKENS_MAX))?;
        Ok(Self(InProcess::new(name, model, deadline, encoder)))
    }
}

impl Reranker for OnnxReranker {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn model(&self) -> &str {
        self.0.model()
    }

    fn rerank<'a>(&'a self, request: RerankRequest<'a>) -> BoxFuture<'a, Result<Reranked, ai::Error>> {
        self.0.rerank(request)
    }

    fn check(&self) -> BoxFuture<'_, Checked> {
        self.0.check()
    }
}

impl fmt::Debug for CrossEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrossEncoder").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_path_buf(), source };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > bytes_max {
        return Err(Error::TooLarge { path: path.to_path_buf(), bytes, bytes_max });
    }
    std::fs::read(path).map_err(unreadable)
}

/// The model's inputs, each with what it is given.
fn inputs(model: &Model, path: &Path) -> Result<Vec<(NodeId, Row)>, Error> {
    let mut inputs = Vec::new();
    for id in model.input_ids() {
        let info = model.node_info(*id);
        let name = info.as_ref().and_then(rten::NodeInfo::name).unwrap_or_default();
        let whole = info.as_ref().and_then(rten::NodeInfo::dtype);
        let whole = whole.is_none_or(|kind| kind == ValueType::Tensor(DataType::Int32));
        let row = match name {
            "input_ids" if whole => Row::Ids,
            "attention_mask" if whole => Row::Attention,
            "token_type_ids" if whole => Row::Types,
            other => {
                return Err(Error::InputUnknown { path: path.to_path_buf(), input: other.to_owned() });
            }
        };
        inputs.push((*id, row));
    }
    if inputs.iter().any(|(_, row)| matches!(row, Row::Ids)) {
        Ok(inputs)
    } else {
        Err(Error::InputMissing { path: path.to_path_buf() })
    }
}

impl CrossEncoder {
    fn open(path: &Path, tokens_max: usize) -> Result<Self, Error> {
        let bytes = read(path, MODEL_BYTES_MAX)?;
        let tokenizer = path.with_file_name("tokenizer.json");
        let json = read(&tokenizer, TOKENIZER_BYTES_MAX)?;
        let pairs = Pairs::parse(&json, tokens_max)
            .map_err(|source| Error::NotATokenizer { path: tokenizer.clone(), source })?;
        let pairs = pairs.ok_or(Error::NoPairs { path: tokenizer })?;
        let not_a_model = |source: Cause| Error::NotAModel { path: path.to_path_buf(), source };
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(bytes)
            .map_err(|source| not_a_model(source.into()))?;
        let inputs = inputs(&model, path)?;
        let named = model.output_ids().iter().find(|id| {
            model.node_info(**id).as_ref().and_then(rten::NodeInfo::name).is_some_and(|name| name == "logits")
        });
        let output = named.or_else(|| model.output_ids().first()).copied();
        let output = output.ok_or_else(|| not_a_model("it has no output".into()))?;
        let encoder = Self { model, inputs, output, pairs };
        encoder.try_out(path)?;
        Ok(encoder)
    }

    /// A short pair must give one number, and as many tokens as there may be must not be too many.
    fn try_out(&self, path: &Path) -> Result<(), Error> {
        let path = path.to_path_buf();
        let lane = Arc::new(ThreadPool::with_num_threads(1));
        let answer = self
            .pairs
            .question("a question")
            .and_then(|question| self.pairs.with_passage(&question, "a passage"))
            .and_then(|input| self.run(&input, &lane));
        match answer {
            Err(source) => return Err(Error::TrialFailed { path, source }),
            Ok(answer) if answer.len() != 1 => {
                let found = format!("numbers in the shape {:?}", answer.shape());
                return Err(Error::OutputWrong { path, found });
            }
            Ok(_) => {}
        }
        let tokens = self.pairs.tokens_max();
        let longest = Input::full(self.pairs.last_id(), tokens);
        let answer = self.run(&longest, &lane);
        answer.map(drop).map_err(|source| Error::TooManyTokens { path, tokens, source })
    }

    fn run(&self, input: &Input, lane: &Arc<ThreadPool>) -> Result<Tensor<f32>, Cause> {
        let tensor = |row: &Row| {
            let numbers = match row {
                Row::Ids => &input.ids,
                Row::Attention => &input.attention,
                Row::Types => &input.types,
            };
            NdTensor::from_data([1, numbers.len()], numbers.clone())
        };
        let inputs = self.inputs.iter().map(|(id, row)| (*id, tensor(row).into())).collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(lane)));
        let [answer] = self.model.run_n(inputs, [self.output], Some(options))?;
        answer.into_tensor::<f32>().ok_or_else(|| "the answer is not made of floats".into())
    }
}

impl Reader for CrossEncoder {
    type Question = QuestionTokens;

    fn question(&self, text: &str, _: &Arc<ThreadPool>) -> Result<QuestionTokens, String> {
        self.pairs.question(text).map_err(|cause| cause.to_string())
    }

    fn score(
        &self,
        question: &QuestionTokens,
        passage: &str,
        lane: &Arc<ThreadPool>,
    ) -> Result<Scored, String> {
        let input = self.pairs.with_passage(question, passage).map_err(|cause| cause.to_string())?;
        let answer = self.run(&input, lane).map_err(|cause| cause.to_string())?;
        match answer.to_vec().as_slice() {
            [score] => Ok(Scored { score: *score, tokens: input.ids.len() }),
            other => Err(format!("the model answered {} numbers for a pair", other.len())),
        }
    }
}
