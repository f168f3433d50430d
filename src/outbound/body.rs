//! The body of an answer under its limits: size, pause between pieces, and the time for the whole.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::Error;
use super::error::{Cause, Phase};
use super::ledger::{Attempt, Outcome};
use super::request::BodyStream;
use crate::base::Fault;

/// A body that is arriving, with everything that must last as long as it does.
pub(super) struct Arriving {
    pub(super) pieces: BoxStream<'static, Result<Bytes, Cause>>,
    pub(super) destination: String,
    pub(super) between_pieces: Duration,
    pub(super) deadline: Instant,
    pub(super) bytes_max: u64,
    pub(super) attempt: Attempt,
    /// The place among the requests under way; given back when the body is dropped.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

impl Arriving {
    /// The next piece; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let pause_ends = Instant::now() + self.between_pieces;
        let Ok(arrived) = timeout_at(pause_ends.min(self.deadline), self.pieces.next()).await else {
            let phase = if pause_ends < self.deadline { Phase::NextPiece } else { Phase::Whole };
            return Err(self.fail(Error::TimedOut { destination: self.destination.clone(), phase }));
        };
        match arrived {
            None => {
                self.attempt.end(Outcome::Answered);
                Ok(None)
            }
            Some(Err(source)) => {
                Err(self.fail(Error::Broken { destination: self.destination.clone(), source }))
            }
            Some(Ok(piece)) if self.attempt.received(piece.len()) > self.bytes_max => {
                let (destination, bytes_max) = (self.destination.clone(), self.bytes_max);
                Err(self.fail(Error::TooLarge { destination, bytes_max }))
            }
            Some(Ok(piece)) => Ok(Some(piece)),
        }
    }

    pub(super) fn fail(&mut self, error: Error) -> Error {
        self.attempt.end(Outcome::Failed(error.code()));
        error
    }

    /// All of it.
    pub(super) async fn collect(mut self) -> Result<Bytes, Error> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }

    /// Piece by piece. The connection is given up at the first error.
    pub(super) fn into_stream(self) -> BodyStream {
        stream::unfold(Some(self), |arriving| async {
            let mut arriving = arriving?;
            match arriving.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(arriving))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::ledger::Ledger;
    use super::*;
    use crate::base::ManualClock;

    fn arriving<S>(pieces: S, ledger: &Arc<Ledger>) -> Arriving
    where
        S: futures_util::Stream<Item = Result<Bytes, Cause>> + Send + 'static,
    {
        Arriving {
            pieces: pieces.boxed(),
            destination: "api.example.com:443".into(),
            between_pieces: Duration::from_secs(30),
            deadline: Instant::now() + Duration::from_secs(100),
            bytes_max: 10,
            attempt: Attempt::begin(ledger, "api.example.com:443".into(), "test", None),
            place: None,
        }
    }

    fn ledger() -> Arc<Ledger> {
        Arc::new(Ledger::new(9, None, Arc::new(ManualClock::default())))
    }

    fn piece(text: &'static str) -> Result<Bytes, Cause> {
        Ok(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_left_after_the_pause_allowed() {
        let ledger = ledger();
        let began = Instant::now();
        let pieces = stream::iter([piece("abc")]).chain(stream::pending());
        let error = arriving(pieces, &ledger).collect().await.unwrap_err();
        assert!(matches!(error, Error::TimedOut { phase: Phase::NextPiece, .. }));
        assert_eq!(began.elapsed(), Duration::from_secs(30));
        let entry = ledger.latest().pop().unwrap();
        assert_eq!((entry.outcome, entry.bytes_in), (Outcome::Failed("remote_timed_out"), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickling_server_is_left_when_the_whole_takes_too_long() {
        let began = Instant::now();
        let pieces = stream::repeat(()).then(|()| async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            piece("")
        });
        let error = arriving(pieces, &ledger()).collect().await.unwrap_err();
        assert!(matches!(error, Error::TimedOut { phase: Phase::Whole, .. }));
        assert_eq!(began.elapsed(), Duration::from_secs(100));
    }

    #[tokio::test]
    async fn an_endless_body_is_cut_at_its_limit_and_the_stream_ends() {
        let pieces = stream::repeat_with(|| piece("abcd"));
        let items: Vec<_> = arriving(pieces, &ledger()).into_stream().collect().await;
        assert_eq!(items.len(), 3);
        assert!(matches!(items.last(), Some(Err(Error::TooLarge { bytes_max: 10, .. }))));
    }

    #[tokio::test]
    async fn a_body_that_is_dropped_halfway_is_entered_as_cancelled() {
        let ledger = ledger();
        let mut body = arriving(stream::iter([piece("ab"), piece("cd")]), &ledger).into_stream();
        assert!(body.next().await.is_some());
        drop(body);
        let entry = ledger.latest().pop().unwrap();
        assert_eq!((entry.outcome, entry.bytes_in), (Outcome::Cancelled, 2));
    }
}
