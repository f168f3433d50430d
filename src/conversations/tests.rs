//! What a conversation promises its visitor, and what is left of it after the power fails.

use std::sync::Arc;

use super::*;
use crate::base::{
    Actor, Call, ConversationId, MessageId, Micros, PageRequest, RequestId, SystemClock, TenantId, Timestamp,
    VisitorId,
};
use crate::identity::Pass;
use crate::identity::pass::{Reach, ReadConversations, TakePart};
use crate::store::crash::CrashDisks;
use crate::store::{Keyspace, KeyspaceId, Store, StoreOptions, Write as _};

struct Desk {
    _folder: tempfile::TempDir,
    _store: Store,
    keyspace: Keyspace,
}

fn tenant() -> TenantId {
    TenantId::from_bytes([7; 16])
}

impl Desk {
    fn open(disks: Option<CrashDisks>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { crash_disks: disks, ..StoreOptions::default() };
        let store = Store::open(folder.path(), options, Arc::new(SystemClock)).unwrap();
        let keyspace = store.tenant(tenant()).unwrap();
        Self { _folder: folder, _store: store, keyspace }
    }

    fn opened(&self, by: VisitorId) -> ConversationId {
        self.keyspace.write_blocking(move |tx| open(tx, &call(1), taking_part(by), by, None)).unwrap().id
    }

    fn say(
        &self,
        by: VisitorId,
        conversation: ConversationId,
        text: &str,
        key: Option<&str>,
    ) -> Result<Posted, Error> {
        let new = NewMessage {
            conversation,
            text: text.into(),
            images: Vec::new(),
            author_name: None,
            client_key: key.map(str::to_owned),
        };
        self.keyspace.write_blocking(move |tx| post(tx, &call(2), taking_part(by), &new))
    }

    fn answer(&self, conversation: ConversationId, to: MessageId) -> Result<MessageView, Error> {
        let pass = Pass::appliance("a test answers");
        self.keyspace.write_blocking(move |tx| reply(tx, &call(3), pass, conversation, &plain_reply(to)))
    }

