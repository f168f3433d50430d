//! The hub as its users see it: order, lateness, presence, limits; and a crowd of publishers.

use std::sync::Arc;

use proptest::prelude::*;
use tokio::task::JoinSet;

use super::*;
use crate::base::{ConversationId, TenantId};

fn topic(number: u8) -> Topic {
    Topic { tenant: TenantId::from_bytes([1; 16]), conversation: ConversationId::from_bytes([number; 16]) }
}

fn message(seq: u64) -> Frame {
    Frame::write(FrameKind::ChatMessage, None, &seq, Some(seq)).unwrap()
}

fn piece(text: &str) -> Frame {
    let draft = DraftPiece {
        reply_to: "msg_1".into(),
        text: text.into(),
        offset: 0,
        stage: DraftStage::Writing,
        before: None,
    };
    Frame::write(FrameKind::Draft, None, &draft, None).unwrap()
}

fn draft(text: &str) -> LiveDraft {
    LiveDraft { reply_to: "msg_1".into(), text: text.into(), stage: DraftStage::Writing, before: None }
}

fn small() -> Limits {
    Limits {
        connections_max: 3,
        topic_connections_max: 2,
        backlog_frames_max: 4,
        drafts_max: 1,
        draft_bytes_max: 8,
    }
}

/// What waits, presence left out: the sequence numbers, 0 for frames without one.
fn waiting(subscription: &mut Subscription) -> (Vec<u64>, Option<Ended>) {
    let mut seen = Vec::new();
    loop {
        match subscription.try_next() {
            Ok(Some(frame)) if frame.kind() == FrameKind::Presence => {}
            Ok(Some(frame)) => seen.push(frame.seq().unwrap_or(0)),
            Ok(None) => return (seen, None),
            Err(ended) => return (seen, Some(ended)),
        }
    }
}

fn presences(subscription: &mut Subscription) -> Vec<String> {
    let mut seen = Vec::new();
    while let Ok(Some(frame)) = subscription.try_next() {
        if frame.kind() == FrameKind::Presence {
            seen.push(frame.text().to_string());
        }
    }
    seen
}

#[test]
fn a_listener_gets_what_comes_after_it_joined_from_its_topic_only() {
    let hub = Hub::new(Limits::default());
    hub.publish(topic(1), &message(1));
    let mut listener = hub.subscribe(topic(1), Side::Visitor).unwrap();
    hub.publish(topic(1), &message(2));
    hub.publish(topic(2), &message(3));
    hub.publish(topic(1), &message(4));
    assert_eq!(waiting(&mut listener), (vec![2, 4], None));
}

#[test]
fn a_frame_is_written_once_however_many_read_it() {
    let hub = Hub::new(Limits::default());
    let mut listeners: Vec<_> = (0..9).map(|_| hub.subscribe(topic(1), Side::Member).unwrap()).collect();
    let frame = message(1);
    hub.publish(topic(1), &frame);
    for listener in &mut listeners {
        let read =
            std::iter::from_fn(|| listener.try_next().unwrap()).find(|read| read.seq().is_some()).unwrap();
        assert!(Arc::ptr_eq(read.text(), frame.text()));
    }
}

#[test]
fn a_slow_listener_is_dropped_and_the_others_get_everything() {
    let hub = Hub::new(small());
    let mut slow = hub.subscribe(topic(1), Side::Visitor).unwrap();
    let mut quick = hub.subscribe(topic(1), Side::Member).unwrap();
    let mut got = Vec::new();
    for seq in 1..=9 {
        hub.publish(topic(1), &message(seq));
        got.extend(waiting(&mut quick).0);
    }
    assert_eq!(got, (1..=9).collect::<Vec<_>>());
    // Two of its four places hold presence.
    assert_eq!(waiting(&mut slow), (vec![1, 2], Some(Ended::Lagged)));
    assert_eq!(hub.presence(topic(1)), Presence { members: 1, visitors: 0 });
    drop(slow);
    assert_eq!(hub.connections(), 1);
    assert_eq!(waiting(&mut quick), (vec![], None));
}

#[test]
fn whoever_comes_late_is_handed_the_draft_and_then_its_pieces() {
    let hub = Hub::new(Limits::default());
    hub.set_draft(topic(1), draft("Two"), &piece("Two"));
    let mut late = hub.subscribe(topic(1), Side::Visitor).unwrap();
    assert_eq!(late.draft(), Some(&draft("Two")));
    hub.set_draft(topic(1), draft("Two years"), &piece(" years"));
    assert_eq!(waiting(&mut late), (vec![0], None));
    hub.clear_draft(topic(1));
    assert_eq!(hub.draft(topic(1)), None);
    assert_eq!(hub.subscribe(topic(1), Side::Visitor).unwrap().draft(), None);
}

#[test]
fn drafts_beyond_the_limits_are_told_but_not_kept() {
    let hub = Hub::new(small());
    let mut listener = hub.subscribe(topic(1), Side::Visitor).unwrap();
    hub.set_draft(topic(1), draft("12345678"), &piece("1"));
    hub.set_draft(topic(2), draft("a"), &piece("a"));
    assert_eq!(hub.draft(topic(2)), None);
    hub.set_draft(topic(1), draft("123456789"), &piece("9"));
    assert_eq!(hub.draft(topic(1)), None);
    assert_eq!(waiting(&mut listener), (vec![0, 0], None));
    hub.set_draft(topic(2), draft("a"), &piece("a"));
    assert_eq!(hub.draft(topic(2)), Some(draft("a")));
}

