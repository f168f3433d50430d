//! The rights matrix: every route, asked by everybody with the real ids of one workspace.
//!
//! The table says what each caller gets. A route that is missing from it fails the story, and so does a row whose route
//! does not exist. What belongs to another workspace is not found, and no answer to a stranger holds one of its ids.

use std::collections::{BTreeMap, BTreeSet};

use frontdesk::http::{document, routes_listed};
use frontdesk::identity::{Permission, Role};
use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, EMAIL, PASSWORD, Reply};
use super::files;
use super::images;
use super::socket::{Socket, is_answer};

/// A provider that nobody asks.
const PROVIDER: &str =
    "[[ai.provider]]\nname = \"spare\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n";

/// Everybody, in the order of the table's columns.
pub(super) const COLUMNS: [&str; 14] = [
    "nobody",
    "the conversation's visitor",
    "another visitor",
    "a visitor of another workspace",
    "a viewer's key",
    "an agent's key",
    "an admin's key",
    "an admin's key of another workspace",
    "the owner and operator",
    "the console",
    "a viewer",
    "an admin",
    "a member with one permission",
    "the owner of another workspace",
];
/// Columns that have no business with workspace one.
pub(super) const STRANGERS: [usize; 4] = [0, 3, 7, 13];
const ADMIN: usize = 6;
const OWNER: usize = 8;
const CONSOLE: usize = 9;
/// Signed in, with [`ONE_PERMISSION`] and no other.
const SINGLE: usize = 12;
const ONE_PERMISSION: Permission = Permission::ReadMembers;

/// What a request needs that is made for it alone.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Needs {
    Nothing,
    /// A conversation that may be ended.
    Conversation,
    /// A conversation that takes a picture.
    Picture,
    /// A picture of the visitor's that may be taken back.
    Unposted,
    /// A document that may be deleted.
    Document,
    /// A key that may be revoked.
    Key,
    /// An upload under a name of its own.
    Upload,
    /// A session that may be ended.
    Session,
    /// A workspace under a name of its own.
    Workspace,
    /// A member who may be changed or removed.
    Member,
    /// A role that may be changed or deleted.
    Role,
    /// An invitation that may be taken back.
    Invitation,
    /// A workspace that may be erased.
    Tenant,
}

pub(super) struct Row {
    pub(super) route: (&'static str, &'static str),
    body: Option<&'static str>,
    needs: Needs,
    expected: Expected,
}

pub(super) enum Expected {
    /// Everybody gets this.
    Everybody(u16),
    /// One status for each of the first ten columns; the four after them follow from those.
    Each([u16; 10]),
    /// The same, where the last four do not follow.
    All([u16; 10], [u16; 4]),
}

impl Expected {
    /// What the caller of this column gets. Who is signed in gets what the key with the same rights gets; with one permission
    /// that is not asked for, nothing.
    fn of(&self, column: usize) -> u16 {
        match self {
            Self::Everybody(status) => *status,
            Self::Each(statuses) | Self::All(statuses, _) if column < 10 => statuses[column],
            Self::All(_, others) => others[column - 10],
            // Only people who are signed in get anything.
            Self::Each(statuses) if statuses[4] == 401 => statuses[OWNER],
            Self::Each(statuses) => [statuses[4], statuses[ADMIN], 403, statuses[7]][column - 10],
        }
    }
}

const fn row(
    method: &'static str,
    path: &'static str,
    body: Option<&'static str>,
    needs: Needs,
    expected: Expected,
) -> Row {
    Row { route: (method, path), body, needs, expected }
}

