//! What a question finds in the index.
//!
//! A score compares chunks within one question only. A coverage compares them between questions too, which is why a chunk
//! that another index has found is weighed here as well ([`Weighed`]).

/// A condition on chunk numbers; only chunks it lets through are returned.
pub type Admit<'a> = &'a dyn Fn(u64) -> bool;

/// A chunk that holds words of the question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its number.
    pub chunk: u64,
    /// BM25, above 0, without an upper bound; comparable within one question only.
    pub score: f32,
}

/// The best chunks for a question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Best first; ties by chunk number.
    pub hits: Vec<Hit>,
    /// Chunks good enough to be listed that the condition kept out, at the time they were met.
    pub passed_over: usize,
}

/// How a given chunk fits a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed {
    /// Its number.
    pub chunk: u64,
    /// BM25 as in [`Hit::score`]; 0 when it holds no word of the question.
    pub score: f32,
    /// Which share of what the question's words tell (the sum of their inverse document frequencies) it holds, 0 to 1.
    pub coverage: f32,
}
