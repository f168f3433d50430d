//! Tells people who are not looking: by mail, in `mail`.
//!
//! A room hands a [`mail::Letter`] to [`mail::post()`] in the transaction of what it is about, so that a letter exists exactly when its
//! cause does. A durable job takes it to the site's mail server through `outbound`. Where no mail server is set up nothing is posted,
//! and whoever posts is told so.
//!
//! Table, in every keyspace: `notify.hour` (letters posted in this hour). Job: `notify.send_letter` (lane letter). Owns no event.
//!
//! Limits: as the settings `mail.letters_per_hour_per_recipient` and `mail.letters_per_hour_per_workspace` say; a letter's words
//! [`mail::WORDS_BYTES_MAX`], a letter [`mail::LETTER_BYTES_MAX`]; what is not delivered within [`mail::SendLetter`]'s attempts
//! (about 20 hours), or is of no more use, is a dead letter. So no more can wait than a day's rate.

pub mod mail;

pub use mail::{Error, Mail};
