//! The child process: it answers, and whatever ends it is that one document's failure.
//!
//! The child is this test executable itself, asked to run only [`extract_worker_child`].

use super::fixtures::{docx, pdf, word_paragraph};
use super::{Error, Extractor, Limits, worker};
use crate::base::fault::Fault;
use std::ffi::OsString;

const CHILD: &str = "FRONTDESK_TEST_EXTRACT_CHILD";

#[test]
fn extract_worker_child() {
    if std::env::var_os(CHILD).is_some() {
        worker::run_child(std::io::stdin(), std::io::stdout()).unwrap();
        std::process::exit(0);
    }
}

fn extractor(limits: Limits) -> Extractor {
    let arguments = [
        "--exact",
        "knowledge::extract::isolation_tests::extract_worker_child",
        "--nocapture",
        "--test-threads=1",
    ];
    Extractor::new(std::env::current_exe().unwrap(), limits, 2)
        .with_command(arguments.map(OsString::from).to_vec(), vec![(CHILD.into(), "1".into())])
}

fn shell(script: &str, limits: Limits) -> Extractor {
    Extractor::new("/bin/sh".into(), limits, 1).with_command(vec!["-c".into(), script.into()], Vec::new())
}

async fn code(extractor: &Extractor, name: &str, bytes: &[u8]) -> &'static str {
    match extractor.extract(name, None, bytes).await {
        Ok(_) => "read",
        Err(error) => error.code(),
    }
}

#[tokio::test]
async fn the_child_reads_what_is_sound_and_explains_what_is_not() {
    let extractor = extractor(Limits::default());
    let document =
        extractor.extract("a.pdf", None, &pdf(&["Returns are free within thirty days."], "")).await.unwrap();
    assert!(document.text.contains("thirty days"));
    let word = docx(&word_paragraph("Heading1", "Manual"), &[]);
    assert_eq!(extractor.extract("a.docx", None, &word).await.unwrap().text, "# Manual");
    assert_eq!(code(&extractor, "a.txt", b"").await, "file_empty");
    assert_eq!(code(&extractor, "a.docx", b"PK\x03\x04 and no more").await, "file_damaged");
    let deep = format!("<html>{}", "<div>".repeat(100_000));
    assert_eq!(code(&extractor, "a.html", deep.as_bytes()).await, "file_nested_too_deeply");
}

#[tokio::test]
async fn a_parser_that_overflows_its_stack_fails_one_document() {
    let nested = format!("<< /Type /Catalog /Pages {}", "[".repeat(3_000_000));
    let file = super::fixtures::pdf_of(&[nested], "");
    let extractor = extractor(Limits::default());
    assert_ne!(code(&extractor, "a.pdf", &file).await, "read");
    let open = "<w:tbl><w:tr><w:tc>".repeat(30_000);
    let tables = docx(&format!("{open}<w:p/>{}", "</w:tc></w:tr></w:tbl>".repeat(30_000)), &[]);
    let limits = Limits { zip_ratio_max: u64::MAX, ..Limits::default() };
    assert_ne!(code(&self::extractor(limits), "a.docx", &tables).await, "read");
    assert_eq!(code(&extractor, "a.txt", b"still here").await, "read");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_document_that_needs_too_much_memory_is_told_so() {
    let extractor = extractor(Limits { memory_bytes_max: 1 << 20, ..Limits::default() });
    let page = format!("<html><body>{}</body></html>", "<p>word <b>bold</b></p>".repeat(200_000));
    let code = code(&extractor, "a.html", page.as_bytes()).await;
    assert!(
        matches!(code, "file_needs_too_much_memory" | "file_crashed_reader" | "extract_worker_confused"),
        "{code}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn every_end_of_the_child_is_a_typed_failure() {
    let limits = Limits { wall_ms_max: 30_000, text_bytes_max: 1 << 10, blocks_max: 10, ..Limits::default() };
    let endings = [
        ("kill -ABRT $$", "file_crashed_reader"),
        ("kill -SEGV $$", "file_crashed_reader"),
        ("kill -KILL $$", "file_needs_too_much_memory"),
        ("kill -XCPU $$", "file_too_slow"),
        ("echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$", "file_needs_too_much_memory"),
        ("echo \"thread 'extract' has overflowed its stack\" >&2; kill -ABRT $$", "file_nested_too_deeply"),
        ("exit 3", "file_crashed_reader"),
        ("exit 0", "extract_worker_confused"),
        ("echo nonsense", "extract_worker_confused"),
        ("head -c 5000000 /dev/zero", "file_too_much_text"),
    ];
    for (script, expected) in endings {
        let script = format!("cat >/dev/null; PATH=/usr/bin:/bin; {script}");
        assert_eq!(code(&shell(&script, limits.clone()), "a.txt", b"words").await, expected, "{script}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_child_that_never_ends_is_stopped() {
    let limits = Limits { wall_ms_max: 200, ..Limits::default() };
    for script in ["while :; do :; done", "PATH=/usr/bin:/bin; cat >/dev/null; exec cat /dev/zero"] {
        let result = shell(script, limits.clone()).extract("a.txt", None, &vec![b'a'; 1 << 20]).await;
        assert!(matches!(result, Err(Error::TooSlow { wall_ms_max: 200 })), "{result:?}");
    }
}

#[tokio::test]
async fn a_missing_program_is_a_fault_of_the_server() {
    let extractor = Extractor::new("/does/not/exist".into(), Limits::default(), 1);
    let error = extractor.extract("a.txt", None, b"words").await.unwrap_err();
    assert!(error.retryable() && error.code() == "extract_worker_unavailable");
}
