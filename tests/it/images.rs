//! Pictures from visitors: sent, cleaned, looked at by a model with eyes, and honestly not looked at by others.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, Reply};
use super::files;
use super::model::Model;
use super::socket::{Socket, is_answer};

/// What the model with eyes reads in every picture.
const SEEN: &str = "pump sealed, rubber ring";
const ANSWER: &str = "The pump is sealed with a rubber ring [1].";

/// Bodies of the requests, oldest first.
type Heard = Arc<Mutex<Vec<Value>>>;

/// A server with two models: `eyes` looks at pictures, unless the question says `(broken)`, and `words` refuses them as such servers do.
async fn server() -> (u16, Heard) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let routes = Router::new().route("/v1/chat/completions", post(complete)).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (port, heard)
}

async fn complete(State(heard): State<Heard>, axum::Json(request): axum::Json<Value>) -> Response {
    heard.lock().unwrap().push(request.clone());
    let messages = request["messages"].as_array().unwrap();
    let refused = || (StatusCode::BAD_REQUEST, r#"{"error": {"message": "image input is not supported"}}"#);
    if request["model"] == "words" && messages.iter().any(|message| message["content"].is_array()) {
        return refused().into_response();
    }
    if request["model"] == "eyes" && request.to_string().contains("(broken)") {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let looks = messages[0]["content"].as_str().unwrap().starts_with("You help the support desk");
    let text = if looks { SEEN } else { ANSWER };
    let piece = json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}});
    let stream = format!("data: {piece}\n\ndata: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
    ([(CONTENT_TYPE, "text/event-stream")], stream).into_response()
}

/// Plain questions go to `words`, pictures to `eyes`. A token costs a micro-dollar.
fn settings(port: u16) -> String {
    format!(
        r#"
[assistant]
provider = "auto"
[routing]
strategy = "mine"
[[routing.strategies]]
name = "mine"
economical = "words"
middle = "words"
premium = "words"
vision = "eyes"
[[ai.provider]]
name = "words"
base_url = "http://127.0.0.1:{port}/v1"
model = "words"
[[ai.provider]]
name = "eyes"
base_url = "http://127.0.0.1:{port}/v1"
model = "eyes"
vision = true
[[ai.price]]
model = "words"
input_micros = 1_000_000
output_micros = 1_000_000
[[ai.price]]
model = "eyes"
input_micros = 1_000_000
output_micros = 1_000_000
[[outbound.allow]]
address = "127.0.0.1:{port}"
private = true
plain_http = true
"#
    )
}

fn photo(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x % 256) as u8, (y % 256) as u8, ((x + y) % 256) as u8]))
        .into()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// A photo with what a camera notes: EXIF with a place.
