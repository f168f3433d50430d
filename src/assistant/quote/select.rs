//! From the best units to quotes that can stand alone: with what they lean on, lists and procedures whole, nothing twice.

use std::ops::Range;

use super::given::Settings;
use super::lexicon::LEANING;
use super::score::{Ground, Lexical, Scored};
use super::unit::{Parts, Shape};
use super::words::count;

/// A quote grows to about this many words by neighbours that fit nearly as well.
const WORDS_AIMED: usize = 70;
/// A shorter one is given its neighbour for company.
const WORDS_FEW: usize = 28;
/// How far below the best unit a neighbour may score to be taken along.
const NEIGHBOUR_MARGIN: f32 = 0.10;
/// How far below the best a unit may score to be a quote of its own.
const SECOND_MARGIN: f32 = 0.16;
/// How far below the best one may be that adds a word of the question, but no code.
const NEW_WORD_MARGIN: f32 = 0.12;
/// How far below the best one may be that only says more of the same.
const EQUAL_MARGIN: f32 = 0.06;
/// A section up to this size is quoted whole: what matters often stands in the next sentence.
const SECTION_WORDS_WHOLE: usize = 85;
/// From this share of the question's words in a heading, all that stands under it is about the question.
const HEADING_COVERS: f32 = 0.60;
/// Shares of common words from which two quotes say the same.
const SAME_SHARE: f32 = 0.55;
/// A table up to this size is quoted whole.
const TABLE_WORDS_WHOLE: usize = 45;

/// Neighbouring units of one section of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) passage: usize,
    pub(super) units: Range<usize>,
}

impl Quote {
    /// Where it stands in the passage's text.
    pub(super) fn range(&self, ground: &Ground<'_>) -> Range<usize> {
        let start = ground.unit(self.passage, self.units.start).map_or(0, |unit| unit.range.start);
        let last = self.units.end.saturating_sub(1);
        let end = ground.unit(self.passage, last).map_or(start, |unit| unit.range.end);
        start..end
    }

    /// The section it stands in.
    pub(super) fn section(&self, ground: &Ground<'_>) -> usize {
        ground.unit(self.passage, self.units.start).map_or(0, |unit| unit.section)
    }

    /// What is read of it: all its units.
    pub(super) fn read(&self, ground: &Ground<'_>) -> String {
        self.units.clone().map(|unit| ground.read(self.passage, unit)).collect::<Vec<_>>().join(" ")
    }
}

/// Picks the quotes, best first. `scored` is in order.
pub(super) fn select(ground: &Ground<'_>, scored: &[Scored], settings: &Settings) -> Vec<Quote> {
    let Some(best) = scored.first() else { return Vec::new() };
    let grower = Grower { ground, scored, settings };
    let first = grower.grow(best);
    let mut words = grower.words(&first);
    let mut quotes = grower.with_continuation(first);
    for next in scored.iter().skip(1) {
        if quotes.len() >= settings.quotes_max.clamp(1, 3) || next.score < best.score - SECOND_MARGIN {
            break;
        }
        if quotes.iter().any(|quote| quote.passage == next.passage && quote.units.contains(&next.unit)) {
            continue;
        }
        let quote = grower.grow(next);
        let length = grower.words(&quote);
        let overlaps = quotes.iter().any(|other| {
            other.passage == quote.passage
                && other.units.start < quote.units.end
                && quote.units.start < other.units.end
        });
        if overlaps || words + length > settings.words_max || !grower.adds(&quotes, &quote, next, best) {
            continue;
        }
        words += length;
        quotes.push(quote);
    }
    quotes
}

struct Grower<'a> {
    ground: &'a Ground<'a>,
    scored: &'a [Scored],
    settings: &'a Settings,
}

