//! Who may do what: invitations, members, roles of a workspace's own, keys with permissions.

use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, EMAIL, PASSWORD, Reply};
use super::socket::Socket;

async fn patch(desk: &Desk, caller: &Caller, path: &str, body: &Value) -> Reply {
    desk.send(desk.request(caller, Method::PATCH, path).json(body)).await
}

/// The account's id of a member.
async fn account(desk: &Desk, caller: &Caller) -> String {
    let me = desk.get(caller, "/api/v1/me").await.expect(200);
    me.body["account"]["id"].as_str().unwrap().to_owned()
}

async fn invite(desk: &Desk, by: &Caller, email: &str, role: &str) -> Reply {
    desk.post(by, "/api/v1/invitations", &json!({"email": email, "role": role})).await
}

fn token_of(made: &Reply) -> String {
    made.of("link").split("#token=").nth(1).unwrap().to_owned()
}

/// Row B6.
#[tokio::test]
async fn an_invited_person_joins_once_as_what_they_were_invited_to() {
    let (desk, owner) = Desk::set_up().await;
    let nobody = Caller::Nobody;
    let made = invite(&desk, &owner, "bob@example.com", "agent").await.expect(201);
    let (link, token) = (made.of("link"), token_of(&made));
    assert!(link.starts_with(&format!("https://localhost:{}/invite#token=", desk.port())), "{link}");
    assert_eq!(made.body["mailed"], false);
    assert_eq!(made.body["invitation"]["invited_by"], "Ada");
    let look = json!({"token": token});
    let seen = desk.post(&nobody, "/api/v1/invitations/look", &look).await.expect(200).body;
    assert_eq!(
        seen,
        json!({"workspace_name": "Acme", "email": "bob@example.com", "role_name": "Agent", "account_exists": false})
    );
    let weak = json!({"token": token, "name": "Bob", "password": "bob"});
    let refused = desk.post(&nobody, "/api/v1/invitations/accept", &weak).await.expect(400);
    assert_eq!(refused.body["errors"][0]["pointer"], "/password");
    let nameless = json!({"token": token, "password": PASSWORD});
    let refused = desk.post(&nobody, "/api/v1/invitations/accept", &nameless).await.expect(400);
    assert_eq!(refused.body["errors"][0]["pointer"], "/name");
    let refused = desk.post(&owner, "/api/v1/invitations/accept", &look).await.expect(403);
    assert_eq!(refused.of("code"), "invitation_for_other");

    let wish = json!({"token": token, "name": "Bob", "password": PASSWORD});
    let joined = desk.post(&nobody, "/api/v1/invitations/accept", &wish).await.expect(201);
    let bob = joined.cookie();
    assert_eq!(joined.body["workspaces"][0]["role"], "agent");
    let permissions = joined.body["workspaces"][0]["permissions"].as_array().unwrap();
    assert!(permissions.contains(&json!("take_part")) && !permissions.contains(&json!("manage_members")));
    let again = desk.post(&nobody, "/api/v1/invitations/accept", &wish).await.expect(404);
    assert_eq!(again.of("code"), "invitation_invalid");
    desk.get(&bob, "/api/v1/members").await.expect(200);
    desk.get(&bob, "/api/v1/roles").await.expect(403);
    invite(&desk, &bob, "eve@example.com", "viewer").await.expect(403);

    // Who has an account signs in and accepts as themselves.
    let other = json!({"name": "Other", "slug": "other"});
    desk.console(Method::POST, "/api/v1/tenants", "", Some(&other)).await.expect(201);
    let wish = json!({"email": "BOB@example.com", "role": "viewer"});
    let made = desk.console(Method::POST, "/api/v1/invitations", "other", Some(&wish)).await.expect(201);
    let token = json!({"token": token_of(&made)});
    let refused = desk.post(&nobody, "/api/v1/invitations/accept", &token).await.expect(409);
    assert_eq!(refused.of("code"), "account_exists");
    let joined = desk.post(&bob, "/api/v1/invitations/accept", &token).await.expect(200);
    assert_eq!(joined.body["workspaces"].as_array().unwrap().len(), 2);

    let taken_back = invite(&desk, &owner, "eve@example.com", "viewer").await.expect(201);
    let id = taken_back.body["invitation"]["id"].as_str().unwrap().to_owned();
    let listed = desk.get(&owner, "/api/v1/invitations").await.expect(200).body;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    desk.delete(&owner, &format!("/api/v1/invitations/{id}")).await.expect(204);
    let look = json!({"token": token_of(&taken_back)});
    desk.post(&nobody, "/api/v1/invitations/look", &look).await.expect(404);
    let log = desk.log();
    assert!(!log.contains(token["token"].as_str().unwrap()), "the log tells a token");
}

