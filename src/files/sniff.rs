//! What a file is, for those who ask for it back.
//!
//! Content decides where it has a signature; among kinds of text, which have none, the name does. What a sender claims is
//! not believed: a browser would run HTML that claims to be a picture.

/// The media type of a file by its name and its first bytes.
#[must_use]
pub fn media_type(name: &str, head: &[u8]) -> String {
    if let Some(kind) = infer::get(head) {
        let refined = if kind.mime_type() == "application/zip" { office(name) } else { None };
        return refined.unwrap_or(kind.mime_type()).to_owned();
    }
    if !is_text(head) {
        return "application/octet-stream".to_owned();
    }
    let guess = mime_guess::from_path(name).first();
    let textual = guess.filter(|guess| {
        let kind = guess.essence_str();
        guess.type_() == "text" || matches!(kind, "application/json" | "application/xml" | "application/yaml")
    });
    textual.map_or_else(|| "text/plain".to_owned(), |guess| guess.essence_str().to_owned())
}

/// Office files are zip archives; which is which is in their directory, at the other end of the file.
fn office(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    match ending.to_ascii_lowercase().as_str() {
        "docx" => Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        "xlsx" => Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        "pptx" => Some("application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        _ => None,
    }
}

/// Whether these look like the first bytes of a text in UTF-8, UTF-16 with its mark, or an 8-bit encoding.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let odd = head.iter().filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127)).count();
    !head.contains(&0) && odd * 100 <= head.len()
}

#[cfg(test)]
mod tests {
    use super::media_type;

    #[test]
    fn content_decides_and_among_texts_the_name() {
        let cases: &[(&str, &[u8], &str)] = &[
            ("a.txt", b"%PDF-1.7 ...", "application/pdf"),
            ("a.md", b"# Returns", "text/markdown"),
            ("a.csv", b"a,b\n1,2", "text/csv"),
            ("a.png", b"just words", "text/plain"),
            ("a", b"just words", "text/plain"),
            ("a.txt", b"\x00\x01\x02\x03\x04\x05", "application/octet-stream"),
            (
                "a.docx",
                b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
        ];
        for (name, head, expected) in cases {
            assert_eq!(media_type(name, head), *expected, "{name}");
        }
    }
}