fn photo_with_place() -> Vec<u8> {
    let jpeg = encoded(&photo(64, 48), ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend([0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x1a, 0, 0, 0, 0]);
    exif.extend(b"GPSLatitude 52.5200N");
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

fn tells_a_place(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|part| part == b"GPS") || bytes.windows(4).any(|part| part == b"Exif")
}

pub(crate) async fn send(desk: &Desk, caller: &Caller, conversation: &str, bytes: &[u8]) -> Reply {
    let path = format!("/api/v1/conversations/{conversation}/images");
    let request = desk.request(caller, Method::POST, &path).header(CONTENT_TYPE, "image/png");
    desk.send(request.body(bytes.to_vec())).await
}

async fn taught(settings: &str) -> (Desk, Caller) {
    let (desk, owner) = Desk::set_up_with(&[], settings).await;
    let document = files::put(&desk, &owner, "pump.md", Model::DOCUMENT.as_bytes()).await.expect(201);
    assert_eq!(files::settled(&desk, &owner, &document.of("id")).await["state"], "ready");
    (desk, owner)
}

/// Sends a picture and posts it with words; the answer and why it is so.
async fn ask(desk: &Desk, owner: &Caller, words: &str) -> (Value, Value) {
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let picture = encoded(&photo(32, 24), ImageFormat::Png);
    let image = send(desk, &visitor, &id, &picture).await.expect(201).of("id");
    let mut socket = Socket::open(desk, &visitor, &id, None).await;
    let payload = json!({"text": words, "images": [image]});
    socket.send(json!({"type": "chat_message", "id": "q", "payload": payload}).to_string()).await;
    let answer = socket.until(is_answer).await.pop().unwrap()["payload"].clone();
    let path = format!("/api/v1/conversations/{id}/messages/{}/trace", answer["id"].as_str().unwrap());
    (answer, desk.get(owner, &path).await.expect(200).body)
}

fn outcomes(trace: &Value) -> Vec<String> {
    let attempts = trace["attempts"].as_array().unwrap().iter();
    let told = attempts
        .map(|one| format!("{} {}", one["model"].as_str().unwrap(), one["outcome"].as_str().unwrap()));
    told.collect()
}

/// The picture that a request shows with its last message.
fn shown(request: &Value) -> Vec<u8> {
    let last = request["messages"].as_array().unwrap().last().unwrap();
    let url = last["content"][0]["image_url"]["url"].as_str().unwrap_or_else(|| panic!("no picture: {last}"));
    BASE64_STANDARD.decode(url.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap()
}

#[tokio::test]
async fn a_picture_is_looked_at_searched_for_and_answered_with_a_citation_and_tells_nobody_where_it_was_taken()
 {
    let (port, heard) = server().await;
    let (desk, owner) = taught(&settings(port)).await;
    let widget = desk.get(&Caller::Nobody, "/api/v1/widget/acme").await.expect(200).body;
    assert_eq!(widget["images"], true);
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let sent = photo_with_place();
    assert!(tells_a_place(&sent));
    let kept = send(&desk, &visitor, &id, &sent).await.expect(201).body;
    assert_eq!(
        (&kept["media_type"], &kept["width"], &kept["height"]),
        (&json!("image/jpeg"), &json!(64), &json!(48))
    );
    let image = kept["id"].as_str().unwrap();

    let path = format!("/api/v1/conversations/{id}/images/{image}");
    let request = desk.request(&visitor, Method::GET, &path);
    let response = request.send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "image/jpeg");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-disposition"), "inline");
    assert!(header("cache-control").starts_with("private"));
    assert!(header("content-security-policy").contains("sandbox"));
    let served = response.bytes().await.unwrap();
    assert!(!tells_a_place(&served));
    assert_eq!(image::load_from_memory(&served).unwrap().width(), 64);
    desk.get(&owner, &path).await.expect(404);

    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    let payload = json!({"text": "What does this mean?", "images": [image]});
    socket.send(json!({"type": "chat_message", "id": "q", "payload": payload}).to_string()).await;
    let frames = socket.until(is_answer).await;
    let ack = frames.iter().find(|frame| frame["type"] == "ack").unwrap();
    assert_eq!(ack["payload"]["message"]["images"], json!([kept]));
    let answer = &frames.last().unwrap()["payload"];
    assert_eq!((&answer["text"], &answer["answer"]["provider"]), (&json!(ANSWER), &json!("eyes")));
    assert_eq!(answer["answer"]["citations"][0]["name"], "pump.md");
    assert_eq!((&answer["answer"]["note"], &answer["answer"]["cost_micros"]), (&Value::Null, &json!(2_200)));
    desk.get(&owner, &path).await.expect(200);

    let requests = heard.lock().unwrap().clone();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert_eq!(request["model"], "eyes");
        assert_eq!(shown(request), served, "the model is shown what is kept, and no more");
    }
    let path = format!("/api/v1/conversations/{id}/messages/{}/trace", answer["id"].as_str().unwrap());
    let trace = desk.get(&owner, &path).await.expect(200).body;
    assert_eq!(outcomes(&trace), ["eyes looked", "eyes answered"]);
    assert_eq!(trace["decision"]["tier"], "vision");
    assert_eq!(trace["asked_as"], format!("What does this mean? {SEEN}"));

    // What was shown a moment ago is still in sight; what is asked then goes to the eyes as well.
    socket.say("q2", "How is the pump sealed there?").await;
    let answer = socket.until(is_answer).await.pop().unwrap()["payload"].clone();
    assert_eq!(answer["answer"]["provider"], "eyes");
    let last = heard.lock().unwrap().last().unwrap().clone();
    let pictures =
        last["messages"].as_array().unwrap().iter().filter(|message| message["content"].is_array());
    assert_eq!(pictures.count(), 1);
}

#[tokio::test]
async fn a_picture_without_words_is_answered_by_what_it_shows() {
    let (port, _) = server().await;
    let (desk, owner) = taught(&settings(port)).await;
    let (answer, trace) = ask(&desk, &owner, "").await;
    assert_eq!((&answer["text"], &trace["asked_as"]), (&json!(ANSWER), &json!(SEEN)));
}

