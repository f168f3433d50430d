//! What is asked of every vendor besides the plain stream: an answer at once, pictures, pauses.

use std::time::Duration;

use frontdesk::ai::{Answer, ChatRequest, IMAGE_BYTES_MAX, Image, ImageType, Message, StopReason, Usage};
use frontdesk::base::Fault;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::description::Schema;
use crate::openai::{ask, question, text};
use crate::recording::{ANSWER, recording, whole, whole_schema};
use crate::vendor::{EVERY_HOUSE, House, Reply, Then, Vendor};

fn complete_reason(house: House) -> &'static str {
    match house {
        House::Compatible | House::OpenAi => "stop",
        House::Anthropic => "end_turn",
        House::Google => "STOP",
    }
}

fn streamed(house: House) -> Reply {
    Reply::stream(recording(house).events, Then::End)
}

#[test]
fn the_whole_answers_are_what_the_vendors_describe() {
    for house in EVERY_HOUSE {
        let Some(schema) = Schema::load(house.file(), whole_schema(house)) else { return };
        let answer = whole(house, Some(ANSWER), complete_reason(house));
        assert_eq!(schema.violations(&answer), Vec::<String>::new(), "{house:?}");
    }
}

#[tokio::test]
async fn an_answer_comes_at_once_from_the_endpoint_for_that() {
    for house in EVERY_HOUSE {
        let body = whole(house, Some(ANSWER), complete_reason(house));
        let vendor = Vendor::of(house, [Reply::json(200, &[], &body)]).await;
        let answer = vendor.its_provider(&json!({})).complete(question()).await.unwrap();
        let usage = Usage { input_tokens: 20, output_tokens: 6, ..Usage::default() };
        assert_eq!(answer, Answer { text: ANSWER.into(), stop_reason: StopReason::Complete, usage });
        let seen = vendor.seen().pop().unwrap();
        assert_eq!((seen.body.get("stream"), seen.body.get("stream_options")), (None, None), "{house:?}");
        assert!(!seen.path.contains("stream"), "{}", seen.path);
    }
}