#[test]
fn everybody_is_told_who_comes_and_goes() {
    let hub = Hub::new(Limits::default());
    let mut first = hub.subscribe(topic(1), Side::Visitor).unwrap();
    let second = hub.subscribe(topic(1), Side::Member).unwrap();
    assert_eq!(second.presence(), Presence { members: 1, visitors: 1 });
    drop(second);
    let told: Vec<_> = [(0, 1), (1, 1), (0, 1)]
        .map(|(members, visitors)| {
            format!(
                r#"{{"type":"presence","id":null,"payload":{{"members":{members},"visitors":{visitors}}}}}"#
            )
        })
        .into();
    assert_eq!(presences(&mut first), told);
}

#[test]
fn a_topic_lives_as_long_as_a_listener_or_a_draft() {
    let hub = Hub::new(Limits::default());
    let listener = hub.subscribe(topic(1), Side::Visitor).unwrap();
    hub.set_draft(topic(1), draft("Two"), &piece("Two"));
    drop(listener);
    assert_eq!((hub.topics(), hub.connections()), (1, 0));
    hub.clear_draft(topic(1));
    hub.publish(topic(1), &message(1));
    assert_eq!(hub.topics(), 0);
}

#[test]
fn connections_beyond_the_limits_are_refused_and_their_places_come_back() {
    let hub = Hub::new(small());
    let first = hub.subscribe(topic(1), Side::Visitor).unwrap();
    let second = hub.subscribe(topic(1), Side::Visitor).unwrap();
    assert!(matches!(hub.subscribe(topic(1), Side::Visitor), Err(Error::TopicFull { connections_max: 2 })));
    let third = hub.subscribe(topic(2), Side::Visitor).unwrap();
    assert!(matches!(hub.subscribe(topic(3), Side::Visitor), Err(Error::Full { connections_max: 3 })));
    drop((first, second, third));
    assert_eq!((hub.connections(), hub.topics()), (0, 0));
    assert!(hub.subscribe(topic(1), Side::Visitor).is_ok());
}

#[tokio::test]
async fn closing_ends_everybody_after_what_was_waiting() {
    let hub = Hub::new(Limits::default());
    let mut listener = hub.subscribe(topic(1), Side::Visitor).unwrap();
    hub.publish(topic(1), &message(1));
    hub.close();
    hub.publish(topic(1), &message(2));
    assert_eq!(waiting(&mut listener), (vec![1], Some(Ended::Closed)));
    let mut late = hub.subscribe(topic(1), Side::Visitor).unwrap();
    assert_eq!(late.next().await, Err(Ended::Closed));
    drop((listener, late));
    assert_eq!((hub.connections(), hub.topics()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_of_publishers_is_heard_in_one_order_by_all() {
    const PUBLISHERS: u64 = 8;
    const EACH: u64 = 200;
    let hub = Hub::new(Limits { backlog_frames_max: 10_000, ..Limits::default() });
    let listeners: Vec<_> = (0..6).map(|_| hub.subscribe(topic(1), Side::Visitor).unwrap()).collect();
    let mut publishing = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let hub = hub.clone();
        publishing.spawn(async move {
            for number in 0..EACH {
                hub.publish(topic(1), &message(1 + publisher * EACH + number));
                if number % 50 == 0 {
                    drop(hub.subscribe(topic(1), Side::Member));
                    tokio::task::yield_now().await;
                }
            }
        });
    }
    publishing.join_all().await;
    let heard: Vec<_> = listeners.into_iter().map(|mut listener| waiting(&mut listener).0).collect();
    assert_eq!(heard[0].len() as u64, PUBLISHERS * EACH);
    assert!(heard.iter().all(|order| *order == heard[0]));
    for publisher in 0..PUBLISHERS {
        let own = |seq: &&u64| (**seq - 1) / EACH == publisher;
        assert!(heard[0].iter().filter(own).is_sorted(), "publisher {publisher} is heard in its own order");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Join,
    Leave(usize),
    Read(usize, usize),
    Publish,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Join),
        1 => (0usize..8).prop_map(Step::Leave),
        2 => (0usize..8, 1usize..6).prop_map(|(who, count)| Step::Read(who, count)),
        6 => Just(Step::Publish),
    ]
}

proptest! {
    /// Whoever listens, however slowly, has always read an unbroken run of what was published since it joined.
    #[test]
    fn what_a_listener_has_read_has_no_gap(steps in prop::collection::vec(step(), 1..120)) {
        let hub = Hub::new(Limits { backlog_frames_max: 5, topic_connections_max: 8, ..Limits::default() });
        let mut published = 0;
        let mut listeners: Vec<(Subscription, u64, Vec<u64>)> = Vec::new();
        for step in steps {
            match step {
                Step::Join => {
                    if let Ok(listener) = hub.subscribe(topic(1), Side::Visitor) {
                        listeners.push((listener, published, Vec::new()));
                    }
                }
                Step::Leave(who) if who < listeners.len() => drop(listeners.swap_remove(who)),
                Step::Read(who, count) if who < listeners.len() => {
                    let (listener, _, read) = &mut listeners[who];
                    for _ in 0..count {
                        if let Ok(Some(frame)) = listener.try_next() {
                            read.extend(frame.seq());
                        }
                    }
                }
                Step::Publish => {
                    published += 1;
                    hub.publish(topic(1), &message(published));
                }
                Step::Leave(_) | Step::Read(..) => {}
            }
            prop_assert_eq!(hub.connections(), listeners.len());
        }
        for (mut listener, joined, mut read) in listeners {
            let (rest, ended) = waiting(&mut listener);
            read.extend(rest);
            let expected: Vec<u64> = (joined + 1..).take(read.len()).collect();
            prop_assert_eq!(&read, &expected);
            prop_assert!(ended == Some(Ended::Lagged) || read.len() as u64 == published - joined);
        }
        prop_assert_eq!((hub.connections(), hub.topics()), (0, 0));
    }
}
