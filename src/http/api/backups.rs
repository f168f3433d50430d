//! Backups of the appliance, for its operator.
//!
//! A backup holds everything of every workspace, and unencrypted also the appliance's key; so making, taking and deleting one is
//! written down in the appliance's audit trail before it happens.

use axum::Json as View;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use crate::base::Call;
use crate::http::{Caller, Inside, Path, Problem, Services};
use crate::identity::audit::{self, Action, Note};
use crate::identity::pass::ManageAppliance;
use crate::ops::{self, Listed};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(list, make)).routes(routes!(download, delete))
}

/// The backups, newest first, and the one that is being made.
///
/// Permission: `ManageAppliance` (the operator).
#[utoipa::path(get, path = "/api/v1/appliance/backups", tag = "appliance", security(("session" = [])),
    responses((status = 200, description = "What there is.", body = Listed)))]
async fn list(services: Inside, caller: Caller) -> Result<View<Listed>, Problem> {
    caller.pass::<ManageAppliance>()?;
    let backups = services.backups.clone();
    Ok(View(blocking(move || backups.list()).await?))
}

/// A backup that will be made.
#[derive(Debug, Serialize, ToSchema)]
struct AskedBackup {
    /// The name that it will have in the list.
    name: String,
}

/// Has a backup made and proven, in the background. The list says how far it is.
///
/// Permission: `ManageAppliance` (the operator). While one waits to be made, that is the one.
#[utoipa::path(post, path = "/api/v1/appliance/backups", tag = "appliance", security(("session" = [])),
    responses((status = 202, description = "It will be made.", body = AskedBackup)))]
async fn make(services: Inside, caller: Caller) -> Result<(StatusCode, View<AskedBackup>), Problem> {
    caller.pass::<ManageAppliance>()?;
    let (backups, call) = (services.backups.clone(), caller.call);
    let name = services.system().write(move |tx| backups.ask(tx, &call)).await?;
    Ok((StatusCode::ACCEPTED, View(AskedBackup { name })))
}

/// The file of a backup.
///
/// Permission: `ManageAppliance` (the operator).
#[utoipa::path(get, path = "/api/v1/appliance/backups/{name}", tag = "appliance", security(("session" = [])),
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The file.", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn download(services: Inside, caller: Caller, Path(name): Path<String>) -> Result<Response, Problem> {
    caller.pass::<ManageAppliance>()?;
    let (backups, wanted) = (services.backups.clone(), name.clone());
    let (file, bytes) = blocking(move || backups.open(&wanted)).await?;
    note(&services, caller.call, Action::BackupDownloaded, name.clone()).await?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, bytes.to_string()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    let body = Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)));
    Ok((headers, body).into_response())
}

/// Deletes a backup.
///
/// Permission: `ManageAppliance` (the operator).
#[utoipa::path(delete, path = "/api/v1/appliance/backups/{name}", tag = "appliance", security(("session" = [])),
    params(("name" = String, Path, description = "Its name.")), responses((status = 204, description = "Deleted.")))]
async fn delete(services: Inside, caller: Caller, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    caller.pass::<ManageAppliance>()?;
    let (backups, wanted) = (services.backups.clone(), name.clone());
    blocking(move || backups.open(&wanted).map(drop)).await?;
    note(&services, caller.call, Action::BackupDeleted, name.clone()).await?;
    let backups = services.backups.clone();
    blocking(move || backups.delete(&name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn note(services: &Services, call: Call, action: Action, name: String) -> Result<(), Problem> {
    let wrote = services.system().write(move |tx| audit::record(tx, &call, Note::new(action).about(&name)));
    Ok(wrote.await?)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ops::Error> + Send + 'static,
) -> Result<T, ops::Error> {
    let lost = ops::Error::Store(crate::store::Error::Lost);
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(lost))
}
