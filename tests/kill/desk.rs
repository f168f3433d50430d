//! What the test does to the appliance, and what it was told: only that counts as acknowledged.

use std::collections::BTreeMap;

use axum::http::Method;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use super::appliance::{Ask, Console};

pub(crate) const WORKSPACE: &str = "killed";
/// Conversations that are written into.
const CONVERSATIONS: usize = 3;
/// Questions of one round and conversation.
const QUESTIONS: usize = 3;
/// Documents of one round.
const DOCUMENTS: usize = 2;

/// A version of a document: what it is, and whether its bytes were acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// Stands in every passage of this version and nowhere else.
    pub(crate) marker: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) acknowledged: bool,
}

/// A question, with what was acknowledged of it.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) acknowledged: Option<(String, u64)>,
}

/// A visitor's conversation.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) token: String,
    pub(crate) id: String,
    pub(crate) questions: Vec<Question>,
}

/// All that the appliance was asked to keep.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) documents: BTreeMap<String, Upload>,
    pub(crate) talks: Vec<Talk>,
    markers: u64,
}

/// The next acknowledgement; the killer counts them.
pub(crate) type Acknowledged<'a> = &'a dyn Fn();

impl Desk {
    /// Makes the workspace and its conversations.
    pub(crate) async fn set_up(console: &Console) -> Self {
        let new = json!({ "name": "Killed", "slug": WORKSPACE });
        console
            .tell(Method::POST, "/api/v1/tenants", Ask { json: Some(new), ..Ask::default() })
            .await
            .unwrap();
        let mut desk = Self::default();
        for _ in 0..CONVERSATIONS {
            let path = format!("/api/v1/widget/{WORKSPACE}/visitors");
            let visitor = console.tell(Method::POST, &path, Ask::default()).await.unwrap();
            let token = visitor["token"].as_str().unwrap().to_owned();
            let asked = Ask { token: Some(&token), ..Ask::default() };
            let talk = console.tell(Method::POST, "/api/v1/conversations", asked).await.unwrap();
            let id = talk["id"].as_str().unwrap().to_owned();
            desk.talks.push(Talk { token, id, questions: Vec::new() });
        }
        desk
    }

    /// What this round adds: new documents, sometimes in place of old ones, and questions about them.
    pub(crate) fn plan(&mut self, round: u64) {
        let mut dice = StdRng::seed_from_u64(round);
        for _ in 0..DOCUMENTS {
            self.markers += 1;
            let marker = format!("ZK{}-{}", 1_000 + self.markers, dice.random_range(10..99));
            let old: Vec<_> = self.documents.keys().cloned().collect();
            let name = if !old.is_empty() && dice.random_ratio(1, 3) {
                old[dice.random_range(0..old.len())].clone()
            } else {
                format!("manuals/{}.md", marker.to_lowercase())
            };
            let bytes = document(&marker, &mut dice).into_bytes();
            self.documents.insert(name, Upload { marker, bytes, acknowledged: false });
        }
        let markers: Vec<_> = self.documents.values().map(|upload| upload.marker.clone()).collect();
        for talk in &mut self.talks {
            for _ in 0..QUESTIONS {
                let marker = &markers[dice.random_range(0..markers.len())];
                let number = talk.questions.len();
                let text = format!("Question {number}: how often is the filter of {marker} cleaned?");
                talk.questions.push(Question { key: format!("q-{number}"), text, acknowledged: None });
            }
        }
    }

    /// Sends what is not acknowledged yet, documents and conversations at the same time, until the process is gone.
    pub(crate) async fn send(&mut self, console: &Console, acknowledged: Acknowledged<'_>) {
        let documents = async {
            for (name, upload) in self.documents.iter_mut().filter(|(_, upload)| !upload.acknowledged) {
                let path = format!("/api/v1/documents/by-name/{}", name.replace('/', "%2F"));
                let asked =
                    Ask { workspace: Some(WORKSPACE), bytes: Some(upload.bytes.clone()), ..Ask::default() };
                if console.tell(Method::PUT, &path, asked).await.is_none() {
                    return;
                }
                upload.acknowledged = true;
                acknowledged();
            }
        };
        let talks = self.talks.iter_mut().map(|talk| send_questions(console, talk, acknowledged));
        futures_util::future::join(documents, futures_util::future::join_all(talks)).await;
    }

    pub(crate) fn all_acknowledged(&self) -> bool {
        self.documents.values().all(|upload| upload.acknowledged)
            && self
                .talks
                .iter()
                .all(|talk| talk.questions.iter().all(|question| question.acknowledged.is_some()))
    }
}

async fn send_questions(console: &Console, talk: &mut Talk, acknowledged: Acknowledged<'_>) {
    let path = format!("/api/v1/conversations/{}/messages", talk.id);
    for question in talk.questions.iter_mut().filter(|question| question.acknowledged.is_none()) {
        let asked = Ask {
            token: Some(&talk.token),
            key: Some(&question.key),
            json: Some(json!({ "text": question.text })),
            ..Ask::default()
        };
        let Some(message) = console.tell(Method::POST, &path, asked).await else { return };
        question.acknowledged =
            Some((message["id"].as_str().unwrap().to_owned(), message["seq"].as_u64().unwrap()));
        acknowledged();
    }
}

/// Some sections, each of which is a passage or more, and all of which name the marker again and again.
fn document(marker: &str, dice: &mut StdRng) -> String {
    const PARTS: [&str; 8] = ["filter", "pump", "valve", "hose", "display", "lid", "motor", "sensor"];
    let mut text = format!("# The manual of the {marker}\n");
    for section in 0..dice.random_range(8..24) {
        let part = PARTS[dice.random_range(0..PARTS.len())];
        text.push_str(&format!("\n## Chapter {section}: the {part}\n\n"));
        for _ in 0..dice.random_range(4..9) {
            let (days, torque) = (dice.random_range(2..90), dice.random_range(1..900));
            text.push_str(&format!(
                "The {part} of the {marker} is cleaned every {days} days and fastened with {torque} newton metres. "
            ));
        }
        text.push('\n');
    }
    text
}
