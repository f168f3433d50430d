//! What the chat needs before anybody has spoken: how the workspace looks, and who the visitor is.
//!
//! Both routes are open to any site, because the widget runs there. Looking costs no row: a visitor is a signed token,
//! and how many are made from one address is limited. What is shown is the workspace's branding and nothing else of it.

use axum::Json as View;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use crate::base::{Timestamp, VisitorId};
use crate::http::{Inside, Path, Problem, RequestContext, Services};
use crate::identity::Principal;
use crate::tenants::{self, Error, Tenant};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(config)).routes(routes!(new_visitor))
}

/// How a workspace's chat looks.
#[derive(Debug, Serialize, ToSchema)]
struct WidgetConfig {
    /// The workspace's short name.
    workspace: String,
    /// What people call it.
    name: String,
    /// The colour, `#rrggbb`.
    accent: String,
    /// What the chat says first.
    greeting: String,
    /// What stands in the empty box.
    placeholder: String,
    /// Questions to begin with.
    suggestions: Vec<String>,
    /// A line above the chat.
    notice: Option<String>,
    /// Whether pictures that visitors show are looked at.
    images: bool,
}

async fn find(services: &Services, slug: String) -> Result<Tenant, Problem> {
    let found = services.system().query(move |tx| tenants::by_slug(tx, &slug)).await?;
    Ok(found.ok_or(Error::NotFound)?)
}

/// How the workspace's chat looks.
///
/// Open to everybody, from any site.
#[utoipa::path(get, path = "/api/v1/widget/{workspace}", tag = "chat",
    params(("workspace" = String, Path, description = "The short name.")), responses((status = 200, description = "The looks.", body = WidgetConfig)))]
async fn config(services: Inside, Path(slug): Path<String>) -> Result<View<WidgetConfig>, Problem> {
    let tenant = find(&services, slug).await?;
    Ok(View(WidgetConfig {
        workspace: tenant.slug,
        name: tenant.name,
        accent: tenant.accent,
        greeting: tenant.greeting,
        placeholder: tenant.placeholder,
        suggestions: tenant.suggestions,
        notice: tenant.notice,
        images: services.looks_at_images,
    }))
}

/// A visitor who was just made.
#[derive(Debug, Serialize, ToSchema)]
struct NewVisitor {
    /// Its id.
    visitor: VisitorId,
    /// What it sends as `Authorization: Bearer`.
    token: String,
    /// When the token runs out.
    expires_at: Timestamp,
}

/// Makes a new, anonymous visitor of the workspace.
///
/// Open to everybody, from any site; limited by address. Refused with `workspace_suspended` while the workspace is.
#[utoipa::path(post, path = "/api/v1/widget/{workspace}/visitors", tag = "chat",
    params(("workspace" = String, Path, description = "The short name.")), responses((status = 201, description = "Made.", body = NewVisitor)))]
async fn new_visitor(
    services: Inside,
    context: RequestContext,
    Path(slug): Path<String>,
) -> Result<(StatusCode, View<NewVisitor>), Problem> {
    services.limits.visitor(&context)?;
    let tenant = find(&services, slug).await?;
    let visitor = Principal::Visitor { tenant: tenant.id, visitor: VisitorId::new(services.clock.now()) };
    services.policy.recheck(&visitor, services.clock.now())?;
    let made = services.visitors.issue(tenant.id, services.clock.now())?;
    let token = made.token.expose().to_owned();
    Ok((StatusCode::CREATED, View(NewVisitor { visitor: made.visitor, token, expires_at: made.expires })))
}
