//! Mail: what is written ([`Words`], with the texts in `assets/mail`), how it is queued ([`post()`]) and how it is sent ([`Postman`]).
//!
//! A letter's words may hold a link that opens an account, so in the queue they are sealed with the appliance's key for this letter
//! alone; the address stands beside them, so that a dead letter says whom it was for. The text is written when it is sent.
//!
//! A letter keeps its Message-ID through all attempts. SMTP cannot say whether a letter was taken when the answer to it is lost: a
//! process that is killed between the server's yes and its own note of it sends the letter once more when it starts again. At most
//! one duplicate comes of each such end, and it has the same Message-ID, by which most mail programs show it once.

mod check;
mod chosen;
mod compose;
mod device;
mod error;
mod letter;
mod letters;
mod post;
mod send;
mod service;
#[cfg(test)]
mod tests;

pub use check::{Report, Step, check, test};
pub use chosen::{CHOSEN_CHARS_MAX, Chosen};
pub use compose::{Composed, LETTER_BYTES_MAX, Sheet, compose};
pub use device::device;
pub use error::Error;
pub use letter::{Letter, Locale, MfaChange, Template, WORDS_BYTES_MAX, Words};
pub use letters::{
    Circumstances, Invitation, invitation, mfa_changed, new_sign_in, password_changed, password_reset,
};
pub use post::{Posted, post};
pub use send::{Postman, SendLetter};
pub use service::{Mail, MailSettings};
