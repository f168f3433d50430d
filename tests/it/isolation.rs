//! Row C1: what is one workspace's cannot be reached from another, whatever id is put wherever an id can stand.

use reqwest::Method;
use serde_json::{Value, json};

use super::rights::World;
use super::rights_table::{COLUMNS, ROWS, STRANGERS};

/// Every id that one workspace has, with one of each kind.
async fn ids_of(world: &mut World) -> Vec<String> {
    world.made += 1;
    let conversations = [world.conversation.clone(), world.message.clone(), world.image.clone()];
    let others = [world.document.clone(), world.job.clone(), world.role.clone()];
    let made = [world.new_member("acme").await, world.new_role().await, world.new_invitation().await];
    let key = world.desk.key("acme", "viewer").await.id().to_owned();
    let visitor = world.callers[1].id().to_owned();
    let workspace = world.desk.get(&world.callers[11], "/api/v1/workspace").await.expect(200).of("id");
    conversations.into_iter().chain(others).chain(made).chain([key, visitor, workspace]).collect()
}

/// Each address that comes of a route when ids take the places of its parts.
fn addresses(route: &str, ids: &[String]) -> Vec<String> {
    let mut addresses = vec![route.to_owned()];
    while let Some((_, rest)) = addresses[0].split_once('{') {
        let part = format!("{{{}}}", rest.split_once('}').unwrap().0);
        let values: Vec<String> = if part == "{number}" { vec!["1".to_owned()] } else { ids.to_vec() };
        addresses = addresses
            .iter()
            .flat_map(|address| values.iter().map(|value| address.replacen(&part, value, 1)))
            .collect();
    }
    addresses
}

/// What workspace one is like, to its owner.
async fn as_it_is(world: &World) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in [
        "/api/v1/workspace",
        "/api/v1/conversations",
        "/api/v1/documents",
        "/api/v1/members",
        "/api/v1/roles",
        "/api/v1/invitations",
        "/api/v1/provider-keys",
        "/api/v1/budget",
        "/api/v1/audit?limit=100",
    ] {
        seen.push(world.desk.console(Method::GET, path, "acme", None).await.expect(200).body);
    }
    let messages = format!("/api/v1/conversations/{}/messages", world.conversation);
    seen.push(world.desk.console(Method::GET, &messages, "acme", None).await.expect(200).body);
    let keys = world.desk.console(Method::GET, "/api/v1/api-keys", "acme", None).await.expect(200).body;
    let keys = keys["items"].as_array().unwrap().iter().map(|key| key["id"].clone());
    seen.push(keys.collect());
    seen
}

/// Row C1: every id of one workspace, in every place of every route where an id can stand, asked by everybody of another.
#[tokio::test]
async fn no_id_of_one_workspace_opens_anything_through_any_route_as_another() {
    let mut world = World::make().await;
    let ids = ids_of(&mut world).await;
    let before = as_it_is(&world).await;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    // An upload's name may look like anything: what is made under it is the uploader's own.
    let own = ["/api/v1/documents/by-name/{name}"];
    for row in ROWS.iter().filter(|row| row.route.1.contains('{') && !own.contains(&row.route.1)) {
        if row.route.1.starts_with("/assets/") || row.route.1.starts_with("/chat/") {
            continue;
        }
        for path in addresses(row.route.1, &ids) {
            for column in STRANGERS {
                let method: Method = row.route.0.parse().unwrap();
                let caller = world.callers[column].clone();
                let reply = world.request(&caller, method, &path, row).await;
                asked += 1;
                let told =
                    ids.iter().any(|id| reply.text.contains(id.as_str()) && !path.contains(id.as_str()));
                if !(400..500).contains(&reply.status) || told || reply.text.contains("Tamarind") {
                    wrong.push(format!(
                        "{} {path} as {}: {} {}",
                        row.route.0, COLUMNS[column], reply.status, reply.text
                    ));
                }
            }
        }
    }
    assert!(asked > 1_000, "{asked}");
    // Ids in bodies: roles that somebody is to hold, pictures that a message is to show.
    let (owner, visitor) = (world.callers[13].clone(), world.callers[3].clone());
    let conversation = world.desk.conversation(&visitor).await;
    for id in &ids {
        let invitation = json!({"email": "mallory@example.com", "role": id});
        let shown = json!({"text": "Look.", "images": [id]});
        for reply in [
            world.desk.post(&owner, "/api/v1/invitations", &invitation).await,
            world
                .desk
                .post(&visitor, &format!("/api/v1/conversations/{conversation}/messages"), &shown)
                .await,
        ] {
            if !(400..500).contains(&reply.status) {
                wrong.push(format!("{id} in a body: {} {}", reply.status, reply.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(as_it_is(&world).await, before, "nothing of the first workspace has changed");
}
