//! A test set on disk: documents, questions, and which documents answer which question.
//!
//! `corpus.jsonl` holds `{id, title, text}`, `queries.jsonl` holds `{id, text}`, `qrels.tsv` holds question, document and
//! relevance between tabs under one header line (the BEIR layout, Thakur et al. 2021). Every fault names its file and line.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Error;

/// One document.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) id: String,
    #[serde(default)]
    pub(super) title: String,
    pub(super) text: String,
}

/// One question.
#[derive(Debug, Deserialize)]
pub(super) struct Question {
    pub(super) id: String,
    pub(super) text: String,
}

/// A set that has been read and checked.
#[derive(Debug)]
pub(super) struct TestSet {
    pub(super) documents: Vec<Document>,
    /// Only those that have a relevant document.
    pub(super) questions: Vec<Question>,
    /// For each question, the places of its relevant documents in `documents`.
    pub(super) relevant: Vec<HashSet<usize>>,
}

impl TestSet {
    /// Reads the set in `folder`.
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let documents: Vec<Document> = read_lines(&folder.join("corpus.jsonl"))?;
        let questions: Vec<Question> = read_lines(&folder.join("queries.jsonl"))?;
        let places =
            index_of(&folder.join("corpus.jsonl"), documents.iter().map(|document| document.id.as_str()))?;
        let order =
            index_of(&folder.join("queries.jsonl"), questions.iter().map(|question| question.id.as_str()))?;
        let mut relevant = vec![HashSet::new(); questions.len()];
        let file = folder.join("qrels.tsv");
        for (number, line) in
            read(&file)?.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty())
        {
            let fault = |reason: String| Error::Line { file: file.clone(), line: number + 1, reason };
            let mut columns = line.split('\t').map(str::trim);
            let (Some(question), Some(document), Some(grade), None) =
                (columns.next(), columns.next(), columns.next(), columns.next())
            else {
                return Err(fault("expected question, document and relevance between tabs".to_owned()));
            };
            let grade: i64 =
                grade.parse().map_err(|_| fault(format!("the relevance {grade:?} is not a number")))?;
            let place = *places
                .get(document)
                .ok_or_else(|| fault(format!("no document {document:?} in corpus.jsonl")))?;
            let at = *order
                .get(question)
                .ok_or_else(|| fault(format!("no question {question:?} in queries.jsonl")))?;
            if grade > 0
                && let Some(relevant) = relevant.get_mut(at)
            {
                relevant.insert(place);
            }
        }
        let (questions, relevant): (Vec<_>, Vec<_>) =
            questions.into_iter().zip(relevant).filter(|(_, relevant)| !relevant.is_empty()).unzip();
        if questions.is_empty() {
            return Err(Error::Empty { folder: folder.to_path_buf() });
        }
        Ok(Self { documents, questions, relevant })
    }
}

fn read(file: &Path) -> Result<String, Error> {
    std::fs::read_to_string(file).map_err(|cause| Error::File { file: file.to_path_buf(), cause })
}

fn read_lines<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>, Error> {
    read(file)?
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|cause| Error::Line {
                file: PathBuf::from(file),
                line: number + 1,
                reason: cause.to_string(),
            })
        })
        .collect()
}

fn index_of<'a>(file: &Path, ids: impl Iterator<Item = &'a str>) -> Result<HashMap<&'a str, usize>, Error> {
    let mut places = HashMap::new();
    for (place, id) in ids.enumerate() {
        if places.insert(id, place).is_some() {
            let reason = format!("the id {id:?} occurs twice");
            return Err(Error::Line { file: file.to_path_buf(), line: place + 1, reason });
        }
    }
    Ok(places)
}
