//! What a request that failed means here, and when it is tried again: the same for chats, embeddings and rerankings.

use std::time::Duration;

use super::super::{Deadline, Error};
use super::refusal::{Asked, Refusal};
use crate::outbound::{self, Phase, Request};

const RETRIES_MAX: u32 = 2;

impl Asked<'_> {
    /// What a failure beneath means here; `at_first` is whether it came before the answer began.
    pub(in crate::ai) fn failure(&self, error: outbound::Error, at_first: bool) -> Error {
        match error {
            outbound::Error::Status { status, retry_after, body, .. } => {
                self.error(Some(status), &Refusal::read(&body), retry_after)
            }
            outbound::Error::TimedOut { phase: Phase::Whole, .. } => self.timed_out(Deadline::Whole),
            outbound::Error::TimedOut { phase: Phase::FirstByte, .. } => self.timed_out(Deadline::FirstToken),
            outbound::Error::TimedOut { phase: Phase::NextPiece, .. } => {
                self.timed_out(Deadline::BetweenTokens)
            }
            outbound::Error::Broken { .. } if !at_first => {
                Error::Interrupted { provider: self.provider.to_owned() }
            }
            source => Error::Outbound { provider: self.provider.to_owned(), source },
        }
    }

    pub(super) fn timed_out(&self, deadline: Deadline) -> Error {
        Error::TimedOut { provider: self.provider.to_owned(), deadline }
    }
}

/// Tries `request` again while its failure may pass, `within` this time and as its server asks.
pub(super) fn tried_again(request: Request, within: Duration) -> Request {
    request
        .retries(RETRIES_MAX)
        .retry_within(within)
        .pause_in_body(|body| Refusal::read(body).pause)
        .unless(|_, body| Refusal::read(body).is_credit())
}
