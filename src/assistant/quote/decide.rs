//! Whether the quotes answer the question, or the question is declined.
//!
//! A cosine alone is a weak judge, so the measurements of [`Measured`] go into one logistic regression. Codes are not
//! a matter of degree: a question about an `E-99` that no passage holds is declined whatever else fits.

use super::given::{Evidence, Measured, PassageGiven, Reason};
use super::question::Question;
use super::score::{Ground, Lexical, cosine, with_context};
use super::select::Quote;

/// The chance from which a question is answered.
pub(super) const CHANCE_MIN: f32 = 0.5;
/// Words that are taken out of the question, one at a time.
const WORDS_TAKEN_OUT_MAX: usize = 5;

/// Measures how well `quotes` fit and decides.
pub(super) fn decide<E>(
    ground: &Ground<'_>,
    quotes: &[Quote],
    unit_cosine: f32,
    question: &[f32],
    foreign: bool,
    chance_min: f32,
    embed: super::Embed<'_, E>,
) -> Result<Evidence, E> {
    let asked = ground.question;
    let identifiers_unknown: Vec<String> = asked
        .identifiers
        .iter()
        .filter(|code| code.certain && !ground.whole.iter().any(|text| text.holds(code)))
        .map(|code| code.surface.clone())
        .collect();
    let words_unknown: Vec<String> = asked
        .words
        .iter()
        .filter(|word| ground.whole.iter().all(|text| ground.words.held(&word.stem, &text.stems) == 0.0))
        .map(|word| word.surface.clone())
        .collect();
    let mut measured = lexical(ground, quotes, &words_unknown);
    semantic(ground, quotes, question, &mut measured, embed)?;
    measured.unit_cosine = unit_cosine;
    measured.foreign = f32::from(u8::from(foreign));
    let chance = chance(&measured);
    let reason = if !identifiers_unknown.is_empty() {
        Reason::IdentifierUnknown
    } else if chance < chance_min {
        Reason::TooWeak
    } else {
        Reason::Answered
    };
    Ok(Evidence { reason, chance, identifiers_unknown, words_unknown, measured })
}

/// Evidence for a question that was declined without looking.
pub(super) fn unmeasured(reason: Reason) -> Evidence {
    Evidence {
        reason,
        chance: 0.0,
        identifiers_unknown: Vec::new(),
        words_unknown: Vec::new(),
        measured: Measured::default(),
    }
}

/// The words of all quotes and of the headings above them.
fn quoted(ground: &Ground<'_>, quotes: &[Quote]) -> (Lexical, Lexical, String) {
    let mut context = String::new();
    let mut text = String::new();
    for quote in quotes {
        context.push_str(&ground.context(quote.passage, quote.section(ground)));
        context.push(' ');
        text.push_str(&quote.read(ground));
        text.push(' ');
    }
    (Lexical::of(&text, ground.words), Lexical::of(&context, ground.words), text)
}

#[expect(clippy::cast_precision_loss, reason = "counts of words of a question")]
fn lexical(ground: &Ground<'_>, quotes: &[Quote], words_unknown: &[String]) -> Measured {
    let asked = ground.question;
    let (own, above, text) = quoted(ground, quotes);
    let (mut all, mut total) = (0.0, 0.0);
    for (word, weight) in asked.words.iter().zip(&ground.weights) {
        total += weight;
        let most =
            ground.whole.iter().map(|text| ground.words.held(&word.stem, &text.stems)).fold(0.0, f32::max);
        all += weight * most;
    }
    let missing_heaviest = asked
        .words
        .iter()
        .filter(|word| lacks(ground, word.stem.as_str(), &own, &above))
        .map(|word| word.weight)
        .fold(0.0, f32::max);
    let names_unknown =
        asked.words.iter().filter(|word| word.name && words_unknown.contains(&word.surface)).count();
    let codes_unknown =
        asked.identifiers.iter().filter(|code| !ground.whole.iter().any(|text| text.holds(code))).count();
    let kind = asked.wants.and_then(|wanted| wanted.in_text(&text));
    Measured {
        passage_cosine: best(ground.passages, |passage| passage.cosine),
        passage_score: best(ground.passages, |passage| passage.score),
        gap: gap(ground.passages),
        coverage: ground.coverage(&own, &above),
        coverage_all: if total > 0.0 { all / total } else { f32::from(u8::from(codes_unknown == 0)) },
        codes_held: ground.identifiers_held(&own, &above),
        missing_heaviest,
        names_unknown: names_unknown as f32,
        codes_unknown: codes_unknown as f32,
        kind_found: kind.map_or(0.0, |found| if found { 1.0 } else { -1.0 }),
        words: (asked.words.len() + asked.identifiers.len()) as f32,
        ..Measured::default()
    }
}

