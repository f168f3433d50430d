//! The bundled model: all-MiniLM-L6-v2 (22.7 million parameters, English), int8, run by `rten` inside the process.
//!
//! A text is one run of the model. Activations are quantised over the whole tensor, so in a batch a text's vector
//! would depend on its neighbours; alone it is the same every time and on every machine, to float rounding.
//!
//! Threads: one text over all threads is the fastest answer to a query; for many texts, one thread each is the
//! most texts a second, as nothing then waits for its slowest part. So there is one pool for queries, as wide as
//! the setting, and as many pools of one thread for passages; a query never queues behind an ingestion.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, op_registry};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use super::tokens::Tokens;
use crate::search::Error;
use crate::search::lanes::Lanes;

/// Names the model, its quantisation and the recipe. Raise the last number whenever `packaging/models` makes
/// another model, so that indexes made with the old one are rebuilt.
const MODEL_ID: &str = "all-minilm-l6-v2-int8-v1";
const DIMENSIONS: usize = 384;
/// The model was trained on at most 256 tokens, of which two are its own marks.
const TEXT_TOKENS_MAX: usize = 254;
const THREADS_MAX: usize = 64;

static MODEL: &[u8] = include_bytes!("../../../data/models/all-minilm-l6-v2-int8.onnx");
static TOKENIZER: &[u8] = include_bytes!("../../../data/models/tokenizer.json");

/// all-MiniLM-L6-v2, ready to embed. Share it behind an [`Arc`]; every method takes `&self`.
pub struct MiniLm {
    model: Model,
    input: NodeId,
    output: NodeId,
    /// The state of each token, of which the output is the mean.
    states: NodeId,
    tokens: Tokens,
    wide: Arc<ThreadPool>,
    lanes: Lanes,
}

impl MiniLm {
    /// Tokens of a text that are read; the rest of a longer text does not count. A chunk of at most this many
    /// (by [`token_count`](Self::token_count)) is read whole.
    pub const TEXT_TOKENS_MAX: usize = TEXT_TOKENS_MAX;

    /// Opens the model that is compiled in, with a thread for each core. Takes some tens of milliseconds and
    /// about 70 MB.
    ///
    /// # Errors
    /// [`Error::BundledModelUnusable`] when what is compiled in is damaged.
    pub fn bundled() -> Result<Self, Error> {
        let operators = op_registry!(
            Add,
            Cast,
            Clip,
            Div,
            DynamicQuantizeLinear,
            Exp,
            Gather,
            Gelu,
            LayerNormalization,
            MatMul,
            MatMulInteger,
            Mul,
            ReduceMean,
            ReduceSum,
            Reshape,
            Shape,
            Slice,
            Softmax,
            Transpose
        );
        let model = ModelOptions::with_ops(operators)
            .prepack_weights(true)
            .load_static_slice(MODEL)
            .map_err(|cause| Error::BundledModelUnusable(cause.into()))?;
        let node = |name| model.node_id(name).map_err(|cause| Error::BundledModelUnusable(cause.into()));
        let (input, output, states) = (node("input_ids")?, node("embedding")?, node("hidden_6")?);
        let tokens = Tokens::parse(TOKENIZER)?;
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let (wide, lanes) = pools(threads);
        Ok(Self { model, input, output, states, tokens, wide, lanes })
    }

