//! What the assistant does about a message: pure, so that every case stands in a table.

use crate::conversations::{Author, Message};

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Answer it.
    Answer,
    /// Say nothing.
    Silent(Silence),
}

/// Why nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// It is not a visitor's.
    NotAQuestion,
    /// It has its answer.
    Answered,
    /// A person has replied to it meanwhile.
    PersonReplied,
}

/// Decides about `message`, given who wrote after it. That the conversation has ended meanwhile changes nothing: the
/// question was there before.
#[must_use]
pub fn plan(message: &Message, answered: bool, later: &[Author]) -> Plan {
    if message.author != Author::Visitor {
        Plan::Silent(Silence::NotAQuestion)
    } else if answered {
        Plan::Silent(Silence::Answered)
    } else if later.contains(&Author::Member) {
        Plan::Silent(Silence::PersonReplied)
    } else {
        Plan::Answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{MessageId, Timestamp};

    fn message(author: Author) -> Message {
        Message {
            id: MessageId::new(Timestamp::from_millis(1)),
            author,
            author_name: None,
            text: "Why?".into(),
            images: Vec::new(),
            created_at: Timestamp::from_millis(1),
            reply_to: None,
            client_key: None,
            answer: None,
        }
    }

    #[test]
    fn only_a_visitors_question_that_waits_is_answered() {
        let cases = [
            (Author::Visitor, false, vec![], Plan::Answer),
            (Author::Visitor, false, vec![Author::Visitor], Plan::Answer),
            (Author::Visitor, true, vec![], Plan::Silent(Silence::Answered)),
            (Author::Visitor, false, vec![Author::Member], Plan::Silent(Silence::PersonReplied)),
            (Author::Member, false, vec![], Plan::Silent(Silence::NotAQuestion)),
            (Author::Assistant, false, vec![], Plan::Silent(Silence::NotAQuestion)),
            (Author::System, false, vec![], Plan::Silent(Silence::NotAQuestion)),
        ];
        for (author, answered, later, expected) in cases {
            assert_eq!(plan(&message(author), answered, &later), expected, "{author:?} {later:?}");
        }
    }
}