fn lacks(ground: &Ground<'_>, stem: &str, own: &Lexical, above: &Lexical) -> bool {
    ground.words.held(stem, &own.stems) == 0.0 && ground.words.held(stem, &above.stems) == 0.0
}

/// What embedding the quote, and the question without the words it lacks, tells.
fn semantic<E>(
    ground: &Ground<'_>,
    quotes: &[Quote],
    question: &[f32],
    measured: &mut Measured,
    embed: super::Embed<'_, E>,
) -> Result<(), E> {
    let Some(first) = quotes.first() else { return Ok(()) };
    let (own, above, _) = quoted(ground, quotes);
    let mut missing: Vec<_> =
        ground.question.words.iter().filter(|word| lacks(ground, &word.stem, &own, &above)).collect();
    missing.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    missing.truncate(WORDS_TAKEN_OUT_MAX);
    let mut texts =
        vec![with_context(&ground.context(first.passage, first.section(ground)), &first.read(ground))];
    texts.extend(missing.iter().map(|word| ground.question.without(word)));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut vectors = embed(&texts)?.into_iter();
    let Some(quote) = vectors.next().flatten() else { return Ok(()) };
    measured.quote_cosine = cosine(question, &quote);
    measured.estrangement =
        vectors.flatten().map(|shorter| cosine(&shorter, &quote) - measured.quote_cosine).fold(0.0, f32::max);
    Ok(())
}

fn best(passages: &[PassageGiven], of: impl Fn(&PassageGiven) -> f32) -> f32 {
    passages.iter().map(of).filter(|value| value.is_finite()).fold(0.0, f32::max)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of passages")]
fn gap(passages: &[PassageGiven]) -> f32 {
    let mut cosines: Vec<f32> =
        passages.iter().map(|passage| passage.cosine).filter(|c| c.is_finite()).collect();
    cosines.sort_by(|a, b| b.total_cmp(a));
    let Some(most) = cosines.first() else { return 0.0 };
    let rest: Vec<f32> = cosines.iter().skip(4).copied().collect();
    if rest.is_empty() { 0.0 } else { most - rest.iter().sum::<f32>() / rest.len() as f32 }
}

/// The logistic regression. Its constants were set by hand near a ridge fit on halves of four question sets (a support
/// knowledge base, a small business's pages, threads of a question site, a programming FAQ), each with questions whose
/// answers were taken out and questions about something else. The offset was chosen on the first two, whole.
fn chance(measured: &Measured) -> f32 {
    let logit = if measured.foreign > 0.0 { foreign_logit(measured) } else { english_logit(measured) };
    1.0 / (1.0 + (-logit).exp())
}

fn english_logit(measured: &Measured) -> f32 {
    let meaning = 4.5 * measured.unit_cosine + 3.2 * measured.quote_cosine + 1.2 * measured.passage_score;
    let words = 1.5 * measured.coverage + 1.6 * measured.coverage_all - 0.8 * measured.missing_heaviest;
    let codes = 2.3 * measured.codes_held - 4.0 * measured.codes_unknown;
    let strangers = 1.5 * measured.names_unknown + 9.0 * measured.estrangement;
    meaning + words + codes - strangers + 0.4 * measured.kind_found - 5.1
}

/// The bundled model knows English; in other languages the words decide.
fn foreign_logit(measured: &Measured) -> f32 {
    let meaning = 2.0 * measured.unit_cosine + 2.0 * measured.quote_cosine;
    let words = 4.0 * measured.coverage + 1.6 * measured.coverage_all - 0.8 * measured.missing_heaviest;
    let codes = 2.3 * measured.codes_held - 4.0 * measured.codes_unknown;
    meaning + words + codes - 1.5 * measured.names_unknown - 5.0
}

/// Whether a question asks nothing that documents could answer.
pub(super) fn asks_nothing(question: &Question) -> bool {
    question.small_talk || (question.words.is_empty() && question.identifiers.is_empty())
}
