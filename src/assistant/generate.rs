//! An answer from a language model, held to the passages: shown as it grows, with its citations checked.

use futures_util::StreamExt as _;

use super::Error;
use super::draft::Draft;
use super::ground::Grounder;
use super::prompt::{self, NO_ANSWER};
use super::quote::PassageGiven;
use crate::ai::{self, Event, Provider};
use crate::conversations::{Author, Message};

/// Of the statements of an answer, so many may stand without a citation; 0 to 1.
const UNCITED_RATIO_MAX: f32 = 0.5;

/// What the model came to.
pub(super) enum Generated {
    /// An answer whose citations point at passages.
    Answer {
        /// Light Markdown with markers from 1.
        text: String,
        /// For each marker, the place of its passage in the list given, from 0.
        cited: Vec<usize>,
    },
    /// The passages do not hold the answer.
    Declined,
    /// It did not say where its statements are from.
    Uncited,
}

/// What a request is made of.
pub(super) struct Wish<'a> {
    pub(super) tenant: Option<String>,
    pub(super) workspace: &'a str,
    pub(super) question: &'a str,
    /// What was said before, oldest first.
    pub(super) history: &'a [Message],
    pub(super) passages: &'a [PassageGiven],
}

/// Asks `provider` and shows its answer as it comes.
pub(super) async fn generate(
    provider: &dyn Provider,
    wish: &Wish<'_>,
    draft: &mut Draft,
) -> Result<Generated, Error> {
    let history: Vec<ai::Message> = wish.history.iter().filter_map(said).collect();
    let mut request = prompt::request(wish.workspace, wish.passages, &history, wish.question);
    request.tenant.clone_from(&wish.tenant);
    let mut stream = provider.stream(request);
    let mut grounder = Grounder::new(wish.passages.iter().map(|passage| passage.number));
    let mut reply = String::new();
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event? {
            Event::Delta(piece) => {
                reply.push_str(&piece);
                text.push_str(&grounder.push(&piece));
                if !may_become_no_answer(&reply) {
                    draft.grow_to(&text);
                }
            }
            Event::Finished { .. } => break,
        }
    }
    let (rest, grounding) = grounder.finish();
    text.push_str(&rest);
    if prompt::is_no_answer(&reply) {
        return Ok(Generated::Declined);
    }
    if text.trim().is_empty() {
        return Err(Error::EmptyAnswer);
    }
    if grounding.cited.is_empty() || grounding.uncited_ratio() > UNCITED_RATIO_MAX {
        return Ok(Generated::Uncited);
    }
    // Passages are numbered from 1 in the order given.
    let cited = grounding.cited.iter().map(|number| number.saturating_sub(1)).collect();
    Ok(Generated::Answer { text: text.trim().to_owned(), cited })
}

fn said(message: &Message) -> Option<ai::Message> {
    match message.author {
        Author::Visitor => Some(ai::Message::user(message.text.clone())),
        Author::Assistant | Author::Member => Some(ai::Message::assistant(message.text.clone())),
        Author::System => None,
    }
}

/// The word that stands for "no answer" is not for the visitor's eyes, nor is its beginning.
fn may_become_no_answer(reply: &str) -> bool {
    let reply = reply.trim_start_matches(|c: char| !c.is_alphanumeric());
    NO_ANSWER.starts_with(reply) || reply.starts_with(NO_ANSWER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_for_no_answer_is_not_shown_while_it_is_being_written() {
        for hidden in ["", "  ", "N", "**NO_", "NO_ANSWER", "NO_ANSWER."] {
            assert!(may_become_no_answer(hidden), "{hidden:?}");
        }
        for shown in ["No", "NO WAY", "The"] {
            assert!(!may_become_no_answer(shown), "{shown:?}");
        }
    }
}
