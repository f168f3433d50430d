//! The life of documents from the first byte to the last trace.

use super::desk::{Desk, call};
use crate::base::{Fault as _, PageRequest};
use crate::identity::Pass;
use crate::knowledge::*;

const RETURNS: &str = "# Returns\n\nYou can send a machine back within 30 days of delivery.\n\n## Refunds\n\nWe refund the \
                       price within five working days after the machine has arrived.\n";
const CODES: &str = "# Error codes\n\n| Code | Meaning |\n| --- | --- |\n| E-1042 | The pump is blocked by scale. |\n\
                     | E-2001 | The door is open. |\n";
const SHIPPING: &str = "<html><head><title>Shipping</title></head><body><h1>Shipping</h1><p>Parcels leave our warehouse on \
                        the next working day and take three days.</p></body></html>";

#[tokio::test]
async fn a_folder_of_documents_becomes_searchable_and_one_that_fails_hurts_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(folder.path(), None);
    assert!(desk.ask("anything").await.passages.is_empty());
    desk.receive("policies/returns.md", RETURNS.as_bytes()).await;
    desk.receive("policies/broken.docx", b"PK\x03\x04 and no more").await;
    desk.receive("help/codes.md", CODES.as_bytes()).await;
    desk.receive("help/shipping.html", SHIPPING.as_bytes()).await;
    desk.work().await;

    let broken = desk.document("policies/broken.docx").unwrap();
    assert_eq!(broken.state, DocumentState::Failed);
    assert!(broken.failure.unwrap().detail.contains("policies/broken.docx"));
    for (query, name) in [
        ("How long do I have to send it back?", "policies/returns.md"),
        ("What does E-1042 mean?", "help/codes.md"),
        ("when will my parcel arrive", "help/shipping.html"),
    ] {
        assert_eq!(desk.found(query).await.first().map(String::as_str), Some(name), "{query}");
    }
    let shipping = desk.document("help/shipping.html").unwrap();
    assert_eq!((shipping.state, shipping.title.as_str()), (DocumentState::Ready, "Shipping"));
    assert_eq!(shipping.media_type, "text/html");
    assert_eq!(shipping.progress, Progress { done: shipping.chunks, total: shipping.chunks });
    assert!(desk.ask("  \n ").await.passages.is_empty());
}

#[tokio::test]
async fn a_retrieval_knows_both_scores_of_every_passage_and_explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(folder.path(), None);
    desk.receive("returns.md", RETURNS.as_bytes()).await;
    desk.receive("codes.md", CODES.as_bytes()).await;
    desk.work().await;
    let retrieval = desk.ask("Within how many days do I get a refund?").await;
    assert_eq!(retrieval.explanation.candidates, retrieval.passages.len());
    assert_eq!(retrieval.explanation.indexed, retrieval.passages.len());
    for passage in &retrieval.passages {
        assert!((-1.0..=1.0).contains(&passage.semantic.score) && passage.keyword.score >= 0.0);
        assert!(passage.semantic.rank.is_some(), "all fit in the semantic list");
        assert!((0.0..=1.0).contains(&passage.score));
    }
    let best = &retrieval.passages[0];
    assert!(best.keyword.score > 0.0 && best.text.contains("refund"));
    let timings = retrieval.explanation.timings;
    assert!(retrieval.explanation.total_us >= timings.embed_us + timings.semantic_us);
    let options = Options { min_score: 1.1, ..Options::default() };
    let pass = Pass::appliance("a test");
    let none = desk.knowledge.retrieve(&desk.keyspace, pass, "refund", options).await.unwrap();
    assert_eq!((none.passages.len(), none.explanation.dropped_by_min_score), (0, retrieval.passages.len()));
}