/// Visitors of the workspace read their own conversation; members read all of it.
const READS_CONVERSATION: [u16; 10] = [401, 200, 404, 404, 200, 200, 200, 404, 200, 200];
/// Members read, visitors are not told that there is anything.
const READS_OWN: [u16; 10] = [401, 404, 404, 404, 200, 200, 200, 404, 200, 200];
/// A list: the other workspace's admin gets its own, in which nothing of the first may be.
const LISTS: [u16; 10] = [401, 404, 404, 404, 200, 200, 200, 200, 200, 200];
/// The operator, who is the owner here, and the console.
const fn operators(theirs: u16) -> [u16; 10] {
    [401, 404, 404, 404, 403, 403, 403, 403, theirs, theirs]
}
/// People who decide about people: no key can.
const fn managers(mine: u16, others: u16) -> Expected {
    let first = [401, 404, 404, 404, 403, 403, 403, 403, mine, mine];
    Expected::All(first, [403, mine, 403, others])
}
/// Whoever is signed in, which no program, visitor or console is.
const fn persons(theirs: u16) -> [u16; 10] {
    [401, 401, 401, 401, 401, 401, 401, 401, theirs, 401]
}
/// Admins and up.
const fn admins(mine: u16, others: u16) -> [u16; 10] {
    [401, 404, 404, 404, 403, 403, mine, others, mine, mine]
}

