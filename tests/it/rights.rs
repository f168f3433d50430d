//! The rights matrix: every route, asked by everybody with the real ids of one workspace.
//!
//! The table (`rights_table`) says what each caller gets. A route that is missing from it fails the story, and so does a row
//! whose route does not exist. What belongs to another workspace is not found, and no answer to a stranger holds one of its ids.

use std::collections::{BTreeMap, BTreeSet};

use frontdesk::http::{document, routes_listed};
use frontdesk::identity::{Permission, Role};
use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, EMAIL, PASSWORD, Reply};
use super::files;
use super::images;
use super::rights_table::{
    ADMIN, COLUMNS, CONSOLE, Needs, ONE_PERMISSION, OWNER, ROWS, Row, SINGLE, STRANGERS,
};
use super::socket::{Socket, is_answer};

/// A provider that nobody asks.
const PROVIDER: &str =
    "[[ai.provider]]\nname = \"spare\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n";

#[test]
fn every_route_is_in_the_rights_table_and_every_row_is_a_route() {
    let listed: BTreeSet<(String, String)> =
        routes_listed().into_iter().map(|(method, path)| (method.to_string(), path)).collect();
    let told: BTreeSet<(String, String)> =
        ROWS.iter().map(|row| (row.route.0.to_owned(), row.route.1.to_owned())).collect();
    let forgotten: Vec<_> = listed.difference(&told).collect();
    let gone: Vec<_> = told.difference(&listed).collect();
    assert!(forgotten.is_empty(), "say in the table who may ask these: {forgotten:?}");
    assert!(gone.is_empty(), "these are no routes: {gone:?}");
    assert_eq!(ROWS.len(), told.len(), "a route is in the table twice");
}

/// Two workspaces, everybody around them, and the ids of the first.
pub(super) struct World {
    pub(super) desk: Desk,
    pub(super) callers: [Caller; 14],
    pub(super) conversation: String,
    pub(super) message: String,
    pub(super) document: String,
    pub(super) image: String,
    pub(super) job: String,
    pub(super) role: String,
    account: String,
    pub(super) made: u32,
}

impl World {
    pub(super) async fn make() -> Self {
        let (desk, owner) = Desk::set_up_with(&[], PROVIDER).await;
        let other = json!({"name": "Other", "slug": "other"});
        desk.console(Method::POST, "/api/v1/tenants", "", Some(&other)).await.expect(201);
        let document = "policies/warranty.docx";
        let document = files::put(&desk, &owner, document, &files::demo(document)).await.expect(201).of("id");
        assert_eq!(files::settled(&desk, &owner, &document).await["state"], "ready");
        let visitor = desk.visitor("acme").await;
        let conversation = desk.conversation(&visitor).await;
        let mut socket = Socket::open(&desk, &visitor, &conversation, None).await;
        socket.say("q", "How long is the warranty on a Tamarind used at home?").await;
        let answer = socket.until(is_answer).await.pop().unwrap();
        assert_eq!(answer["payload"]["answer"]["citations"][0]["document"], document.as_str());
        let message = answer["payload"]["id"].as_str().unwrap().to_owned();
        let image = images::send(&desk, &visitor, &conversation, files::PNG).await.expect(201).of("id");
        let shown = json!({"text": "Look at this.", "images": [image]});
        desk.post(&visitor, &format!("/api/v1/conversations/{conversation}/messages"), &shown)
            .await
            .expect(201);
        socket.until(is_answer).await;
        let waiting = desk.console(Method::GET, "/api/v1/jobs?state=waiting", "acme", None).await.expect(200);
        let job = waiting.body["items"][0]["id"]
            .as_str()
            .map_or_else(|| "job_01h455vb4pex5vsknk084sn02q".to_owned(), str::to_owned);
        let wish = json!({"name": "Single", "permissions": [ONE_PERMISSION]});
        let role = desk.post(&owner, "/api/v1/roles", &wish).await.expect(201).of("id");
        let me = desk.get(&owner, "/api/v1/me").await.expect(200);
        let account = me.body["account"]["id"].as_str().unwrap().to_owned();
        let callers = [
            Caller::Nobody,
            visitor,
            desk.visitor("acme").await,
            desk.visitor("other").await,
            desk.key("acme", "viewer").await,
            desk.key("acme", "agent").await,
            desk.key("acme", "admin").await,
            desk.key("other", "admin").await,
            owner.clone(),
            Caller::Nobody,
            desk.member("acme", "viewer@example.com", "viewer").await,
            desk.member("acme", "admin@example.com", "admin").await,
            desk.member("acme", "single@example.com", &role).await,
            desk.member("other", "other@example.com", "owner").await,
        ];
        Self { desk, callers, conversation, message, document, image, job, role, account, made: 0 }
    }

