//! Asks every question of a test set in each of the four ways.

use std::collections::{BTreeMap, HashMap};
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

/// A language counts when one document in so many is detected to be in it.
const COMMON_IN: usize = 12;

/// Turns texts into vectors of one dimension, in order; they need not be normalised, and a text without words has none. Whatever
/// the error, its text is for the log.
pub type Embed<'a> = &'a dyn Fn(&[&str]) -> Result<Vec<Option<Vec<f32>>>, String>;

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
/// anything but a finite vector of one dimension for each text with words.
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
    let mut dimensions = documents.iter().chain(&questions).flatten().map(Vec::len);
    let first = dimensions.next();
    if dimensions.any(|other| Some(other) != first) {
        return Err(Error::Embedding("vectors of different dimensions".to_owned()));
    }
    let index = index(&set, options.language)?;
    ask_all(&set, &index, &documents, &questions, options.calibration)
}

fn embed_all(
    texts: &[&str],
    embed: Embed<'_>,
    progress: &dyn Fn(usize),
) -> Result<Vec<Option<Vec<f32>>>, Error> {
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        let embedded = embed(batch).map_err(Error::Embedding)?;
        if embedded.len() != batch.len() {
            return Err(Error::Embedding(format!("{} vectors for {} texts", embedded.len(), batch.len())));
        }
        for vector in embedded {
            vectors.push(vector.map(normalised).transpose()?);
        }
        progress(vectors.len());
    }
    Ok(vectors)
}

fn normalised(mut vector: Vec<f32>) -> Result<Vec<f32>, Error> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if !length.is_finite() || length <= f32::MIN_POSITIVE {
        return Err(Error::Embedding("a vector without a direction".to_owned()));
    }
    vector.iter_mut().for_each(|value| *value /= length);
    Ok(vector)
}

fn index(set: &TestSet, language: Option<Language>) -> Result<KeywordIndex, Error> {
    let index = KeywordIndex::in_memory()?;
    let (languages, most) = language.map_or_else(|| detect(set), |given| (HashMap::new(), given));
    let changes: Vec<Change<'_>> = (0_u64..)
        .zip(&set.documents)
        .map(|(chunk, document)| {
            Change::Put(Entry {
                chunk,
                document: u128::from(chunk),
                language: languages.get(&document.id).copied().unwrap_or(most),
                title: &document.title,
                headings: &[],
                body: &document.text,
            })
        })
        .collect();
    index.apply(&changes, 1)?;
    Ok(index)
}

/// The language of each document that differs from that of most, and that of most. A text this short is often taken for a language nobody
/// wrote in, so one that is rare in the set is not believed.
fn detect(set: &TestSet) -> (HashMap<String, Language>, Language) {
    let detected: Vec<(&str, Language)> = set
        .documents
        .iter()
        .filter_map(|document| {
            let info = whatlang::detect(&document.text).filter(whatlang::Info::is_reliable)?;
            Some((document.id.as_str(), Language::from_code(info.lang().code())))
        })
        .collect();
    let mut counted = BTreeMap::<Language, usize>::new();
    for (_, language) in &detected {
        *counted.entry(*language).or_default() += 1;
    }
    let most = counted
        .iter()
        .max_by_key(|(_, count)| **count)
        .map_or(Language::default(), |(language, _)| *language);
    let common =
        |language: &Language| counted.get(language).is_some_and(|count| count * COMMON_IN >= detected.len());
    let others = detected
        .iter()
        .filter(|(_, language)| *language != most && common(language))
        .map(|(id, language)| ((*id).to_owned(), *language))
        .collect();
    (others, most)
}

fn ask_all(
    set: &TestSet,
    index: &KeywordIndex,
    documents: &[Option<Vec<f32>>],
    questions: &[Option<Vec<f32>>],
    calibration: Calibration,
) -> Result<Report, Error> {
    let ways = [Strategy::Semantic, Strategy::Keyword, Strategy::Hybrid, Strategy::Predecessor];
    let mut metrics = ways.map(|_| Vec::with_capacity(set.questions.len()));
    for ((question, vector), relevant) in set.questions.iter().zip(questions).zip(&set.relevant) {
        let cosines: Vec<(u64, f32)> = (0_u64..)
            .zip(documents)
            .filter_map(|(chunk, row)| Some((chunk, dot(row.as_ref()?, vector.as_ref()?))))
            .collect();
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
