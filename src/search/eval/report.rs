//! The outcome of an evaluation, as JSON and as a table.

use std::fmt;

use serde::Serialize;

use super::Metrics;

/// Metrics of each way of retrieving. Serialises to one object per way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Report {
    /// By cosine alone.
    pub semantic: Metrics,
    /// By BM25 alone.
    pub keyword: Metrics,
    /// Both, as the product does it.
    pub hybrid: Metrics,
    /// Both, as the predecessor did it.
    pub predecessor: Metrics,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:<12}{:>9}{:>11}{:>9}", "", "nDCG@10", "recall@10", "MRR@10")?;
        let rows = [
            ("semantic", self.semantic),
            ("keyword", self.keyword),
            ("hybrid", self.hybrid),
            ("predecessor", self.predecessor),
        ];
        for (name, metrics) in rows {
            write!(
                formatter,
                "\n{name:<12}{:>9.4}{:>11.4}{:>9.4}",
                metrics.ndcg_at_10, metrics.recall_at_10, metrics.mrr_at_10
            )?;
        }
        Ok(())
    }
}
