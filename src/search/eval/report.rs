//! The outcome of an evaluation, as JSON and as a table.

use std::fmt;

use serde::Serialize;

use super::Metrics;

/// Metrics of each way of retrieving. Serialises to one object per way.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// By cosine alone.
    pub semantic: Metrics,
    /// By BM25 alone.
    pub keyword: Metrics,
    /// Both, as the product does it.
    pub hybrid: Metrics,
    /// Both, as the predecessor did it.
    pub predecessor: Metrics,
    /// The hybrid's best, put in order by a reranker, where one was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reranked: Option<RerankedReport>,
}

/// What a reranker made of the hybrid.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RerankedReport {
    /// Who.
    pub reranker: String,
    /// The best so many were put in order.
    pub candidates: usize,
    /// How good the order is.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Milliseconds for a question, the median.
    pub ms_p50: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:<12}{:>9}{:>11}{:>9}", "", "nDCG@10", "recall@10", "MRR@10")?;
        let reranked = self.reranked.as_ref();
        let rows = [
            ("semantic", self.semantic),
            ("keyword", self.keyword),
            ("hybrid", self.hybrid),
            ("predecessor", self.predecessor),
        ];
        for (name, metrics) in rows.into_iter().chain(reranked.map(|one| ("reranked", one.metrics))) {
            write!(
                formatter,
                "\n{name:<12}{:>9.4}{:>11.4}{:>9.4}",
                metrics.ndcg_at_10, metrics.recall_at_10, metrics.mrr_at_10
            )?;
        }
        if let Some(RerankedReport { reranker, candidates, ms_p50, .. }) = reranked {
            write!(
                formatter,
                "\nreranked: the {candidates} best of hybrid by {reranker}, {ms_p50:.1} ms a question"
            )?;
        }
        Ok(())
    }
}