/// Row B6.
#[tokio::test]
async fn a_role_of_the_workspaces_own_is_free_and_permits_what_is_in_it_alone() {
    let (desk, owner) = Desk::set_up().await;
    let listed = desk.get(&Caller::Nobody, "/api/v1/permissions").await.expect(200).body;
    let known: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|one| one["permission"].as_str().unwrap()).collect();
    assert!(known.contains(&"manage_members") && !known.contains(&"manage_tenants"), "{known:?}");
    let wish = json!({"name": "Librarian", "permissions": ["read_knowledge", "write_knowledge"]});
    let role = desk.post(&owner, "/api/v1/roles", &wish).await.expect(201).of("id");
    let unknown = json!({"name": "X", "permissions": ["read_knowledge", "fly"]});
    let refused = desk.post(&owner, "/api/v1/roles", &unknown).await.expect(400);
    assert!(refused.of("detail").contains("fly") && refused.of("code") == "permission_unknown");
    let bob = desk.member("acme", "bob@example.com", &role).await;
    desk.get(&bob, "/api/v1/documents").await.expect(200);
    desk.get(&bob, "/api/v1/conversations").await.expect(403);
    desk.get(&bob, "/api/v1/members").await.expect(403);
    let put = desk.request(&bob, Method::PUT, "/api/v1/documents/by-name/a.txt").body("Some words.");
    desk.send(put.header("content-type", "text/plain")).await.expect(201);

    let path = format!("/api/v1/roles/{role}");
    let narrower = json!({"permissions": ["read_knowledge"]});
    let changed = patch(&desk, &owner, &path, &narrower).await.expect(200);
    assert_eq!((&changed.body["members"], changed.of("name").as_str()), (&json!(1), "Librarian"));
    let put = desk.request(&bob, Method::PUT, "/api/v1/documents/by-name/b.txt").body("Other words.");
    desk.send(put.header("content-type", "text/plain")).await.expect(403);
    assert_eq!(desk.delete(&owner, &path).await.expect(409).of("code"), "role_in_use");
    assert_eq!(
        patch(&desk, &owner, "/api/v1/roles/viewer", &narrower).await.expect(409).of("code"),
        "role_built_in"
    );

    let member = format!("/api/v1/members/{}", account(&desk, &bob).await);
    let shown = patch(&desk, &owner, &member, &json!({"role": "viewer"})).await.expect(200);
    assert_eq!((shown.of("role").as_str(), shown.of("role_name").as_str()), ("viewer", "Viewer"));
    desk.delete(&owner, &path).await.expect(204);
    desk.get(&bob, "/api/v1/conversations").await.expect(200);
}

#[tokio::test]
async fn a_removed_member_has_no_open_door_left_and_the_last_owner_stays() {
    let (desk, owner) = Desk::set_up().await;
    let admin = desk.member("acme", "admin@example.com", "admin").await;
    let agent = desk.member("acme", "agent@example.com", "agent").await;
    let owners = format!("/api/v1/members/{}", account(&desk, &owner).await);
    let theirs = format!("/api/v1/members/{}", account(&desk, &agent).await);
    for refused in [
        desk.delete(&admin, &owners).await,
        patch(&desk, &admin, &owners, &json!({"role": "viewer"})).await,
        patch(&desk, &admin, &theirs, &json!({"role": "owner"})).await,
        invite(&desk, &admin, "new@example.com", "owner").await,
    ] {
        assert_eq!(refused.expect(403).of("code"), "beyond_own_rights");
    }
    assert_eq!(desk.delete(&owner, &owners).await.expect(409).of("code"), "last_owner");

    let visitor = desk.visitor("acme").await;
    let conversation = desk.conversation(&visitor).await;
    let mut open = Socket::open(&desk, &agent, &conversation, None).await;
    assert_eq!(open.next().await["type"], "connected");
    desk.delete(&admin, &theirs).await.expect(204);
    desk.get(&agent, "/api/v1/conversations").await.expect(400);
    let request = desk.request(&agent, Method::GET, "/api/v1/conversations");
    desk.send(request.header("frontdesk-workspace", "acme")).await.expect(404);
    assert_eq!(desk.get(&agent, "/api/v1/me").await.expect(200).body["workspaces"], json!([]));
    assert_eq!(open.closed().await.0, 1008);
    assert_eq!(
        desk.get(&owner, "/api/v1/members").await.expect(200).body["items"].as_array().unwrap().len(),
        2
    );
    assert_eq!(desk.get(&owner, "/api/v1/members").await.body["items"][0]["email"], EMAIL);
}

#[tokio::test]
async fn a_key_may_what_was_chosen_for_it_and_never_more_than_its_maker() {
    let (desk, owner) = Desk::set_up().await;
    let wish = json!({"name": "Reader", "permissions": ["read_knowledge"]});
    let made = desk.post(&owner, "/api/v1/api-keys", &wish).await.expect(201);
    assert_eq!(made.body["key"]["permissions"], json!(["read_knowledge"]));
    let id = made.body["key"]["id"].as_str().unwrap().to_owned();
    let key = Caller::Key { id: id.clone(), secret: made.of("secret") };
    desk.get(&key, "/api/v1/documents").await.expect(200);
    desk.get(&key, "/api/v1/conversations").await.expect(403);
    for left_to_people in ["manage_members", "export_workspace", "erase_workspace"] {
        let wish = json!({"name": "K", "permissions": ["read_knowledge", left_to_people]});
        let refused = desk.post(&owner, "/api/v1/api-keys", &wish).await.expect(400);
        assert_eq!(refused.of("code"), "api_key_permission_invalid");
    }
    let wish = json!({"name": "Maker", "permissions": ["manage_api_keys", "read_workspace"]});
    let maker = desk.post(&owner, "/api/v1/api-keys", &wish).await.expect(201);
    let maker = Caller::Key { id: String::new(), secret: maker.of("secret") };
    let more = json!({"name": "K", "permissions": ["read_workspace", "read_conversations"]});
    assert_eq!(
        desk.post(&maker, "/api/v1/api-keys", &more).await.expect(403).of("code"),
        "beyond_own_rights"
    );
    let as_much = json!({"name": "K", "permissions": ["read_workspace"]});
    desk.post(&maker, "/api/v1/api-keys", &as_much).await.expect(201);
    let listed = desk.get(&owner, "/api/v1/api-keys").await.expect(200).body;
    let shown = listed["items"].as_array().unwrap().iter().find(|key| key["id"] == id.as_str()).unwrap();
    assert!(shown["last_used_at"].is_string() && shown["hint"].as_str().unwrap().starts_with("fdk_"));
    desk.delete(&owner, &format!("/api/v1/api-keys/{id}")).await.expect(204);
    desk.get(&key, "/api/v1/documents").await.expect(401);
}
