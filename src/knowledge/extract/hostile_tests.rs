//! Files that are wrong on purpose: each gets a reason, none does harm.

use super::fixtures::{docx, pdf, pdf_of, word_paragraph, zip};
use super::{Error, Extracted, Format, Limits, extract};
use crate::base::fault::Fault;
use proptest::prelude::*;

fn read(name: &str, bytes: &[u8]) -> Result<Extracted, Error> {
    extract(name, None, bytes, &Limits::default())
}

fn code(name: &str, bytes: &[u8]) -> &'static str {
    match read(name, bytes) {
        Ok(_) => "read",
        Err(error) => error.code(),
    }
}

fn sample_docx() -> Vec<u8> {
    let cells = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Code</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Meaning</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>E-42</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Too hot</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    let body = format!(
        "{}{}{cells}",
        word_paragraph("Heading1", "Manual"),
        word_paragraph("", "Read the e\u{FB03}cient guide.")
    );
    docx(&body, &[])
}

#[test]
fn a_sound_pdf_gives_its_pages() {
    let file = pdf(&["Returns are free within thirty days.", "Error E-4021 means the filter is full."], "");
    let document = read("manual.pdf", &file).unwrap();
    assert_eq!((document.format, document.pages), (Format::Pdf, Some(2)));
    let second = document.blocks.iter().find(|block| document.slice(block).contains("E-4021")).unwrap();
    assert_eq!(second.page, Some(2));
}

#[test]
fn a_sound_word_document_gives_headings_and_tables() {
    let document = read("manual.docx", &sample_docx()).unwrap();
    assert_eq!(
        document.text,
        "# Manual\n\nRead the efficient guide.\n\n| Code | Meaning |\n| --- | --- |\n| E-42 | Too hot |"
    );
    assert_eq!(document.title.as_deref(), Some("Manual"));
}

#[test]
fn nothing_and_blanks_are_empty() {
    assert_eq!(code("a.pdf", b""), "file_empty");
    assert_eq!(code("a.md", b" \r\n\t "), "file_empty");
    assert_eq!(code("a.html", b"<html><body><script>x</script></body></html>"), "file_without_text");
}

#[test]
fn nul_bytes_are_no_text() {
    assert_eq!(code("a.txt", &[0_u8; 4096]), "file_mislabelled");
    assert_eq!(
        read("a.txt", b"Some honest words with one stray\0byte in the middle of them.")
            .unwrap()
            .text
            .matches('\0')
            .count(),
        0
    );
}

#[test]
fn an_encrypted_pdf_asks_for_a_copy_without_password() {
    let mut file = pdf(
        &["Secret"],
        "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff> /U <ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100> >> /ID [<00> <00>]",
    );
    assert_eq!(code("a.pdf", &file), "file_encrypted");
    file.truncate(file.len() / 2);
    assert_ne!(code("a.pdf", &file), "read");
}

#[test]
fn an_encrypted_office_file_is_recognised() {
    let mut file = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    file.resize(512, 0);
    file.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(code("a.docx", &file), "file_encrypted");
}

#[test]
fn a_pdf_without_any_text_is_not_passed_on_as_empty() {
    let image = "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >>\nstream\n0\nendstream";
    let paint = "q 612 0 0 792 0 0 cm /Im Do Q";
    let file = pdf_of(
        &[
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /XObject << /Im 5 0 R >> >> >>".to_owned(),
            format!("<< /Length {} >>\nstream\n{paint}\nendstream", paint.len()),
            image.to_owned(),
        ],
        "",
    );
    assert_eq!(code("scan.pdf", &file), "file_scanned");
}

#[test]
fn a_page_tree_that_lies_or_runs_in_circles_ends() {
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>".to_owned();
    let catalog = "<< /Type /Catalog /Pages 2 0 R >>".to_owned();
    let million = pdf_of(
        &[catalog.clone(), "<< /Type /Pages /Count 1000000 /Kids [3 0 R] >>".to_owned(), page.clone()],
        "",
    );
    assert_ne!(code("a.pdf", &million), "read");
    let circle = pdf_of(
        &[catalog.clone(), "<< /Type /Pages /Count 2 /Kids [2 0 R 3 0 R 2 0 R] >>".to_owned(), page],
        "",
    );
    assert_ne!(code("a.pdf", &circle), "read");
    let itself = pdf_of(
        &[
            catalog,
            "<< /Type /ObjStm /N 1 /First 4 /Length 3 0 R /Extends 2 0 R >>\nstream\n2 0 \nendstream"
                .to_owned(),
            "3 0 R".to_owned(),
        ],
        "",
    );
    assert_ne!(code("a.pdf", &itself), "read");
}

#[test]
fn too_many_pages_are_counted_before_they_are_read() {
    let pages = vec!["Words on a page."; 12];
    let limits = Limits { pages_max: 10, ..Limits::default() };
    let result = extract("a.pdf", None, &pdf(&pages, ""), &limits);
    assert!(matches!(result, Err(Error::TooManyPages { pages: 12, pages_max: 10 })));
}

#[test]
fn a_zip_bomb_is_not_opened() {
    let zeros = vec![b' '; 4 << 20];
    assert_eq!(code("a.docx", &docx("<w:p/>", &[("word/bomb.xml", &zeros)])), "file_unpacks_too_large");
    let limits = Limits { zip_unpacked_bytes_max: 1 << 16, zip_ratio_max: u64::MAX, ..Limits::default() };
    let bomb = docx("<w:p/>", &[("word/bomb.xml", &zeros)]);
    assert!(matches!(extract("a.docx", None, &bomb, &limits), Err(Error::ZipBomb { .. })));
    let limits = Limits { zip_entries_max: 3, ..Limits::default() };
    assert!(matches!(extract("a.docx", None, &sample_docx(), &limits), Err(Error::ZipBomb { .. })));
}

