//! Answers over small texts.
