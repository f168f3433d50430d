//! An answer from a language model, held to the passages: shown as it grows, with its citations checked.

use futures_util::StreamExt as _;

use super::draft::Draft;
use super::ground::Grounder;
use super::images::Images;
use super::prompt::{self, NO_ANSWER};
use super::quote::PassageGiven;
use crate::ai::{self, ChatRequest, Event, Provider, StopReason, Usage};
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
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) tenant: Option<&'a str>,
    pub(super) workspace: &'a str,
    pub(super) question: &'a str,
    /// What was said before, oldest first.
    pub(super) history: &'a [Message],
    pub(super) passages: &'a [PassageGiven],
    pub(super) images: &'a Images,
}

impl Wish<'_> {
    /// What a model is sent that looks at pictures, or one that does not.
    pub(super) fn request(&self, sees: bool) -> ChatRequest {
        let shown = |message: &Message| {
            said(message).map(|said| if sees { said.with_images(self.images.of(message.id)) } else { said })
        };
        let history: Vec<ai::Message> = self.history.iter().filter_map(shown).collect();
        let question = self.images.told(self.question, sees);
        let mut request = prompt::request(self.workspace, self.passages, &history, &question);
        if let Some(last) = request.messages.last_mut().filter(|_| sees) {
            last.images = self.images.of_question();
        }
        request.tenant = self.tenant.map(str::to_owned);
        request
    }
}

/// One call of a model.
pub(super) struct Heard {
    /// What it came to.
    pub(super) outcome: Result<Generated, ai::Error>,
    /// What it took, guessed where the server did not get to tell.
    pub(super) usage: Usage,
    /// Why the model stopped, where it did.
    pub(super) stop_reason: Option<StopReason>,
}

/// Sends `request` and shows the answer as it comes.
pub(super) async fn generate(
    provider: &dyn Provider,
    request: ChatRequest,
    passages: &[PassageGiven],
    draft: &mut Draft,
) -> Heard {
    let input_bytes = request.weight_bytes();
    let mut stream = provider.stream(request);
    let mut grounder = Grounder::new(passages.iter().map(|passage| passage.number));
    let (mut reply, mut text) = (String::new(), String::new());
    let mut end = None;
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Delta(piece)) => {
                reply.push_str(&piece);
                text.push_str(&grounder.push(&piece));
                if !may_become_no_answer(&reply) {
                    draft.grow_to(&text);
                }
            }
            Ok(Event::Finished { stop_reason, usage }) => end = Some((stop_reason, usage)),
            Err(error) => {
                // A stream that broke off carries no usage; what came of it was read and written all the same.
                let told = error.usage();
                let guessed = || Usage::estimate(input_bytes, reply.len());
                let usage =
                    if reply.is_empty() { told.unwrap_or_default() } else { told.unwrap_or_else(guessed) };
                return Heard { outcome: Err(error), usage, stop_reason: None };
            }
        }
    }
    let (rest, grounding) = grounder.finish();
    text.push_str(&rest);
    let outcome = if prompt::is_no_answer(&reply) {
        Generated::Declined
    } else if grounding.cited.is_empty() || grounding.uncited_ratio() > UNCITED_RATIO_MAX {
        Generated::Uncited
    } else {
        // Passages are numbered from 1 in the order given.
        let cited = grounding.cited.iter().map(|number| number.saturating_sub(1)).collect();
        Generated::Answer { text: text.trim().to_owned(), cited }
    };
    let usage = end.map_or_else(|| Usage::estimate(input_bytes, reply.len()), |(_, usage)| usage);
    Heard { outcome: Ok(outcome), usage, stop_reason: end.map(|(stop_reason, _)| stop_reason) }
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
