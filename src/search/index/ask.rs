//! One question to both indexes.
//!
//! Each index returns its own best; then each is asked about what only the other has found, so that every candidate has
//! both scores and fusion never takes "not in this list" for "not alike". Which groups are hidden, and the exact vectors,
//! are read in one snapshot. What is hidden is left out while searching and not afterwards, so it takes no other
//! passage's place.

use std::collections::HashSet;
use std::time::Instant;

use super::attached::Indexes;
use super::rows::{HIDDEN_MAX, Hidden, group_of};
use super::spaces::Half;
use super::{EmbeddingModel, Error, TenantIndex, vector_in};
use crate::search::fusion::{self, Fused, Settings};
use crate::search::vectors::{Filter, VectorIndex};
use crate::store::{Keyspace, Read as _, ReadTx, Scan};

/// Candidates taken from each list, at least.
const CANDIDATES_MIN: usize = 100;
/// Candidates taken from each list, at most.
const CANDIDATES_MAX: usize = 1_000;

/// A question, ready to be asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Its words.
    pub text: &'a str,
    /// Its vector and the model that made it; without one, words alone are looked for.
    pub vector: Option<(&'a EmbeddingModel, &'a [f32])>,
    /// How the lists are fused.
    pub settings: &'a Settings,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The best passages and how they were found. Of the timings, embedding is not filled in.
    pub fused: Fused,
    /// Passages that the indexes hold.
    pub indexed: usize,
    /// Whether the vector was used. It is not where its model's vectors do not serve any more, or have another size.
    pub semantic: bool,
}

/// The vectors that a question can be compared with.
struct Side<'a> {
    vectors: &'a VectorIndex,
    half: Half,
    vector: &'a [f32],
}

impl<'a> Side<'a> {
    fn of(indexes: &'a Indexes, question: &Question<'a>) -> Option<Self> {
        let (model, vector) = question.vector?;
        let serving = (&indexes.space, &indexes.vectors);
        let before = indexes.before.as_ref().map(|(space, vectors)| (space, vectors));
        let sides = std::iter::once(serving).chain(before);
        let (space, vectors) = sides.into_iter().find(|(space, _)| space.model.id == model.id)?;
        (vector.len() == vectors.dimensions()).then_some(Self { vectors, half: space.half, vector })
    }
}

impl TenantIndex {
    /// The best passages for a question, as of the snapshot `tx`. Blocks only where the indexes must be opened first.
    ///
    /// # Errors
    /// When the store or an index fails.
    pub fn ask(&self, keyspace: &Keyspace, tx: &ReadTx, question: &Question<'_>) -> Result<Answer, Error> {
        self.with_indexes(keyspace, |indexes| {
            let hidden: HashSet<u64> = tx.keys::<Hidden>(&Scan::all(HIDDEN_MAX))?.into_iter().collect();
            let admit = |chunk: u64| !hidden.contains(&group_of(chunk));
            let wanted = question.settings.top_k.saturating_mul(2).clamp(CANDIDATES_MIN, CANDIDATES_MAX);
            let side = Side::of(indexes, question);
            let half = side.as_ref().map_or(Half::First, |side| side.half);
            let exact = |chunk: u64, into: &mut [f32]| exact_vector(tx, half, chunk, into);
            let begun = Instant::now();

            let filter = if hidden.is_empty() { Filter::All } else { Filter::Where(&admit) };
            let semantic: Vec<(u64, f32)> = match &side {
                Some(side) => side.vectors.search(side.vector, wanted, filter, &exact)?,
                None => Vec::new(),
            }
            .into_iter()
            .map(|hit| (hit.chunk, hit.cosine))
            .collect();
            let semantic_us = micros(begun);

            let asked = indexes.keywords.ask(question.text)?;
            let admit: Option<&dyn Fn(u64) -> bool> = if hidden.is_empty() { None } else { Some(&admit) };
            let keyword = indexes.keywords.top(&asked, wanted, admit)?;
            let keyword_us = micros(begun) - semantic_us;

            let union = fusion::union(&semantic, &keyword.hits);
            let listed: HashSet<u64> = semantic.iter().map(|(chunk, _)| *chunk).collect();
            let missing: Vec<u64> = union.iter().copied().filter(|chunk| !listed.contains(chunk)).collect();
            let cosines = match &side {
                Some(side) => side.vectors.cosines(side.vector, &missing, &exact)?,
                // Nothing is known of their meaning; the words alone order them.
                None => vec![Some(0.0); missing.len()],
            };
            let cosines: Vec<(u64, f32)> = missing
                .into_iter()
                .zip(cosines)
                .filter_map(|(chunk, cosine)| Some((chunk, cosine?)))
                .collect();
            let weighed = indexes.keywords.weigh(&asked, &union)?;
            let fill_us = micros(begun) - semantic_us - keyword_us;

            let candidates = fusion::gather(&semantic, &keyword.hits, &cosines, &weighed);
            let calibration = *indexes.calibration.read();
            let mut fused = match &side {
                Some(_) => fusion::fuse(&candidates, asked.evidence(), calibration, question.settings),
                None => fusion::fuse_by_words(&candidates, asked.evidence(), calibration, question.settings),
            };
            fused.trace.dropped_by_filter = keyword.passed_over;
            let timings = &mut fused.trace.timings;
            timings.fuse_us = micros(begun) - semantic_us - keyword_us - fill_us;
            (timings.semantic_us, timings.keyword_us, timings.fill_us) = (semantic_us, keyword_us, fill_us);
            Ok(Answer { fused, indexed: indexes.vectors.len(), semantic: side.is_some() })
        })
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Reads a passage's vector; false when the snapshot does not have it.
fn exact_vector(tx: &ReadTx, half: Half, chunk: u64, into: &mut [f32]) -> bool {
    let bytes = match vector_in::get(tx, half, chunk) {
        Ok(Some(bytes)) if bytes.len() == into.len() * 4 => bytes,
        Ok(_) => return false,
        Err(error) => {
            tracing::error!(chunk, ?error, "a vector cannot be read");
            return false;
        }
    };
    for (value, four) in into.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *value = f32::from_le_bytes(*four);
    }
    true
}
