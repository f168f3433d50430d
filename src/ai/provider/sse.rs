//! Server-sent events (WHATWG HTML §9.2) out of bytes that arrive cut anywhere.
//!
//! The grammar is left to `eventsource-stream`. It is fed whole lines of checked UTF-8 without a byte order mark and
//! of bounded length, because it would read a growing line again with each piece, wait forever behind a byte that is
//! no UTF-8, and cut a byte order mark in the middle.

use bytes::Bytes;
use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

/// Bytes of one line.
pub(super) const LINE_BYTES_MAX: usize = 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Why the events end early.
#[derive(Debug)]
pub(super) enum Failure<E> {
    /// The bytes beneath failed.
    Source(E),
    /// The bytes are not such a stream.
    Malformed(&'static str),
}

/// The `data` of each event. Ends after the first failure.
pub(super) fn data<S, E>(bytes: S) -> BoxStream<'static, Result<String, Failure<E>>>
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Send + 'static,
{
    let mut over = false;
    lines(bytes)
        .eventsource()
        .map(|event| match event {
            Ok(event) => Ok(event.data),
            Err(EventStreamError::Transport(failure)) => Err(failure),
            Err(EventStreamError::Utf8(_) | EventStreamError::Parser(_)) => {
                Err(Failure::Malformed("a line is not part of an event stream"))
            }
        })
        .take_while(move |event| {
            let goes_on = !over;
            over = event.is_err();
            std::future::ready(goes_on)
        })
        .boxed()
}

#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
    begun: bool,
}

impl Lines {
    /// Takes a piece and gives back all lines that are whole with it.
    fn take<E>(&mut self, piece: &[u8]) -> Result<String, Failure<E>> {
        let mut searched = self.rest.len();
        self.rest.extend_from_slice(piece);
        if !self.begun {
            if self.rest.len() < BYTE_ORDER_MARK.len() {
                return Ok(String::new());
            }
            self.begun = true;
            searched = 0;
            if self.rest.starts_with(BYTE_ORDER_MARK) {
                self.rest.drain(..BYTE_ORDER_MARK.len());
            }
        }
        let last_break = self.rest.iter().skip(searched).rposition(|byte| matches!(byte, b'\n' | b'\r'));
        let whole = match last_break {
            Some(place) => {
                let rest = self.rest.split_off(searched + place + 1);
                std::mem::replace(&mut self.rest, rest)
            }
            None => Vec::new(),
        };
        if self.rest.len() > LINE_BYTES_MAX {
            return Err(Failure::Malformed("a line is too long"));
        }
        String::from_utf8(whole).map_err(|_| Failure::Malformed("a line is not UTF-8"))
    }
}

fn lines<S, E>(bytes: S) -> impl Stream<Item = Result<String, Failure<E>>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Send + 'static,
{
    let state = (Box::pin(bytes), Lines::default());
    stream::unfold(Some(state), |state| async {
        let (mut bytes, mut lines) = state?;
        loop {
            match bytes.next().await {
                None => return None,
                Some(Err(failure)) => return Some((Err(Failure::Source(failure)), None)),
                Some(Ok(piece)) => match lines.take(&piece) {
                    Ok(whole) if whole.is_empty() => {}
                    Ok(whole) => return Some((Ok(whole), Some((bytes, lines)))),
                    Err(failure) => return Some((Err(failure), None)),
                },
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes out, with failures as `!reason`.
    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok::<_, ()>(Bytes::copy_from_slice(piece))).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(
            data(stream::iter(pieces))
                .map(|event| match event {
                    Ok(data) => data,
                    Err(Failure::Malformed(reason)) => format!("!{reason}"),
                    Err(Failure::Source(())) => "!source".into(),
                })
                .collect(),
        )
    }

    const RECORDED: &str = "\u{feff}: keep-alive\r\ndata: {\"größe\":\"🦀\"}\r\n\r\nevent: x\ndata:a\ndata: b\nid: 7\n\n\
                            retry: 5\r\rdata: [DONE]\n\ndata: cut off";

    #[test]
    fn the_same_events_come_out_wherever_the_bytes_are_cut() {
        let whole = ["{\"größe\":\"🦀\"}", "a\nb", "[DONE]"];
        let bytes = RECORDED.as_bytes();
        for place in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(place);
            assert_eq!(read(&[head, tail]), whole, "cut at {place}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single), whole);
    }

    #[test]
    fn a_line_that_is_no_utf8_fails_at_once_instead_of_hiding_what_follows() {
        assert_eq!(read(&[b"data: a\n\n", b"data: \xff\n\n", b"data: b\n\n"]), ["a", "!a line is not UTF-8"]);
    }

    #[test]
    fn an_endless_line_fails_at_its_limit() {
        let piece = vec![b'x'; LINE_BYTES_MAX / 2 + 1];
        assert_eq!(read(&[b"data: a\n\n", &piece, &piece, &piece]), ["a", "!a line is too long"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            read(&pieces);
        }
    }
}
