//! Answers looked into: why they are so, whether their prompt can be made again, and what a model says today.

use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, Reply, run, said};
use super::files;
use super::model::Model;
use super::models::{ask, server, taught};
use super::socket::{Socket, is_answer};

async fn look(desk: &Desk, caller: &Caller, message: &str) -> Reply {
    desk.get(caller, &format!("/api/v1/messages/{message}/replay")).await
}

async fn again(desk: &Desk, caller: &Caller, message: &str, wish: Value) -> Reply {
    let path = format!("/api/v1/messages/{message}/replay");
    desk.post(caller, &path, &wish).await
}

async fn spent(desk: &Desk, owner: &Caller) -> (u64, u64) {
    let budget = desk.get(owner, "/api/v1/budget").await.expect(200).body;
    (budget["spent_micros"].as_u64().unwrap(), budget["day"]["reserved_micros"].as_u64().unwrap())
}

/// Runs `frontdesk ai replay` beside the running appliance.
async fn command(desk: &Desk, arguments: &[&str]) -> std::process::Output {
    let data_dir = desk.data_dir();
    let place = ["--data-dir", data_dir.to_str().unwrap()];
    let arguments: Vec<&str> = ["ai", "replay"].iter().chain(arguments).chain(&place).copied().collect();
    run(desk.home(), &arguments).await
}

fn id(message: &Value, key: &str) -> String {
    message[key].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_prompt_of_an_answer_is_made_again_to_the_letter_and_looking_costs_nothing() {
    let (desk, _) = taught(server().await).await;
    let other = json!({"name": "A first one", "slug": "another"});
    desk.console(Method::POST, "/api/v1/tenants", "", Some(&other)).await.expect(201);
    // The owner is a member of both, so the key says which is meant.
    let owner = desk.key("acme", "admin").await;
    let visitor = desk.visitor("acme").await;
    let conversation = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &conversation, None).await;
    let mut answers = Vec::new();
    for (key, question) in [("a", Model::QUESTION), ("b", "And how long does it last?")] {
        socket.say(key, question).await;
        answers.push(socket.until(is_answer).await.pop().unwrap()["payload"].clone());
    }
    let before = spent(&desk, &owner).await;
    for answer in &answers {
        for message in [id(answer, "id"), id(answer, "reply_to")] {
            let replay = look(&desk, &owner, &message).await.expect(200).body;
            assert_eq!(replay["prompt"]["same"], true, "{replay}");
            assert_eq!(replay["prompt"]["differences"], json!([]));
            assert_eq!(replay["prompt"]["hash"], replay["trace"]["prompt_hash"]);
            assert_eq!(replay["answer"]["id"], answer["id"]);
            let first = &replay["passages"][0];
            assert_eq!((&first["state"], &first["cited_as"]), (&json!("as_it_was"), &json!(1)));
            assert_eq!((&first["given"], &first["name"]), (&json!(true), &json!("pump.md")));
        }
    }
    // The question before and its answer were read, too.
    let replay = look(&desk, &owner, &id(&answers[1], "id")).await.expect(200).body;
    assert_eq!(replay["prompt"]["messages"].as_array().unwrap().len(), 4);
    assert_eq!(replay["trace"]["sent"]["history"], json!([answers[0]["reply_to"], answers[0]["id"]]));
    assert_eq!(spent(&desk, &owner).await, before);
    look(&desk, &visitor, &id(&answers[0], "id")).await.expect(404);

    let output = command(&desk, &[&id(&answers[0], "id")]).await;
    let shown = String::from_utf8(output.stdout).unwrap();
    for part in [
        "in workspace acme",
        "The pump is sealed with a rubber ring",
        "made again to the letter",
        "as it was",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let output = command(&desk, &[&id(&answers[0], "reply_to"), "--workspace", "acme", "--json"]).await;
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&line["workspace"], &line["replay"]["prompt"]["same"]), (&json!("acme"), &json!(true)));
    let output = command(&desk, &["msg_01h455vb4pex5vsknk084sn02q"]).await;
    assert_eq!((output.status.code(), said(&output).contains("There is no message")), (Some(1), true));
    assert_eq!(spent(&desk, &owner).await, before, "nor has the command cost anything");
}

