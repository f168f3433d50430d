//! Any bytes handed to the html reader give a text or a reason.
#![no_main]

use frontdesk::knowledge::extract::{Format, Limits, extract_as};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = extract_as(Format::Html, bytes, &Limits::default());
});
