//! The fields of the index, and how a chunk becomes terms.
//!
//! All words of a chunk share one field, in which a word of the title counts [`TITLE_WEIGHT`] times: that is BM25F
//! (Robertson, Zaragoza and Taylor, 2004: weigh the frequencies, not the scores). One field per part would score a word
//! of the title as if it were rare wherever titles are short, and needs as many lookups as there are parts.

use std::collections::HashMap;

use tantivy::TantivyDocument;
use tantivy::schema::{
    BytesOptions, FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing,
    TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token};

use super::words::{Stems, Word, cut, normalise};
use super::{Entry, Language, identifiers};

/// Raise it whenever the fields or the way text becomes terms change: an index of another layout is left unread.
pub(super) const LAYOUT: u32 = 1;
/// How often a word of the title counts.
const TITLE_WEIGHT: usize = 2;
/// How often a word of a heading counts.
const HEADING_WEIGHT: usize = 1;
/// A chunk is cut off after this many terms; an embedding reads far less.
const TERMS_MAX: usize = 50_000;

/// Handles to the fields of the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// Chunk number: the key of a row.
    pub(super) chunk: Field,
    /// Key of the document it belongs to, 16 bytes.
    pub(super) document: Field,
    /// Code of its language.
    pub(super) language: Field,
    /// Stemmed words of title, headings and body.
    pub(super) words: Field,
    /// Identifiers as written.
    pub(super) exact: Field,
}

/// The schema of layout [`LAYOUT`].
pub(super) fn build() -> (Schema, Fields) {
    let terms = |with_length: bool| {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer("raw")
                .set_index_option(IndexRecordOption::WithFreqs)
                .set_fieldnorms(with_length),
        )
    };
    let mut schema = Schema::builder();
    let fields = Fields {
        chunk: schema.add_u64_field("chunk", NumericOptions::default() | FAST | INDEXED),
        document: schema.add_bytes_field("document", BytesOptions::default().set_indexed()),
        language: schema.add_text_field("language", terms(false)),
        words: schema.add_text_field("words", terms(true)),
        exact: schema.add_text_field("exact", terms(false)),
    };
    (schema.build(), fields)
}

/// Turns entries into rows, keeping what it learns about the words of each language.
pub(super) struct Analyser {
    fields: Fields,
    stems: HashMap<Language, Stems>,
    cut: Vec<Word>,
}

impl Analyser {
    pub(super) fn new(fields: Fields) -> Self {
        Self { fields, stems: HashMap::new(), cut: Vec::new() }
    }

    /// The row of one chunk.
    pub(super) fn row(&mut self, entry: &Entry<'_>) -> TantivyDocument {
        let title = normalise(entry.title);
        let body = normalise(entry.body);
        let headings: Vec<String> = entry.headings.iter().map(|heading| normalise(heading)).collect();

        let mut words = Vec::new();
        self.push_words(entry.language, &title, TITLE_WEIGHT, &mut words);
        for heading in &headings {
            self.push_words(entry.language, heading, HEADING_WEIGHT, &mut words);
        }
        self.push_words(entry.language, &body, 1, &mut words);

        let mut exact = Vec::new();
        for text in std::iter::once(&title).chain(&headings).chain([&body]) {
            exact.extend(identifiers::find(text).into_iter().flat_map(|identifier| identifier.terms));
        }

        let mut row = TantivyDocument::new();
        row.add_u64(self.fields.chunk, entry.chunk);
        row.add_bytes(self.fields.document, &entry.document.to_be_bytes());
        row.add_text(self.fields.language, entry.language.code());
        row.add_pre_tokenized_text(self.fields.words, tokens(words));
        row.add_pre_tokenized_text(self.fields.exact, tokens(exact));
        row
    }

    fn push_words(&mut self, language: Language, text: &str, weight: usize, out: &mut Vec<String>) {
        self.cut.clear();
        cut(text, true, &mut self.cut);
        let stems = self.stems.entry(language).or_insert_with(|| Stems::new(language));
        for word in &self.cut {
            for _ in 0..weight {
                match word {
                    Word::Gram(gram) => out.push(gram.clone()),
                    Word::Spelled(word) => {
                        let (careful, plain) = stems.terms(word);
                        out.push(careful.to_owned());
                        out.extend(plain.map(str::to_owned));
                    }
                }
            }
        }
    }
}

fn tokens(terms: Vec<String>) -> PreTokenizedString {
    let tokens = terms
        .into_iter()
        .take(TERMS_MAX)
        .enumerate()
        .map(|(position, text)| Token { text, position, ..Token::default() })
        .collect();
    PreTokenizedString { text: String::new(), tokens }
}
