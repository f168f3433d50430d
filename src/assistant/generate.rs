//! An answer from a language model, held to the passages: shown as it grows, with its citations checked.
//!
//! An answer that cites nothing is withheld. What becomes of one in which some claims have no source is the workspace's
//! setting: withheld too, be it a single claim, because whoever chose that wants nothing said that no document says; or given
//! with each of those claims marked. A claim whose source does not bear it out has none. What counts as a claim, `claims` says,
//! and what bears one out, `support`. Nothing uncited is ever shown as if it were not.

use std::ops::Range;

use futures_util::StreamExt as _;

use super::claims::without_markers;
use super::draft::Draft;
use super::ground::{Grounder, Grounding};
use super::images::Images;
use super::prompt::{self, NO_ANSWER};
use super::quote::PassageGiven;
use super::support::Sources;
use crate::ai::{self, ChatRequest, Event, Provider, StopReason, Usage};
use crate::conversations::{Author, Message};
use crate::knowledge::Span;
use crate::tenants::UncitedClaims;

/// What the model came to.
pub(super) enum Generated {
    /// An answer whose citations point at passages.
    Answer {
        /// Light Markdown with markers from 1.
        text: String,
        /// For each marker, the place of its passage in the list given, from 0.
        cited: Vec<usize>,
        /// Its claims without a source, in UTF-16 code units of `text`.
        uncited: Vec<Span>,
    },
    /// The passages do not hold the answer.
    Declined,
    /// It did not say where its statements are from; `in_part` when it did for some of them.
    Uncited { in_part: bool },
    /// What it cites does not bear out what it says.
    Unsupported,
    /// It was not waited for: the visitor had left.
    CalledOff,
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
    /// What becomes of an answer in part of which nothing is cited.
    pub(super) uncited_claims: UncitedClaims,
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

/// Sends `request` and shows the answer as it comes. It is not waited for any longer once `left` ends.
pub(super) async fn generate(
    provider: &dyn Provider,
    request: ChatRequest,
    wish: Wish<'_>,
    draft: &mut Draft,
    left: impl Future<Output = ()>,
) -> Heard {
    let input_bytes = request.weight_bytes();
    let mut left = std::pin::pin!(left);
    let mut stream = provider.stream(request);
    let mut grounder = Grounder::new(wish.passages.iter().map(|passage| passage.number));
    let (mut reply, mut text) = (String::new(), String::new());
    let mut end = None;
    // A stream that is broken off carries no usage; what came of it was read and written all the same.
    let guessed = |reply: &str| {
        if reply.is_empty() { Usage::default() } else { Usage::estimate(input_bytes, reply.len()) }
    };
    loop {
        let event = tokio::select! {
            event = stream.next() => event,
            () = &mut left => {
                let usage = guessed(&reply);
                return Heard { outcome: Ok(Generated::CalledOff), usage, stop_reason: None };
            }
        };
        let Some(event) = event else { break };
        match event {
            Ok(Event::Waiting { before }) => draft.waiting(before),
            Ok(Event::Delta(piece)) => {
                reply.push_str(&piece);
                text.push_str(&grounder.push(&piece));
                if !may_become_no_answer(&reply) {
                    draft.grow_to(&text);
                }
            }
            Ok(Event::Finished { stop_reason, usage }) => end = Some((stop_reason, usage)),
            Err(error) => {
                let usage = error.usage().unwrap_or_else(|| guessed(&reply));
                return Heard { outcome: Err(error), usage, stop_reason: None };
            }
        }
    }
    let (rest, grounding) = grounder.finish();
    text.push_str(&rest);
    let outcome = if prompt::is_no_answer(&reply) {
        Generated::Declined
    } else {
        judge(&text, &grounding, wish.passages, wish.question, wish.uncited_claims)
    };
    let usage = end.map_or_else(|| Usage::estimate(input_bytes, reply.len()), |(_, usage)| usage);
    Heard { outcome: Ok(outcome), usage, stop_reason: end.map(|(stop_reason, _)| stop_reason) }
}

/// What becomes of a text whose citations are checked.
fn judge(
    text: &str,
    grounding: &Grounding,
    passages: &[PassageGiven],
    question: &str,
    rule: UncitedClaims,
) -> Generated {
    let in_part = !grounding.cited.is_empty();
    if !in_part || (rule == UncitedClaims::Withhold && grounding.unfounded > 0) {
        return Generated::Uncited { in_part };
    }
    let unsupported = unsupported(text, grounding, passages, question);
    let all = unsupported.len() == grounding.sourced.len();
    if !unsupported.is_empty() && (all || rule == UncitedClaims::Withhold) {
        return Generated::Unsupported;
    }
    let shown = text.trim();
    let lead = text.len() - text.trim_start().len();
    let units = |byte: usize| {
        let before = shown.get(..byte.saturating_sub(lead)).unwrap_or(shown);
        before.chars().map(char::len_utf16).sum()
    };
    let mut uncited: Vec<_> = grounding.uncited.iter().cloned().chain(unsupported).collect();
    uncited.sort_by_key(|range| range.start);
    let uncited =
        uncited.iter().map(|range| Span { start: units(range.start), end: units(range.end) }).collect();
    // Passages are numbered from 1 in the order given.
    let cited = grounding.cited.iter().map(|number| number.saturating_sub(1)).collect();
    Generated::Answer { text: shown.to_owned(), cited, uncited }
}

/// The statements of a text that the passages they cite do not bear out.
fn unsupported(
    text: &str,
    grounding: &Grounding,
    passages: &[PassageGiven],
    question: &str,
) -> Vec<Range<usize>> {
    let borne_out = |(range, markers): &&(Range<usize>, Vec<usize>)| {
        let cited: Vec<&PassageGiven> = markers
            .iter()
            .filter_map(|marker| grounding.cited.get(marker.checked_sub(1)?))
            .filter_map(|number| passages.iter().find(|passage| passage.number == *number))
            .collect();
        let statement = without_markers(text.get(range.clone()).unwrap_or_default());
        Sources::new(&cited, question, text).bear_out(&statement)
    };
    let sourced = grounding.sourced.iter();
    sourced.filter(|one| !borne_out(one)).map(|(range, _)| range.clone()).collect()
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
    use crate::assistant::ground::ground;

    fn judged(text: &str, rule: UncitedClaims) -> Generated {
        let (text, grounding) = ground(text, [1, 2]);
        let passage =
            |number: usize, text: &str| PassageGiven { number, text: text.into(), ..PassageGiven::default() };
        let passages = [
            passage(1, "The ring is made of rubber. It lasts ten years."),
            passage(2, "Der Ring ist dünn und aus Gummi."),
        ];
        judge(&text, &grounding, &passages, "What is the ring?", rule)
    }

    #[test]
    fn a_claim_that_its_source_does_not_bear_out_has_none() {
        let text = "The ring is made of rubber [1]. It glows at night in Norway and abroad [1].";
        assert!(matches!(judged(text, UncitedClaims::Withhold), Generated::Unsupported));
        let Generated::Answer { uncited, .. } = judged(text, UncitedClaims::Mark) else {
            panic!("it is given")
        };
        assert_eq!(uncited.len(), 1);
        let invented = judged("It glows at night in Norway and abroad [1].", UncitedClaims::Mark);
        assert!(matches!(invented, Generated::Unsupported), "nothing of it is borne out");
    }

    #[test]
    fn one_claim_without_a_source_withholds_an_answer_or_is_marked() {
        let text = "\n Ist dünn 😀 und aus Gummi [2]. The ring lasts for ten years. ";
        let withheld = judged(text, UncitedClaims::Withhold);
        assert!(matches!(withheld, Generated::Uncited { in_part: true }));
        let Generated::Answer { text, cited, uncited } = judged(text, UncitedClaims::Mark) else {
            panic!("it is given")
        };
        assert_eq!(cited, [1]);
        let wide: Vec<u16> = text.encode_utf16().collect();
        let marked: Vec<String> =
            uncited.iter().map(|span| String::from_utf16(&wide[span.start..span.end]).unwrap()).collect();
        assert_eq!(marked, ["The ring lasts for ten years."]);
    }

    #[test]
    fn what_cites_nothing_is_withheld_whatever_the_setting_and_what_is_all_cited_never() {
        for rule in [UncitedClaims::Withhold, UncitedClaims::Mark] {
            let invented = judged("The ring is golden and lasts for ever [9].", rule);
            assert!(matches!(invented, Generated::Uncited { in_part: false }));
            let Generated::Answer { uncited, .. } = judged("Sure! The ring is made of rubber [1].", rule)
            else {
                panic!("it is given")
            };
            assert_eq!(uncited, []);
        }
    }

    #[test]
    fn that_the_documents_do_not_hold_a_part_is_said_and_marked() {
        let text = "The ring is made of rubber [1]. The documents do not say what it costs.";
        let Generated::Answer { uncited, .. } = judged(text, UncitedClaims::Withhold) else {
            panic!("it is given")
        };
        assert_eq!(uncited, [Span { start: 32, end: 71 }]);
    }

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
