//! The bundled embedding model, word by word: a passage fits as well as the question's tokens find a like one in it.
//!
//! The score is the mean over the question's tokens of the best cosine with a token of the passage (late interaction: Khattab and
//! Zaharia, `ColBERT`, 2020). The model was not trained for it, so by itself it orders a mixed collection worse than the search before
//! it. What it adds is another view of the same passages, so the order is by the sum of both: this score, and the place that the
//! passage came in, each as deviations from the mean of the candidates. There is no weight to tune.
//!
//! nDCG@10 of a hybrid search and of its best 20 in this order, measured beside the program with the same model: support questions
//! against FAQ entries .944 and .952 (313 questions of stackfaq), a programming FAQ .845 and .858 (301 of perlfaq), aeronautics
//! abstracts .550 and .552 (75 of cranfield), claims against abstracts .694 and .689 (60 of scifact); by the score alone the last two fall to .523
//! and .653. The program itself, over the whole of stackfaq: .9466 and .9513, at 234 ms a question. Each of the 20 passages is read anew, about 20 ms of a core where it is as long as any, so a question takes up to half
//! a second on two cores instead of a few milliseconds. Hence it is not the default: it pays where documents are questions and
//! answers, and does nothing for articles.
//!
//! Token vectors are made anew for each question: kept, they would take a hundred kilobytes for each passage.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rten::ThreadPool;

use super::in_process::{InProcess, Reader, Scored};
use crate::ai::rerank::{Ranked, RerankRequest, Reranked, Reranker};
use crate::ai::{self, Checked};
use crate::search::Error;
use crate::search::embedder::MiniLm;

/// Products that are summed side by side, so that the compiler can keep them in one register.
const SIDE_BY_SIDE: usize = 8;

/// The bundled model as a reranker.
#[derive(Debug)]
pub struct MaxSim(InProcess<WordByWord>);

struct WordByWord(Arc<MiniLm>);

impl MaxSim {
    /// Reads with `embedder`, which questions and passages share; a whole reranking may take `deadline`, waiting in line included.
    #[must_use]
    pub fn new(name: &str, embedder: Arc<MiniLm>, deadline: Duration) -> Self {
        let model = embedder.model_id().to_owned();
        Self(InProcess::new(name.to_owned(), model, deadline, WordByWord(embedder)))
    }
}

impl Reranker for MaxSim {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn model(&self) -> &str {
        self.0.model()
    }

    fn rerank<'a>(&'a self, request: RerankRequest<'a>) -> BoxFuture<'a, Result<Reranked, ai::Error>> {
        Box::pin(async move {
            let top = request.top;
            let all = RerankRequest { top: request.documents.len(), ..request };
            let read = self.0.rerank(all).await?;
            let mut ranked = by_both(&read.ranked);
            ranked.truncate(top);
            Ok(Reranked { ranked, ..read })
        })
    }

    fn check(&self) -> BoxFuture<'_, Checked> {
        self.0.check()
    }
}

impl Reader for WordByWord {
    type Question = Vec<Vec<f32>>;

    fn question(&self, text: &str, lane: &Arc<ThreadPool>) -> Result<Self::Question, String> {
        self.tokens(text, lane).map(|(tokens, _)| tokens)
    }

    fn score(
        &self,
        question: &Self::Question,
        passage: &str,
        lane: &Arc<ThreadPool>,
    ) -> Result<Scored, String> {
        let (passage, tokens) = self.tokens(passage, lane)?;
        Ok(Scored { score: likeness(question, &passage), tokens })
    }
}

impl WordByWord {
    /// A text without words has no tokens, and is like nothing.
    fn tokens(&self, text: &str, lane: &Arc<ThreadPool>) -> Result<(Vec<Vec<f32>>, usize), String> {
        match self.0.token_vectors(text, lane) {
            Err(Error::TextEmpty) => Ok((Vec::new(), 0)),
            other => other.map_err(|error| error.to_string()),
        }
    }
}

/// The mean over the question's tokens of the best cosine, 0 for what has none.
#[expect(clippy::cast_precision_loss, reason = "a few hundred tokens")]
fn likeness(question: &[Vec<f32>], passage: &[Vec<f32>]) -> f32 {
    let best = |one: &Vec<f32>| passage.iter().map(|other| product(one, other)).fold(0.0, f32::max);
    if question.is_empty() { 0.0 } else { question.iter().map(best).sum::<f32>() / question.len() as f32 }
}

fn product(one: &[f32], other: &[f32]) -> f32 {
    let (one, other) = (one.as_chunks::<SIDE_BY_SIDE>().0, other.as_chunks::<SIDE_BY_SIDE>().0);
    let mut sums = [0.0_f32; SIDE_BY_SIDE];
    for (one, other) in one.iter().zip(other) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += one * other;
        }
    }
    sums.iter().sum()
}

/// By the sum of the score and the place that each came in, both as deviations from their mean; equal ones as they came in.
#[expect(clippy::cast_precision_loss, reason = "a few hundred passages")]
fn by_both(ranked: &[Ranked]) -> Vec<Ranked> {
    let scores = standardised(ranked.iter().map(|one| one.score).collect());
    let places = standardised(ranked.iter().map(|one| one.index as f32).collect());
    let mut both: Vec<Ranked> = ranked
        .iter()
        .zip(scores.iter().zip(&places))
        .map(|(one, (score, place))| Ranked { index: one.index, score: score - place })
        .collect();
    both.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.index.cmp(&other.index)));
    both
}

/// Zeros where all are the same.
#[expect(clippy::cast_precision_loss, reason = "a few hundred passages")]
fn standardised(mut numbers: Vec<f32>) -> Vec<f32> {
    let count = numbers.len().max(1) as f32;
    let mean = numbers.iter().sum::<f32>() / count;
    let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f32>() / count;
    let deviation = variance.sqrt();
    for number in &mut numbers {
        *number = if deviation > 1e-6 { (*number - mean) / deviation } else { 0.0 };
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(scores: &[f32]) -> Vec<usize> {
        let ranked = scores.iter().enumerate().map(|(index, score)| Ranked { index, score: *score });
        by_both(&ranked.collect::<Vec<_>>()).iter().map(|one| one.index).collect()
    }

    #[test]
    fn score_and_place_decide_together_and_the_place_where_there_is_nothing_else() {
        assert_eq!(order(&[0.5, 0.5, 0.5]), [0, 1, 2]);
        assert_eq!(order(&[0.9, 0.8, 0.1]), [0, 1, 2]);
        assert_eq!(order(&[0.1, 0.9, 0.2, 0.1]), [1, 0, 2, 3], "a likeness that stands out moves up");
        assert_eq!(
            order(&[0.1, 0.1, 0.1, 0.1, 0.9]),
            [0, 4, 1, 2, 3],
            "and a place that is far behind costs"
        );
        assert!(order(&[]).is_empty() && order(&[0.3]) == [0]);
    }

    #[test]
    fn likeness_is_the_mean_of_the_best_and_nothing_is_like_nothing() {
        let axis = |at: usize| {
            let mut vector = vec![0.0; 384];
            vector[at] = 1.0;
            vector
        };
        assert_eq!(likeness(&[axis(0), axis(1)], &[axis(1), axis(2)]), 0.5);
        assert_eq!((likeness(&[], &[axis(0)]), likeness(&[axis(0)], &[])), (0.0, 0.0));
    }
}
