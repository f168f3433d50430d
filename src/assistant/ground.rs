//! Citations of generated text: each marker `[n]` must point at a passage that the model was given.
//!
//! A model may cite what does not exist. [`Grounder`] reads its text as it streams in, keeps the markers that point at a
//! passage, renumbers them in order of first appearance, and takes out the others. The pieces may be cut anywhere: what
//! could still become a marker is held back until that is decided, so that joining all pieces given out is the same text
//! however the stream was cut.
//!
//! `[n](address)` and `[text]` are ordinary Markdown and stay. Markers inside code are left alone.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

use super::claims::claims;

/// A marker is at most this long (`[1, 2, 3]`); a longer bracket is text.
const MARKER_BYTES_MAX: usize = 40;

/// What became of the citations of a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Grounding {
    /// The passages cited, by the numbers they were given under; the first is now `[1]`.
    pub cited: Vec<usize>,
    /// Markers that pointed nowhere and were taken out.
    pub invalid: usize,
    /// Sentences that claim something.
    pub claims: usize,
    /// Those of them that carry no citation, neither inside nor right after their full stop: bytes of the text given out.
    pub uncited: Vec<Range<usize>>,
    /// How many of the uncited say something else than that the documents do not hold it.
    pub unfounded: usize,
    /// Sentences with a source: bytes of the text given out, and the markers' numbers in it.
    pub sourced: Vec<(Range<usize>, Vec<usize>)>,
}

/// Checks and renumbers the citations of one text, piece by piece.
#[derive(Debug, Clone)]
pub struct Grounder {
    given: BTreeSet<usize>,
    grounding: Grounding,
    /// Given out so far, to count claims at the end.
    out: String,
    held: String,
    in_code: bool,
}

impl Grounder {
    /// For a text whose model was given passages under these numbers.
    #[must_use]
    pub fn new(given: impl IntoIterator<Item = usize>) -> Self {
        Self {
            given: given.into_iter().collect(),
            grounding: Grounding::default(),
            out: String::new(),
            held: String::new(),
            in_code: false,
        }
    }

    /// Takes the next piece and gives out what is certain.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        self.advance(false)
    }

    /// Gives out the rest, and what became of the citations.
    #[must_use]
    pub fn finish(mut self) -> (String, Grounding) {
        let rest = self.advance(true);
        let claims = claims(&self.out);
        self.grounding.claims = claims.count;
        self.grounding.uncited = claims.uncited;
        self.grounding.unfounded = claims.unfounded;
        self.grounding.sourced = claims.sourced;
        (rest, self.grounding)
    }

    fn advance(&mut self, last: bool) -> String {
        let held = std::mem::take(&mut self.held);
        let mut out = String::with_capacity(held.len());
        let mut rest = held.as_str();
        while let Some(at) = rest.find(['[', '`', ' ']) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            rest = from;
            let Some(read) = self.read(from, last) else { break };
            match read {
                Read::Text(length) => {
                    let (text, tail) = from.split_at(length);
                    out.push_str(text);
                    rest = tail;
                }
                Read::Marker { length, blank, numbers } => {
                    if let Some(shown) = self.renumber(&numbers) {
                        out.push_str(from.get(..blank).unwrap_or_default());
                        out.push_str(&shown);
                    }
                    rest = from.get(length..).unwrap_or_default();
                }
            }
        }
        if last || !rest.contains(['[', '`', ' ']) {
            out.push_str(rest);
            rest = "";
        }
        self.held = rest.to_owned();
        self.out.push_str(&out);
        out
    }

    /// What stands at the beginning of `from`, which is a bracket, a backtick, or blanks (which go with the marker after them);
    /// `None` when more must come to tell.
    fn read(&mut self, from: &str, last: bool) -> Option<Read> {
        if from.starts_with('`') {
            self.in_code = !self.in_code;
            return Some(Read::Text(1));
        }
        let blank = from.len() - from.trim_start_matches(' ').len();
        let bracket = from.get(blank..).unwrap_or_default();
        if self.in_code || blank > MARKER_BYTES_MAX {
            return Some(Read::Text(blank.max(1)));
        }
        if bracket.is_empty() {
            return last.then_some(Read::Text(blank));
        }
        if !bracket.starts_with('[') {
            return Some(Read::Text(blank));
        }
        let inner = bracket.get(1..).unwrap_or_default();
        let text = Some(Read::Text(blank + 1));
        match inner.find(|c: char| !matches!(c, '0'..='9' | ',' | ' ')) {
            None if !last && inner.len() < MARKER_BYTES_MAX => None,
            Some(end)
                if end < MARKER_BYTES_MAX && inner.get(end..).is_some_and(|tail| tail.starts_with(']')) =>
            {
                let after = inner.get(end + 1..).unwrap_or_default();
                if after.is_empty() && !last {
                    return None;
                }
                let numbers = numbers(inner.get(..end).unwrap_or_default());
                if after.starts_with(['(', ':']) || numbers.is_empty() {
                    return text;
                }
                Some(Read::Marker { length: blank + end + 2, blank, numbers })
            }
            _ => text,
        }
    }

    /// The markers to show for the numbers of one bracket, each on its own; `None` when none is valid.
    fn renumber(&mut self, numbers: &[Option<usize>]) -> Option<String> {
        let mut shown = String::new();
        for number in numbers {
            let Some(number) = number.filter(|number| self.given.contains(number)) else {
                self.grounding.invalid += 1;
                continue;
            };
            let cited = &mut self.grounding.cited;
            let place = cited.iter().position(|other| *other == number).unwrap_or_else(|| {
                cited.push(number);
                cited.len() - 1
            });
            shown.push_str(&format!("[{}]", place + 1));
        }
        (!shown.is_empty()).then_some(shown)
    }
}

