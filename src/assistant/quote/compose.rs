//! The answer as text: where each quote is from, its words, its marker.

use super::given::{Citation, Evidence, PassageGiven, QuotedAnswer, Reason, Wording};
use super::score::Ground;
use super::select::Quote;
use super::unit::Shape;

/// The nearest document is named to a declined question from this score of retrieval on.
const CLOSEST_SCORE_MIN: f32 = 0.35;

/// An answer made of quotes.
pub(super) fn answered(
    ground: &Ground<'_>,
    quotes: &[Quote],
    evidence: Evidence,
    wording: &Wording,
) -> QuotedAnswer {
    let mut citations = Vec::with_capacity(quotes.len());
    let mut text = if quotes.len() > 1 { wording.lead_many.clone() } else { wording.lead_one.clone() };
    let mut source_before = String::new();
    for (number, quote) in (1..).zip(quotes) {
        let range = quote.range(ground);
        let Some(passage) = ground.passages.get(quote.passage) else { continue };
        let headings = ground.headings(quote.passage, quote.section(ground));
        let source = source(&passage.title, &headings, passage.page, &wording.page);
        if source != source_before {
            text.push_str("\n\n");
            text.push_str(&wording.from.replace("{source}", &source));
            source_before = source;
        }
        let words = ground.slice(quote.passage, &range);
        text.push_str("\n\n");
        text.push_str(&shown(ground, quote, words, number));
        citations.push(Citation {
            number,
            passage: quote.passage,
            quote: words.to_owned(),
            start: range.start,
            end: range.end,
            headings,
        });
    }
    QuotedAnswer { text, declined: false, citations, evidence }
}

/// Says that the documents do not hold the answer, and what can be done.
pub(super) fn declined(passages: &[PassageGiven], evidence: Evidence, wording: &Wording) -> QuotedAnswer {
    let text = if evidence.reason == Reason::SmallTalk {
        wording.small_talk.clone()
    } else {
        let mut parts = vec![match evidence.identifiers_unknown.as_slice() {
            [] => wording.declined.clone(),
            unknown => wording.identifier_unknown.replace("{identifier}", &unknown.join(", ")),
        }];
        if let Some(nearest) = passages.first().filter(|passage| passage.score >= CLOSEST_SCORE_MIN) {
            let source = source(&nearest.title, &nearest.heading_path, nearest.page, &wording.page);
            parts.push(wording.closest.replace("{source}", &source));
        }
        parts.push(wording.next.clone());
        parts.join(" ")
    };
    QuotedAnswer { text, declined: true, citations: Vec::new(), evidence }
}

/// `Title › Heading, page 3`.
fn source(title: &str, headings: &[String], page: Option<u32>, page_word: &str) -> String {
    let mut names: Vec<&str> = vec![title.trim()];
    names.extend(headings.iter().map(|heading| heading.trim()));
    names.retain(|name| !name.is_empty());
    names.dedup();
    // The outermost heading often is the title again.
    let mut source = names.join(" › ").replace(['*', '\n', '[', ']'], " ").trim().to_owned();
    if let Some(page) = page {
        source.push_str(&format!(", {page_word} {page}"));
    }
    source
}

/// The quote as Markdown with its marker: prose as a block quote, lists, tables and code as they are.
fn shown(ground: &Ground<'_>, quote: &Quote, words: &str, number: usize) -> String {
    let unit = |index: usize| ground.unit(quote.passage, index);
    let first = unit(quote.units.start);
    let last = unit(quote.units.end.saturating_sub(1)).map(|unit| unit.shape);
    let mut text = match first.map(|unit| (unit.shape, &unit.header)) {
        Some((Shape::Row, Some(header))) => {
            let header = ground.slice(quote.passage, header).trim();
            let columns = super::unit::cells(header).len();
            format!("{header}\n|{}\n{words}", "---|".repeat(columns))
        }
        _ => words.to_owned(),
    };
    match last {
        Some(Shape::Row) => {
            let row = text.trim_end().trim_end_matches('|').trim_end().len();
            text.truncate(row);
            text.push_str(&format!(" [{number}] |"));
        }
        Some(Shape::Code) => text.push_str(&format!("\n\n[{number}]")),
        _ => text.push_str(&format!(" [{number}]")),
    }
    let prose =
        quote.units.clone().all(|index| unit(index).is_some_and(|unit| unit.shape == Shape::Sentence));
    if prose {
        text = text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n");
    }
    text
}
