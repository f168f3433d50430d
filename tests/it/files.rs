//! Documents as people upload them, good and bad.

use std::io::{Cursor, Write as _};
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use zip::write::SimpleFileOptions;

use super::caller::Caller;
use super::desk::{Desk, Reply};
use super::soon;

/// How often a document is looked at while it is read.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Uploads a document.
pub(crate) async fn put(desk: &Desk, caller: &Caller, name: &str, bytes: &[u8]) -> Reply {
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let path = format!("/api/v1/documents/by-name/{}", encoded.replace('+', "%20"));
    desk.send(desk.request(caller, Method::PUT, &path).body(bytes.to_vec())).await
}

/// Waits until a document is ready or has failed.
pub(crate) async fn settled(desk: &Desk, caller: &Caller, id: &str) -> Value {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let look = async {
        loop {
            looks.tick().await;
            let document = desk.get(caller, &format!("/api/v1/documents/{id}")).await.expect(200).body;
            if document["state"] == "ready" || document["state"] == "failed" {
                return document;
            }
        }
    };
    soon("the document is read", look).await
}

/// A file of the demo knowledge base.
pub(crate) fn demo(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo").join(name)).unwrap()
}

/// A DOCX of a few hundred kilobytes whose text unpacks to `bytes` bytes.
pub(crate) fn docx_bomb(bytes: usize) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let types = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
    archive.start_file("[Content_Types].xml", options).unwrap();
    archive.write_all(types.as_bytes()).unwrap();
    archive.start_file("word/document.xml", options).unwrap();
    let block = vec![b'a'; 1 << 20];
    for _ in 0..bytes.div_ceil(block.len()) {
        archive.write_all(&block).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A picture of one pixel.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";
