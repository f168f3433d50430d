//! What a picture promises whoever sent it: it is shown to those who read the conversation, posted once, and forgotten
//! when it is never posted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::image::forget;
use super::*;
use crate::ai::ImageType;
use crate::base::{
    Actor, Call, ConversationId, ImageId, RequestId, SystemClock, TenantId, Timestamp, VisitorId,
};
use crate::files;
use crate::identity::Pass;
use crate::identity::pass::{Reach, ReadConversations, TakePart};
use crate::jobs;
use crate::store::{Keyspace, Store, StoreOptions};

struct Desk {
    _folder: tempfile::TempDir,
    _store: Store,
    keyspace: Keyspace,
}

fn call(millis: u64) -> Call {
    Call {
        actor: Actor::Nobody,
        now: Timestamp::from_millis(millis),
        request: RequestId("test".into()),
        address: None,
    }
}

fn visitor(number: u8) -> VisitorId {
    VisitorId::from_bytes([number; 16])
}

fn taking_part(by: VisitorId) -> Pass<TakePart> {
    Pass::for_test(Reach::Visitor(by))
}

fn reading(by: VisitorId) -> Pass<ReadConversations> {
    Pass::for_test(Reach::Visitor(by))
}

impl Desk {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), StoreOptions::default(), Arc::new(SystemClock)).unwrap();
        let keyspace = store.tenant(TenantId::from_bytes([7; 16])).unwrap();
        Self { _folder: folder, _store: store, keyspace }
    }

    async fn opened(&self, by: VisitorId) -> ConversationId {
        let opened = self.keyspace.write(move |tx| open(tx, &call(1), taking_part(by), by, None));
        opened.await.unwrap().id
    }

    async fn send(
        &self,
        now: u64,
        pass: Pass<TakePart>,
        to: ConversationId,
        what: &'static str,
    ) -> Result<ImageView, Error> {
        let content =
            files::put(&self.keyspace, Timestamp::from_millis(now), Bytes::from_static(what.as_bytes()));
        let content = content.await.unwrap();
        let new = NewImage { conversation: to, media_type: ImageType::Png, width: 4, height: 3, content };
        self.keyspace.write(move |tx| add_image(tx, &call(now), pass, &new)).await
    }

    async fn say(
        &self,
        pass: Pass<TakePart>,
        conversation: ConversationId,
        text: &str,
        images: &[ImageId],
        key: Option<&str>,
    ) -> Result<Posted, Error> {
        let new = NewMessage {
            conversation,
            text: text.into(),
            images: images.to_vec(),
            author_name: None,
            client_key: key.map(str::to_owned),
        };
        self.keyspace.write(move |tx| post(tx, &call(3), pass, &new)).await
    }

    fn look(&self, by: VisitorId, conversation: ConversationId, id: ImageId) -> Result<Image, Error> {
        self.keyspace.read(|tx| image(tx, reading(by), conversation, id))
    }

    fn needed(&self, image: &Image) -> bool {
        self.keyspace.read(|tx| files::is_referenced(tx, image.blob)).unwrap()
    }
}

#[tokio::test]
async fn a_picture_is_posted_once_and_shown_to_those_who_read_the_conversation() {
    let desk = Desk::open();
    let (me, other) = (visitor(1), visitor(2));
    let (mine, theirs) = (desk.opened(me).await, desk.opened(other).await);
    let sent = desk.send(2, taking_part(me), mine, "pixels").await.unwrap();
    assert_eq!((sent.width, sent.height, sent.size_bytes), (4, 3, 6));
    let member = || desk.keyspace.read(|tx| image(tx, Pass::for_test(Reach::All), mine, sent.id));
    assert!(matches!(member(), Err(Error::ImageNotFound)), "what is not posted is its author's alone");

    let posted = desk.say(taking_part(me), mine, "  ", &[sent.id], Some("k")).await.unwrap();
    assert_eq!((posted.message.text.as_str(), &posted.message.images[..]), ("", &[sent.clone()][..]));
    let again = desk.say(taking_part(me), mine, "", &[sent.id], Some("k")).await.unwrap();
    assert_eq!((again.new, again.message), (false, posted.message));
    assert!(matches!(desk.say(taking_part(me), mine, "", &[], Some("k")).await, Err(Error::TextEmpty)));
    assert!(matches!(desk.say(taking_part(me), mine, "x", &[], Some("k")).await, Err(Error::KeyReused)));
    let twice = desk.say(taking_part(me), mine, "", &[sent.id], None).await;
    assert!(matches!(twice, Err(Error::ImageNotFound)));

    assert_eq!(member().unwrap().id, sent.id);
    assert_eq!(desk.look(me, mine, sent.id).unwrap().id, sent.id);
    assert!(matches!(desk.look(other, mine, sent.id), Err(Error::NotFound)));
    assert!(matches!(desk.look(other, theirs, sent.id), Err(Error::ImageNotFound)));
    let preview = desk.keyspace.read(|tx| get(tx, reading(me), mine)).unwrap().preview;
    assert_eq!(preview, None);
}