    /// Asks one cell of the table; the path that was asked and what was answered.
    async fn ask(&mut self, row: &Row, column: usize) -> (String, Reply) {
        self.made += 1;
        let (method, route) = row.route;
        let mut caller = self.callers[column].clone();
        let mut conversation = self.conversation.clone();
        let mut image = self.image.clone();
        let mut id = match route {
            _ if route.starts_with("/api/v1/jobs") => self.job.clone(),
            _ if route.starts_with("/api/v1/documents") => self.document.clone(),
            _ if route.starts_with("/api/v1/accounts") => self.account.clone(),
            _ if route.starts_with("/api/v1/sessions") => "ses_01h455vb4pex5vsknk084sn02q".to_owned(),
            _ => String::new(),
        };
        match row.needs {
            Needs::Conversation | Needs::Picture => {
                conversation = self.desk.conversation(&self.callers[1]).await;
            }
            Needs::Unposted => {
                conversation = self.desk.conversation(&self.callers[1]).await;
                let sent = images::send(&self.desk, &self.callers[1], &conversation, files::PNG).await;
                image = sent.expect(201).of("id");
            }
            Needs::Document => {
                let name = format!("for cell {}.txt", self.made);
                let text = format!("A document made for cell {}.", self.made);
                let made = files::put(&self.desk, &self.callers[ADMIN], &name, text.as_bytes()).await;
                id = made.expect(201).of("id");
            }
            Needs::Tenant => {
                let wish = json!({"name": "Of a cell", "slug": format!("cell-{}", self.made)});
                let made = self.desk.console(Method::POST, "/api/v1/tenants", "", Some(&wish)).await;
                id = made.expect(201).of("id");
            }
            Needs::Key => id = self.desk.key("acme", "viewer").await.id().to_owned(),
            Needs::Session if column == OWNER => {
                let wish = json!({"email": EMAIL, "password": PASSWORD});
                let signed_in = self.desk.post(&Caller::Nobody, "/api/v1/sessions", &wish).await;
                caller = signed_in.expect(201).cookie();
            }
            Needs::Member => id = self.new_member("acme").await,
            Needs::Role => id = self.new_role().await,
            Needs::Invitation => id = self.new_invitation().await,
            Needs::Session if (10..14).contains(&column) => {
                let name = ["viewer", "admin", "single", "other"][column - 10];
                let wish = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
                let signed_in = self.desk.post(&Caller::Nobody, "/api/v1/sessions", &wish).await;
                caller = signed_in.expect(201).cookie();
            }
            Needs::Nothing | Needs::Upload | Needs::Workspace | Needs::Session => {}
        }
        if route.starts_with("/api/v1/conversations") {
            id.clone_from(&conversation);
        }
        let path = route
            .replace("{workspace}", "acme")
            .replace("{*path}", "none.js")
            .replace("{id}", &id)
            .replace("{account_id}", &id)
            .replace("{message}", &self.message)
            .replace("{image}", &image)
            .replace("{number}", "1")
            .replace("{provider}", "spare")
            .replace("{name}", &format!("upload%20{}.txt", self.made));
        let method: Method = method.parse().unwrap();
        let reply = match (route, column) {
            ("/ws", _) => self.open_socket(&caller, column).await,
            (_, CONSOLE) => self.console(method, &path, row, &id).await,
            _ => self.request(&caller, method, &path, row).await,
        };
        (path, reply)
    }

