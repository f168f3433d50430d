//! What a score is made of.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The features of a question, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureName {
    /// Words.
    Length,
    /// Parts that sentences are joined of.
    Clauses,
    /// Things asked for.
    Questions,
    /// Words that ask for weighing, comparing, finding a cause.
    Reasoning,
    /// Code, commands, logs, names of programs' things.
    Code,
    /// Words with digits: amounts, dates, versions.
    Numbers,
    /// Messages of the person before this one.
    Turns,
    /// Words that point at something not said.
    Ambiguity,
    /// A language that small models know less well.
    Language,
}

impl FeatureName {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Length,
        Self::Clauses,
        Self::Questions,
        Self::Reasoning,
        Self::Code,
        Self::Numbers,
        Self::Turns,
        Self::Ambiguity,
        Self::Language,
    ];
}

impl fmt::Display for FeatureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Length => "length",
            Self::Clauses => "clauses",
            Self::Questions => "questions",
            Self::Reasoning => "reasoning",
            Self::Code => "code",
            Self::Numbers => "numbers",
            Self::Turns => "turns",
            Self::Ambiguity => "ambiguity",
            Self::Language => "language",
        })
    }
}

/// One feature of a question and what it adds to the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Which.
    pub name: FeatureName,
    /// As measured, in the feature's own unit.
    pub raw: f64,
    /// What it adds to the score.
    pub contribution: f64,
    /// What was measured, for people.
    pub reason: String,
}

/// A question's complexity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// In [0, 1].
    pub value: f64,
    /// One of each name, in their order.
    pub features: Vec<Feature>,
}
