//! Reading documents: one, by name, a list, and their files.

use super::Error;
use super::document::{BY_NAME, Document, DocumentState, Documents};
use crate::base::{Cursor, DocumentId, Page, PageRequest};
use crate::files::BlobHash;
use crate::identity::Pass;
use crate::identity::pass::ReadKnowledge;
use crate::store::{Key, Read, Scan};

/// The most rows that one page of a filtered list looks at.
const LOOKED_AT_MAX: usize = 2_000;

/// Which documents a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<DocumentState>,
    /// Only those whose name begins so.
    pub prefix: Option<String>,
}

/// A document.
///
/// # Errors
/// [`Error::NotFound`], or when the store fails.
pub fn get(tx: &impl Read, _pass: Pass<ReadKnowledge>, id: DocumentId) -> Result<Document, Error> {
    let row = tx.get::<Documents>(&id)?.ok_or(Error::NotFound)?;
    Ok(Document::of(id, row))
}

/// The document of this name.
///
/// # Errors
/// [`Error::NotFound`], [`Error::BadName`], or when the store fails.
pub fn get_by_name(tx: &impl Read, _pass: Pass<ReadKnowledge>, name: &str) -> Result<Document, Error> {
    let (id, row) = BY_NAME.get(tx, &super::name::clean(name)?)?.ok_or(Error::NotFound)?;
    Ok(Document::of(id, row))
}

/// Documents by name. A page of a filtered list may have fewer rows than asked for and still be followed by another.
///
/// # Errors
/// When the store fails.
pub fn list(
    tx: &impl Read,
    _pass: Pass<ReadKnowledge>,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<Document>, Error> {
    let scan = match filter.prefix.as_deref() {
        Some(prefix) => Scan::text_prefix(prefix, LOOKED_AT_MAX),
        None => Scan::all(LOOKED_AT_MAX),
    };
    let mut request = request.clone();
    let wanted = request.rows();
    let mut items = Vec::new();
    let mut looked_at = 0;
    loop {
        let mut keys = BY_NAME.keys(tx, &scan.clone().paged(&request))?;
        let more = keys.len() > request.rows();
        keys.truncate(request.rows());
        looked_at += keys.len();
        for (name, id) in keys {
            let Some(id) = <DocumentId as Key>::from_bytes(&id) else { continue };
            let Some(row) = tx.get::<Documents>(&id)? else { continue };
            request.after = Some(Cursor(name));
            if filter.state.is_none_or(|state| row.state == state) {
                items.push(Document::of(id, row));
            }
            if items.len() == wanted {
                break;
            }
        }
        let full = items.len() == wanted;
        if !more && !full {
            return Ok(Page { items, next_cursor: None });
        }
        if full || looked_at >= LOOKED_AT_MAX {
            let rest = BY_NAME.keys(tx, &scan.paged(&PageRequest { limit: Some(1), ..request.clone() }))?;
            let next_cursor = request.after.filter(|_| !rest.is_empty());
            return Ok(Page { items, next_cursor });
        }
    }
}

/// Where the newest bytes of a document are, and what to call them.
///
/// # Errors
/// [`Error::NotFound`], or when the store fails.
pub fn content_of(
    tx: &impl Read,
    _pass: Pass<ReadKnowledge>,
    id: DocumentId,
) -> Result<(Document, BlobHash), Error> {
    let row = tx.get::<Documents>(&id)?.ok_or(Error::NotFound)?;
    let content = row.content;
    Ok((Document::of(id, row), content))
}

/// Where the readable text of the version that serves is, as UTF-8.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotReadYet`], or when the store fails.
pub fn text_of(
    tx: &impl Read,
    _pass: Pass<ReadKnowledge>,
    id: DocumentId,
) -> Result<(Document, BlobHash), Error> {
    let row = tx.get::<Documents>(&id)?.ok_or(Error::NotFound)?;
    let text = row.active.as_ref().map(|active| active.text).ok_or(Error::NotReadYet)?;
    Ok((Document::of(id, row), text))
}
