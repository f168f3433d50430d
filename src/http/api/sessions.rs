//! Where a person is signed in, and ending it there.

use axum::Json as View;
use axum::http::StatusCode;
use utoipa_axum::routes;

use super::identity::own;
use super::{List, Routes};
use crate::base::SessionId;
use crate::http::{Caller, Inside, Path, Problem};
use crate::identity::audit::{self, Action, Note};
use crate::identity::{Error, Own, SessionView, session};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(list, end_others)).routes(routes!(end))
}

/// The person's open sessions, oldest first; all of them on one page.
///
/// Any signed-in person.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "identity", security(("session" = [])),
    responses((status = 200, description = "The sessions.", body = List<SessionView>)))]
async fn list(services: Inside, caller: Caller) -> Result<View<List<SessionView>>, Problem> {
    let Own { account, session: current } = own(&caller)?;
    let now = caller.call.now;
    let items = services.system().query(move |tx| session::list(tx, account, Some(current), now)).await?;
    Ok(View(List { items, next_cursor: None }))
}

/// Ends one of the person's sessions. What is open in it is closed at once.
///
/// Any signed-in person.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "identity", security(("session" = [])),
    params(("id" = SessionId, Path, description = "The session.")), responses((status = 204, description = "Ended.")))]
async fn end(services: Inside, caller: Caller, Path(id): Path<SessionId>) -> Result<StatusCode, Problem> {
    let Own { account, .. } = own(&caller)?;
    let call = caller.call;
    let ended = services.system().write(move |tx| {
        if !session::end(tx, account, id)? {
            return Err(Error::NotFound);
        }
        audit::record(tx, &call, Note::new(Action::SessionEnded).about(account).with("session", id))?;
        Ok(())
    });
    ended.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all of the person's sessions but the one that asks.
///
/// Any signed-in person.
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "identity", security(("session" = [])),
    responses((status = 204, description = "Ended.")))]
async fn end_others(services: Inside, caller: Caller) -> Result<StatusCode, Problem> {
    let Own { account, session: kept } = own(&caller)?;
    let call = caller.call;
    let ended = services.system().write(move |tx| {
        let count = session::end_others(tx, account, Some(kept))?;
        if count > 0 {
            audit::record(tx, &call, Note::new(Action::SessionEnded).about(account).with("others", count))?;
        }
        Ok::<_, Error>(())
    });
    ended.await?;
    Ok(StatusCode::NO_CONTENT)
}
