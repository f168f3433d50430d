//! Measures a question: one walk over its text, one over its words.

use std::collections::HashSet;

use super::code::{points_of_piece, points_of_word};
use super::fold::fold_into;
use super::lexicon::{Lexicon, Lexicons, Marks, Tally};

/// Bytes of a question that are looked at. What is longer is long by then.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Letters of a script without blanks that make about one word.
const LETTERS_PER_WORD: usize = 2;
/// Words below which a text is too short to tell its language by.
const WORDS_TO_TELL: usize = 6;
/// Words of the longest phrase in the lists.
const PHRASE_WORDS_MAX: usize = 3;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Question<'a> {
    /// The words.
    pub text: &'a str,
    /// Messages that the person wrote in the conversation before this one.
    pub turns: usize,
    /// Images that come with it.
    pub images: usize,
}

/// A question in numbers.
#[derive(Debug, Default)]
pub(super) struct Measures {
    pub(super) words: usize,
    pub(super) sentences: usize,
    pub(super) joins: usize,
    /// Commas, colons, dashes between the parts of a sentence.
    pub(super) pauses: usize,
    pub(super) question_marks: usize,
    pub(super) list_items: usize,
    pub(super) further: usize,
    /// Different words that ask for reasoning, as first met.
    pub(super) reasons: Vec<String>,
    /// Different words that say that much is at stake, as first met.
    pub(super) weighty: Vec<String>,
    pub(super) vague: usize,
    pub(super) numbers: usize,
    pub(super) code_points: f64,
    pub(super) language: Language,
}

/// What the text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Language {
    /// Too few words to say.
    #[default]
    TooShort,
    /// One that there are lists for.
    Known(&'static str),
    /// In Latin letters, and none that there are lists for.
    Unknown,
    /// In other letters.
    OtherScript,
}

/// The words of a text, folded, with single blanks between them so that a phrase is a slice.
#[derive(Default)]
struct Folded {
    text: String,
    /// Where each word begins and ends.
    words: Vec<(usize, usize)>,
}

impl Folded {
    /// `count` words from the one at `at`.
    fn phrase(&self, at: usize, count: usize) -> Option<&str> {
        let (start, _) = self.words.get(at)?;
        let (_, end) = self.words.get(at + count.checked_sub(1)?)?;
        self.text.get(*start..*end)
    }
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Letters of scripts that put no blanks between words: kana, Han, Hangul, Thai.
fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{0e00}'..='\u{0e7f}')
}

pub(super) fn measure(question: &Question<'_>, lexicons: &Lexicons) -> Measures {
    let text = head(question.text);
    let mut measures = Measures::default();
    measure_marks(text, &mut measures);
    measure_lines(text, &mut measures);
    let (folded, letters) = fold_words(text, &mut measures);
    measure_words(&folded, &letters, lexicons, &mut measures);
    measures
}

/// Letters by script.
#[derive(Default)]
struct Letters {
    latin: usize,
    other: usize,
}

/// Punctuation. A run of marks, such as "?!?", counts once.
fn measure_marks(text: &str, measures: &mut Measures) {
    let mut run_ends = false;
    let mut run_asks = false;
    for letter in text.chars() {
        let asks = matches!(letter, '?' | '？' | '؟');
        let ends = asks || matches!(letter, '.' | '!' | '…' | '。' | '！' | '\n');
        measures.question_marks += usize::from(asks && !run_asks);
        measures.sentences += usize::from(run_ends && !ends);
        measures.pauses += usize::from(matches!(letter, ',' | ';' | '–' | '—' | '、' | '，' | '،'));
        (run_ends, run_asks) = (ends, ends && (asks || run_asks));
    }
    measures.sentences += usize::from(!text.trim().is_empty());
}

/// Lists, and code by what stands between blanks.
fn measure_lines(text: &str, measures: &mut Measures) {
    for line in text.lines() {
        let mut pieces = line.split_whitespace().peekable();
        let first = pieces.peek().copied().unwrap_or_default();
        measures.list_items += usize::from(matches!(first, "-" | "*" | "•"));
        for piece in pieces {
            measures.list_items += usize::from(is_item_mark(piece));
            measures.code_points += points_of_piece(piece);
        }
    }
}

/// `1)`, `(2)`, `3.`, `b)`
fn is_item_mark(piece: &str) -> bool {
    let bare = piece.strip_prefix('(').unwrap_or(piece);
    let Some(name) = bare.strip_suffix([')', '.']) else { return false };
    let is_number = matches!(name.len(), 1 | 2) && name.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        || (bare.ends_with(')') && name.len() == 1 && name.bytes().all(|byte| byte.is_ascii_lowercase()))
}

fn fold_words(text: &str, measures: &mut Measures) -> (Folded, Letters) {
    let mut folded = Folded { text: String::with_capacity(text.len()), words: Vec::new() };
    let mut letters = Letters::default();
    let mut unspaced = 0;
    let mut start = None;
    let mut has_digit = false;
    for letter in text.chars().chain(['\n']) {
        if letter.is_alphanumeric() {
            start.get_or_insert(folded.text.len());
            has_digit |= letter.is_numeric();
            unspaced += usize::from(is_unspaced(letter));
            let is_latin = letter < '\u{250}';
            letters.latin += usize::from(is_latin && letter.is_alphabetic());
            letters.other += usize::from(!is_latin && letter.is_alphabetic());
            fold_into(letter, &mut folded.text);
        } else if let Some(start) = start.take() {
            folded.words.push((start, folded.text.len()));
            folded.text.push(' ');
            measures.numbers += usize::from(has_digit);
            has_digit = false;
        }
    }
    measures.words = folded.words.len() + unspaced / LETTERS_PER_WORD;
    (folded, letters)
}

fn measure_words(folded: &Folded, letters: &Letters, lexicons: &Lexicons, measures: &mut Measures) {
    let mut tally = Tally::default();
    for at in 0..folded.words.len() {
        let word = folded.phrase(at, 1).unwrap_or_default();
        lexicons.count(word, &mut tally);
        measures.code_points += points_of_word(word);
    }
    let Some((lexicon, common)) = lexicons.best(&tally) else { return };
    measures.language = if letters.other > letters.latin {
        Language::OtherScript
    } else if folded.words.len() < WORDS_TO_TELL {
        Language::TooShort
    } else if common == 0 {
        Language::Unknown
    } else {
        Language::Known(lexicon.language)
    };
    measure_lists(folded, lexicon, measures);
}

/// Looks every word and phrase up.
fn measure_lists(folded: &Folded, lexicon: &Lexicon, measures: &mut Measures) {
    let mut reasons = HashSet::new();
    let mut weighty = HashSet::new();
    for at in 0..folded.words.len() {
        let Some(word) = folded.phrase(at, 1) else { continue };
        let marks = lexicon.word(word);
        let longest = if Lexicon::begins_phrase(marks) { PHRASE_WORDS_MAX } else { 1 };
        for count in 1..=longest {
            let Some(phrase) = folded.phrase(at, count) else { break };
            let marks = if count == 1 { marks } else { lexicon.phrase(phrase) };
            measures.joins += usize::from(marks.has(Marks::JOIN));
            measures.further += usize::from(marks.has(Marks::FURTHER));
            measures.vague += usize::from(marks.has(Marks::VAGUE));
            if marks.has(Marks::REASON) && reasons.insert(phrase) {
                measures.reasons.push(phrase.to_owned());
            }
            if marks.has(Marks::WEIGHTY) && weighty.insert(phrase) {
                measures.weighty.push(phrase.to_owned());
            }
        }
    }
}
