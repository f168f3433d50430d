//! Pictures that somebody shows: sent first, then posted with a message, or forgotten.
//!
//! A picture is a row and a blob that the row needs. Until it is posted it is its author's alone and can be taken back; it is
//! posted at most once, in the transaction of its message, and belongs to the message from then on. One that is never
//! posted is forgotten after [`UNPOSTED_KEPT`] by a job that is queued with its row.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::conversation::{Conversation, ConversationState, load};
use super::{Error, for_whom};
use crate::ai::ImageType;
use crate::base::{Call, ConversationId, ImageId, MessageId, Timestamp};
use crate::files::{self, BlobHash, Stored};
use crate::identity::pass::{Pass, Reach, ReadConversations, Right, TakePart};
use crate::jobs::{self, Failure, Job, Lane, Work, Worker};
use crate::store::{self, Index, Read, Scan, WriteTx, tables};

use super::message::Author;

/// Pictures of one message.
pub const MESSAGE_IMAGES_MAX: usize = 4;
/// Pictures of a conversation that wait to be posted.
const UNPOSTED_MAX: usize = 12;
/// Pictures of a conversation.
const CONVERSATION_IMAGES_MAX: usize = 200;
/// As long as the answer to the call that sent it can be had again.
const UNPOSTED_KEPT: Duration = Duration::from_secs(24 * 3_600);
const FORGOTTEN_ROWS_MAX: usize = 500;

/// A picture of a message, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// What its bytes are.
    pub media_type: ImageType,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Its size.
    pub size_bytes: u64,
    /// Where its bytes are.
    pub blob: BlobHash,
}

/// A picture as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ImageView {
    /// Its id.
    pub id: ImageId,
    /// `image/png` or `image/jpeg`.
    #[schema(value_type = String)]
    pub media_type: ImageType,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Its size.
    pub size_bytes: u64,
}

impl From<&Image> for ImageView {
    fn from(image: &Image) -> Self {
        let Image { id, media_type, width, height, size_bytes, .. } = *image;
        Self { id, media_type, width, height, size_bytes }
    }
}

/// A picture, posted or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sent {
    conversation: ConversationId,
    author: Author,
    image: Image,
    created_at: Timestamp,
    /// The message that shows it.
    message: Option<MessageId>,
}

static BY_CONVERSATION: Index<Images, ConversationId> =
    Index::many("conversations.image.by_conversation", |_, row: &Sent| Some(row.conversation));

static UNPOSTED: Index<Images, ConversationId> =
    Index::many("conversations.image.unposted", |_, row: &Sent| {
        row.message.is_none().then_some(row.conversation)
    });

static UNPOSTED_BY_AGE: Index<Images, Timestamp> =
    Index::many("conversations.image.unposted_by_age", |_, row: &Sent| {
        row.message.is_none().then_some(row.created_at)
    });

tables! {
    /// The pictures of a tenant's conversations.
    Images = "conversations.image": ImageId => Sent, [BY_CONVERSATION, UNPOSTED, UNPOSTED_BY_AGE];
}

/// A picture that somebody wants to show. Its blob stays pinned until it is stored.
#[derive(Debug, Clone)]
pub struct NewImage {
    /// Where.
    pub conversation: ConversationId,
    /// What its bytes are.
    pub media_type: ImageType,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Its bytes.
    pub content: Stored,
}

fn author_of<R: Right>(pass: &Pass<R>) -> Author {
    match pass.reach() {
        Reach::All => Author::Member,
        Reach::Visitor(_) => Author::Visitor,
    }
}

/// Whether the conversation takes one more picture, to be asked before the bytes are read.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Ended`], [`Error::ImagesFull`].
pub fn has_room_for_image(
    tx: &impl Read,
    pass: Pass<TakePart>,
    conversation: ConversationId,
) -> Result<(), Error> {
    let row: Conversation = load(tx, conversation, |visitor| pass.covers(visitor))?;
    if row.state == ConversationState::Ended {
        return Err(Error::Ended);
    }
    let all = BY_CONVERSATION.keys(tx, &Scan::prefix(&conversation, CONVERSATION_IMAGES_MAX))?.len();
    let waiting = UNPOSTED.keys(tx, &Scan::prefix(&conversation, UNPOSTED_MAX))?.len();
    if all >= CONVERSATION_IMAGES_MAX || waiting >= UNPOSTED_MAX {
        return Err(Error::ImagesFull);
    }
    Ok(())
}