    /// The same model on this many threads (at least 1, at most 64), for a query and for passages alike.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        (self.wide, self.lanes) = pools(threads);
        self
    }

    /// A stable name of the model, its quantisation and its version: what an index must remember.
    #[must_use]
    pub fn model_id(&self) -> &'static str {
        MODEL_ID
    }

    /// How many numbers a vector has.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        DIMENSIONS
    }

    /// How many tokens the text has for this model, without limit. Should the text defy tokenising, its length
    /// in bytes, which is never less.
    #[must_use]
    pub fn token_count(&self, text: &str) -> usize {
        self.tokens.count(text).unwrap_or(text.len())
    }

    /// The vector of a text, of length one, so that the dot product of two is their cosine.
    ///
    /// # Errors
    /// [`Error::TextEmpty`] for a text without words; the others are faults of the model.
    pub fn embed(&self, text: &str) -> Result<Vec<f32>, Error> {
        self.run(text, &self.wide)
    }

    /// The vector of a question. The same as [`embed`](Self::embed): this model asks for no prefix.
    ///
    /// # Errors
    /// As [`embed`](Self::embed).
    pub fn embed_query(&self, question: &str) -> Result<Vec<f32>, Error> {
        self.embed(question)
    }

    /// The vectors of many passages, in their order.
    ///
    /// # Errors
    /// The first fault met, as [`embed`](Self::embed); one empty passage fails them all.
    pub fn embed_passages(&self, passages: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        self.run_each(passages).into_iter().collect()
    }

    /// The vectors of many sentences, in their order; `None` for one without words, such as a row of spaces.
    ///
    /// # Errors
    /// The first fault of the model.
    pub fn embed_sentences(&self, sentences: &[&str]) -> Result<Vec<Option<Vec<f32>>>, Error> {
        let vectors = self.run_each(sentences).into_iter();
        vectors
            .map(|vector| match vector {
                Ok(vector) => Ok(Some(vector)),
                Err(Error::TextEmpty) => Ok(None),
                Err(fault) => Err(fault),
            })
            .collect()
    }

    /// Each text alone on one thread, as many at a time as there are lanes.
    fn run_each(&self, texts: &[&str]) -> Vec<Result<Vec<f32>, Error>> {
        self.lanes.each(texts.len(), &|index, lane| {
            texts.get(index).map_or(Err(Error::TextEmpty), |text| self.run(text, lane))
        })
    }

    /// The vector of each token of a text in its place, without the marks around it, each of length one, and how many tokens were
    /// read. For models that compare word by word; no index holds such vectors.
    ///
    /// # Errors
    /// As [`embed`](Self::embed).
    pub(in crate::search) fn token_vectors(
        &self,
        text: &str,
        pool: &Arc<ThreadPool>,
    ) -> Result<(Vec<Vec<f32>>, usize), Error> {
        let ids = self.tokens.ids(text, TEXT_TOKENS_MAX)?;
        let read = ids.len();
        let states = self.output_of(ids, self.states, pool)?;
        let (_, states) = states.into_shape_vec::<f32, 2>().map_err(failed)?;
        let inner = states.chunks_exact(DIMENSIONS).skip(1).take(read.saturating_sub(2));
        let vectors = inner.map(|state| normalised(state.to_vec())).collect::<Result<_, _>>()?;
        Ok((vectors, read))
    }

    fn run(&self, text: &str, pool: &Arc<ThreadPool>) -> Result<Vec<f32>, Error> {
        let ids = self.tokens.ids(text, TEXT_TOKENS_MAX)?;
        let mean = self.output_of(ids, self.output, pool)?;
        let (_, mean) = mean.into_shape_vec::<f32, 1>().map_err(failed)?;
        normalised(mean)
    }

    fn output_of(&self, ids: Vec<i32>, node: NodeId, pool: &Arc<ThreadPool>) -> Result<Value, Error> {
        let input = NdTensor::from_data([ids.len()], ids);
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
        let inputs = vec![(self.input, input.view().into())];
        let [output] = self.model.run_n(inputs, [node], Some(options)).map_err(failed)?;
        Ok(output)
    }
}

fn failed(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::InferenceFailed(cause.into())
}

/// The pool a query runs on, and the lanes that passages run on.
fn pools(threads: usize) -> (Arc<ThreadPool>, Lanes) {
    let threads = threads.clamp(1, THREADS_MAX);
    (Arc::new(ThreadPool::with_num_threads(threads)), Lanes::new(threads))
}

/// The vector at length one; refuses one that has no direction.
fn normalised(mut vector: Vec<f32>) -> Result<Vec<f32>, Error> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if !length.is_normal() || vector.len() != DIMENSIONS {
        return Err(Error::VectorDegenerate);
    }
    vector.iter_mut().for_each(|x| *x /= length);
    Ok(vector)
}

#[cfg(test)]
mod normalised_tests {
    use super::*;

    #[test]
    fn a_vector_without_direction_is_refused() {
        for value in [0.0, f32::NAN, f32::INFINITY, f32::MAX] {
            assert!(matches!(normalised(vec![value; DIMENSIONS]), Err(Error::VectorDegenerate)), "{value}");
        }
        assert!(matches!(normalised(vec![1.0; 3]), Err(Error::VectorDegenerate)));
    }
}
