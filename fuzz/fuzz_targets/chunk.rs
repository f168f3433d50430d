//! Any Markdown is cut into passages that are in order, on character boundaries and within the limit.
#![no_main]

use frontdesk::knowledge::chunk::{Settings, chunk};
use frontdesk::knowledge::extract::{Format, Limits, extract_as};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let count = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count().div_ceil(4);
    let settings = Settings::default();
    if let Ok(document) = extract_as(Format::Markdown, bytes, &Limits::default()) {
        let mut end = 0;
        for passage in chunk(&document, &count, &settings) {
            assert!(passage.start >= end && passage.start < passage.end);
            assert!(document.text.get(passage.start..passage.end).is_some());
            assert!(count(&passage.embed_text) <= settings.tokens_max);
            end = passage.end;
        }
    }
});