/// Stores a picture, to be posted with a message.
///
/// # Errors
/// As [`has_room_for_image`].
pub fn add_image(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<TakePart>,
    new: &NewImage,
) -> Result<ImageView, Error> {
    has_room_for_image(tx, pass, new.conversation)?;
    let id = ImageId::new(call.now);
    let image = Image {
        id,
        media_type: new.media_type,
        width: new.width,
        height: new.height,
        size_bytes: new.content.size_bytes(),
        blob: new.content.hash(),
    };
    files::admit(tx, &new.content).map_err(|error| for_whom(error, pass))?;
    files::refer(tx, &new.content, &id.to_string())?;
    let view = ImageView::from(&image);
    let sent = Sent {
        conversation: new.conversation,
        author: author_of(&pass),
        image,
        created_at: call.now,
        message: None,
    };
    tx.insert::<Images>(&id, &sent)?;
    jobs::enqueue_at(tx, call.now, call.now.plus(UNPOSTED_KEPT), &ForgetImages {})?;
    Ok(view)
}

fn find(
    tx: &impl Read,
    conversation: ConversationId,
    image: ImageId,
    may_see: impl Fn(&Sent) -> bool,
) -> Result<Sent, Error> {
    let row = tx.get::<Images>(&image)?.filter(|row| row.conversation == conversation && may_see(row));
    row.ok_or(Error::ImageNotFound)
}

/// A picture of a conversation. One that is not posted is found by its author's side only.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ImageNotFound`].
pub fn image(
    tx: &impl Read,
    pass: Pass<ReadConversations>,
    conversation: ConversationId,
    image: ImageId,
) -> Result<Image, Error> {
    load(tx, conversation, |visitor| pass.covers(visitor))?;
    let own = author_of(&pass);
    Ok(find(tx, conversation, image, |row| row.message.is_some() || row.author == own)?.image)
}

/// Takes back a picture that is not posted.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ImageNotFound`]; [`Error::ImagePosted`] when it is part of a message by now.
pub fn take_back_image(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<TakePart>,
    conversation: ConversationId,
    image: ImageId,
) -> Result<(), Error> {
    load(tx, conversation, |visitor| pass.covers(visitor))?;
    let own = author_of(&pass);
    let row = find(tx, conversation, image, |row| row.author == own)?;
    if row.message.is_some() {
        return Err(Error::ImagePosted);
    }
    Ok(remove(tx, call.now, &row.image)?)
}

fn remove(tx: &mut WriteTx<'_>, now: Timestamp, image: &Image) -> Result<(), store::Error> {
    tx.remove::<Images>(&image.id)?;
    files::release(tx, now, image.blob, &image.id.to_string())
}

/// Makes the pictures part of a message, in the order given.
pub(super) fn attach(
    tx: &mut WriteTx<'_>,
    conversation: ConversationId,
    author: Author,
    images: &[ImageId],
    message: MessageId,
) -> Result<Vec<Image>, Error> {
    if images.len() > MESSAGE_IMAGES_MAX {
        return Err(Error::ImagesTooMany);
    }
    let mut attached = Vec::with_capacity(images.len());
    for id in images {
        // The second of two alike finds the first one posted.
        find(tx, conversation, *id, |row| row.author == author && row.message.is_none())?;
        attached.push(tx.update::<Images>(id, |row| row.message = Some(message))?.image);
    }
    Ok(attached)
}

/// Forgets pictures that were sent a day ago and never posted; queued while a tenant has any.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForgetImages {}

impl Job for ForgetImages {
    const NAME: &'static str = "conversations.forget_images";
    const LANE: Lane = Lane::Upkeep;

    fn dedup_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Does [`ForgetImages`].
#[derive(Debug, Clone, Copy, Default)]
pub struct ImageSweeper;

impl Worker<ForgetImages> for ImageSweeper {
    async fn run(&self, work: Work<ForgetImages>) -> Result<(), Failure> {
        let (ticket, now) = (work.ticket, work.now);
        let forgotten =
            work.keyspace.write(move |tx| if ticket.complete(tx, now)? { forget(tx, now) } else { Ok(0) });
        let forgotten = forgotten.await.map_err(|error| Failure::Retry(error.to_string()))?;
        tracing::debug!(forgotten, "pictures that were never posted were forgotten");
        Ok(())
    }
}

/// How many were forgotten.
pub(super) fn forget(tx: &mut WriteTx<'_>, now: Timestamp) -> Result<usize, store::Error> {
    let mut forgotten = 0;
    for (_, row) in UNPOSTED_BY_AGE.scan(tx, &Scan::all(FORGOTTEN_ROWS_MAX))? {
        if now.since(row.created_at) < UNPOSTED_KEPT {
            break;
        }
        remove(tx, now, &row.image)?;
        forgotten += 1;
    }
    if let Some((_, next)) = UNPOSTED_BY_AGE.scan(tx, &Scan::all(1))?.first() {
        jobs::enqueue_at(tx, now, next.created_at.plus(UNPOSTED_KEPT).max(now), &ForgetImages {})?;
    }
    Ok(forgotten)
}
