//! What every reranker in this process has in common: a line, threads, a deadline, and an end when nobody waits any more.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rten::ThreadPool;
use tokio::time::Instant;

use crate::ai::rerank::{Ranked, RerankRequest, Reranked, Reranker};
use crate::ai::{Checked, Deadline, Error, Usage};
use crate::base::Pool;
use crate::base::pool::PoolError;
use crate::search::lanes::Lanes;

/// Rerankings that may wait for the one that is worked on.
const LINE_MAX: usize = 16;
const PROBE: &str = "ping";

/// How well a passage answers, and the tokens that were read to tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scored {
    pub(super) score: f32,
    pub(super) tokens: usize,
}

/// A model that reads a question and one passage. Computes and never waits on the world. What goes wrong is for the log.
pub(super) trait Reader: Send + Sync + 'static {
    /// A question, ready to be read with each passage.
    type Question: Send + Sync;

    /// Reads the question once for all passages.
    fn question(&self, text: &str, lane: &Arc<ThreadPool>) -> Result<Self::Question, String>;

    /// Reads one passage with it.
    fn score(
        &self,
        question: &Self::Question,
        passage: &str,
        lane: &Arc<ThreadPool>,
    ) -> Result<Scored, String>;
}

/// A reranker in this process.
pub(super) struct InProcess<R> {
    name: String,
    model: String,
    deadline: Duration,
    pool: Pool,
    inner: Arc<Inner<R>>,
}

struct Inner<R> {
    reader: R,
    lanes: Lanes,
}

/// Why there is no order.
enum Stopped {
    /// The deadline is over, or nobody waits.
    Early,
    Failed(String),
}

/// When the work is to end, as it looks itself before each passage.
#[derive(Clone)]
struct Until {
    deadline: Instant,
    nobody_waits: Arc<AtomicBool>,
}

impl Until {
    fn is_over(&self) -> bool {
        self.nobody_waits.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }
}

/// Whoever waits for the work.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<R> fmt::Debug for InProcess<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess")
            .field("name", &self.name)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl<R: Reader> InProcess<R> {
    pub(super) fn new(name: String, model: String, deadline: Duration, reader: R) -> Self {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let inner = Arc::new(Inner { reader, lanes: Lanes::new(threads) });
        Self { name, model, deadline, pool: Pool::new(1, LINE_MAX), inner }
    }

    async fn ask(&self, request: RerankRequest<'_>) -> Result<Reranked, Error> {
        let top = request.top.min(request.documents.len());
        if top == 0 {
            return Ok(Reranked::default());
        }
        let provider = || self.name.clone();
        if request.query.trim().is_empty() {
            let detail = "the query is empty".to_owned();
            return Err(Error::RequestRefused { provider: provider(), detail });
        }
        let nobody_waits = Arc::new(AtomicBool::new(false));
        let waiting = Waiting(nobody_waits.clone());
        let until = Until { deadline: Instant::now() + self.deadline, nobody_waits };
        let (inner, deadline) = (self.inner.clone(), until.deadline);
        let query = request.query.to_owned();
        let passages: Vec<String> = request.documents.iter().map(|text| (*text).to_owned()).collect();
        let work = move || inner.read(&query, &passages, &until);
        let timed_out = || Error::TimedOut { provider: provider(), deadline: Deadline::Whole };
        let failed = |detail: String| Error::Failed { provider: provider(), retry_after: None, detail };
        let Ok(done) = tokio::time::timeout_at(deadline, self.pool.run(work)).await else {
            return Err(timed_out());
        };
        drop(waiting);
        let scored = match done {
            Ok(Ok(scored)) => scored,
            Ok(Err(Stopped::Early)) => return Err(timed_out()),
            Ok(Err(Stopped::Failed(detail))) => return Err(failed(detail)),
            Err(PoolError::Busy) => return Err(failed("too many rerankings wait".to_owned())),
            Err(PoolError::Lost) => return Err(failed("the work ended without a result".to_owned())),
        };
        Ok(ordered(&scored, top))
    }
}

impl<R: Reader> Inner<R> {
    /// Every passage's score, unless it is told to stop before.
    fn read(&self, query: &str, passages: &[String], until: &Until) -> Result<Vec<Scored>, Stopped> {
        let Some(lane) = self.lanes.first() else { return Err(Stopped::Early) };
        if until.is_over() {
            return Err(Stopped::Early);
        }
        let question = self.reader.question(query, lane).map_err(Stopped::Failed)?;
        let scored = self.lanes.each(passages.len(), &|index, lane| {
            let Some(passage) = passages.get(index).filter(|_| !until.is_over()) else {
                return Err(Stopped::Early);
            };
            let scored = self.reader.score(&question, passage, lane).map_err(Stopped::Failed)?;
            if scored.score.is_finite() {
                Ok(scored)
            } else {
                Err(Stopped::Failed(format!("the model answered {} for a passage", scored.score)))
            }
        });
        scored.into_iter().collect()
    }
}

/// The best `top`, equal ones in the order they came in.
fn ordered(scored: &[Scored], top: usize) -> Reranked {
    let mut ranked: Vec<Ranked> =
        scored.iter().enumerate().map(|(index, scored)| Ranked { index, score: scored.score }).collect();
    ranked.sort_by(|one, other| other.score.total_cmp(&one.score));
    ranked.truncate(top);
    let tokens: usize = scored.iter().map(|scored| scored.tokens).sum();
    let usage = Usage { input_tokens: u64::try_from(tokens).unwrap_or(u64::MAX), ..Usage::default() };
    Reranked { ranked, usage, search_units: None }
}

impl<R: Reader> Reranker for InProcess<R> {
    fn name(&self) -> &str {
        &self.name
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn rerank<'a>(&'a self, request: RerankRequest<'a>) -> BoxFuture<'a, Result<Reranked, Error>> {
        Box::pin(self.ask(request))
    }

    fn check(&self) -> BoxFuture<'_, Checked> {
        Box::pin(async {
            let began = Instant::now();
            let request = RerankRequest { query: PROBE, documents: &[PROBE], top: 1, tenant: None };
            let outcome = self.ask(request).await.map(drop);
            Checked { took: began.elapsed(), outcome }
        })
    }
}
