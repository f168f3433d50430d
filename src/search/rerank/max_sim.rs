//! The bundled embedding model, word by word: a passage fits as well as the question's tokens find a like one in it.
//!
//! The score is the mean over the question's tokens of the best cosine with a token of the passage (late interaction: Khattab and
//! Zaharia, `ColBERT`, 2020). The model was not trained for it, so by itself it orders a mixed collection worse than the search before
//! it. What it adds is another view of the same passages, so the order is by the sum of two places: the one that the passage came
//! in, and the one by this score. There is no weight to tune.
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
            let mut ranked = by_both_places(&read.ranked);
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

/// The mean over the question's tokens of the best cosine, -1 for what has none.
#[expect(clippy::cast_precision_loss, reason = "a few hundred tokens")]
fn likeness(question: &[Vec<f32>], passage: &[Vec<f32>]) -> f32 {
    let best = |one: &Vec<f32>| passage.iter().map(|other| product(one, other)).fold(-1.0, f32::max);
    if question.is_empty() { -1.0 } else { question.iter().map(best).sum::<f32>() / question.len() as f32 }
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

/// By the sum of the place that each came in and the one it has in `ranked`, less being better; equal ones as they are in `ranked`.
/// The score is how far the sum is from the worst, 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a few hundred passages")]
fn by_both_places(ranked: &[Ranked]) -> Vec<Ranked> {
    let worst = (ranked.len().saturating_sub(1) * 2).max(1) as f32;
    let mut both: Vec<Ranked> = ranked
        .iter()
        .zip(0_usize..)
        .map(|(one, place)| Ranked { index: one.index, score: 1.0 - (one.index + place) as f32 / worst })
        .collect();
    both.sort_by(|one, other| other.score.total_cmp(&one.score));
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(indexes: &[usize]) -> Vec<Ranked> {
        indexes.iter().map(|index| Ranked { index: *index, score: 0.0 }).collect()
    }

    #[test]
    fn both_places_decide_and_the_word_by_word_one_where_they_are_even() {
        let order = |indexes: &[usize]| -> Vec<usize> {
            by_both_places(&ranked(indexes)).iter().map(|one| one.index).collect()
        };
        assert_eq!(order(&[0, 1, 2]), [0, 1, 2]);
        assert_eq!(order(&[1, 0, 2]), [1, 0, 2]);
        assert_eq!(order(&[2, 0, 1]), [0, 2, 1]);
        assert_eq!(order(&[3, 2, 1, 0]), [3, 2, 1, 0]);
        assert!(order(&[]).is_empty());
        let scores: Vec<f32> = by_both_places(&ranked(&[0, 1, 2])).iter().map(|one| one.score).collect();
        assert_eq!(scores, [1.0, 0.5, 0.0]);
    }

    #[test]
    fn likeness_is_the_mean_of_the_best_and_nothing_is_like_nothing() {
        let axis = |at: usize| {
            let mut vector = vec![0.0; 384];
            vector[at] = 1.0;
            vector
        };
        assert_eq!(likeness(&[axis(0), axis(1)], &[axis(1), axis(2)]), 0.5);
        assert_eq!((likeness(&[], &[axis(0)]), likeness(&[axis(0)], &[])), (-1.0, -1.0));
    }
}
