//! A conversation as Anthropic and Google want it: instructions apart, then a person and the model by turns.
//!
//! Both refuse empty texts, and both want the person to begin; Google wants the roles to alternate. So empty messages
//! are left out, what one says in a row becomes one turn, and a conversation whose beginning was cut off gets one.

use super::super::{ChatRequest, Image, Role};

/// Stands for what was said before an answer that is now the first message.
const BEGINNING: &str = "(earlier messages are left out)";

/// What one side says before the other speaks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Turn<'a> {
    pub(super) by_model: bool,
    pub(super) images: Vec<&'a Image>,
    /// None is empty.
    pub(super) texts: Vec<&'a str>,
}

/// The instructions, joined, and the turns: at least one, the first and every second a person's.
pub(super) fn turns(chat: &ChatRequest) -> (String, Vec<Turn<'_>>) {
    let mut instructions = Vec::new();
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for message in &chat.messages {
        let text = Some(message.text.as_str()).filter(|text| !text.trim().is_empty());
        if message.role == Role::System {
            instructions.extend(text);
            continue;
        }
        if text.is_none() && message.images.is_empty() {
            continue;
        }
        let by_model = message.role == Role::Assistant;
        if turns.is_empty() && by_model {
            turns.push(Turn { texts: vec![BEGINNING], ..Turn::default() });
        }
        if turns.last().is_none_or(|last| last.by_model != by_model) {
            turns.push(Turn { by_model, ..Turn::default() });
        }
        if let Some(turn) = turns.last_mut() {
            turn.images.extend(&message.images);
            turn.texts.extend(text);
        }
    }
    if turns.is_empty() {
        turns.push(Turn { texts: vec![BEGINNING], ..Turn::default() });
    }
    (instructions.join("\n\n"), turns)
}

#[cfg(test)]
mod tests {
    use super::super::super::Message;
    use super::*;

    fn shape(messages: Vec<Message>) -> (String, Vec<(bool, Vec<String>)>) {
        let chat = ChatRequest { messages, max_output_tokens: 1, temperature: None, tenant: None };
        let (instructions, turns) = turns(&chat);
        let turns = turns
            .into_iter()
            .map(|turn| (turn.by_model, turn.texts.into_iter().map(str::to_owned).collect()));
        (instructions, turns.collect())
    }

    #[test]
    fn what_one_says_in_a_row_is_one_turn_and_instructions_stand_apart() {
        let (instructions, turns) = shape(vec![
            Message::system("Be kind."),
            Message::user("Hello?"),
            Message::user("Anyone?"),
            Message::assistant("Yes."),
            Message::assistant(" \n"),
            Message::system("Be brief."),
            Message::user("Good."),
        ]);
        assert_eq!(instructions, "Be kind.\n\nBe brief.");
        assert_eq!(
            turns,
            [
                (false, vec!["Hello?".to_owned(), "Anyone?".into()]),
                (true, vec!["Yes.".into()]),
                (false, vec!["Good.".into()])
            ]
        );
    }

    #[test]
    fn a_person_always_begins() {
        let (_, turns) = shape(vec![Message::assistant("Welcome!"), Message::user("Hi")]);
        let expected = [
            (false, vec![BEGINNING.to_owned()]),
            (true, vec!["Welcome!".into()]),
            (false, vec!["Hi".into()]),
        ];
        assert_eq!(turns, expected);
        assert_eq!(shape(vec![Message::system("x")]).1, [(false, vec![BEGINNING.to_owned()])]);
    }
}
