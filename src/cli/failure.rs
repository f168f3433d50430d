//! Why a command failed, as it is written to standard error.

use std::fmt;

use crate::base::Fault;

/// One clear sentence, and the cause after it.
#[derive(Debug)]
pub struct Failure {
    sentence: String,
    causes: Vec<String>,
}

impl Failure {
    /// A failure of the command's own.
    #[must_use]
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), causes: Vec::new() }
    }
}

impl<F: Fault> From<F> for Failure {
    fn from(fault: F) -> Self {
        let mut causes = Vec::new();
        let mut next: Option<&dyn std::error::Error> = Some(&fault);
        while let Some(error) = next {
            let text = error.to_string();
            // A transparent error says the same as its source.
            if causes.last() != Some(&text) {
                causes.push(text);
            }
            next = error.source();
        }
        Self { sentence: fault.public().into_owned(), causes }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        self.causes.iter().try_for_each(|cause| write!(f, "\n  {}", cause.replace('\n', "\n  ")))
    }
}
