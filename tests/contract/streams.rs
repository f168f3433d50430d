//! How answers arrive, from every vendor: whole, cut anywhere, interrupted anywhere, broken, empty or endless.

use std::time::Duration;

use frontdesk::ai::{ANSWER_BYTES_MAX, Event, OpenAiCompatible, StopReason};
use frontdesk::base::Fault;
use frontdesk::outbound::Outcome;
use serde_json::json;

use crate::description::Schema;
use crate::openai::{ask, text};
use crate::recording::{ANSWER, failure, piece, recording, wordless};
use crate::vendor::{EVERY_HOUSE, House, Reply, Then, Vendor, outbound};

#[test]
fn the_recordings_are_what_the_vendors_describe() {
    for house in EVERY_HOUSE {
        let recording = recording(house);
        let Some(schema) = Schema::load(house.file(), recording.event_schema) else { return };
        assert!(recording.data().len() >= 3);
        for data in recording.data() {
            assert_eq!(schema.violations(&data), Vec::<String>::new(), "{house:?}: {data}");
        }
    }
}

#[tokio::test]
async fn the_answer_is_the_same_wherever_the_bytes_are_cut() {
    for house in EVERY_HOUSE {
        let vendor = Vendor::of(house, []).await;
        let provider = vendor.its_provider(&json!({}));
        let bytes = recording(house).events.concat().into_bytes();
        for place in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(place);
            vendor.push(Reply::stream([head.to_vec(), tail.to_vec()], Then::End));
            let events = ask(&*provider).await;
            assert_eq!(text(&events), ANSWER, "{house:?} cut at {place}");
            let Some(Ok(Event::Finished { stop_reason: StopReason::Complete, usage })) = events.last() else {
                panic!("{house:?} cut at {place}: {events:?}");
            };
            assert_eq!(
                (usage.input_tokens, usage.output_tokens, usage.estimated),
                (20, 6, false),
                "{house:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_at_any_event_is_whole_or_says_that_it_is_not() {
    for house in EVERY_HOUSE {
        let recording = recording(house);
        for then in [Then::End, Then::Break, Then::Hang] {
            for sent in 0..=recording.events.len() {
                let pieces: Vec<_> = recording.events.iter().take(sent).cloned().collect();
                let vendor = Vendor::of(house, [Reply::stream(pieces, then)]).await;
                let answer = ask(&*vendor.its_provider(&json!({}))).await;
                let last = answer.last().unwrap();
                if sent >= recording.whole_after {
                    assert!(matches!(last, Ok(Event::Finished { .. })), "{house:?} after {sent}: {answer:?}");
                    assert_eq!(text(&answer), ANSWER);
                } else {
                    let error = last.as_ref().unwrap_err();
                    let code = if then == Then::Hang { "model_timed_out" } else { "model_interrupted" };
                    assert_eq!(error.code(), code, "{house:?} after {sent}: {error:?}");
                    assert!(error.retryable() && ANSWER.starts_with(&text(&answer)));
                    assert_eq!(answer.iter().filter(|event| event.is_err()).count(), 1);
                }
                assert_eq!(vendor.seen().len(), 1, "a stream that began is never restarted");
            }
        }
    }
}

#[tokio::test]
async fn a_failure_at_any_event_ends_the_answer_and_names_itself() {
    for house in EVERY_HOUSE {
        let recording = recording(house);
        for place in 0..recording.whole_after {
            let mut events = recording.events.clone();
            events.insert(place, failure(house));
            let vendor = Vendor::of(house, [Reply::stream(events, Then::End)]).await;
            let answer = ask(&*vendor.its_provider(&json!({}))).await;
            let error = answer.last().unwrap().as_ref().unwrap_err();
            assert_eq!(error.code(), "model_failed", "{house:?} at {place}");
            assert!(ANSWER.starts_with(&text(&answer)), "{house:?} at {place}");
            assert_eq!(answer.iter().filter(|event| event.is_err()).count(), 1);
        }
    }
}

#[tokio::test]
async fn a_stream_without_a_word_is_an_error_that_says_why() {
    let reasons = |house: House| match house {
        House::Compatible | House::OpenAi => {
            vec![("stop", "model_empty_answer"), ("content_filter", "model_filtered")]
        }
        House::Anthropic => vec![
            ("end_turn", "model_empty_answer"),
            ("max_tokens", "model_empty_answer"),
            ("refusal", "model_refused"),
            ("model_context_window_exceeded", "model_context_too_long"),
        ],
        House::Google => vec![
            ("STOP", "model_empty_answer"),
            ("SAFETY", "model_filtered"),
            ("PROHIBITED_CONTENT", "model_filtered"),
            ("OTHER", "model_empty_answer"),
        ],
    };
    for house in EVERY_HOUSE {
        for (reason, code) in reasons(house) {
            let vendor = Vendor::of(house, [Reply::stream(wordless(house, reason), Then::End)]).await;
            let answer = ask(&*vendor.its_provider(&json!({}))).await;
            assert_eq!(answer.len(), 1, "{house:?} {reason}: {answer:?}");
            assert_eq!(answer[0].as_ref().unwrap_err().code(), code, "{house:?} {reason}");
        }
        let vendor = Vendor::of(house, [Reply::stream([""; 0], Then::End)]).await;
        let answer = ask(&*vendor.its_provider(&json!({}))).await;
        assert_eq!(answer[0].as_ref().unwrap_err().code(), "model_interrupted");
    }
}

#[tokio::test]
async fn a_stream_that_stops_early_says_why_and_keeps_its_text() {
    for (house, reason, expected) in [
        (House::OpenAi, "length", StopReason::LengthLimit),
        (House::OpenAi, "content_filter", StopReason::ContentFilter),
        (House::Anthropic, "max_tokens", StopReason::LengthLimit),
        (House::Anthropic, "stop_sequence", StopReason::Complete),
        (House::Anthropic, "refusal", StopReason::Refusal),
        (House::Anthropic, "model_context_window_exceeded", StopReason::ContextFull),
        (House::Anthropic, "pause_turn", StopReason::Unstated),
        (House::Google, "MAX_TOKENS", StopReason::LengthLimit),
        (House::Google, "RECITATION", StopReason::ContentFilter),
        (House::Google, "LANGUAGE", StopReason::Unstated),
    ] {
        let mut events = wordless(house, reason);
        events.insert(events.len().saturating_sub(2).min(1), piece(house, "Two"));
        let vendor = Vendor::of(house, [Reply::stream(events, Then::End)]).await;
        let answer = ask(&*vendor.its_provider(&json!({}))).await;
        assert_eq!(text(&answer), "Two", "{house:?} {reason}: {answer:?}");
        let Some(Ok(Event::Finished { stop_reason, .. })) = answer.last() else { panic!("{answer:?}") };
        assert_eq!(*stop_reason, expected, "{house:?} {reason}");
    }
}

#[tokio::test]
async fn an_endless_stream_is_stopped_at_its_limit() {
    for house in EVERY_HOUSE {
        let word = piece(house, &"x".repeat(60_000));
        let vendor = Vendor::of(house, [Reply::stream([word], Then::Repeat(Duration::ZERO))]).await;
        let answer = ask(&*vendor.its_provider(&json!({}))).await;
        assert_eq!(answer.last().unwrap().as_ref().unwrap_err().code(), "model_too_long", "{house:?}");
        assert!(text(&answer).len() <= ANSWER_BYTES_MAX);
    }
}

#[tokio::test(start_paused = true)]
async fn a_keep_alive_is_no_sign_of_life() {
    for (house, keep_alive) in [
        (House::OpenAi, ": still here\n\n".to_owned()),
        (House::Anthropic, "event: ping\ndata: {\"type\":\"ping\"}\n\n".to_owned()),
        (House::Google, ": still here\n\n".to_owned()),
    ] {
        let pieces = [piece(house, "Two"), keep_alive];
        let vendor = Vendor::of(house, [Reply::stream(pieces, Then::Repeat(Duration::from_secs(5)))]).await;
        let began = tokio::time::Instant::now();
        let answer = ask(&*vendor.its_provider(&json!({"deadlines": {"between_tokens_ms": 20_000}}))).await;
        assert_eq!(answer.last().unwrap().as_ref().unwrap_err().code(), "model_timed_out", "{house:?}");
        assert_eq!(began.elapsed().as_secs(), 20, "{house:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_has_ended_counts_as_answered_and_waits_only_so_long_for_its_stream_to_end() {
    let bytes = recording(House::Compatible).events.concat();
    for (then, outcome) in [(Then::End, Outcome::Answered), (Then::Hang, Outcome::Cancelled)] {
        let vendor = Vendor::openai([Reply::stream([bytes.clone()], then)]).await;
        let outbound = outbound(&[&vendor.address()]);
        let provider = OpenAiCompatible::new(vendor.settings(&json!({})), outbound.clone()).unwrap();
        let answer = ask(&provider).await;
        assert_eq!(text(&answer), ANSWER);
        assert!(matches!(answer.last(), Some(Ok(Event::Finished { .. }))), "{answer:?}");
        let entry = outbound.ledger().latest().pop().unwrap();
        assert_eq!((entry.outcome, entry.status), (outcome, Some(200)));
        assert_eq!(entry.bytes_in, bytes.len() as u64);
    }
}
