//! The whole way from a question and passages to an answer.

use super::compose::{answered, declined};
use super::decide::{asks_nothing, decide, unmeasured};
use super::given::{PassageGiven, QuotedAnswer, Reason, Settings};
use super::question::Question;
use super::score::Ground;
use super::select::select;
use super::words::Words;
use crate::search::keywords::Language;

/// Passages that are read; further ones do not count.
const PASSAGES_MAX: usize = 16;
/// Bytes of a question that are read.
const QUESTION_BYTES_MAX: usize = 4_000;
/// Bytes of the passages by which their language is told.
const LANGUAGE_BYTES: usize = 4_000;

/// Answers `question` from `passages` (best first) by quoting, or declines.
///
/// # Errors
/// Whatever `embed` fails with.
pub fn answer<E>(
    question: &str,
    passages: &[PassageGiven],
    embed: super::Embed<'_, E>,
    settings: &Settings,
) -> Result<QuotedAnswer, E> {
    let passages = passages.get(..PASSAGES_MAX).unwrap_or(passages);
    let question = head(question.trim(), QUESTION_BYTES_MAX);
    let language = language_of(passages);
    let words = Words::new(language);
    let asked = Question::parse(question, &words);
    let refuse = |reason| Ok(declined(passages, unmeasured(reason), &settings.wording));
    if asks_nothing(&asked) {
        return refuse(Reason::SmallTalk);
    }
    let ground = Ground::new(&asked, &words, passages);
    let Some(vector) = embed(&[question])?.into_iter().next().flatten() else {
        return refuse(Reason::NothingFound);
    };
    let scored = ground.score(&vector, settings.units_max.max(1), embed)?;
    let quotes = select(&ground, &scored, settings);
    let Some(best) = scored.first() else { return refuse(Reason::NothingFound) };
    let foreign = language != Language::ENGLISH;
    let evidence = decide(&ground, &quotes, best.cosine, &vector, foreign, settings.chance_min, embed)?;
    Ok(match evidence.reason {
        Reason::Answered => answered(&ground, &quotes, evidence, &settings.wording),
        _ => declined(passages, evidence, &settings.wording),
    })
}

fn head(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn language_of(passages: &[PassageGiven]) -> Language {
    let mut sample = String::new();
    for passage in passages {
        sample.push_str(head(&passage.text, LANGUAGE_BYTES / 4));
        sample.push('\n');
        if sample.len() > LANGUAGE_BYTES {
            break;
        }
    }
    whatlang::detect(&sample)
        .filter(whatlang::Info::is_reliable)
        .map_or(Language::ENGLISH, |info| Language::from_code(info.lang().code()))
}