#[tokio::test]
async fn an_answer_at_once_without_a_word_is_an_error_that_knows_what_it_cost() {
    for (house, reason, code) in [
        (House::OpenAi, "stop", "model_empty_answer"),
        (House::OpenAi, "content_filter", "model_filtered"),
        (House::Anthropic, "refusal", "model_refused"),
        (House::Google, "SAFETY", "model_filtered"),
    ] {
        let vendor = Vendor::of(house, [Reply::json(200, &[], &whole(house, None, reason))]).await;
        let error = vendor.its_provider(&json!({})).complete(question()).await.unwrap_err();
        assert_eq!(error.code(), code, "{house:?} {reason}");
        assert_eq!(error.usage().unwrap().input_tokens, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_go_wrong_with_an_answer_at_once_is_told_apart() {
    for house in EVERY_HOUSE {
        let vendor = Vendor::of(house, [Reply::stream(["<html>hello"], Then::End)]).await;
        let error = vendor.its_provider(&json!({})).complete(question()).await.unwrap_err();
        assert_eq!(error.code(), "model_malformed", "{house:?}");
        for (then, code) in [(Then::Hang, "model_timed_out"), (Then::Break, "model_interrupted")] {
            let vendor = Vendor::of(house, [Reply::stream(["{\"id\":"], then)]).await;
            let error = vendor.its_provider(&json!({})).complete(question()).await.unwrap_err();
            assert_eq!(error.code(), code, "{house:?}");
            assert_eq!(vendor.seen().len(), 1);
        }
        let long = whole(house, Some(&"x".repeat(1024 * 1024 + 1)), complete_reason(house));
        let vendor = Vendor::of(house, [Reply::json(200, &[], &long)]).await;
        let error = vendor.its_provider(&json!({})).complete(question()).await.unwrap_err();
        assert_eq!(error.code(), "model_too_long", "{house:?}");
    }
}

fn with_picture(media_type: ImageType, bytes: &'static [u8]) -> ChatRequest {
    let picture = Image { media_type, bytes: bytes.into() };
    let mut request = question();
    request.messages.push(Message::user("What is this?").with_images(vec![picture]));
    request
}

/// The picture and the text as they stand in the last message.
fn shown(house: House, body: &Value) -> Value {
    let turns = if house == House::Google { &body["contents"] } else { &body["messages"] };
    let last = turns.as_array().unwrap().last().unwrap();
    if house == House::Google { last["parts"].clone() } else { last["content"].clone() }
}

#[tokio::test]
async fn a_picture_goes_out_as_the_vendor_wants_it() {
    let expected = |house: House| match house {
        House::Compatible | House::OpenAi => json!([
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            {"type": "text", "text": "What is this?"},
        ]),
        House::Anthropic => json!([
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}},
            {"type": "text", "text": "How long is the guarantee?"},
            {"type": "text", "text": "What is this?"},
        ]),
        House::Google => json!([
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
            {"text": "How long is the guarantee?"},
            {"text": "What is this?"},
        ]),
    };
    for house in EVERY_HOUSE {
        let body = whole(house, Some("A cat."), complete_reason(house));
        let vendor = Vendor::of(house, [Reply::json(200, &[], &body)]).await;
        let request = with_picture(ImageType::Png, b"\x89PNG");
        vendor.its_provider(&json!({})).complete(request).await.unwrap();
        assert_eq!(shown(house, &vendor.seen().pop().unwrap().body), expected(house), "{house:?}");
    }
}

#[tokio::test]
async fn a_picture_that_does_not_fit_is_not_sent() {
    let huge: &'static [u8] = vec![7_u8; IMAGE_BYTES_MAX + 1].leak();
    for house in EVERY_HOUSE {
        let vendor = Vendor::of(house, []).await;
        let provider = vendor.its_provider(&json!({}));
        let mut by_model = question();
        by_model.messages[2].images = with_picture(ImageType::Png, b"x").messages.pop().unwrap().images;
        for request in [with_picture(ImageType::Png, huge), with_picture(ImageType::Jpeg, b""), by_model] {
            assert_eq!(provider.complete(request).await.unwrap_err().code(), "model_images_unfit");
        }
        if house == House::Google {
            let error = provider.complete(with_picture(ImageType::Gif, b"GIF89a")).await.unwrap_err();
            assert!(error.public().contains("GIF"));
        }
        assert!(vendor.seen().is_empty());
    }
}

/// A refusal that asks for a pause in every way the vendor knows.
fn limited(house: House) -> Reply {
    match house {
        House::Compatible | House::OpenAi => Reply::json(
            429,
            &[("retry-after-ms", "4000"), ("retry-after", "9")],
            &json!({"error": {"message": "x", "type": "requests", "param": null, "code": "rate_limit_exceeded"}}),
        ),
        House::Anthropic => Reply::json(
            429,
            &[("retry-after", "4")],
            &json!({"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}),
        ),
        House::Google => Reply::json(
            429,
            &[],
            &json!({"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED", "details": [
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "4s"},
            ]}}),
        ),
    }
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_asks_for_a_pause_gets_it() {
    for house in EVERY_HOUSE {
        let vendor = Vendor::of(house, [limited(house), streamed(house)]).await;
        let began = Instant::now();
        assert_eq!(text(&ask(&*vendor.its_provider(&json!({}))).await), ANSWER);
        assert!((4_000..4_100).contains(&began.elapsed().as_millis()), "{house:?}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_first_deadline_is_told_at_once_instead_of_waited_for() {
    let deadlines = json!({"deadlines": {"first_token_ms": 3_000}});
    for house in EVERY_HOUSE {
        let vendor = Vendor::of(house, [limited(house), limited(house)]).await;
        let provider = vendor.its_provider(&deadlines);
        let began = Instant::now();
        let streamed = ask(&*provider).await.pop().unwrap().unwrap_err();
        let at_once = provider.complete(question()).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(1), "{house:?}");
        for error in [streamed, at_once] {
            assert_eq!(error.code(), "model_limited");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(4)), "{house:?}");
        }
        assert_eq!(vendor.seen().len(), 2);
    }
}
