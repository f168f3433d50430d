//! Keeps a model's thoughts from the visitor: what stands between `<think>` and `</think>` at the head of an answer.
//!
//! Models that reason write their thoughts first, and some templates open them for the model. What could still become the opening is
//! held back until it is decided.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Where in an answer we are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Nothing but blanks and perhaps a part of the opening so far.
    Beginning(String),
    /// Within the thoughts; the last characters, which may be a part of the closing.
    Thinking(String),
    /// Thoughts are over; blanks before the answer are left out.
    After,
    Answering,
}

/// Takes the thoughts out of one answer.
#[derive(Debug, Clone)]
pub(super) struct Thoughts(State);

impl Thoughts {
    /// Of an answer whose prompt ended with `prompt`.
    pub(super) fn after(prompt: &str) -> Self {
        Self(if prompt.trim_end().ends_with(OPEN) {
            State::Thinking(String::new())
        } else {
            State::Beginning(String::new())
        })
    }

    /// Whether the model is thinking.
    pub(super) fn thinking(&self) -> bool {
        matches!(self.0, State::Thinking(_))
    }

    /// What of the next piece is for the visitor.
    pub(super) fn push(&mut self, piece: &str) -> String {
        match &mut self.0 {
            State::Answering => piece.to_owned(),
            State::After => {
                let text = piece.trim_start();
                if !text.is_empty() {
                    self.0 = State::Answering;
                }
                text.to_owned()
            }
            State::Beginning(held) => {
                held.push_str(piece);
                let text = held.trim_start();
                if let Some(rest) = text.strip_prefix(OPEN) {
                    let rest = rest.to_owned();
                    self.0 = State::Thinking(String::new());
                    self.push(&rest)
                } else if OPEN.starts_with(text) {
                    String::new()
                } else {
                    let text = text.to_owned();
                    self.0 = State::Answering;
                    text
                }
            }
            State::Thinking(held) => {
                held.push_str(piece);
                if let Some((_, rest)) = held.split_once(CLOSE) {
                    let rest = rest.to_owned();
                    self.0 = State::After;
                    self.push(&rest)
                } else {
                    let kept = held.floor_char_boundary(held.len().saturating_sub(CLOSE.len()));
                    held.drain(..kept);
                    String::new()
                }
            }
        }
    }

    /// What was held back to the end.
    pub(super) fn finish(self) -> String {
        match self.0 {
            State::Beginning(held) => held.trim_start().to_owned(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(prompt: &str, pieces: &[&str]) -> String {
        let mut thoughts = Thoughts::after(prompt);
        let mut shown: String = pieces.iter().map(|piece| thoughts.push(piece)).collect();
        shown.push_str(&thoughts.finish());
        shown
    }

    #[test]
    fn thoughts_are_taken_out_however_the_text_is_cut() {
        let text = "<think>\nIs it <b>5</b>?\n</think>\n\nFive years [1].";
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let (head, tail) = text.split_at(at);
            assert_eq!(shown("", &[head, tail]), "Five years [1].", "cut at {at}");
        }
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(shown("", &letters), "Five years [1].");
    }

    #[test]
    fn a_template_may_have_opened_the_thoughts() {
        assert_eq!(shown("<|assistant|><think>\n", &["hm</th", "ink>Yes."]), "Yes.");
        assert_eq!(shown("<think>", &["never ends"]), "");
    }

    #[test]
    fn an_answer_without_thoughts_is_left_alone() {
        assert_eq!(shown("", &["<", "b>bold</b> </think>"]), "<b>bold</b> </think>");
        assert_eq!(shown("", &["  <thi"]), "<thi");
        assert_eq!(shown("", &["Über ", " alles"]), "Über  alles");
    }
}