#[tokio::test]
async fn a_model_is_asked_again_beside_the_answer_and_what_it_costs_is_booked_within_the_budget() {
    let (desk, owner) = taught(server().await).await;
    let (answer, _) = ask(&desk, &owner, Model::QUESTION).await;
    let (message, conversation) = (id(&answer, "id"), id(&answer, "conversation_id"));
    assert_eq!(spent(&desk, &owner).await, (1_400, 0));
    let both = again(&desk, &owner, &message, json!({})).await.expect(200).body;
    assert_eq!(both["again"]["text"], "The pump is sealed with a rubber ring [1].");
    assert_eq!((&both["again"]["cost_micros"], &both["again"]["note"]), (&json!(1_400), &Value::Null));
    assert_eq!(both["again"]["attempts"][0]["provider"], "first", "the one that answered then");
    assert_eq!(both["again"]["citations"][0]["passage"], 1);
    assert_eq!(both["replay"]["answer"]["id"], message.as_str());
    let both = again(&desk, &owner, &message, json!({"provider": "second"})).await.expect(200).body;
    assert_eq!(
        (&both["again"]["attempts"][0]["model"], &both["again"]["cost_micros"]),
        (&json!("sound"), &json!(5_000))
    );
    assert_eq!(spent(&desk, &owner).await, (1_400 + 1_400 + 5_000, 0));

    // The answer that was given is what it was, and the visitor sees nothing of it.
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let messages = desk.get(&owner, &path).await.expect(200).body;
    assert_eq!(messages["items"].as_array().unwrap().len(), 2);
    assert_eq!(messages["items"][1]["answer"]["cost_micros"], 1_400);

    let output = command(&desk, &[&message, "--ask", "--provider", "second"]).await;
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("Again     $0.005000") && shown.contains("sound"), "{shown}");
    assert_eq!(spent(&desk, &owner).await, (12_800, 0));

    let refused = again(&desk, &owner, &message, json!({"provider": "third"})).await.expect(400);
    assert_eq!(refused.body["errors"][0]["pointer"], "/provider");
    again(&desk, &desk.key("acme", "agent").await, &message, json!({})).await.expect(403);
    let budget = json!({ "day_limit_micros": 12_801, "month_limit_micros": null });
    desk.send(desk.request(&owner, Method::PUT, "/api/v1/budget").json(&budget)).await.expect(200);
    assert_eq!(again(&desk, &owner, &message, json!({})).await.expect(402).of("code"), "over_budget");
    assert_eq!(spent(&desk, &owner).await, (12_800, 0), "the budget holds, and nothing stays set aside");
}

#[tokio::test]
async fn passages_that_have_gone_since_are_said_and_nothing_is_made_up_for_them() {
    let (desk, owner) = taught(server().await).await;
    let (answer, _) = ask(&desk, &owner, Model::QUESTION).await;
    let message = id(&answer, "id");
    let replaced = files::put(&desk, &owner, "pump.md", b"# Pump\n\nThe pump is sealed with cork.\n").await;
    let document = replaced.of("id");
    assert_eq!(files::settled(&desk, &owner, &document).await["state"], "ready");
    let states = |replay: &Value| {
        let passages = replay["passages"].as_array().unwrap();
        passages.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let replay = look(&desk, &owner, &message).await.expect(200).body;
    assert!(states(&replay).iter().all(|state| state == "replaced"), "{replay}");
    assert_eq!(replay["prompt"]["same"], false);
    let said = replay["prompt"]["differences"][0].as_str().unwrap();
    assert!(said.contains("of a document that has another version now"), "{said}");
    desk.delete(&owner, &format!("/api/v1/documents/{document}")).await.expect(204);
    let replay = look(&desk, &owner, &message).await.expect(200).body;
    assert!(states(&replay).iter().all(|state| state == "deleted"), "{replay}");
    assert!(!replay["prompt"]["messages"].to_string().contains("rubber ring lasts"), "its words are gone");
    let refused = again(&desk, &owner, &message, json!({})).await.expect(409);
    assert_eq!(refused.of("code"), "passages_gone");
    assert_eq!(spent(&desk, &owner).await, (1_400, 0));
}
