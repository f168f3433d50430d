//! What is known of each chunk before the two lists become one.

use std::collections::HashMap;

use crate::search::keywords::{Hit, Weighed};

/// A chunk that at least one list returned, with both scores: that of the list that did not return it is filled in, because a
/// cosine costs one product and a missing score read as 0 costs more quality than any way of fusing can win back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub chunk: u64,
    /// Cosine with the question, -1 to 1.
    pub cosine: f32,
    /// BM25 with the question, 0 when it holds none of its words.
    pub bm25: f32,
    /// Share of the question's telling words that it holds, 0 to 1.
    pub coverage: f32,
    /// Place in the semantic list, from 1, when that list returned it.
    pub semantic_rank: Option<u32>,
    /// Place in the keyword list, from 1, when that list returned it.
    pub keyword_rank: Option<u32>,
}

/// The chunks of both lists without repeats, semantic ones first: what both scores must be known for.
#[must_use]
pub fn union(semantic: &[(u64, f32)], keyword: &[Hit]) -> Vec<u64> {
    let mut seen = std::collections::HashSet::with_capacity(semantic.len() + keyword.len());
    semantic
        .iter()
        .map(|(chunk, _)| *chunk)
        .chain(keyword.iter().map(|hit| hit.chunk))
        .filter(|chunk| seen.insert(*chunk))
        .collect()
}

/// Puts together what the two indexes said. `cosines` and `weighed` cover every chunk of [`union`], in any order; a chunk without
/// a cosine (its vector is gone since) is left out, one without a weight holds no words.
#[must_use]
pub fn gather(
    semantic: &[(u64, f32)],
    keyword: &[Hit],
    cosines: &[(u64, f32)],
    weighed: &[Weighed],
) -> Vec<Candidate> {
    let ranks = |chunks: &mut dyn Iterator<Item = u64>| -> HashMap<u64, u32> { chunks.zip(1..).collect() };
    let semantic_ranks = ranks(&mut semantic.iter().map(|(chunk, _)| *chunk));
    let keyword_ranks = ranks(&mut keyword.iter().map(|hit| hit.chunk));
    let cosines: HashMap<u64, f32> = cosines.iter().chain(semantic).copied().collect();
    let weighed: HashMap<u64, &Weighed> = weighed.iter().map(|weighed| (weighed.chunk, weighed)).collect();
    union(semantic, keyword)
        .into_iter()
        .filter_map(|chunk| {
            let weight = weighed.get(&chunk);
            Some(Candidate {
                chunk,
                cosine: *cosines.get(&chunk)?,
                bm25: weight.map_or(0.0, |weighed| weighed.score),
                coverage: weight.map_or(0.0, |weighed| weighed.coverage),
                semantic_rank: semantic_ranks.get(&chunk).copied(),
                keyword_rank: keyword_ranks.get(&chunk).copied(),
            })
        })
        .collect()
}