#[tokio::test]
async fn a_citation_opens_the_document_at_the_sentence_even_after_it_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(folder.path(), None);
    let text = format!("# Größe 😀\n\nÜber uns.\n\n{}", RETURNS.replace("# Returns", "## Returns"));
    let document = desk.receive("returns.md", text.as_bytes()).await.document.id;
    desk.work().await;
    let quote = "You can send a machine back within 30 days of delivery.";
    let passages = desk.ask("send a machine back").await.passages;
    let passage = passages.iter().find(|passage| passage.text.contains(quote)).unwrap();
    let quoted = Quoted { document, chunk: passage.chunk, quotes: vec![quote.to_owned()] };
    let cited = desk.knowledge.cited(&desk.keyspace, Pass::appliance("a test"), &quoted).await.unwrap();
    let slice = |cited: &CitedDocument, span: Span| {
        let wide: Vec<u16> = cited.text.encode_utf16().collect();
        String::from_utf16(&wide[span.start..span.end]).unwrap()
    };
    assert_eq!(slice(&cited, cited.quotes[0]), quote);
    assert!(slice(&cited, cited.passage).contains(quote));
    assert_eq!((cited.heading.clone(), cited.truncated), (passage.heading.clone(), false));

    let moved = format!("# Changed\n\nA new beginning.\n\n{quote}\n");
    desk.receive("returns.md", moved.as_bytes()).await;
    desk.work().await;
    let cited = desk.knowledge.cited(&desk.keyspace, Pass::appliance("a test"), &quoted).await.unwrap();
    assert_eq!(slice(&cited, cited.quotes[0]), quote, "found again in the new text");
    let pass = Pass::appliance("a test");
    desk.keyspace.write(move |tx| delete(tx, &call(), pass, document)).await.unwrap();
    let gone = desk.knowledge.cited(&desk.keyspace, Pass::appliance("a test"), &quoted).await;
    assert!(matches!(gone, Err(Error::NotFound)));
}

#[tokio::test]
async fn the_same_bytes_twice_are_one_document() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(folder.path(), None);
    let first = desk.receive("returns.md", RETURNS.as_bytes()).await;
    assert_eq!(first.outcome, Outcome::Created);
    desk.work().await;
    let again = desk.receive("/returns.md", RETURNS.as_bytes()).await;
    let copy = desk.receive("copy of returns.md", RETURNS.as_bytes()).await;
    assert_eq!((again.outcome, copy.outcome), (Outcome::Unchanged, Outcome::SameBytes));
    assert_eq!((again.document.id, copy.document.id), (first.document.id, first.document.id));
    assert_eq!((again.document.state, desk.jobs_left()), (DocumentState::Ready, 0));
    assert_eq!(desk.rows("knowledge.document"), 1);
}

#[tokio::test]
async fn the_old_passages_answer_until_the_new_ones_are_complete() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(folder.path(), None);
    desk.receive(
        "hours.md",
        b"# Opening hours\n\nThe shop opens at nine.\n\n# Parking\n\nThere are 4 places.",
    )
    .await;
    desk.work().await;
    let (passages, blobs) = (desk.rows("search.passage"), desk.blobs());
    let replaced = desk
        .receive("hours.md", b"# Opening hours\n\nThe shop opens at ten.\n\n# Parking\n\nThere are 4 places.")
        .await;
    assert_eq!(replaced.outcome, Outcome::Replaced);
    let best = || async { desk.ask("When does the shop open?").await.passages[0].text.clone() };
    assert!(best().await.contains("nine"), "still the old one");
    desk.work().await;
    let texts: Vec<String> =
        desk.ask("When does the shop open?").await.passages.into_iter().map(|passage| passage.text).collect();
    assert!(texts[0].contains("ten") && !texts.iter().any(|text| text.contains("nine")), "{texts:?}");
    assert_eq!((desk.rows("search.passage"), desk.rows("search.vector")), (passages, passages));
    assert_eq!((desk.rows("search.hidden"), desk.rows("search.group"), desk.blobs()), (0, 1, blobs));

    desk.receive("hours.md", b"\x00\x01\x02\x03 no document").await;
    desk.work().await;
    let document = desk.document("hours.md").unwrap();
    assert_eq!((document.state, document.chunks as usize), (DocumentState::Failed, passages));
    assert!(best().await.contains("ten"), "what it had goes on answering");
}

