//! Looking into an answer: why it is as it is, whether its prompt can be made again, and what a model says today.

use axum::Json as View;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use crate::assistant::{Replay, ReplayPasses, Replayed};
use crate::base::MessageId;
use crate::http::{Caller, Inside, Json, Path, Problem};
use crate::identity::pass::ManageWorkspace;

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(look, ask))
}

/// What looking into an answer takes.
fn passes(caller: &Caller) -> Result<ReplayPasses, Problem> {
    Ok(ReplayPasses { workspace: caller.pass()?, conversations: caller.pass()?, knowledge: caller.pass()? })
}

/// Why an answer is as it is, and the prompt that led to it made again. Asks no model and costs nothing.
///
/// Permission: `ReadWorkspace`, `ReadConversations` and `ReadKnowledge`; not for visitors.
#[utoipa::path(get, path = "/api/v1/messages/{message}/replay", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("message" = MessageId, Path, description = "The question or the answer.")),
    responses((status = 200, description = "The answer looked into.", body = Replay)))]
async fn look(
    services: Inside,
    caller: Caller,
    Path(message): Path<MessageId>,
) -> Result<View<Replay>, Problem> {
    let passes = passes(&caller)?;
    let keyspace = caller.enter(&services).await?;
    Ok(View(services.assistant.replay(&keyspace, passes, message).await?))
}

/// Whom to ask.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskWish {
    /// What the settings call the model; the one that was asked then when not given.
    #[serde(default)]
    provider: Option<String>,
}

/// Asks a model again, and shows both answers. The visitor sees nothing of it; what it costs is booked as a replay.
///
/// Permission: `ManageWorkspace`. Takes as long as the model.
#[utoipa::path(post, path = "/api/v1/messages/{message}/replay", tag = "chat", security(("session" = []), ("bearer" = [])), request_body = AskWish,
    params(("message" = MessageId, Path, description = "The question or the answer.")),
    responses((status = 200, description = "Both answers.", body = Replayed)))]
async fn ask(
    services: Inside,
    caller: Caller,
    Path(message): Path<MessageId>,
    Json(wish): Json<AskWish>,
) -> Result<View<Replayed>, Problem> {
    let passes = (passes(&caller)?, caller.pass::<ManageWorkspace>()?);
    let keyspace = caller.enter(&services).await?;
    Ok(View(services.assistant.ask_again(&keyspace, passes, message, wish.provider).await?))
}
