//! From the bytes of a document to its passages.

use super::chunk::{self, Chunk};
use super::document::DocumentRow;
use super::extract::{self, Extracted};
use super::name::title_of;
use super::{Error, Knowledge};
use crate::base::Fault as _;
use crate::files::{self, BlobHash};
use crate::jobs;
use crate::store::Keyspace;

/// A document's text and passages.
pub(super) struct ReadFile {
    pub(super) text: String,
    pub(super) title: String,
    pub(super) media_type: &'static str,
    pub(super) language: Option<String>,
    pub(super) chunks: Vec<Chunk>,
    /// The same for the same passages and model.
    pub(super) fingerprint: BlobHash,
}

/// Why there are none.
pub(super) enum Unread {
    /// The file is at fault; trying again will not help.
    File(super::Failure),
    /// Something else is.
    Other(jobs::Failure),
}

impl<E: Into<Error>> From<E> for Unread {
    fn from(error: E) -> Self {
        match error.into() {
            // A busy processor says nothing about the document.
            Error::Busy => Self::Other(jobs::Failure::Later(std::time::Duration::from_secs(1))),
            error => Self::Other(error.into()),
        }
    }
}

impl Knowledge {
    /// Reads the newest bytes of a document.
    ///
    /// `model` is the id of the model that will embed its passages.
    pub(super) async fn read_file(
        &self,
        keyspace: &Keyspace,
        row: &DocumentRow,
        model: &str,
    ) -> Result<ReadFile, Unread> {
        let bytes_max = self.inner.extractor.limits().file_bytes_max;
        let file_fault = |error: &extract::Error| {
            Unread::File(super::Failure { code: error.code().to_owned(), detail: error.about(&row.name) })
        };
        let bytes = match files::read(keyspace, row.content, bytes_max).await {
            Err(files::Error::TooLarge { bytes_max }) => {
                return Err(file_fault(&extract::Error::TooLarge { bytes: row.size_bytes, bytes_max }));
            }
            Err(error @ (files::Error::Missing { .. } | files::Error::Damaged { .. })) => {
                let detail = format!("“{}” could not be read: {}", row.name, error.public());
                return Err(Unread::File(super::Failure { code: error.code().to_owned(), detail }));
            }
            other => other?,
        };
        let extracted = self.inner.extractor.extract(&row.name, Some(&row.media_type), &bytes).await;
        drop(bytes);
        let mut extracted = match extracted {
            Ok(extracted) => extracted,
            Err(error) if error.retryable() => return Err(Unread::Other(error.into())),
            Err(error) => return Err(file_fault(&error)),
        };
        let title = extracted.title.get_or_insert_with(|| title_of(&row.name)).clone();
        let (extracted, chunks) = self.chunks_of(extracted).await?;
        if chunks.is_empty() {
            return Err(file_fault(&extract::Error::NoText));
        }
        let Extracted { format, text, language, .. } = extracted;
        let fingerprint = fingerprint(model, &text, &chunks);
        Ok(ReadFile { text, title, media_type: media_type(format), language, chunks, fingerprint })
    }

    async fn chunks_of(&self, extracted: Extracted) -> Result<(Extracted, Vec<Chunk>), Error> {
        let (embedder, settings) = (self.embedder().clone(), self.inner.settings.chunking.clone());
        let work = move || {
            let chunks = chunk::chunk(&extracted, &|text| embedder.token_count(text), &settings);
            (extracted, chunks)
        };
        Ok(self.inner.embedding.run(work).await?)
    }
}

fn fingerprint(model: &str, text: &str, chunks: &[Chunk]) -> BlobHash {
    let mut bytes = Vec::with_capacity(64 + chunks.len() * 32);
    bytes.extend_from_slice(model.as_bytes());
    bytes.extend_from_slice(BlobHash::of(text.as_bytes()).as_bytes());
    for chunk in chunks {
        bytes.extend_from_slice(&chunk.hash);
    }
    BlobHash::of(&bytes)
}

fn media_type(format: extract::Format) -> &'static str {
    match format {
        extract::Format::Plain => "text/plain",
        extract::Format::Markdown => "text/markdown",
        extract::Format::Html => "text/html",
        extract::Format::Pdf => "application/pdf",
        extract::Format::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        extract::Format::Csv => "text/csv",
    }
}