#[tokio::test]
async fn a_deleted_document_is_found_by_nobody_at_once_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(folder.path(), None);
    let returns = desk.receive("returns.md", RETURNS.as_bytes()).await.document.id;
    let codes = desk.receive("codes.md", CODES.as_bytes()).await.document.id;
    desk.work().await;
    let pass = Pass::appliance("a test");
    desk.keyspace.write(move |tx| delete(tx, &call(), pass, returns)).await.unwrap();
    assert!(desk.found("send a machine back").await.iter().all(|name| name == "codes.md"));
    desk.receive("new.md", SHIPPING.as_bytes()).await;
    let new = desk.document("new.md").unwrap().id;
    desk.keyspace.write(move |tx| delete(tx, &call(), pass, codes)).await.unwrap();
    desk.keyspace.write(move |tx| delete(tx, &call(), pass, new)).await.unwrap();
    desk.work().await;
    for table in [
        "knowledge.document",
        "knowledge.document.by_name",
        "knowledge.document.by_content",
        "knowledge.place",
        "search.group",
        "search.passage",
        "search.passage.by_hash",
        "search.vector",
        "search.hidden",
        "files.reference",
        "store.index_log",
    ] {
        assert_eq!(desk.rows(table), 0, "{table}");
    }
    assert_eq!((desk.blobs(), desk.ask("send a machine back").await.explanation.indexed), (0, 0));
    let gone = desk.keyspace.write(move |tx| delete(tx, &call(), pass, codes)).await;
    assert_eq!(gone.unwrap_err().code(), "document_not_found");
}

#[tokio::test]
async fn a_failed_document_can_be_tried_again_and_any_other_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(folder.path(), None);
    let id = desk.receive("empty.txt", b"   ").await.document.id;
    let pass = Pass::appliance("a test");
    let early = desk.keyspace.write(move |tx| retry(tx, &call(), pass, id)).await;
    assert!(matches!(early, Err(Error::NotFailed)));
    desk.work().await;
    let failed = desk.document("empty.txt").unwrap();
    assert_eq!(failed.failure.unwrap().code, "file_empty");
    let again = desk.keyspace.write(move |tx| retry(tx, &call(), pass, id)).await.unwrap();
    assert_eq!((again.state, again.failure), (DocumentState::Received, None));
    desk.work().await;
    assert_eq!(desk.document("empty.txt").unwrap().state, DocumentState::Failed);
    assert_eq!(desk.receive("empty.txt", b"now with words").await.outcome, Outcome::Replaced);
    desk.work().await;
    assert_eq!(desk.document("empty.txt").unwrap().state, DocumentState::Ready);
}

#[tokio::test]
async fn lists_go_by_name_and_filter_by_state_and_folder() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(folder.path(), None);
    for number in 0..7 {
        desk.receive(&format!("a/{number}.md"), format!("words {number}").as_bytes()).await;
        desk.receive(&format!("b/{number}.md"), format!("more words {number}").as_bytes()).await;
    }
    let pass = Pass::appliance("a test");
    let mut request = PageRequest { after: None, limit: Some(3) };
    let filter = Filter { state: Some(DocumentState::Received), prefix: Some("b/".to_owned()) };
    let mut names = Vec::new();
    loop {
        let page = desk.keyspace.read(|tx| list(tx, pass, &filter, &request)).unwrap();
        assert!(page.items.len() <= 3);
        names.extend(page.items.into_iter().map(|document| document.name));
        request.after = page.next_cursor;
        if request.after.is_none() {
            break;
        }
    }
    assert_eq!(names, (0..7).map(|number| format!("b/{number}.md")).collect::<Vec<_>>());
    let filter = Filter { state: Some(DocumentState::Ready), prefix: None };
    let page = desk.keyspace.read(|tx| list(tx, pass, &filter, &PageRequest::default())).unwrap();
    assert_eq!((page.items.len(), page.next_cursor), (0, None));
}

#[tokio::test]
async fn a_passage_without_words_does_not_fail_its_document() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(folder.path(), None);
    let text = "---\n\n# \u{2b50}\u{2b50}\n\n\u{2b50} \u{2b50}\n\n# Lamps\n\nA red lamp means that the tank is empty.\n";
    desk.receive("stars.md", text.as_bytes()).await;
    desk.work().await;
    assert_eq!(desk.document("stars.md").unwrap().state, DocumentState::Ready);
    assert_eq!(desk.found("red lamp").await.first().map(String::as_str), Some("stars.md"));
}