enum Read {
    /// So many bytes of ordinary text.
    Text(usize),
    /// A bracket of `length` bytes, its leading blanks included, and its numbers; `None` for one beyond counting.
    Marker { length: usize, blank: usize, numbers: Vec<Option<usize>> },
}

fn numbers(inner: &str) -> Vec<Option<usize>> {
    inner.split([',', ' ']).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect()
}

/// Checks a whole text at once.
#[must_use]
pub fn ground(text: &str, given: impl IntoIterator<Item = usize>) -> (String, Grounding) {
    let mut grounder = Grounder::new(given);
    let mut out = grounder.push(text);
    let (rest, grounding) = grounder.finish();
    out.push_str(&rest);
    (out, grounding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn valid_markers_are_renumbered_in_order_of_appearance_and_others_are_taken_out() {
        let (text, grounding) =
            ground("It takes 30 days [4]. It is free [9]. See [2][4] and [2, 7].", [1, 2, 4]);
        assert_eq!(text, "It takes 30 days [1]. It is free. See [2][1] and [2].");
        assert_eq!(grounding.cited, [4, 2]);
        assert_eq!(grounding.invalid, 2);
    }

    #[test]
    fn links_code_and_bracketed_words_are_no_citations() {
        let text =
            "A [2](https://x.example) `a[7]` [note] [] [12345678901234567890123456789012345678901234567890].";
        assert_eq!(ground(text, [1]).0, text);
    }

    #[test]
    fn the_beginning_of_a_marker_is_held_back_until_it_is_complete() {
        let mut grounder = Grounder::new([12]);
        assert_eq!(grounder.push("Wait ten minutes [1"), "Wait ten minutes");
        assert_eq!(grounder.push("2"), "");
        assert_eq!(grounder.push("]"), "");
        assert_eq!(grounder.push(". Then go on"), " [1]. Then go on");
        let (rest, grounding) = grounder.finish();
        assert_eq!((rest.as_str(), grounding.cited), ("", vec![12]));
    }

    #[test]
    fn claims_without_a_citation_are_told_with_their_place() {
        let text = "You can return it within 30 days. [1] The label costs €14.90 for every machine. Anything else? Fine.";
        let (text, grounding) = ground(text, [1]);
        assert_eq!((grounding.claims, grounding.unfounded), (2, 1));
        let uncited: Vec<&str> = grounding.uncited.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(uncited, ["The label costs €14.90 for every machine."]);
    }

    proptest! {
        #[test]
        fn cutting_the_stream_changes_nothing(text in "([a-z .`(é\n]|\\[[0-9, ]{0,3}\\]?){0,30}", cuts in prop::collection::vec(1_usize..6, 0..40)) {
            let whole = ground(&text, [1, 2, 3, 12]);
            let mut grounder = Grounder::new([1, 2, 3, 12]);
            let mut out = String::new();
            let mut characters = text.chars().peekable();
            for length in cuts {
                let piece: String = characters.by_ref().take(length).collect();
                out.push_str(&grounder.push(&piece));
            }
            out.push_str(&grounder.push(&characters.collect::<String>()));
            let (rest, grounding) = grounder.finish();
            out.push_str(&rest);
            prop_assert_eq!((out, grounding), whole);
        }

        #[test]
        fn every_marker_left_points_at_a_passage_cited(text in "([a-z ]|\\[[0-9]{1,2}\\]){0,40}") {
            let (out, grounding) = ground(&text, [1, 5, 20]);
            for tail in out.split('[').skip(1) {
                let number: usize = tail.split(']').next().unwrap().parse().unwrap();
                prop_assert!(number >= 1 && number <= grounding.cited.len());
            }
            let mut without = grounding.cited.clone();
            without.sort_unstable();
            without.dedup();
            prop_assert_eq!(without.len(), grounding.cited.len());
        }
    }
}
