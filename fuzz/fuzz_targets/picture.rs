//! Whatever bytes are sent as a picture, what is kept of them is small enough for every model and is read again as the same
//! picture.
#![no_main]

use frontdesk::ai::IMAGE_BYTES_MAX;
use frontdesk::conversations::{EDGE_KEPT_MAX, clean};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(picture) = clean(bytes) {
        assert!(picture.width.max(picture.height) <= EDGE_KEPT_MAX && picture.bytes.len() <= IMAGE_BYTES_MAX);
        let again = clean(&picture.bytes).unwrap();
        assert_eq!((again.width, again.height), (picture.width, picture.height));
    }
});
