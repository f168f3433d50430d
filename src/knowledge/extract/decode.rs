//! From bytes to characters: byte order mark, declared charset, UTF-8, then an educated guess.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes the guess is made from; enough for any text, and a bound on its time.
const SAMPLE_BYTES: usize = 256 << 10;
/// Where HTML must declare its charset (WHATWG HTML, "prescan a byte stream").
const PRESCAN_BYTES: usize = 1024;

/// `bytes` as text. `html` also looks for a `<meta>` charset. Bytes that fit no character become U+FFFD.
pub(super) fn decode(bytes: &[u8], html: bool) -> String {
    if let Some((encoding, mark_bytes)) = Encoding::for_bom(bytes) {
        return run(encoding, bytes.get(mark_bytes..).unwrap_or_default());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let declared = if html { meta_charset(bytes) } else { None };
    let encoding = declared.or_else(|| utf_16_without_mark(bytes)).unwrap_or_else(|| guess(bytes));
    run(encoding, bytes)
}

/// UTF-16 text without a byte order mark, which is valid UTF-8 when it is ASCII: every other byte is NUL.
pub(super) fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..bytes.len().min(4096))?;
    if sample.len() < 4 {
        return None;
    }
    let pairs = sample.len() / 2;
    let even = sample.iter().step_by(2).filter(|byte| **byte == 0).count();
    let odd = sample.iter().skip(1).step_by(2).filter(|byte| **byte == 0).count();
    if odd * 10 > pairs * 7 && even * 10 < pairs {
        Some(UTF_16LE)
    } else if even * 10 > pairs * 7 && odd * 10 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// [`decode`] for `bytes` that may be UTF-16 without a mark.
pub(super) fn decode_text(bytes: &[u8]) -> String {
    match utf_16_without_mark(bytes) {
        Some(encoding) if Encoding::for_bom(bytes).is_none() => run(encoding, bytes),
        _ => decode(bytes, false),
    }
}

fn run(encoding: &'static Encoding, bytes: &[u8]) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes.get(..bytes.len().min(SAMPLE_BYTES)).unwrap_or_default(), true);
    detector.guess(None, Utf8Detection::Allow)
}

fn meta_charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..bytes.len().min(PRESCAN_BYTES))?.to_ascii_lowercase();
    let key = b"charset=";
    let at = head.windows(key.len()).position(|window| window == key)? + key.len();
    let label: Vec<u8> = head
        .get(at..)?
        .iter()
        .copied()
        .skip_while(|byte| b"\"' ".contains(byte))
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(byte))
        .collect();
    // A page that declares UTF-16 in ASCII letters is not UTF-16 (WHATWG HTML, the same algorithm).
    Encoding::for_label(&label).map(|encoding| if encoding.is_ascii_compatible() { encoding } else { UTF_8 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_1_shift_jis_and_utf_16_are_recognised() {
        let latin = "Die Rückgabe ist möglich; Größe prüfen, Gebühr enthält Käufer.";
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(latin);
        assert_eq!(decode_text(&bytes), latin);
        let japanese = "返品は三十日以内に可能です。カスタマーサポートにお問い合わせください。";
        let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(japanese);
        assert_eq!(decode_text(&bytes), japanese);
        let with_mark: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain("Größe".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(decode_text(&with_mark), "Größe");
        let without: Vec<u8> = "Returns within 30 days".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode_text(&without), "Returns within 30 days");
    }

    #[test]
    fn a_declared_charset_is_used() {
        let page = b"<html><head><meta charset='iso-8859-2'></head><body>\xB1\xE6</body>";
        assert!(decode(page, true).contains("ąć"));
    }
}