pub(super) const ROWS: &[Row] = {
    use Expected::{Each, Everybody};
    use Needs::{
        Conversation, Document, Invitation, Key, Member, Nothing, Picture, Role, Session, Tenant, Unposted,
        Upload, Workspace,
    };
    &[
        row("GET", "/", None, Nothing, Everybody(200)),
        row("GET", "/setup", None, Nothing, Everybody(200)),
        row("GET", "/reset", None, Nothing, Everybody(200)),
        row("GET", "/invite", None, Nothing, Everybody(200)),
        row("GET", "/chat/{workspace}", None, Nothing, Everybody(200)),
        row("GET", "/sdk.js", None, Nothing, Everybody(200)),
        row("GET", "/assets/{*path}", None, Nothing, Everybody(404)),
        row("GET", "/api/openapi.json", None, Nothing, Everybody(200)),
        row("GET", "/api/docs", None, Nothing, Everybody(200)),
        row("GET", "/api/docs.css", None, Nothing, Everybody(200)),
        row("GET", "/ca.pem", None, Nothing, Everybody(200)),
        row("GET", "/ca.crl", None, Nothing, Everybody(200)),
        // No token is set; the console needs none.
        row(
            "GET",
            "/metrics",
            None,
            Nothing,
            Expected::All([404, 404, 404, 404, 404, 404, 404, 404, 404, 200], [404; 4]),
        ),
        row("GET", "/healthz/live", None, Nothing, Everybody(204)),
        row("GET", "/healthz/ready", None, Nothing, Everybody(200)),
        row("GET", "/ws", None, Nothing, Each([401, 101, 404, 404, 101, 101, 101, 404, 101, 101])),
        // An empty wish: everybody may try, and nobody gets further than the form.
        row("GET", "/api/v1/setup", None, Nothing, Everybody(200)),
        row("POST", "/api/v1/setup", Some("{}"), Nothing, Everybody(400)),
        row("POST", "/api/v1/sessions", Some("{}"), Nothing, Everybody(400)),
        row(
            "DELETE",
            "/api/v1/sessions/current",
            None,
            Session,
            Each([401, 401, 401, 401, 401, 401, 401, 401, 204, 401]),
        ),
        row("POST", "/api/v1/sessions/challenge", Some("{}"), Nothing, Everybody(400)),
        row("GET", "/api/v1/sessions", None, Nothing, Each(persons(200))),
        row("DELETE", "/api/v1/sessions", None, Nothing, Each(persons(204))),
        // Nobody's session: one's own are found, which is a story of its own.
        row("DELETE", "/api/v1/sessions/{id}", None, Nothing, Each(persons(404))),
        row("POST", "/api/v1/password-resets", Some("{}"), Nothing, Everybody(400)),
        row("POST", "/api/v1/password-resets/redeem", Some("{}"), Nothing, Everybody(400)),
        row("GET", "/api/v1/me", None, Nothing, Each(persons(200))),
        row("PATCH", "/api/v1/me", Some(r#"{"name": "Ada"}"#), Nothing, Each(persons(200))),
        // A person is let as far as the password, which is wrong here.
        row(
            "PUT",
            "/api/v1/me/password",
            Some(r#"{"current_password": "wrong", "new_password": "wrong"}"#),
            Nothing,
            Each(persons(403)),
        ),
        row("POST", "/api/v1/me/mfa", Some(r#"{"password": "wrong"}"#), Nothing, Each(persons(403))),
        row("POST", "/api/v1/me/mfa/confirm", Some(r#"{"code": "000000"}"#), Nothing, Each(persons(409))),
        row(
            "DELETE",
            "/api/v1/me/mfa",
            Some(r#"{"password": "wrong", "code": "000000"}"#),
            Nothing,
            Each(persons(403)),
        ),
        row(
            "POST",
            "/api/v1/me/mfa/recovery-codes",
            Some(r#"{"password": "wrong", "code": "000000"}"#),
            Nothing,
            Each(persons(403)),
        ),
        row("GET", "/api/v1/accounts", None, Nothing, Each(operators(200))),
        row(
            "POST",
            "/api/v1/accounts",
            Some(r#"{"name": "New", "email": "new?@example.com"}"#),
            Nothing,
            Each(operators(201)),
        ),
        row("GET", "/api/v1/accounts/{id}", None, Nothing, Each(operators(200))),
        row("PATCH", "/api/v1/accounts/{id}", Some(r#"{"operator": true}"#), Nothing, Each(operators(200))),
        row("POST", "/api/v1/accounts/{id}/password-reset", Some("{}"), Nothing, Each(operators(201))),
        row("GET", "/api/v1/widget/{workspace}", None, Nothing, Everybody(200)),
        row("POST", "/api/v1/widget/{workspace}/visitors", Some("{}"), Nothing, Everybody(201)),
        row("GET", "/api/v1/tenants", None, Nothing, Each(operators(200))),
        row("GET", "/api/v1/egress", None, Nothing, Each(operators(200))),
        row("GET", "/api/v1/appliance", None, Nothing, Each(operators(200))),
        row("GET", "/api/v1/appliance/support-bundle", None, Nothing, Each(operators(200))),
        // Not confirmed: visitors' tokens would end with the key.
        row("POST", "/api/v1/appliance/key-rotation", Some("{}"), Nothing, Each(operators(400))),
        row("GET", "/api/v1/appliance/backups", None, Nothing, Each(operators(200))),
        row("POST", "/api/v1/appliance/backups", None, Nothing, Each(operators(202))),
        // The operator is told that there is no backup of that name.
        row("GET", "/api/v1/appliance/backups/{name}", None, Nothing, Each(operators(404))),
        row("DELETE", "/api/v1/appliance/backups/{name}", None, Nothing, Each(operators(404))),
        row("POST", "/api/v1/tenants", Some(r#"{"name": "?"}"#), Workspace, Each(operators(201))),
        row("GET", "/api/v1/tenants/{id}", None, Tenant, Each(operators(200))),
        row("PATCH", "/api/v1/tenants/{id}", Some(r#"{"suspended": false}"#), Tenant, Each(operators(200))),
        row("DELETE", "/api/v1/tenants/{id}", Some(r#"{"confirm": "cell-?"}"#), Tenant, Each(operators(200))),
        row("GET", "/api/v1/tenants/{id}/export", None, Tenant, Each(operators(200))),
        // It was never erased.
        row("GET", "/api/v1/tenants/{id}/erasure", None, Tenant, Each(operators(404))),
        // What comes is no archive; a real one is a story of its own.
        row("POST", "/api/v1/tenants/import", Some("{}"), Nothing, Each(operators(400))),
        row("GET", "/api/v1/workspace", None, Nothing, Each(LISTS)),
        row("GET", "/api/v1/workspace/usage", None, Nothing, Each(LISTS)),
        row(
            "GET",
            "/api/v1/workspace/export",
            None,
            Nothing,
            Expected::All([401, 404, 404, 404, 403, 403, 403, 403, 200, 200], [403, 403, 403, 200]),
        ),
        // With the name of another workspace: nothing is erased.
        row(
            "DELETE",
            "/api/v1/workspace",
            Some(r#"{"confirm": "another", "password": "correct horse battery"}"#),
            Nothing,
            Expected::All([401, 404, 404, 404, 403, 403, 403, 403, 400, 400], [403, 403, 403, 400]),
        ),
        row("PATCH", "/api/v1/workspace", Some(r#"{"greeting": "Hi"}"#), Nothing, Each(admins(200, 200))),
        row("GET", "/api/v1/usage", None, Nothing, Each(LISTS)),
        row("GET", "/api/v1/budget", None, Nothing, Each(LISTS)),
        row("PUT", "/api/v1/budget", Some(r#"{"at_limit": "hand_over"}"#), Nothing, Each(admins(200, 200))),
        row("GET", "/api/v1/provider-keys", None, Nothing, Each(admins(200, 200))),
        row(
            "PUT",
            "/api/v1/provider-keys/{provider}",
            Some(r#"{"key": "a-key-of-the-workspace"}"#),
            Nothing,
            Each(admins(200, 200)),
        ),
        row("DELETE", "/api/v1/provider-keys/{provider}", None, Nothing, Each(admins(204, 204))),
        row("GET", "/api/v1/appliance/provider-keys", None, Nothing, Each(operators(200))),
        row(
            "PUT",
            "/api/v1/appliance/provider-keys/{provider}",
            Some(r#"{"key": "a-key-of-the-appliance"}"#),
            Nothing,
            Each(operators(200)),
        ),
        row("DELETE", "/api/v1/appliance/provider-keys/{provider}", None, Nothing, Each(operators(204))),
        row("GET", "/api/v1/api-keys", None, Nothing, Each(admins(200, 200))),
        row(
            "POST",
            "/api/v1/api-keys",
            Some(r#"{"name": "k", "permissions": ["read_workspace"]}"#),
            Nothing,
            Each(admins(201, 201)),
        ),
        row("DELETE", "/api/v1/api-keys/{id}", None, Key, Each(admins(204, 404))),
        row("GET", "/api/v1/permissions", None, Nothing, Everybody(200)),
        row("GET", "/api/v1/roles", None, Nothing, managers(200, 200)),
        row(
            "POST",
            "/api/v1/roles",
            Some(r#"{"name": "Role ?", "permissions": ["read_workspace"]}"#),
            Nothing,
            managers(201, 201),
        ),
        row("PATCH", "/api/v1/roles/{id}", Some(r#"{"name": "Other ?"}"#), Role, managers(200, 404)),
        row("DELETE", "/api/v1/roles/{id}", None, Role, managers(204, 404)),
        row(
            "GET",
            "/api/v1/members",
            None,
            Nothing,
            Expected::All([401, 404, 404, 404, 403, 200, 200, 200, 200, 200], [403, 200, 200, 200]),
        ),
        row(
            "PATCH",
            "/api/v1/members/{account_id}",
            Some(r#"{"role": "viewer"}"#),
            Member,
            managers(200, 404),
        ),
        row("DELETE", "/api/v1/members/{account_id}", None, Member, managers(204, 404)),
        row("GET", "/api/v1/invitations", None, Nothing, managers(200, 200)),
        row(
            "POST",
            "/api/v1/invitations",
            Some(r#"{"email": "?@example.com", "role": "viewer"}"#),
            Nothing,
            managers(201, 201),
        ),
        row("DELETE", "/api/v1/invitations/{id}", None, Invitation, managers(204, 404)),
        row("POST", "/api/v1/invitations/look", Some("{}"), Nothing, Everybody(400)),
        row("POST", "/api/v1/invitations/accept", Some("{}"), Nothing, Everybody(400)),
        row("GET", "/api/v1/audit", None, Nothing, Each(admins(200, 200))),
        row("GET", "/api/v1/audit/export", None, Nothing, Each(admins(200, 200))),
        row("GET", "/api/v1/audit/verification", None, Nothing, Each(admins(200, 200))),
        row("GET", "/api/v1/appliance/audit", None, Nothing, Each(operators(200))),
        row("GET", "/api/v1/appliance/audit/export", None, Nothing, Each(operators(200))),
        row("GET", "/api/v1/appliance/audit/verification", None, Nothing, Each(operators(200))),
        row("GET", "/api/v1/jobs", None, Nothing, Each(admins(200, 200))),
        // The job is there and not dead, which only who may see it is told.
        row("POST", "/api/v1/jobs/{id}/retry", None, Nothing, Each(admins(404, 404))),
        row("GET", "/api/v1/documents", None, Nothing, Each(LISTS)),
        row(
            "PUT",
            "/api/v1/documents/by-name/{name}",
            Some("Something to read: ?."),
            Upload,
            Each(admins(201, 201)),
        ),
        row("GET", "/api/v1/documents/{id}", None, Nothing, Each(READS_OWN)),
        row("GET", "/api/v1/documents/{id}/content", None, Nothing, Each(READS_OWN)),
        row("GET", "/api/v1/documents/{id}/text", None, Nothing, Each(READS_OWN)),
        row("POST", "/api/v1/documents/{id}/retry", None, Nothing, Each(admins(409, 404))),
        row("DELETE", "/api/v1/documents/{id}", None, Document, Each(admins(204, 404))),
        row("GET", "/api/v1/search/embedding", None, Nothing, Each(LISTS)),
        row("POST", "/api/v1/search", Some(r#"{"query": "warranty"}"#), Nothing, Each(LISTS)),
        row(
            "GET",
            "/api/v1/conversations",
            None,
            Nothing,
            Each([401, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
        ),
        row(
            "POST",
            "/api/v1/conversations",
            Some("{}"),
            Nothing,
            Each([401, 201, 201, 201, 403, 403, 403, 403, 403, 403]),
        ),
        row("GET", "/api/v1/conversations/{id}", None, Nothing, Each(READS_CONVERSATION)),
        row("GET", "/api/v1/conversations/{id}/messages", None, Nothing, Each(READS_CONVERSATION)),
        row(
            "POST",
            "/api/v1/conversations/{id}/messages",
            Some(r#"{"text": "Hello"}"#),
            Conversation,
            Each([401, 201, 404, 404, 403, 201, 201, 404, 201, 201]),
        ),
        row(
            "POST",
            "/api/v1/conversations/{id}/end",
            None,
            Conversation,
            Each([401, 200, 404, 404, 403, 200, 200, 404, 200, 200]),
        ),
        row(
            "POST",
            "/api/v1/conversations/{id}/images",
            None,
            Picture,
            Each([401, 201, 404, 404, 403, 201, 201, 404, 201, 400]),
        ),
        row("GET", "/api/v1/conversations/{id}/images/{image}", None, Nothing, Each(READS_CONVERSATION)),
        // It is the visitor's alone.
        row(
            "DELETE",
            "/api/v1/conversations/{id}/images/{image}",
            None,
            Unposted,
            Each([401, 204, 404, 404, 403, 404, 404, 404, 404, 404]),
        ),
        row("GET", "/api/v1/conversations/{id}/events", None, Nothing, Each(READS_CONVERSATION)),
        row(
            "GET",
            "/api/v1/conversations/{id}/messages/{message}/citations/{number}",
            None,
            Nothing,
            Each(READS_CONVERSATION),
        ),
        row("GET", "/api/v1/conversations/{id}/messages/{message}/trace", None, Nothing, Each(READS_OWN)),
        row("GET", "/api/v1/messages/{message}/replay", None, Nothing, Each(READS_OWN)),
        // Whoever may ask is told that there is no such model; a replay that is made is a story of its own.
        row(
            "POST",
            "/api/v1/messages/{message}/replay",
            Some(r#"{"provider": "nobody"}"#),
            Nothing,
            Each(admins(400, 404)),
        ),
    ]
};

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