    fn read(
        &self,
        by: VisitorId,
        conversation: ConversationId,
        after: u64,
    ) -> Result<Vec<MessageView>, Error> {
        self.keyspace.read(|tx| messages_after(tx, reading(by), conversation, after, 100))
    }
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

fn plain_reply(to: MessageId) -> NewReply {
    let answer = Answer {
        declined: false,
        quoted: true,
        provider: "extractive".into(),
        model: "extractive".into(),
        cost: Micros::ZERO,
        citations: Vec::new(),
        uncited: Vec::new(),
        timings: Timings::default(),
        note: None,
    };
    NewReply { reply_to: to, text: "Because.".into(), answer }
}

#[test]
fn messages_are_numbered_without_gaps_and_read_on_from_any_number() {
    let desk = Desk::open(None);
    let conversation = desk.opened(visitor(1));
    let first = desk.say(visitor(1), conversation, " Why? ", None).unwrap().message;
    desk.answer(conversation, first.id).unwrap();
    desk.say(visitor(1), conversation, "And now?", None).unwrap();
    let all = desk.read(visitor(1), conversation, 0).unwrap();
    assert_eq!(all.iter().map(|message| message.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        all.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(),
        ["Why?", "Because.", "And now?"]
    );
    assert_eq!(desk.read(visitor(1), conversation, 2).unwrap().len(), 1);
    let view = desk.keyspace.read(|tx| get(tx, reading(visitor(1)), conversation)).unwrap();
    assert_eq!((view.last_seq, view.preview.as_deref()), (3, Some("And now?")));
}

#[test]
fn the_history_is_the_last_messages_before_the_question_oldest_first() {
    let desk = Desk::open(None);
    let conversation = desk.opened(visitor(1));
    for number in 1..=15 {
        desk.say(visitor(1), conversation, &format!("message {number}"), None).unwrap();
    }
    let pass = Pass::appliance("a test reads");
    let rows = desk.keyspace.read(|tx| history(tx, pass, conversation, 13, 10)).unwrap();
    let texts: Vec<_> = rows.iter().map(|row| row.text.as_str()).collect();
    assert_eq!((texts.len(), texts[0], texts[9]), (10, "message 3", "message 12"));
}

#[test]
fn a_message_sent_again_is_the_same_message_and_its_key_serves_no_other() {
    let desk = Desk::open(None);
    let conversation = desk.opened(visitor(1));
    let first = desk.say(visitor(1), conversation, "Hello", Some("k1")).unwrap();
    let again = desk.say(visitor(1), conversation, "Hello", Some("k1")).unwrap();
    assert_eq!((first.new, again.new), (true, false));
    assert_eq!(first.message, again.message);
    assert!(matches!(desk.say(visitor(1), conversation, "Other", Some("k1")), Err(Error::KeyReused)));
    assert_eq!(desk.read(visitor(1), conversation, 0).unwrap().len(), 1);
    let open_again = |key: &'static str| {
        desk.keyspace
            .write_blocking(move |tx| open(tx, &call(4), taking_part(visitor(1)), visitor(1), Some(key)))
    };
    assert_eq!(open_again("o1").unwrap().id, open_again("o1").unwrap().id);
    assert_ne!(open_again("o1").unwrap().id, open_again("o2").unwrap().id);
}

#[test]
fn a_question_is_answered_once() {
    let desk = Desk::open(None);
    let conversation = desk.opened(visitor(1));
    let question = desk.say(visitor(1), conversation, "Why?", None).unwrap().message;
    desk.answer(conversation, question.id).unwrap();
    assert!(matches!(desk.answer(conversation, question.id), Err(Error::AlreadyAnswered)));
    assert_eq!(desk.read(visitor(1), conversation, 0).unwrap().len(), 2);
}

#[test]
fn another_visitors_conversation_does_not_exist() {
    let desk = Desk::open(None);
    let conversation = desk.opened(visitor(1));
    let message = desk.say(visitor(1), conversation, "Mine", None).unwrap().message;
    assert!(matches!(desk.say(visitor(2), conversation, "Yours?", None), Err(Error::NotFound)));
    assert!(matches!(desk.read(visitor(2), conversation, 0), Err(Error::NotFound)));
    let found = desk.keyspace.read(|tx| find(tx, reading(visitor(2)), conversation, message.id));
    assert!(matches!(found, Err(Error::NotFound)));
    let own = desk.opened(visitor(2));
    let crossed = desk.keyspace.read(|tx| find(tx, reading(visitor(2)), own, message.id));
    assert!(matches!(crossed, Err(Error::MessageNotFound)));
    let listed = desk.keyspace.read(|tx| list(tx, reading(visitor(2)), &PageRequest::default())).unwrap();
    assert_eq!(listed.items.iter().map(|view| view.id).collect::<Vec<_>>(), [own]);
    let ended =
        desk.keyspace.write_blocking(move |tx| end(tx, &call(5), taking_part(visitor(2)), conversation));
    assert!(matches!(ended, Err(Error::NotFound)));
}

#[test]
fn an_ended_conversation_takes_no_message_but_the_answer_to_the_last_question() {
    let desk = Desk::open(None);
    let conversation = desk.opened(visitor(1));
    let question = desk.say(visitor(1), conversation, "Why?", None).unwrap().message;
    desk.keyspace.write_blocking(move |tx| end(tx, &call(5), taking_part(visitor(1)), conversation)).unwrap();
    assert!(matches!(desk.say(visitor(1), conversation, "Still there?", None), Err(Error::Ended)));
    desk.answer(conversation, question.id).unwrap();
}

#[test]
fn a_text_of_nothing_or_of_too_much_is_refused() {
    let desk = Desk::open(None);
    let conversation = desk.opened(visitor(1));
    for text in ["", " \n\t ", "\u{0}\u{7}"] {
        assert!(matches!(desk.say(visitor(1), conversation, text, None), Err(Error::TextEmpty)), "{text:?}");
    }
    let long = "ß".repeat(TEXT_CHARS_MAX + 1);
    assert!(matches!(
        desk.say(visitor(1), conversation, &long, None),
        Err(Error::TextTooLong { chars: 8_001 })
    ));
    assert!(desk.say(visitor(1), conversation, &long[2..], None).is_ok());
}

#[test]
fn whatever_sync_the_power_fails_after_acknowledged_messages_are_there_once_and_whole() {
    for survivors in [0, u64::MAX, 0x6996_3cc3_0ff0_55aa] {
        for stop_after in 0..14 {
            let disks = CrashDisks::default();
            let desk = Desk::open(Some(disks.clone()));
            let conversation = desk.opened(visitor(1));
            disks.disk(KeyspaceId::Tenant(tenant())).stop_after_syncs(stop_after);
            let mut acknowledged = 0;
            for number in 0..3 {
                let Ok(posted) = desk.say(visitor(1), conversation, "Why?", Some(&format!("k{number}")))
                else {
                    break;
                };
                acknowledged += 1;
                let Ok(_) = desk.answer(conversation, posted.message.id) else { break };
                acknowledged += 1;
            }
            let desk = Desk::open(Some(disks.after_crash(survivors)));
            let kept = desk.read(visitor(1), conversation, 0).unwrap().len();
            assert!(kept == acknowledged || kept == acknowledged + 1, "{kept} of {acknowledged}");
            for number in 0..3 {
                let question =
                    desk.say(visitor(1), conversation, "Why?", Some(&format!("k{number}"))).unwrap();
                let _ = desk.answer(conversation, question.message.id);
            }
            let all = desk.read(visitor(1), conversation, 0).unwrap();
            assert_eq!(all.iter().map(|message| message.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        }
    }
}

/// Row C4.
#[test]
fn conversations_are_counted_by_the_month_and_a_lost_count_is_made_anew() {
    let desk = Desk::open(None);
    // 2026-02-28T23:59:59.999Z and the next millisecond.
    let (last, next) = (1_772_323_199_999, 1_772_323_200_000);
    for at in [last, next, next + 1, next + 2] {
        let by = VisitorId::new(Timestamp::from_millis(at));
        desk.keyspace.write_blocking(move |tx| open(tx, &call(at), taking_part(by), by, None)).unwrap();
    }
    let opened = |at| desk.keyspace.read(|tx| opened_in_month(tx, Timestamp::from_millis(at))).unwrap();
    assert_eq!((opened(last), opened(next)), (1, 3));
    let month = crate::quotas::month_of(Timestamp::from_millis(next));
    desk.keyspace
        .write_blocking(move |tx| tx.remove_bytes("conversations.opened", &month.to_be_bytes()).map(drop))
        .unwrap();
    assert_eq!(opened(next), 3);
}
