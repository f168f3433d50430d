//! Documents: in, read, found, replaced, gone; and files that mean harm.

use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::Desk;
use super::files::{PNG, demo, docx_bomb, put, settled};

async fn search(desk: &Desk, caller: &Caller, query: &str) -> Vec<Value> {
    let found = desk.post(caller, "/api/v1/search", &json!({"query": query, "limit": 50})).await.expect(200);
    found.body["results"].as_array().unwrap().clone()
}

async fn names(desk: &Desk, caller: &Caller) -> Vec<String> {
    let listed = desk.get(caller, "/api/v1/documents?limit=100").await.expect(200).body;
    let items = listed["items"].as_array().unwrap();
    items.iter().map(|document| document["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_document_of_each_kind_is_read_and_found_and_given_back_as_it_was() {
    let (desk, owner) = Desk::set_up().await;
    let kinds = [
        ("how-to/descaling.md", "text/markdown"),
        ("company/faq.html", "text/html"),
        ("manuals/juniper-manual.pdf", "application/pdf"),
        ("policies/warranty.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ];
    for (name, kind) in kinds {
        let bytes = demo(name);
        let received = put(&desk, &owner, name, &bytes).await.expect(201);
        assert_eq!(received.of("name"), name);
        let document = settled(&desk, &owner, &received.of("id")).await;
        assert_eq!((&document["state"], &document["media_type"]), (&json!("ready"), &json!(kind)));
        assert_eq!(document["size_bytes"], bytes.len());
        assert!(document["chunks"].as_u64().unwrap() > 0);
        assert_eq!(document["progress"]["done"], document["progress"]["total"]);
        assert_eq!(document["failure"], Value::Null);
        let path = format!("/api/v1/documents/{}/content", received.of("id"));
        let original = desk.request(&owner, reqwest::Method::GET, &path).send().await.unwrap();
        assert!(original.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
        assert_eq!(original.bytes().await.unwrap(), bytes);
        let found = search(&desk, &owner, document["title"].as_str().unwrap()).await;
        assert!(found.iter().any(|passage| passage["name"] == name), "{name} is not found by its title");
    }
    assert_eq!(names(&desk, &owner).await.len(), kinds.len());
}

#[tokio::test]
async fn the_same_bytes_under_another_name_are_one_document() {
    let (desk, owner) = Desk::set_up().await;
    let first = put(&desk, &owner, "a/pump.md", b"# Pump\n\nThe zyxgrommet turns left.\n").await.expect(201);
    settled(&desk, &owner, &first.of("id")).await;
    let again =
        put(&desk, &owner, "b/copy of pump.md", b"# Pump\n\nThe zyxgrommet turns left.\n").await.expect(200);
    assert_eq!(again.of("id"), first.of("id"));
    assert_eq!(names(&desk, &owner).await.len(), 1);
    assert_eq!(search(&desk, &owner, "zyxgrommet").await.len(), 1);
}

#[tokio::test]
async fn a_replaced_document_answers_with_its_new_words_and_a_deleted_one_with_none() {
    let (desk, owner) = Desk::set_up().await;
    let old = put(&desk, &owner, "pump.md", b"# Pump\n\nThe zyxgrommet turns left.\n").await.expect(201);
    let id = old.of("id");
    settled(&desk, &owner, &id).await;
    let new = put(&desk, &owner, "pump.md", b"# Pump\n\nThe qwibbler turns right.\n").await.expect(200);
    assert_eq!(new.of("id"), id);
    assert_eq!(settled(&desk, &owner, &id).await["state"], "ready");
    assert!(search(&desk, &owner, "qwibbler").await[0]["text"].as_str().unwrap().contains("turns right"));
    let texts: Vec<_> = search(&desk, &owner, "zyxgrommet").await;
    assert!(texts.iter().all(|one| !one["text"].as_str().unwrap().contains("zyxgrommet")), "{texts:?}");

    desk.delete(&owner, &format!("/api/v1/documents/{id}")).await.expect(204);
    assert!(search(&desk, &owner, "qwibbler").await.is_empty());
    assert!(names(&desk, &owner).await.is_empty());
    for rest in ["", "/content", "/text"] {
        desk.get(&owner, &format!("/api/v1/documents/{id}{rest}")).await.expect(404);
    }
    desk.delete(&owner, &format!("/api/v1/documents/{id}")).await.expect(404);
    // Deleted, not merely hidden: it may come again.
    let again = put(&desk, &owner, "pump.md", b"# Pump\n\nThe qwibbler turns right.\n").await.expect(201);
    assert_ne!(again.of("id"), id);
    settled(&desk, &owner, &again.of("id")).await;
    assert_eq!(search(&desk, &owner, "qwibbler").await.len(), 1);
}

#[tokio::test]
async fn hostile_files_fail_with_a_reason_that_names_them_and_hurt_nothing() {
    let (desk, owner) = Desk::set_up_with(&["knowledge.upload_bytes_max=2000000"], "").await;
    let good = put(&desk, &owner, "good.md", b"# Pump\n\nThe zyxgrommet turns left.\n").await.expect(201);
    settled(&desk, &owner, &good.of("id")).await;
    let pdf = demo("manuals/juniper-manual.pdf");
    let deep = format!("<html><body>{}deep{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
    let hostile: [(&str, Vec<u8>, &[&str]); 6] = [
        ("empty.md", Vec::new(), &["file_empty"]),
        ("bomb.docx", docx_bomb(400 << 20), &["file_unpacks_too_large"]),
        ("truncated.pdf", pdf[..pdf.len() / 3].to_vec(), &["file_damaged"]),
        ("picture.pdf", PNG.to_vec(), &["file_type_unsupported", "file_mislabelled"]),
        ("deep.html", deep.into_bytes(), &["file_nested_too_deeply"]),
        (
            "noise.pdf",
            b"%PDF-1.7\n".iter().copied().chain((0..=255).cycle().take(5_000)).collect(),
            &["file_damaged"],
        ),
    ];
    for (name, bytes, codes) in hostile {
        let received = put(&desk, &owner, name, &bytes).await;
        if received.status >= 400 {
            assert!(
                received.status < 500 && codes.contains(&received.of("code").as_str()),
                "{}",
                received.text
            );
            continue;
        }
        let document = settled(&desk, &owner, &received.of("id")).await;
        let failure = &document["failure"];
        assert_eq!(document["state"], "failed", "{name}: {document}");
        assert!(codes.contains(&failure["code"].as_str().unwrap()), "{name}: {failure}");
        let detail = failure["detail"].as_str().unwrap();
        assert!(detail.contains(name) && detail.ends_with('.'), "{detail}");
        assert!(!detail.contains(&*desk.home().to_string_lossy()), "{detail}");
    }
    let large = put(&desk, &owner, "large.txt", &vec![b'a'; 2_000_001]).await.expect(413);
    assert!(large.of("detail").ends_with('.'));
    for name in ["../out.md", "a/%2e%2e/../../b.md", "\u{7}.md"] {
        let refused = put(&desk, &owner, name, b"text of a document with a bad name").await;
        assert!((200..500).contains(&refused.status), "{name}: {}", refused.text);
        if refused.status < 300 {
            assert!(!refused.of("name").contains(".."), "{}", refused.text);
        }
    }
    assert!(!names(&desk, &owner).await.contains(&"large.txt".to_owned()));
    let found = search(&desk, &owner, "zyxgrommet").await;
    assert_eq!(found[0]["name"], "good.md");
    desk.get(&Caller::Nobody, "/healthz/ready").await.expect(200);
}
