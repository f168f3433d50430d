//! What a client sends, checked before anybody acts on it.

use serde_json::Value;

use super::FrameError;
use crate::base::ImageId;

/// Bytes of a frame from a client.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Characters of the id that a client gives a frame.
pub const FRAME_ID_CHARS_MAX: usize = 64;
/// Characters of a message.
pub const MESSAGE_CHARS_MAX: usize = 8_000;

/// A frame from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// Says something.
    ChatMessage {
        /// Doubles as idempotency key.
        id: String,
        /// At most [`MESSAGE_CHARS_MAX`] characters; not only blanks, unless it shows pictures.
        text: String,
        /// Pictures that were sent before.
        images: Vec<ImageId>,
    },
    /// Is typing.
    UserTyping,
    /// Is no longer typing.
    UserStoppedTyping,
    /// Asks whether the server is there.
    Ping {
        /// To be repeated in the answer.
        id: Option<String>,
    },
    /// Answers the server's ping.
    Pong {
        /// Of the ping.
        id: Option<String>,
    },
}

impl ClientFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`FrameError`], which holds the id of the frame as far as it could be read.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        if text.len() > FRAME_BYTES_MAX {
            return Err(FrameError::TooLarge);
        }
        let frame: Value = serde_json::from_str(text).map_err(|_| FrameError::Malformed)?;
        if !frame.is_object() {
            return Err(FrameError::Malformed);
        }
        let id = read_id(&frame)?;
        match frame.get("type").and_then(Value::as_str) {
            Some("chat_message") => chat_message(id, &frame),
            Some("user_typing") => Ok(Self::UserTyping),
            Some("user_stopped_typing") => Ok(Self::UserStoppedTyping),
            Some("ping") => Ok(Self::Ping { id }),
            Some("pong") => Ok(Self::Pong { id }),
            Some(_) => Err(FrameError::UnknownType { id }),
            None => Err(FrameError::Malformed),
        }
    }
}

fn read_id(frame: &Value) -> Result<Option<String>, FrameError> {
    match frame.get("id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => {
            let is_sane =
                !id.is_empty() && id.chars().count() <= FRAME_ID_CHARS_MAX && !id.contains(char::is_control);
            if is_sane { Ok(Some(id.clone())) } else { Err(FrameError::BadId) }
        }
        Some(_) => Err(FrameError::BadId),
    }
}

fn chat_message(id: Option<String>, frame: &Value) -> Result<ClientFrame, FrameError> {
    let id = id.ok_or(FrameError::MissingId)?;
    let Some(images) = images_of(frame) else { return Err(FrameError::BadImages { id }) };
    let text = frame.pointer("/payload/text").and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() && images.is_empty() {
        return Err(FrameError::NoText { id });
    }
    if text.chars().count() > MESSAGE_CHARS_MAX {
        return Err(FrameError::TextTooLong { id });
    }
    Ok(ClientFrame::ChatMessage { id, text: text.to_owned(), images })
}

/// The ids of the pictures; none when they are left out, nothing when one of them is none.
fn images_of(frame: &Value) -> Option<Vec<ImageId>> {
    match frame.pointer("/payload/images") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(images)) => {
            images.iter().map(|image| ImageId::parse(image.as_str()?).ok()).collect()
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::base::Fault;

    fn code(frame: &Value) -> &'static str {
        ClientFrame::parse(&frame.to_string()).unwrap_err().code()
    }

    #[test]
    fn every_frame_of_the_contract_is_read() {
        let message = json!({"type": "chat_message", "id": "c1", "payload": {"text": "Hello"}, "seq": null});
        let expected = ClientFrame::ChatMessage { id: "c1".into(), text: "Hello".into(), images: vec![] };
        assert_eq!(ClientFrame::parse(&message.to_string()).unwrap(), expected);
        let image = ImageId::from_bytes([7; 16]);
        let message = json!({"type": "chat_message", "id": "c2", "payload": {"text": "", "images": [image]}});
        let expected = ClientFrame::ChatMessage { id: "c2".into(), text: String::new(), images: vec![image] };
        assert_eq!(ClientFrame::parse(&message.to_string()).unwrap(), expected);
        for (text, expected) in [
            (r#"{"type":"user_typing"}"#, ClientFrame::UserTyping),
            (r#"{"type":"user_stopped_typing","payload":{}}"#, ClientFrame::UserStoppedTyping),
            (r#"{"type":"ping","id":null}"#, ClientFrame::Ping { id: None }),
            (r#"{"type":"pong","id":"p9"}"#, ClientFrame::Pong { id: Some("p9".into()) }),
        ] {
            assert_eq!(ClientFrame::parse(text).unwrap(), expected);
        }
    }

    #[test]
    fn a_bad_frame_is_refused_by_name_and_with_its_id() {
        let say =
            |id: Value, text: &str| json!({"type": "chat_message", "id": id, "payload": {"text": text}});
        assert_eq!(code(&say(Value::Null, "x")), "frame_id_missing");
        assert_eq!(code(&say(json!(7), "x")), "frame_id_invalid");
        assert_eq!(code(&say(json!("i".repeat(65)), "x")), "frame_id_invalid");
        assert_eq!(code(&say(json!("a\nb"), "x")), "frame_id_invalid");
        assert_eq!(code(&say(json!("c1"), " \n ")), "message_empty");
        assert_eq!(code(&say(json!("c1"), &"ü".repeat(8_001))), "message_too_long");
        assert_eq!(code(&json!({"type": "chat_message", "id": "c1"})), "message_empty");
        for images in [json!("img_1"), json!(["doc_01h455vb4pex5vsknk084sn02q"]), json!([7])] {
            let payload = json!({"text": "x", "images": images});
            let frame = json!({"type": "chat_message", "id": "c1", "payload": payload});
            assert_eq!(code(&frame), "message_images_invalid");
        }
        assert_eq!(code(&json!({"type": "fly", "id": "c1"})), "frame_type_unknown");
        assert_eq!(code(&json!([1])), "frame_malformed");
        assert_eq!(ClientFrame::parse("{").unwrap_err().code(), "frame_malformed");
        assert_eq!(
            ClientFrame::parse(&"x".repeat(FRAME_BYTES_MAX + 1)).unwrap_err().code(),
            "frame_too_large"
        );
        let unknown = ClientFrame::parse(r#"{"type":"fly","id":"c1"}"#).unwrap_err();
        assert_eq!(unknown.id(), Some("c1"));
        assert!(ClientFrame::parse(&say(json!("c1"), &"ü".repeat(8_000)).to_string()).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}", value in any::<i64>()) {
            let _ = ClientFrame::parse(&text);
            let _ = ClientFrame::parse(&json!({"type": text, "id": value, "payload": text}).to_string());
        }
    }
}