#[test]
fn a_directory_that_lies_about_sizes_is_not_believed() {
    let mut bomb = docx("<w:p/>", &[("word/bomb.xml", &vec![b' '; 4 << 20])]);
    let size = (4_u32 << 20).to_le_bytes();
    let spots: Vec<usize> =
        bomb.windows(4).enumerate().filter(|(_, window)| *window == size).map(|(at, _)| at).collect();
    assert!(!spots.is_empty());
    for at in spots {
        bomb[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
    }
    assert_ne!(code("a.docx", &bomb), "read");
}

#[test]
fn entries_that_share_bytes_are_a_bomb() {
    let mut file = docx("<w:p/>", &[("word/a.xml", b"<a/>"), ("word/b.xml", b"<b/>")]);
    let directory: Vec<usize> =
        file.windows(4).enumerate().filter(|(_, w)| *w == b"PK\x01\x02").map(|(at, _)| at).collect();
    let (first, second) = (directory[directory.len() - 2], directory[directory.len() - 1]);
    let offset: [u8; 4] = file[first + 42..first + 46].try_into().unwrap();
    file[second + 42..second + 46].copy_from_slice(&offset);
    assert!(matches!(code("a.docx", &file), "file_unpacks_too_large" | "file_damaged"));
}

#[test]
fn other_archives_and_office_files_say_what_to_do() {
    let about = |parts: &[(&str, &[u8])]| read("a.zip", &zip(parts)).unwrap_err().about("a.zip");
    assert!(about(&[("xl/workbook.xml", b"<a/>")]).contains("Excel"));
    assert!(about(&[("ppt/presentation.xml", b"<a/>")]).contains("PowerPoint"));
    assert!(about(&[("readme.txt", b"hello")]).contains("Unpack it"));
}

#[test]
fn one_endless_line_is_too_much_text() {
    assert_eq!(code("a.txt", &vec![b'x'; 50 << 20]), "file_too_much_text");
    assert_eq!(code("a.md", &vec![b'>'; 20 << 20]), "file_too_much_text");
    assert_eq!(code("a.txt", &vec![b'x'; (64 << 20) + 1]), "file_too_large");
}

#[test]
fn many_tiny_blocks_are_too_much_text() {
    let limits = Limits { blocks_max: 1000, ..Limits::default() };
    let result = extract("a.md", None, "a\n\n".repeat(5000).as_bytes(), &limits);
    assert!(matches!(result, Err(Error::TooMuchText { .. })));
}

#[test]
fn deep_markdown_is_read_or_refused() {
    for source in [">".repeat(20_000), "- ".repeat(20_000), "[".repeat(20_000), "*a ".repeat(20_000)] {
        let _ = read("a.md", format!("{source}x").as_bytes());
    }
}

#[test]
fn encodings_of_the_world_are_read() {
    let german = "Die Rückgabe ist möglich. Größe und Gebühr stehen auf der Verpackung des Geräts.";
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(german);
    assert_eq!(read("a.txt", &latin).unwrap().text, german);
    assert_eq!(read("a.txt", &latin).unwrap().language.as_deref(), Some("de"));
    let japanese = "返品は三十日以内に可能です。カスタマーサポートにお問い合わせください。";
    let (shift, _, _) = encoding_rs::SHIFT_JIS.encode(japanese);
    assert_eq!(read("a.txt", &shift).unwrap().text, japanese);
    let wide: Vec<u8> =
        [0xFE, 0xFF].into_iter().chain(german.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    assert_eq!(read("a.txt", &wide).unwrap().text, german);
}

#[test]
fn truncated_and_altered_files_never_panic() {
    let long = "Words that fill the page and go on for a while.\n".repeat(20);
    let files = [("a.pdf", pdf(&[&long, "Two"], "")), ("a.docx", sample_docx())];
    for (name, file) in files {
        for cut in (0..file.len()).step_by(file.len() / 40) {
            let _ = read(name, &file[..cut]);
        }
        for at in (0..file.len()).step_by(file.len() / 120) {
            let mut altered = file.clone();
            altered[at] ^= 1 << (at % 8);
            let _ = read(name, &altered);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_under_any_name_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        head in prop::sample::select(vec!["", "%PDF-1.4\n", "PK\x03\x04", "<html>", "# ", "{\\rtf"]),
        name in prop::sample::select(vec!["a.pdf", "a.docx", "a.html", "a.md", "a.txt", "a.csv", "a"]),
    ) {
        let file = [head.as_bytes(), &bytes].concat();
        if let Ok(document) = read(name, &file) {
            check_blocks(&document)?;
        }
    }

    #[test]
    fn any_text_as_markdown_html_or_plain_gives_sound_blocks(text in "(?s).{0,400}", name in prop::sample::select(vec!["a.html", "a.md", "a.txt", "a.csv"])) {
        if let Ok(document) = read(name, text.as_bytes()) {
            check_blocks(&document)?;
        }
    }
}

fn check_blocks(document: &Extracted) -> Result<(), TestCaseError> {
    let mut end = 0;
    for block in &document.blocks {
        prop_assert!(block.start >= end && block.start < block.end);
        let between = document.text.get(end..block.start);
        prop_assert!(between.is_some_and(|between| between.chars().all(|c| c == '\n')));
        prop_assert!(!document.slice(block).trim().is_empty());
        end = block.end;
    }
    prop_assert_eq!(end, document.text.len());
    prop_assert!(!document.text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    Ok(())
}