    /// The account of a member who was just made.
    pub(super) async fn new_member(&self, workspace: &str) -> String {
        let email = format!("member-{}@example.com", self.made);
        let member = self.desk.member(workspace, &email, "viewer").await;
        let me = self.desk.get(&member, "/api/v1/me").await.expect(200);
        me.body["account"]["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn new_role(&self) -> String {
        let wish = json!({"name": format!("Made {}", self.made), "permissions": ["read_workspace"]});
        self.desk.console(Method::POST, "/api/v1/roles", "acme", Some(&wish)).await.expect(201).of("id")
    }

    pub(super) async fn new_invitation(&self) -> String {
        let wish = json!({"email": format!("invited-{}@example.com", self.made), "role": "viewer"});
        let made = self.desk.console(Method::POST, "/api/v1/invitations", "acme", Some(&wish)).await;
        made.expect(201).body["invitation"]["id"].as_str().unwrap().to_owned()
    }

    /// The row's body, in which a `?` is the number of the cell.
    fn body(&self, row: &Row) -> Option<String> {
        row.body.map(|body| body.replace('?', &self.made.to_string()))
    }

    pub(super) async fn request(&self, caller: &Caller, method: Method, path: &str, row: &Row) -> Reply {
        let mut request = self.desk.request(caller, method, path);
        // Owners of several workspaces say which one they mean.
        if let (Caller::Member { cookie }, Caller::Member { cookie: owners }) = (caller, &self.callers[OWNER])
            && cookie == owners
        {
            request = request.header("frontdesk-workspace", "acme");
        }
        if row.needs == Needs::Picture {
            request = request.body(files::PNG);
        } else if let Some(body) = self.body(row) {
            let kind = if row.needs == Needs::Upload { "text/plain" } else { "application/json" };
            request = request.header("content-type", kind).body(body);
        }
        if path.ends_with("/events") {
            // Its answer has no end: the status is all that is asked for.
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            return Reply {
                status,
                headers: response.headers().clone(),
                text: String::new(),
                body: Value::Null,
            };
        }
        self.desk.send(request).await
    }

    async fn console(&self, method: Method, path: &str, row: &Row, id: &str) -> Reply {
        if path.ends_with("/events") {
            // The same, without a stream to wait for.
            let path = format!("/api/v1/conversations/{id}");
            return self.desk.console(Method::GET, &path, "acme", None).await;
        }
        let body = self.body(row).map(|body| serde_json::from_str(&body).unwrap_or_else(|_| json!(body)));
        self.desk.console(method, path, "acme", body.as_ref()).await
    }

    /// 101 when it opens and stays open; 401 when it is closed for want of a credential.
    async fn open_socket(&self, caller: &Caller, column: usize) -> Reply {
        let status = if column == CONSOLE {
            101
        } else {
            match Socket::try_open(&self.desk, caller, &self.conversation, None).await {
                Err(status) => status,
                Ok(socket) if matches!(caller, Caller::Nobody) => {
                    if socket.closed().await.0 == 1008 {
                        401
                    } else {
                        500
                    }
                }
                Ok(mut socket) => {
                    assert_eq!(socket.next().await["type"], "connected");
                    101
                }
            }
        };
        Reply { status, headers: reqwest::header::HeaderMap::new(), text: String::new(), body: Value::Null }
    }
}

/// What the caller of a column may in workspace one; nothing for those who are not of it, or not asked by permission.
fn permits(column: usize, permission: Permission) -> Option<bool> {
    let by_key = |role: Role| role.allows(permission) && permission.is_for_keys();
    Some(match column {
        4 => by_key(Role::Viewer),
        5 => by_key(Role::Agent),
        ADMIN => by_key(Role::Admin),
        OWNER | CONSOLE => true,
        10 => Role::Viewer.allows(permission),
        11 => Role::Admin.allows(permission),
        SINGLE => permission == ONE_PERMISSION,
        _ => return None,
    })
}

/// The permissions that an operation's description names, and whether visitors have it too.
fn documented(words: &str) -> Option<(Vec<Permission>, bool)> {
    let (_, rest) = words.split_once("Permission: ")?;
    let sentence = rest.split(['.', ';', ',']).next().unwrap_or_default();
    let named = Permission::ALL.iter().copied();
    let named = named.filter(|permission| sentence.contains(&format!("`{permission:?}`")));
    Some((named.collect(), rest.contains("visitor") && !rest.contains("not for visitors")))
}

/// Row B6: what the documentation says of a route's permission is what the table shows, for every route of the API.
#[test]
fn each_routes_documented_permission_is_the_one_that_the_table_shows() {
    let description = serde_json::to_value(document()).unwrap();
    let mut wrong = Vec::new();
    for row in ROWS {
        let (method, path) = row.route;
        let operation = &description["paths"][path][method.to_lowercase()];
        if operation.is_null() {
            continue;
        }
        let words = operation["description"].as_str().unwrap_or_default();
        let told = format!("{method} {path}");
        let Some((permissions, visitors)) = documented(words) else {
            if !["Open to ", "Any signed-in person"].iter().any(|beginning| words.contains(beginning)) {
                wrong.push(format!("{told}: the description says nothing of who may ask"));
            }
            continue;
        };
        let extension = operation["x-permission"].as_str().unwrap_or_default();
        if permissions.iter().all(|permission| permission.name() != extension) && !permissions.is_empty() {
            wrong.push(format!("{told}: x-permission is {extension:?}"));
        }
        for (column, who) in COLUMNS.iter().enumerate() {
            let status = row.expected.of(column);
            let allowed = permissions.iter().map(|permission| permits(column, *permission));
            let allowed: Option<Vec<bool>> = allowed.collect();
            let refused = match (column, allowed) {
                (0, _) => status != 401,
                (1, _) => visitors == (status == 404),
                (2 | 3, _) => false,
                // A visitor's alone, which no permission opens.
                (_, Some(allowed)) if !allowed.is_empty() => {
                    (status == 403) == allowed.iter().all(|one| *one)
                }
                (_, Some(_)) => visitors && status != 403,
                (_, None) => false,
            };
            if refused {
                wrong.push(format!("{told} as {who}: {status}, and documented is {permissions:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn everybody_gets_what_the_rights_table_says_and_no_stranger_learns_an_id() {
    let mut world = World::make().await;
    let mut wrong = BTreeMap::new();
    for row in ROWS {
        for (column, who) in COLUMNS.iter().enumerate() {
            let expected = row.expected.of(column);
            let (path, reply) = world.ask(row, column).await;
            let told = format!("{} {} as {who}", row.route.0, row.route.1);
            if reply.status != expected {
                wrong.insert(told.clone(), format!("{} instead of {expected}: {}", reply.status, reply.text));
            }
            if STRANGERS.contains(&column) {
                let ids = [&world.conversation, &world.message, &world.document, &world.image, &world.job];
                let leaks =
                    ids.iter().any(|id| reply.text.contains(id.as_str()) && !path.contains(id.as_str()));
                if leaks || reply.text.contains("Tamarind") {
                    wrong.insert(format!("{told}, leaks"), reply.text);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn the_lists_of_a_second_workspace_show_nothing_of_the_first() {
    let world = World::make().await;
    let (foreign_key, foreign_visitor) = (&world.callers[7], &world.callers[3]);
    for path in ["/api/v1/documents", "/api/v1/conversations", "/api/v1/jobs", "/api/v1/jobs?state=waiting"] {
        let listed = world.desk.get(foreign_key, path).await.expect(200).body;
        assert_eq!(listed["items"], json!([]), "{path}");
    }
    let listed = world.desk.get(foreign_visitor, "/api/v1/conversations").await.expect(200).body;
    assert_eq!(listed["items"], json!([]));
    let keys = world.desk.get(foreign_key, "/api/v1/api-keys").await.expect(200).body;
    let ids: Vec<_> =
        keys["items"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [foreign_key.id()]);
    let query = json!({"query": "How long is the warranty on a Tamarind used at home?"});
    let found = world.desk.post(foreign_key, "/api/v1/search", &query).await.expect(200).body;
    assert_eq!(found["results"], json!([]));
    // Asked in the second workspace, the same question has no answer.
    let id = world.desk.conversation(foreign_visitor).await;
    let mut socket = Socket::open(&world.desk, foreign_visitor, &id, None).await;
    socket.say("q", query["query"].as_str().unwrap()).await;
    let answer = socket.until(is_answer).await.pop().unwrap();
    assert_eq!(answer["payload"]["answer"]["declined"], true);
    assert_eq!(answer["payload"]["answer"]["citations"], json!([]));
    // A key that names the other workspace is refused as if that one did not exist.
    let request = world.desk.request(foreign_key, Method::GET, "/api/v1/documents");
    let request = request.header("frontdesk-workspace", "acme");
    world.desk.send(request).await.expect(404);
}
