//! Looks at a question's pictures before passages are looked for: "What does this mean?" beside a display that reads E-17 is a
//! question about E-17, and only a model that sees the picture knows it.
//!
//! What it says is searched for and kept with the trace; it is never shown to the visitor. It is one line of bounded
//! length, so the worst that a picture with instructions in it can do is to have the wrong passages found.

use std::time::Instant;

use futures_util::StreamExt as _;

use super::Error;
use super::books::{Allowed, cost};
use super::generate::Wish;
use super::speak::{Speaker, said};
use super::trace::Attempt;
use crate::ai::route::Choice;
use crate::ai::{self, ChatRequest, Event, Message, Provider, Usage};
use crate::base::Fault as _;

/// The instructions, `assets/prompts/look.md`.
const TEMPLATE: &str = include_str!("../../assets/prompts/look.md");
/// Tokens of what it says; a model that thinks first needs some for that.
const OUTPUT_TOKENS_MAX: u32 = 400;
/// Characters of it that are searched for.
const LOOKED_CHARS_MAX: usize = 400;
/// Bytes of the question that it reads.
const QUESTION_BYTES_MAX: usize = 4_000;

/// What became of looking.
#[derive(Default)]
pub(super) struct Looked {
    /// What the pictures show, in one line; nothing when nobody could look.
    pub(super) words: Option<String>,
    /// The models that were to look, in order.
    pub(super) attempts: Vec<Attempt>,
}

impl Speaker<'_> {
    /// Has the question's pictures looked at by the first model with eyes that can. Its cost is booked at once.
    pub(super) async fn look(&self, wish: Wish<'_>) -> Result<Looked, Error> {
        let mut looked = Looked::default();
        if wish.images.of_question().is_empty() {
            return Ok(looked);
        }
        let plan = self.models.plan(wish.question, wish.history.len(), wish.images.count());
        for choice in plan.choices.into_iter().filter(|choice| self.models.sees(&choice.provider)) {
            let Some(model) = self.models.get(&choice.provider) else { continue };
            let Ok(reached) = self.models.reach(self.books.keyspace, model) else { continue };
            if reached.breaker.admit(self.books.now()).is_err() {
                continue;
            }
            let request = request(&wish);
            let Allowed::Yes(most) = self.books.reserve(&model.price, &request).await? else { continue };
            let begun = Instant::now();
            let (outcome, usage) = listen(&*reached.provider, request).await;
            let cost = cost(&model.price, &choice, &usage, most);
            let charge = (usage != Usage::default()).then(|| self.books.charge(&choice, usage, cost));
            self.books.book(charge).await?;
            looked.attempts.push(attempt(&choice, &outcome, usage, cost, begun));
            match outcome {
                Ok(words) => {
                    reached.breaker.succeeded();
                    looked.words = one_line(&words);
                    return Ok(looked);
                }
                Err(error) => {
                    tracing::warn!(?error, provider = choice.provider, "a model could not look at a picture");
                    if error.counts_against_provider() {
                        reached.breaker.failed(self.books.now(), error.retry_after());
                    }
                }
            }
        }
        Ok(looked)
    }
}

fn request(wish: &Wish<'_>) -> ChatRequest {
    let question = wish.question.trim();
    let question = question.get(..question.floor_char_boundary(QUESTION_BYTES_MAX)).unwrap_or_default();
    let shown = Message::user(question).with_images(wish.images.of_question());
    ChatRequest {
        messages: vec![Message::system(TEMPLATE.replace("{workspace}", wish.workspace)), shown],
        max_output_tokens: OUTPUT_TOKENS_MAX,
        temperature: Some(0.0),
        tenant: wish.tenant.map(str::to_owned),
    }
}

/// Reads the whole answer as a stream, which has a deadline between any two pieces.
async fn listen(provider: &dyn Provider, request: ChatRequest) -> (Result<String, ai::Error>, Usage) {
    let input_bytes = request.weight_bytes();
    let mut stream = provider.stream(request);
    let mut words = String::new();
    let mut told = None;
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Waiting { .. }) => {}
            Ok(Event::Delta(piece)) => words.push_str(&piece),
            Ok(Event::Finished { usage, .. }) => told = Some(usage),
            Err(error) => {
                let guessed = || {
                    if words.is_empty() {
                        Usage::default()
                    } else {
                        Usage::estimate(input_bytes, words.len())
                    }
                };
                let usage = error.usage().unwrap_or_else(guessed);
                return (Err(error), usage);
            }
        }
    }
    let usage = told.unwrap_or_else(|| Usage::estimate(input_bytes, words.len()));
    (Ok(words), usage)
}

fn attempt(
    choice: &Choice,
    outcome: &Result<String, ai::Error>,
    usage: Usage,
    cost: crate::base::Micros,
    begun: Instant,
) -> Attempt {
    let attempt = match outcome {
        Ok(_) => Attempt::without_call(choice, "looked", "looked at the picture", String::new()),
        Err(error) => Attempt::without_call(choice, error.code(), said(error), error.to_string()),
    };
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Attempt { usage, cost, took_ms, ..attempt }
}

/// What can be searched for; nothing where nothing is said.
fn one_line(words: &str) -> Option<String> {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).take(LOOKED_CHARS_MAX).collect();
    line.chars().any(char::is_alphanumeric).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_one_line_of_bounded_length() {
        assert_eq!(one_line(" Juniper,\n\n error  E-17 ").as_deref(), Some("Juniper, error E-17"));
        assert_eq!(one_line("...\n"), None);
        assert_eq!(one_line(&"word ".repeat(1_000)).unwrap().chars().count(), LOOKED_CHARS_MAX);
    }
}
