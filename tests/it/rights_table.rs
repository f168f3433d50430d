//! The table of the rights matrix: a row for each route, a status for each caller. `rights` asks them.

use frontdesk::identity::Permission;

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
pub(super) const ADMIN: usize = 6;
pub(super) const OWNER: usize = 8;
pub(super) const CONSOLE: usize = 9;
/// Signed in, with [`ONE_PERMISSION`] and no other.
pub(super) const SINGLE: usize = 12;
pub(super) const ONE_PERMISSION: Permission = Permission::ReadMembers;

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
    pub(super) body: Option<&'static str>,
    pub(super) needs: Needs,
    pub(super) expected: Expected,
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
    pub(super) fn of(&self, column: usize) -> u16 {
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
