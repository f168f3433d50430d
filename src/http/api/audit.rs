//! The audit trail: read, taken out as a file, and verified; the workspace's, and the appliance's for its operator.
//!
//! What a workspace sees are its own trail and what the appliance's tells of it. An export is made while it is sent, so a
//! trail of any length needs the same memory, and is itself written down first.

use axum::Json as View;
use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures_util::TryStreamExt as _;
use futures_util::stream::try_unfold;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{List, Routes};
use crate::base::Timestamp;
use crate::http::{Caller, Inside, Paging, Problem, Query};
use crate::identity::audit::{self, Action, Broken, EntryView, Export, Filter, TrailKind, Verified};
use crate::identity::pass::{ManageAppliance, ReadAudit};
use crate::store::Keyspace;

pub(super) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(export))
        .routes(routes!(verification))
        .routes(routes!(list_of_appliance))
        .routes(routes!(export_of_appliance))
        .routes(routes!(verification_of_appliance))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    action: Option<Action>,
    actor: Option<String>,
}

impl From<Wanted> for Filter {
    fn from(wanted: Wanted) -> Self {
        Self { action: wanted.action, actor: wanted.actor }
    }
}

/// What happened in and to the workspace, newest first.
///
/// Permission: `ReadAudit`. A filtered page may hold fewer rows than asked for; go on while there is a cursor.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", security(("session" = []), ("bearer" = [])),
    params(("action" = Option<Action>, Query, description = "Only what happened so."), ("actor" = Option<String>, Query, description = "Only what this one did: an id, or `console`, `appliance`, `nobody`."), ("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<EntryView>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Query(wanted): Query<Wanted>,
    Paging(page): Paging,
) -> Result<View<List<EntryView>>, Problem> {
    let pass = caller.pass::<ReadAudit>()?;
    let (own, filter) = (caller.enter(&services).await?, wanted.into());
    let read = services
        .system()
        .query(move |system| own.read(|own| audit::list_of_workspace(system, own, pass, &filter, &page)));
    Ok(View(read.await?.into()))
}

/// The workspace's trail as a file: a line of JSON for each entry as it is stored, with the hash before it and its own.
///
/// Permission: `ReadAudit`. First the workspace's own trail, then what the appliance's tells of it; after each, a line that says
/// where it ends. `frontdesk audit verify FILE` verifies it anywhere.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "audit", security(("session" = []), ("bearer" = [])),
    responses((status = 200, description = "The lines.", body = String, content_type = "application/x-ndjson")))]
async fn export(services: Inside, caller: Caller) -> Result<Response, Problem> {
    let pass = caller.pass::<ReadAudit>()?;
    let (own, call) = (caller.enter(&services).await?, caller.call);
    let now = call.now;
    own.write(move |tx| audit::note_export_of_workspace(tx, &call, pass)).await?;
    let whole = Export::whole(TrailKind::Workspace).with_more();
    let about = (services.system().clone(), Export::about(pass)?);
    Ok(file("workspace", now, vec![about, (own, whole)]))
}

/// What the verification of a trail has found.
#[derive(Debug, Serialize, ToSchema)]
struct VerificationView {
    /// Whose trail.
    trail: TrailKind,
    /// Entries that hold, up to the first that does not.
    entries: u64,
    /// The hash of the last of them. Noted elsewhere, it tells later whether even a trail that was wholly rewritten is still
    /// this one.
    hash: String,
    /// The first link that does not hold; null when the trail is whole.
    #[schema(required)]
    broken: Option<Broken>,
    /// The same in a sentence.
    #[schema(required)]
    detail: Option<String>,
}

impl VerificationView {
    fn of(trail: TrailKind, verified: &Verified) -> Self {
        Self {
            trail,
            entries: verified.entries,
            hash: verified.head.hash_text(),
            broken: verified.broken,
            detail: verified.broken.map(|broken| broken.to_string()),
        }
    }
}

