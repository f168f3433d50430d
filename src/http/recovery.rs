//! Recovery mode: nobody but those who run the appliance is served, so that they can mend it in peace.
//!
//! Owners of a workspace and operators sign in as ever, and the console works; visitors, other members and programs are told, calmly,
//! to come back. It is never entered by itself.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::{Problem, RequestContext};
use crate::identity::pass::{EraseWorkspace, ManageAppliance};
use crate::identity::{Policy, Principal};
use crate::ops::Operations;

/// The page that a visitor sees instead of the chat.
const CHAT: &str = "/chat/";
/// What a visitor's browser asks before it has a token.
const WIDGET: &str = "/api/v1/widget/";
const RETRY: Duration = Duration::from_secs(300);
const SENTENCE: &str =
    "This desk is closed for maintenance at the moment. Please come back in a little while.";

fn closed() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "recovery_mode", SENTENCE).retry_after(RETRY)
}

fn page() -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (RETRY_AFTER, "300")];
    let page = format!("<!doctype html><html lang=\"en\"><title>Maintenance</title><p>{SENTENCE}</p></html>");
    (StatusCode::SERVICE_UNAVAILABLE, headers, page).into_response()
}

/// Lets nobody in whom recovery mode keeps out.
pub(super) fn admit(operations: &Operations, principal: &Principal) -> Result<(), Problem> {
    let admitted = match principal {
        _ if !operations.is_recovering() => true,
        // A person who has chosen no workspace yet sees only who they are.
        Principal::Nobody
        | Principal::Console { .. }
        | Principal::Account { .. }
        | Principal::MfaMissing { .. } => true,
        Principal::Visitor { .. } | Principal::ApiKey { .. } => false,
        Principal::Member { .. } => {
            Policy::pass::<EraseWorkspace>(principal).is_ok()
                || Policy::pass::<ManageAppliance>(principal).is_ok()
        }
    };
    if admitted { Ok(()) } else { Err(closed()) }
}

/// Closes the doors that visitors come in by before they are anybody.
pub(super) async fn layer(
    State(operations): State<Arc<Operations>>,
    request: Request,
    next: Next,
) -> Response {
    let console = request.extensions().get::<RequestContext>().is_some_and(|context| context.console);
    let path = request.uri().path();
    if !operations.is_recovering() || console {
        return next.run(request).await;
    }
    if path.starts_with(CHAT) {
        return page();
    }
    if path.starts_with(WIDGET) {
        return closed().into_response();
    }
    next.run(request).await
}
