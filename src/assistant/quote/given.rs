//! What the answerer is given, and what it hands back.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Turns texts into vectors of length one, in order; `None` for a text without words.
pub type Embed<'a, E> = &'a dyn Fn(&[&str]) -> Result<Vec<Option<Vec<f32>>>, E>;

/// A passage that retrieval found, best first. Eight to ten of them serve best: the words that none of them holds say
/// much about whether the documents hold the answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PassageGiven {
    /// Its number in the list, from 1.
    pub number: usize,
    /// Id of its document, as text.
    pub document: String,
    /// Title of its document.
    pub title: String,
    /// The headings it stands under, outermost first.
    pub heading_path: Vec<String>,
    /// The page it begins on, where the document has pages.
    pub page: Option<u32>,
    /// Its text in light Markdown: headings, lists, pipe tables, fenced code.
    pub text: String,
    /// The calibrated score of retrieval, 0 to 1.
    pub score: f32,
    /// Cosine with the question, -1 to 1.
    pub cosine: f32,
    /// BM25 with the question; `None` or 0 when it holds none of its words.
    pub bm25: Option<f32>,
    /// Place in the semantic list, from 1.
    pub semantic_rank: Option<u32>,
    /// Place in the keyword list, from 1.
    pub keyword_rank: Option<u32>,
}

/// How much is quoted, and from which chance on.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The least chance, 0 to 1, that the quotes answer the question; below it the question is declined.
    pub chance_min: f32,
    /// Quotes in one answer at most, 1 to 3.
    pub quotes_max: usize,
    /// Words of all quotes together to aim at; a numbered procedure may be longer.
    pub words_max: usize,
    /// Words of a numbered procedure at most.
    pub procedure_words_max: usize,
    /// Parts of passages that are embedded to find the best ones: what an answer costs.
    pub units_max: usize,
    /// The sentences around the quotes.
    pub wording: Wording,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chance_min: super::decide::CHANCE_MIN,
            quotes_max: 3,
            words_max: 120,
            procedure_words_max: 260,
            units_max: 40,
            wording: Wording::default(),
        }
    }
}

/// The answerer's own words, for translation. `{source}` stands for where a quote is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// Before a single quote.
    pub lead_one: String,
    /// Before several quotes.
    pub lead_many: String,
    /// Before each quote.
    pub from: String,
    /// What a page number follows.
    pub page: String,
    /// When the documents do not hold the answer.
    pub declined: String,
    /// When they do not hold the code or part number asked for; `{identifier}` stands for it.
    pub identifier_unknown: String,
    /// Where a person might look nevertheless.
    pub closest: String,
    /// What the person can do next.
    pub next: String,
    /// To a greeting or thanks.
    pub small_talk: String,
}

impl Default for Wording {
    fn default() -> Self {
        Self {
            lead_one: "I found this in our documents and quote it word for word:".to_owned(),
            lead_many: "I found these passages in our documents and quote them word for word:".to_owned(),
            from: "From *{source}*:".to_owned(),
            page: "page".to_owned(),
            declined: "I looked through our documents and did not find an answer to this.".to_owned(),
            identifier_unknown:
                "I looked through our documents and did not find anything about {identifier}.".to_owned(),
            closest: "The closest I found is *{source}*, but it does not seem to answer your question."
                .to_owned(),
            next: "You can ask again in other words, or with the exact name or code.".to_owned(),
            small_talk: "I answer questions from our documents. What would you like to know?".to_owned(),
        }
    }
}

/// The answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuotedAnswer {
    /// Light Markdown, with a marker `[n]` at the end of each quote.
    pub text: String,
    /// Whether the documents do not hold the answer, as far as can be told. There are no citations then.
    pub declined: bool,
    /// What is quoted, numbered in order of appearance.
    pub citations: Vec<Citation>,
    /// Why it was answered or declined.
    pub evidence: Evidence,
}

/// One quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Citation {
    /// The `n` of its marker, from 1.
    pub number: usize,
    /// Index of the passage in the list given.
    pub passage: usize,
    /// The passage's words, exactly.
    pub quote: String,
    /// First byte of the quote in the passage's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// The headings above the quote, outermost first: those of the passage, and the one within it.
    pub headings: Vec<String>,
}

impl Citation {
    /// The quote as bytes of the passage's text.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// Why a question was answered or declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The evidence was strong enough.
    Answered,
    /// No passage was given, or none with words.
    NothingFound,
    /// A greeting, thanks, or nothing but small words.
    SmallTalk,
    /// It asks about a code or part number that no passage holds.
    IdentifierUnknown,
    /// The quotes would be beside the point.
    TooWeak,
}

/// The numbers behind the decision. All but `chance` are inputs of the logistic regression in `decide`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// What was decided, and why.
    pub reason: Reason,
    /// The chance that the quotes answer the question, 0 to 1.
    pub chance: f32,
    /// Codes and part numbers in the question that no passage holds.
    pub identifiers_unknown: Vec<String>,
    /// Words of the question that no passage holds in any form.
    pub words_unknown: Vec<String>,
    /// The measurements.
    pub measured: Measured,
}

/// What is measured of a question and the best quotes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Measured {
    /// Cosine of the question and the best part of a passage, under its headings.
    pub unit_cosine: f32,
    /// Cosine of the question and all of the first quote, under its headings.
    pub quote_cosine: f32,
    /// The best cosine of a passage.
    pub passage_cosine: f32,
    /// The best calibrated score of a passage.
    pub passage_score: f32,
    /// How far the best passage's cosine stands above the mean of the last ones given.
    pub gap: f32,
    /// Weighted share of the question's words that the quotes and their headings hold.
    pub coverage: f32,
    /// The same for all passages together.
    pub coverage_all: f32,
    /// Weight of the heaviest word that the quotes lack.
    pub missing_heaviest: f32,
    /// Names (words written with a capital inside a sentence) that no passage holds.
    pub names_unknown: f32,
    /// Numbers, short codes and the like that no passage holds.
    pub codes_unknown: f32,
    /// Share of the question's codes that the quotes hold; 0 when it names none.
    pub codes_held: f32,
    /// By how much the question comes closer to the quotes when a word they lack is taken out of it.
    pub estrangement: f32,
    /// 1 when the kind of thing asked for (money, time, a number) is in the quotes, -1 when not, 0 when none is asked for.
    pub kind_found: f32,
    /// Words of the question that carry meaning.
    pub words: f32,
    /// 1 when the question is in a language that the bundled model does not know.
    pub foreign: f32,
}
