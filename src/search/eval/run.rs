//! Asks every question of a test set in each of the four ways.

use std::path::Path;

use super::set::TestSet;
use super::{Error, Metrics, Report};
use crate::search::fusion::{self, Calibration, Settings, Strategy};
use crate::search::keywords::{Change, Entry, KeywordIndex, Language};

/// Candidates taken from each list.
const CANDIDATES: usize = 100;
/// Results judged.
const RESULTS: usize = 10;
/// Texts embedded between two reports of progress.
const BATCH: usize = 32;

/// Turns texts into vectors of one dimension, in order; they need not be normalised. Whatever the error, its text is for the log.
pub type Embed<'a> = &'a dyn Fn(&[&str]) -> Result<Vec<Vec<f32>>, String>;

/// What an evaluation may vary.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Language of the documents' words; `None` detects it for each document, as ingestion does.
    pub language: Option<Language>,
    /// What a cosine of the embedding model means.
    pub calibration: Calibration,
}

impl Default for Options {
    fn default() -> Self {
        Self { language: None, calibration: Calibration::MINILM }
    }
}

/// Measures retrieval on the test set in `folder`. Each document is one chunk, its title and text. `progress` hears how many texts out of how
/// many are embedded, which is nearly all of the time this takes.
///
/// # Errors
/// [`Error::File`], [`Error::Line`] and [`Error::Empty`] for a bad set, with file and line; [`Error::Embedding`] when the model fails or returns
/// anything but one finite vector of one dimension for each text.
pub fn evaluate(
    folder: &Path,
    embed: Embed<'_>,
    options: Options,
    progress: &dyn Fn(usize, usize),
) -> Result<Report, Error> {
    let set = TestSet::read(folder)?;
    let total = set.documents.len() + set.questions.len();
    let texts: Vec<String> =
        set.documents.iter().map(|d| format!("{} {}", d.title, d.text).trim().to_owned()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let documents = embed_all(&texts, embed, &|done| progress(done, total))?;
    let questions: Vec<&str> = set.questions.iter().map(|question| question.text.as_str()).collect();
    let questions = embed_all(&questions, embed, &|done| progress(documents.len() + done, total))?;
    let dimension = documents.first().map_or(0, Vec::len);
    if documents.iter().chain(&questions).any(|vector| vector.len() != dimension) {
        return Err(Error::Embedding("vectors of different dimensions".to_owned()));
    }
    let index = index(&set, options.language)?;
    ask_all(&set, &index, &documents, &questions, options.calibration)
}

fn embed_all(texts: &[&str], embed: Embed<'_>, progress: &dyn Fn(usize)) -> Result<Vec<Vec<f32>>, Error> {
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        let embedded = embed(batch).map_err(Error::Embedding)?;
        if embedded.len() != batch.len() {
            return Err(Error::Embedding(format!("{} vectors for {} texts", embedded.len(), batch.len())));
        }
        for mut vector in embedded {
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            if !length.is_finite() || length <= f32::MIN_POSITIVE {
                return Err(Error::Embedding("a vector without a direction".to_owned()));
            }
            vector.iter_mut().for_each(|value| *value /= length);
            vectors.push(vector);
        }
        progress(vectors.len());
    }
    Ok(vectors)
}

fn index(set: &TestSet, language: Option<Language>) -> Result<KeywordIndex, Error> {
    let index = KeywordIndex::in_memory()?;
    let changes: Vec<Change<'_>> = (0_u64..)
        .zip(&set.documents)
        .map(|(chunk, document)| {
            Change::Put(Entry {
                chunk,
                document: u128::from(chunk),
                language: language.unwrap_or_else(|| detect(&document.text)),
                title: &document.title,
                headings: &[],
                body: &document.text,
            })
        })
        .collect();
    index.apply(&changes, 1)?;
    Ok(index)
}

fn detect(text: &str) -> Language {
    whatlang::detect(text)
        .filter(whatlang::Info::is_reliable)
        .map_or_else(Language::default, |info| Language::from_code(info.lang().code()))
}

fn ask_all(
    set: &TestSet,
    index: &KeywordIndex,
    documents: &[Vec<f32>],
    questions: &[Vec<f32>],
    calibration: Calibration,
) -> Result<Report, Error> {
    let ways = [Strategy::Semantic, Strategy::Keyword, Strategy::Hybrid, Strategy::Predecessor];
    let mut metrics = ways.map(|_| Vec::with_capacity(set.questions.len()));
    for ((question, vector), relevant) in set.questions.iter().zip(questions).zip(&set.relevant) {
        let cosines: Vec<(u64, f32)> =
            (0_u64..).zip(documents).map(|(chunk, row)| (chunk, dot(row, vector))).collect();
        let mut semantic = cosines.clone();
        semantic.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        semantic.truncate(CANDIDATES);
        let asked = index.ask(&question.text)?;
        let keyword = index.top(&asked, CANDIDATES, None)?.hits;
        let union = fusion::union(&semantic, &keyword);
        let weighed = index.weigh(&asked, &union)?;
        let candidates = fusion::gather(&semantic, &keyword, &cosines, &weighed);
        for (strategy, metrics) in ways.into_iter().zip(&mut metrics) {
            let settings = Settings { strategy, top_k: RESULTS, ..Settings::default() };
            let fused = fusion::fuse(&candidates, asked.evidence(), calibration, &settings);
            let ranking: Vec<usize> =
                fused.results.iter().filter_map(|ranked| usize::try_from(ranked.chunk).ok()).collect();
            metrics.push(Metrics::of(&ranking, relevant));
        }
    }
    let [semantic, keyword, hybrid, predecessor] = metrics.map(|metrics| Metrics::mean(&metrics));
    Ok(Report { semantic, keyword, hybrid, predecessor })
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
