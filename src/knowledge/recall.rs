//! A passage that was found before, looked up again by its number: as it was, or what has become of it.
//!
//! A number stands for one passage of one version of a document and is never used again, so what is still there is what it
//! was. When a version is replaced or its document deleted, its passages go.

use super::Error;
use super::document::{Documents, Places};
use crate::base::DocumentId;
use crate::identity::Pass;
use crate::identity::pass::ReadKnowledge;
use crate::search::index::{self, group_of};
use crate::store::Read;

/// A passage as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecalledPassage {
    /// What its document calls itself.
    pub title: String,
    /// The path it was uploaded under.
    pub name: String,
    /// The headings it stands under, outermost first.
    pub heading: Vec<String>,
    /// The page it begins on, from 1, where there are pages.
    pub page: Option<u32>,
    /// Its text in light Markdown.
    pub text: String,
}

/// What has become of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recalled {
    /// It is still there.
    There(RecalledPassage),
    /// Its document has another version now.
    Replaced {
        /// The path of the document.
        name: String,
    },
    /// Its document was deleted.
    Deleted,
}

/// The passage with number `chunk` of `document`.
///
/// # Errors
/// When the store fails.
pub fn recall(
    tx: &impl Read,
    _: Pass<ReadKnowledge>,
    document: DocumentId,
    chunk: u64,
) -> Result<Recalled, Error> {
    let Some(row) = tx.get::<Documents>(&document)? else { return Ok(Recalled::Deleted) };
    let name = row.name;
    let group = index::group(tx, group_of(chunk))?.filter(|group| group.owner == document);
    let (Some(group), Some(passage)) = (group, index::passage(tx, chunk)?) else {
        return Ok(Recalled::Replaced { name });
    };
    let page = tx.get::<Places>(&chunk)?.and_then(|place| place.page);
    let (title, heading, text) = (group.title, passage.headings, passage.text);
    Ok(Recalled::There(RecalledPassage { title, name, heading, page, text }))
}