#[tokio::test]
async fn another_sides_picture_the_same_one_twice_and_too_many_are_refused_and_change_nothing() {
    let desk = Desk::open();
    let me = visitor(1);
    let (mine, elsewhere) = (desk.opened(me).await, desk.opened(me).await);
    let sent = desk.send(2, taking_part(me), mine, "pixels").await.unwrap().id;
    let as_member = desk.say(Pass::for_test(Reach::All), mine, "Look", &[sent], None).await;
    assert!(matches!(as_member, Err(Error::ImageNotFound)));
    let doubled = desk.say(taking_part(me), mine, "Look", &[sent, sent], None).await;
    assert!(matches!(doubled, Err(Error::ImageNotFound)));
    let moved = desk.say(taking_part(me), elsewhere, "Look", &[sent], None).await;
    assert!(matches!(moved, Err(Error::ImageNotFound)));
    let many = desk.say(taking_part(me), mine, "Look", &[sent; MESSAGE_IMAGES_MAX + 1], None).await;
    assert!(matches!(many, Err(Error::ImagesTooMany)));
    let messages = desk.keyspace.read(|tx| messages_after(tx, reading(me), mine, 0, 10)).unwrap();
    assert!(messages.is_empty());
    assert!(desk.say(taking_part(me), mine, "Look", &[sent], None).await.is_ok());
}

#[tokio::test]
async fn a_picture_can_be_taken_back_until_it_is_posted() {
    let desk = Desk::open();
    let me = visitor(1);
    let mine = desk.opened(me).await;
    let (first, second) = (
        desk.send(2, taking_part(me), mine, "one").await.unwrap().id,
        desk.send(2, taking_part(me), mine, "two").await.unwrap().id,
    );
    let kept = desk.look(me, mine, first).unwrap();
    let take_back = async |pass: Pass<TakePart>, id| {
        desk.keyspace.write(move |tx| take_back_image(tx, &call(4), pass, mine, id)).await
    };
    assert!(matches!(take_back(taking_part(visitor(2)), first).await, Err(Error::NotFound)));
    assert!(matches!(take_back(Pass::for_test(Reach::All), first).await, Err(Error::ImageNotFound)));
    take_back(taking_part(me), first).await.unwrap();
    assert!(!desk.needed(&kept));
    assert!(matches!(desk.look(me, mine, first), Err(Error::ImageNotFound)));
    desk.say(taking_part(me), mine, "", &[second], None).await.unwrap();
    assert!(matches!(take_back(taking_part(me), second).await, Err(Error::ImagePosted)));
}

#[tokio::test]
async fn a_picture_that_is_never_posted_is_forgotten_after_a_day_and_a_posted_one_stays() {
    let desk = Desk::open();
    let me = visitor(1);
    let mine = desk.opened(me).await;
    let day = u64::try_from(Duration::from_secs(86_400).as_millis()).unwrap();
    let posted = desk.send(2, taking_part(me), mine, "posted").await.unwrap().id;
    desk.say(taking_part(me), mine, "", &[posted], None).await.unwrap();
    let old = desk.send(2, taking_part(me), mine, "old").await.unwrap().id;
    let young = desk.send(1_000, taking_part(me), mine, "young").await.unwrap().id;
    let gone = desk.look(me, mine, old).unwrap();
    let sweep = async |now| desk.keyspace.write(move |tx| forget(tx, Timestamp::from_millis(now))).await;
    assert_eq!(sweep(day).await.unwrap(), 0);
    assert_eq!(sweep(day + 2).await.unwrap(), 1);
    assert!(!desk.needed(&gone));
    assert!(matches!(desk.look(me, mine, old), Err(Error::ImageNotFound)));
    assert!(desk.look(me, mine, young).is_ok());
    assert_eq!(sweep(day + 1_000).await.unwrap(), 1);
    let kept = desk.look(me, mine, posted).unwrap();
    assert!(desk.needed(&kept));
    assert!(
        desk.keyspace.read(|tx| jobs::waiting(tx, 10)).unwrap() > 0,
        "the sweep was queued with the picture"
    );
}

#[tokio::test]
async fn pictures_that_wait_are_bounded_and_an_ended_conversation_takes_none() {
    let desk = Desk::open();
    let me = visitor(1);
    let mine = desk.opened(me).await;
    for _ in 0..12 {
        desk.send(2, taking_part(me), mine, "pixels").await.unwrap();
    }
    assert!(matches!(desk.send(2, taking_part(me), mine, "pixels").await, Err(Error::ImagesFull)));
    let ended = desk.opened(me).await;
    desk.keyspace.write(move |tx| end(tx, &call(5), taking_part(me), ended)).await.unwrap();
    assert!(matches!(desk.send(6, taking_part(me), ended, "pixels").await, Err(Error::Ended)));
}
