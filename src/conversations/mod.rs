//! The exchange between a visitor and the desk.
//!
//! A conversation belongs to one visitor. Its messages have sequence numbers without gaps, given in the transaction
//! that stores them; a client that knows the last number it saw can ask for exactly what it missed. Posting is safe to
//! repeat: a message with a key that was used before is the same message. A question has at most one answer: a unique
//! index over what a message replies to sees to it.
//!
//! A message may show pictures. They are sent before it ([`add_image`]), after their pixels were written anew and all else
//! left behind ([`Pictures`]), and are its own from then on; whoever may read the conversation may look at them.
//!
//! Tables, in the tenant's keyspace: `conversations.conversation`, `conversations.message`, `conversations.image`, `conversations.opened`. Events:
//! `message.posted`, `conversation.changed`. Job: `conversations.forget_images` (lane upkeep), for pictures that were never
//! posted; `app` has `message.posted` queue the assistant's.
//!
//! Limits: [`TEXT_CHARS_MAX`] characters of a person's message, 10,000 messages of a conversation, 200 open conversations
//! of one visitor; [`IMAGE_UPLOAD_BYTES_MAX`] and [`IMAGE_PIXELS_MAX`] of a picture that is sent, [`MESSAGE_IMAGES_MAX`] of a
//! message, 200 of a conversation, 12 of them waiting to be posted, for a day.

mod conversation;
mod error;
mod image;
#[cfg(test)]
mod image_tests;
mod message;
mod opened;
mod picture;
#[cfg(test)]
mod tests;

pub use conversation::{
    Conversation, ConversationChanged, ConversationState, ConversationView, end, get, list, open,
};
pub use error::Error;
pub use image::{
    ForgetImages, Image, ImageSweeper, ImageView, MESSAGE_IMAGES_MAX, NewImage, add_image,
    has_room_for_image, image, take_back_image,
};
pub use message::{
    Answer, AnswerView, Author, Citation, CitationView, Message, MessagePosted, MessageView, NewMessage,
    NewReply, Posted, TEXT_CHARS_MAX, Timings, answer_to, answered, find, history, locate, messages_after,
    post, reply,
};
use opened::for_whom;
pub use opened::opened_in_month;
pub use picture::{EDGE_KEPT_MAX, IMAGE_PIXELS_MAX, IMAGE_UPLOAD_BYTES_MAX, Picture, Pictures, clean};
