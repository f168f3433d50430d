//! The trial of each vendor's address, key and model.

use frontdesk::ai::Provider;
use frontdesk::base::Fault;
use serde_json::{Value, json};

use crate::recording::whole;
use crate::vendor::{EVERY_HOUSE, House, Reply, Then, Vendor};

fn proof(house: House) -> Value {
    match house {
        House::Compatible => whole(house, Some("H"), "length"),
        House::OpenAi => json!({"id": "house-1", "object": "model", "created": 1, "owned_by": "house"}),
        House::Anthropic => json!({"input_tokens": 8}),
        House::Google => json!({"totalTokens": 2}),
    }
}

#[tokio::test]
async fn the_cheapest_question_that_proves_key_and_model_is_asked_once() {
    for (house, method, path) in [
        (House::Compatible, "POST", "/v1/chat/completions"),
        (House::OpenAi, "GET", "/v1/models/house-1"),
        (House::Anthropic, "POST", "/v1/messages/count_tokens"),
        (House::Google, "POST", "/v1beta/models/house-1:countTokens"),
    ] {
        let vendor = Vendor::of(house, [Reply::json(200, &[], &proof(house))]).await;
        let checked = vendor.its_provider(&json!({"api_key": "sk-hunter2"})).check().await;
        assert!(checked.outcome.is_ok(), "{house:?}: {checked:?}");
        assert!(!checked.took.is_zero());
        let seen = vendor.seen();
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), (method, path));
        let key = if house == House::Google { "x-goog-api-key" } else { "authorization" };
        assert!(seen[0].headers[key].to_str().unwrap().ends_with("sk-hunter2"), "{house:?}");
        if house == House::Compatible {
            assert_eq!(seen[0].body["max_tokens"], 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_told_without_trying_again() {
    for house in EVERY_HOUSE {
        for (status, code) in [
            (401, "model_credential_refused"),
            (404, "model_unknown"),
            (402, "model_credit_spent"),
            (429, "model_limited"),
            (500, "model_failed"),
        ] {
            let body = json!({"error": {"message": "key sk-hunter2"}});
            let vendor = Vendor::of(house, [Reply::json(status, &[], &body)]).await;
            let checked = vendor.its_provider(&json!({"api_key": "sk-hunter2"})).check().await;
            let error = checked.outcome.unwrap_err();
            assert_eq!((error.code(), vendor.seen().len()), (code, 1), "{house:?}: {error:?}");
            assert!(!format!("{error:?} {error}").contains("hunter2"));
        }
        let vendor = Vendor::of(house, [Reply::stream(["<html>Sign in"], Then::End)]).await;
        let error = vendor.its_provider(&json!({})).check().await.outcome.unwrap_err();
        assert_eq!(error.code(), "model_malformed", "{house:?}");
        let vendor = Vendor::of(house, [Reply::stream([""; 0], Then::Hang)]).await;
        let deadlines = json!({"deadlines": {"first_token_ms": 9_000}});
        let checked = vendor.its_provider(&deadlines).check().await;
        assert_eq!((checked.took.as_secs(), checked.outcome.unwrap_err().code()), (9, "model_timed_out"));
    }
}

#[tokio::test]
async fn a_key_that_may_not_look_models_up_is_tried_on_the_model_itself() {
    let forbidden =
        || Reply::json(403, &[], &json!({"error": {"message": "Missing scopes: api.model.read"}}));
    let answer = Reply::json(200, &[], &whole(House::OpenAi, Some("H"), "length"));
    let vendor = Vendor::of(House::OpenAi, [forbidden(), answer]).await;
    assert!(vendor.its_provider(&json!({})).check().await.outcome.is_ok());
    assert_eq!(vendor.seen()[1].body["max_completion_tokens"], 1);

    let vendor = Vendor::of(House::OpenAi, [forbidden(), forbidden()]).await;
    let error = vendor.its_provider(&json!({})).check().await.outcome.unwrap_err();
    assert_eq!((error.code(), vendor.seen().len()), ("model_credential_refused", 2));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let vendor = Vendor::of(House::Compatible, []).await;
    let address = listener.local_addr().unwrap();
    drop(listener);
    let settings = vendor.settings(&json!({"base_url": format!("http://{address}/v1")}));
    let outbound = crate::vendor::outbound(&[&address.to_string()]);
    let provider = frontdesk::ai::OpenAiCompatible::new(settings, outbound).unwrap();
    let error = provider.check().await.outcome.unwrap_err();
    assert_eq!((error.code(), error.retryable()), ("remote_unreachable", true));
}