impl Grower<'_> {
    fn score(&self, passage: usize, unit: usize) -> Option<f32> {
        self.scored
            .iter()
            .find(|scored| scored.passage == passage && scored.unit == unit)
            .map(|scored| scored.score)
    }

    fn unit_words(&self, passage: usize, unit: usize) -> usize {
        self.ground.unit(passage, unit).map_or(0, |unit| count(self.ground.slice(passage, &unit.range)))
    }

    fn words(&self, quote: &Quote) -> usize {
        quote.units.clone().map(|unit| self.unit_words(quote.passage, unit)).sum()
    }

    /// The quote around a unit.
    fn grow(&self, seed: &Scored) -> Quote {
        let nothing = Quote { passage: seed.passage, units: seed.unit..seed.unit + 1 };
        let Some(parts) = self.ground.parts.get(seed.passage) else { return nothing };
        let Some(unit) = parts.units.get(seed.unit) else { return nothing };
        let section =
            parts.sections.get(unit.section).map(|section| section.units.clone()).unwrap_or_default();
        let block = parts.block_of(seed.unit);
        let whole = Quote { passage: seed.passage, units: section.clone() };
        if self.words(&whole) <= self.whole_words_max(&whole) {
            return whole;
        }
        let mut quote = nothing;
        match unit.shape {
            Shape::Row => {
                let whole = Quote { passage: seed.passage, units: block };
                return if self.words(&whole) <= TABLE_WORDS_WHOLE { whole } else { quote };
            }
            Shape::Item { number } => {
                let whole = Quote { passage: seed.passage, units: block };
                let words_max = match number {
                    Some(_) => self.settings.procedure_words_max,
                    None => WORDS_AIMED,
                };
                if self.words(&whole) <= words_max {
                    quote = whole;
                }
                self.take_lead_in(&mut quote);
            }
            Shape::Sentence | Shape::Code => {}
        }
        if self.is_about_the_question(seed.passage, unit.section) {
            self.fill_section(&mut quote, &section);
        }
        self.take_neighbours(&mut quote, parts, &section, seed.score);
        quote
    }

    /// Words up to which a section is quoted whole: less for one that is nothing but a table, more for one with a procedure.
    fn whole_words_max(&self, section: &Quote) -> usize {
        let shapes = || section.units.clone().filter_map(|unit| self.ground.unit(section.passage, unit));
        if shapes().all(|unit| unit.shape == Shape::Row) {
            TABLE_WORDS_WHOLE
        } else if shapes().any(|unit| matches!(unit.shape, Shape::Item { number: Some(_) })) {
            self.settings.words_max * 5 / 4
        } else {
            SECTION_WORDS_WHOLE
        }
    }

    /// Whether the heading right above names what is asked, so that what stands under it is the answer.
    fn is_about_the_question(&self, passage: usize, section: usize) -> bool {
        let heading = self.ground.headings(passage, section).pop().unwrap_or_default();
        let own = Lexical::of(&heading, self.ground.words);
        let none = Lexical::default();
        self.ground.identifiers_held(&own, &none) > 0.0 || self.ground.coverage(&own, &none) >= HEADING_COVERS
    }

    /// All of a short section, or as much from its beginning as fits and still holds the quote.
    fn fill_section(&self, quote: &mut Quote, section: &Range<usize>) {
        let from_start = Quote { passage: quote.passage, units: section.start..quote.units.end };
        if self.words(&from_start) > self.settings.words_max {
            return;
        }
        *quote = from_start;
        let parts = self.ground.parts.get(quote.passage);
        while quote.units.end < section.end {
            let block =
                parts.map_or(quote.units.end..quote.units.end + 1, |parts| parts.block_of(quote.units.end));
            let numbered = self.is_numbered(quote.passage, block.start);
            let end = if numbered { block.end } else { quote.units.end + 1 };
            let longer = Quote { passage: quote.passage, units: quote.units.start..end };
            let words_max =
                if numbered { self.settings.procedure_words_max } else { self.settings.words_max };
            if self.words(&longer) > words_max {
                break;
            }
            *quote = longer;
        }
    }

    fn is_numbered(&self, passage: usize, unit: usize) -> bool {
        self.ground
            .unit(passage, unit)
            .is_some_and(|unit| matches!(unit.shape, Shape::Item { number: Some(_) }))
    }

    fn take_lead_in(&self, quote: &mut Quote) {
        if let Some(lead) = self.ground.lead_in(quote.passage, quote.units.start) {
            let longer = Quote { passage: quote.passage, units: lead..quote.units.end };
            if self.words(&longer) <= self.settings.procedure_words_max {
                *quote = longer;
            }
        }
    }

    /// Takes along what the quote leans on, what it leads in, and neighbours that fit nearly as well.
    fn take_neighbours(&self, quote: &mut Quote, parts: &Parts, section: &Range<usize>, best: f32) {
        for _ in 0..section.len() {
            let words = self.words(quote);
            let after = self.after(quote, parts, section, best, words);
            let before = self.before(quote, section, best, words);
            match (after, before) {
                (Some(end), _) => quote.units.end = end,
                (None, Some(start)) => quote.units.start = start,
                (None, None) => break,
            }
        }
    }

    fn after(
        &self,
        quote: &Quote,
        parts: &Parts,
        section: &Range<usize>,
        best: f32,
        words: usize,
    ) -> Option<usize> {
        let next = quote.units.end;
        if next >= section.end {
            return None;
        }
        let unit = self.ground.unit(quote.passage, next)?;
        let last = self.ground.unit(quote.passage, next.checked_sub(1)?)?;
        let block = parts.block_of(next);
        let block_words: usize = block.clone().map(|unit| self.unit_words(quote.passage, unit)).sum();
        let same_block = unit.block == last.block;
        match unit.shape {
            Shape::Item { number } if !same_block || number.is_some() => {
                let wanted = last.leads_in || (number.is_some() && self.ground.question.procedural);
                let words_max = if number.is_some() {
                    self.settings.procedure_words_max
                } else {
                    self.settings.words_max
                };
                (wanted && words + block_words <= words_max).then_some(block.end)
            }
            Shape::Row if !same_block => {
                (last.leads_in && block_words <= TABLE_WORDS_WHOLE * 2).then_some(block.end)
            }
            Shape::Row => None,
            _ => {
                let length = self.unit_words(quote.passage, next);
                let leans = matches!(unit.shape, Shape::Sentence) && self.leans(quote.passage, next);
                let near =
                    self.score(quote.passage, next).is_some_and(|score| score >= best - NEIGHBOUR_MARGIN);
                let fits = words + length <= WORDS_AIMED;
                let wanted =
                    last.leads_in || (fits && (leans || near)) || (words < WORDS_FEW && fits && same_block);
                wanted.then_some(next + 1)
            }
        }
    }

    fn before(&self, quote: &Quote, section: &Range<usize>, best: f32, words: usize) -> Option<usize> {
        let previous = quote.units.start.checked_sub(1).filter(|unit| *unit >= section.start)?;
        let unit = self.ground.unit(quote.passage, previous)?;
        let first = self.ground.unit(quote.passage, quote.units.start)?;
        let length = self.unit_words(quote.passage, previous);
        if matches!(unit.shape, Shape::Row) || words + length > self.settings.words_max {
            return None;
        }
        let leans = self.leans(quote.passage, quote.units.start) || matches!(first.shape, Shape::Code);
        let near = self.score(quote.passage, previous).is_some_and(|score| score >= best - NEIGHBOUR_MARGIN);
        let same_kind = matches!(unit.shape, Shape::Sentence) || unit.block == first.block;
        let wanted = leans || unit.leads_in || (near && same_kind && words + length <= WORDS_AIMED);
        wanted.then_some(previous)
    }

    fn leans(&self, passage: usize, unit: usize) -> bool {
        let Some(unit) = self.ground.unit(passage, unit) else { return false };
        let text = self.ground.slice(passage, &unit.range).to_lowercase();
        LEANING.iter().any(|opener| {
            text.strip_prefix(opener).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    }

    /// Whether a further quote is worth its place: it holds words or codes of the question that the others lack, or fits
    /// as well as the best; and it does not say the same again.
    fn adds(&self, quotes: &[Quote], quote: &Quote, scored: &Scored, best: &Scored) -> bool {
        let text = self.under_headings(quote);
        let own = Lexical::of(&text, self.ground.words);
        let others: Vec<Lexical> =
            quotes.iter().map(|other| Lexical::of(&self.under_headings(other), self.ground.words)).collect();
        if others.iter().any(|other| share_common(&own, other) > SAME_SHARE) {
            return false;
        }
        let new_word = self.ground.question.words.iter().any(|word| {
            word.weight >= 1.0
                && self.ground.words.held(&word.stem, &own.stems) > 0.0
                && others.iter().all(|other| self.ground.words.held(&word.stem, &other.stems) == 0.0)
        });
        let new_code = self
            .ground
            .question
            .identifiers
            .iter()
            .any(|code| own.holds(code) && others.iter().all(|other| !other.holds(code)));
        let all_codes = self.ground.question.identifiers.iter().all(|code| own.holds(code));
        let margin = if new_word { NEW_WORD_MARGIN } else { EQUAL_MARGIN };
        new_code || (all_codes && scored.score >= best.score - margin)
    }

    fn under_headings(&self, quote: &Quote) -> String {
        format!(
            "{} {}",
            self.ground.context(quote.passage, quote.section(self.ground)),
            quote.read(self.ground)
        )
    }

    /// A numbered procedure that a passage's end cut in two goes on in the passage that continues it.
    fn with_continuation(&self, quote: Quote) -> Vec<Quote> {
        let number =
            |passage: usize, unit: usize| match self.ground.unit(passage, unit).map(|unit| unit.shape) {
                Some(Shape::Item { number }) => number,
                _ => None,
            };
        let Some(last) = quote.units.end.checked_sub(1).and_then(|unit| number(quote.passage, unit)) else {
            return vec![quote];
        };
        let at_end =
            self.ground.parts.get(quote.passage).is_some_and(|parts| parts.units.len() == quote.units.end);
        let this = self.ground.passages.get(quote.passage);
        let follows = |index: &usize| {
            let other = self.ground.passages.get(*index);
            at_end
                && *index != quote.passage
                && this
                    .zip(other)
                    .is_some_and(|(a, b)| a.document == b.document && a.heading_path == b.heading_path)
                && (0..2).any(|unit| number(*index, unit) == Some(last + 1))
        };
        let Some(next) = (0..self.ground.passages.len()).find(follows) else { return vec![quote] };
        let Some(parts) = self.ground.parts.get(next) else { return vec![quote] };
        let start = usize::from(number(next, 0) != Some(last + 1));
        let continued = Quote { passage: next, units: parts.block_of(start) };
        vec![quote, continued]
    }
}

fn share_common(a: &Lexical, b: &Lexical) -> f32 {
    let fewer = a.stems.len().min(b.stems.len()).max(1);
    #[expect(clippy::cast_precision_loss, reason = "words of a passage")]
    let share = a.stems.intersection(&b.stems).count() as f32 / fewer as f32;
    share
}