/// Whether the workspace's own trail is whole, from its first entry to its last.
///
/// Permission: `ReadAudit`. Names the first entry that was changed, is missing, was added or cut off.
#[utoipa::path(get, path = "/api/v1/audit/verification", tag = "audit", security(("session" = []), ("bearer" = [])),
    responses((status = 200, description = "What was found.", body = VerificationView)))]
async fn verification(services: Inside, caller: Caller) -> Result<View<VerificationView>, Problem> {
    caller.pass::<ReadAudit>()?;
    let verified = caller.enter(&services).await?.query(audit::verify).await?;
    Ok(View(VerificationView::of(TrailKind::Workspace, &verified)))
}

/// What happened on the appliance: accounts, sign-ins, members, keys, workspaces; newest first.
///
/// Permission: `ManageAppliance` (the operator). A filtered page may hold fewer rows than asked for; go on while there is a cursor.
#[utoipa::path(get, path = "/api/v1/appliance/audit", tag = "audit", security(("session" = [])),
    params(("action" = Option<Action>, Query, description = "Only what happened so."), ("actor" = Option<String>, Query, description = "Only what this one did: an id, or `console`, `appliance`, `nobody`."), ("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<EntryView>)))]
async fn list_of_appliance(
    services: Inside,
    caller: Caller,
    Query(wanted): Query<Wanted>,
    Paging(page): Paging,
) -> Result<View<List<EntryView>>, Problem> {
    let (pass, filter) = (caller.pass::<ManageAppliance>()?, wanted.into());
    let read = services.system().query(move |tx| audit::list_of_appliance(tx, pass, &filter, &page));
    Ok(View(read.await?.into()))
}

/// The appliance's trail as a file: a line of JSON for each entry as it is stored, with the hash before it and its own.
///
/// Permission: `ManageAppliance` (the operator). A last line says where the trail ends. `frontdesk audit verify FILE` verifies it
/// anywhere.
#[utoipa::path(get, path = "/api/v1/appliance/audit/export", tag = "audit", security(("session" = [])),
    responses((status = 200, description = "The lines.", body = String, content_type = "application/x-ndjson")))]
async fn export_of_appliance(services: Inside, caller: Caller) -> Result<Response, Problem> {
    let pass = caller.pass::<ManageAppliance>()?;
    let (system, call) = (services.system().clone(), caller.call);
    let now = call.now;
    system.write(move |tx| audit::note_export_of_appliance(tx, &call, pass)).await?;
    Ok(file("appliance", now, vec![(system, Export::whole(TrailKind::Appliance))]))
}

/// Whether the appliance's trail is whole, from its first entry to its last.
///
/// Permission: `ManageAppliance` (the operator). Names the first entry that was changed, is missing, was added or cut off.
#[utoipa::path(get, path = "/api/v1/appliance/audit/verification", tag = "audit", security(("session" = [])),
    responses((status = 200, description = "What was found.", body = VerificationView)))]
async fn verification_of_appliance(
    services: Inside,
    caller: Caller,
) -> Result<View<VerificationView>, Problem> {
    caller.pass::<ManageAppliance>()?;
    let verified = services.system().query(audit::verify).await?;
    Ok(View(VerificationView::of(TrailKind::Appliance, &verified)))
}

/// Sends the trails, the last of them first, while they are read.
fn file(name: &str, now: Timestamp, trails: Vec<(Keyspace, Export)>) -> Response {
    let pieces = try_unfold(trails, |mut trails| async move {
        while let Some((keyspace, export)) = trails.pop() {
            if let Some((lines, export)) = keyspace.query(move |tx| export.next_piece(tx)).await? {
                trails.push((keyspace, export));
                return Ok(Some((lines, trails)));
            }
        }
        Ok::<_, crate::identity::Error>(None)
    });
    let pieces =
        pieces.inspect_err(|error| tracing::error!(?error, "an export of the audit trail broke off"));
    let date: String = now.to_string().chars().take(10).collect();
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"audit-{name}-{date}.ndjson\"")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}