#[tokio::test]
async fn where_the_eyes_fail_the_words_are_answered_and_that_is_said() {
    let (port, heard) = server().await;
    let (desk, owner) = taught(&settings(port)).await;
    let (answer, trace) = ask(&desk, &owner, "How is the pump sealed? (broken)").await;
    assert_eq!((&answer["text"], &answer["answer"]["provider"]), (&json!(ANSWER), &json!("words")));
    let note = answer["answer"]["note"].as_str().unwrap();
    assert!(note.starts_with("The picture could not be looked at this time"), "{note}");
    assert_eq!(outcomes(&trace), ["eyes model_failed", "eyes model_failed", "words answered"]);
    let last = heard.lock().unwrap().last().unwrap().clone();
    assert!(
        last["messages"].as_array().unwrap().last().unwrap()["content"]
            .as_str()
            .unwrap()
            .contains("cannot see")
    );
}

#[tokio::test]
async fn where_nobody_has_eyes_that_is_said_and_the_words_are_answered() {
    let (desk, owner) = taught("").await;
    let widget = desk.get(&Caller::Nobody, "/api/v1/widget/acme").await.expect(200).body;
    assert_eq!(widget["images"], false);
    let (answer, _) = ask(&desk, &owner, "How is the pump sealed?").await;
    assert!(answer["text"].as_str().unwrap().contains("rubber ring"));
    let note = answer["answer"]["note"].as_str().unwrap();
    assert_eq!(note, "Pictures cannot be looked at here, so only the words were answered.");
    let (answer, _) = ask(&desk, &owner, "").await;
    assert_eq!(answer["text"], "I cannot look at pictures here. Please tell me in words what it shows.");
    assert_eq!((&answer["answer"]["declined"], &answer["answer"]["citations"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_leaves_nothing_behind() {
    let (desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let png = encoded(&photo(64, 64), ImageFormat::Png);
    let mut bomb = png.clone();
    bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let (refused, code) = (400, |reply: &Reply| reply.body["code"].as_str().unwrap().to_owned());
    let cases: [(&[u8], u16, &str); 6] = [
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            refused,
            "image_unknown",
        ),
        (b"<!doctype html><script>alert(1)</script>", refused, "image_unknown"),
        (b"%PDF-1.7 a document that claims to be a picture", refused, "image_unknown"),
        (&png[..png.len() / 2], refused, "image_damaged"),
        (b"", refused, "image_unknown"),
        (&[b"\x89PNG\r\n\x1a\n".as_slice(), b"nothing of the kind"].concat(), refused, "image_damaged"),
    ];
    for (bytes, status, expected) in cases {
        let reply = send(&desk, &visitor, &id, bytes).await.expect(status);
        assert_eq!(code(&reply), expected);
    }
    let reply = send(&desk, &visitor, &id, &bomb).await;
    assert!([400, 413].contains(&reply.status), "{}", reply.text);
    let reply = send(&desk, &visitor, &id, &vec![0; 12 * 1024 * 1024 + 1]).await.expect(413);
    assert!(reply.body["detail"].as_str().is_some());
    // A JPEG that claims to be a PNG is the JPEG that it is.
    let jpeg = encoded(&photo(16, 16), ImageFormat::Jpeg);
    assert_eq!(send(&desk, &visitor, &id, &jpeg).await.expect(201).body["media_type"], "image/jpeg");
    let blobs = blobs(&desk);
    assert_eq!(blobs.len(), 1, "{blobs:?}");
}

/// The files that the workspaces keep.
fn blobs(desk: &Desk) -> Vec<std::path::PathBuf> {
    let tenants = std::fs::read_dir(desk.data_dir().join("tenants")).unwrap();
    let shelves = tenants.filter_map(|tenant| std::fs::read_dir(tenant.unwrap().path().join("files")).ok());
    let files = shelves.flatten().flat_map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test]
async fn sending_is_safe_to_repeat_and_what_is_taken_back_is_gone() {
    let (desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let path = format!("/api/v1/conversations/{id}/images");
    let sending = async |picture: &DynamicImage| {
        let request = desk.request(&visitor, Method::POST, &path).header("idempotency-key", "once");
        desk.send(request.body(encoded(picture, ImageFormat::Png))).await
    };
    let first = sending(&photo(20, 20)).await.expect(201);
    assert_eq!(sending(&photo(20, 20)).await.expect(201).body, first.body);
    assert_eq!(sending(&photo(21, 20)).await.expect(409).body["code"], "idempotency_key_reused");
    let image = format!("{path}/{}", first.of("id"));
    desk.delete(&visitor, &image).await.expect(204);
    desk.get(&visitor, &image).await.expect(404);
    let said = json!({"images": [first.of("id")]});
    let gone = desk.post(&visitor, &format!("/api/v1/conversations/{id}/messages"), &said).await.expect(404);
    assert_eq!(gone.body["code"], "image_not_found");
}
