//! The appliance that a command works on: the running one, through its control socket, or else one that this process
//! opens itself. Either way a command speaks the same API, as the console.
//!
//! Which of the two it is decides the lock of the data directory, not a flag: whoever finds it taken talks to its holder,
//! so a command never needs the appliance to be stopped, nor to be running.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Method, Request, StatusCode};
use serde_json::Value;

use super::{Failure, SettingsArguments};
use crate::app::{App, Mode};
use crate::base::Fault;
use crate::config::Settings;
use crate::http::WORKSPACE;
use crate::http::control::{self, Answer, Client};
use crate::store;
use crate::telemetry::start_log;

/// The appliance of a data directory.
pub(super) struct Appliance {
    client: Client,
    /// Nothing when another process runs it.
    pub(super) own: Option<App>,
}

/// What to send.
#[derive(Debug, Default)]
pub(super) struct Call<'a> {
    /// The short name of the workspace to act in.
    pub(super) workspace: Option<&'a str>,
    /// A visitor's token, to act as that visitor.
    pub(super) token: Option<&'a str>,
    /// The content type and the body.
    pub(super) body: Option<(&'a str, Vec<u8>)>,
}

impl<'a> Call<'a> {
    /// In a workspace.
    pub(super) fn within(workspace: &'a str) -> Self {
        Self { workspace: Some(workspace), ..Self::default() }
    }

    /// With a body in JSON.
    pub(super) fn json(mut self, body: &Value) -> Self {
        self.body = Some(("application/json", body.to_string().into_bytes()));
        self
    }
}

/// Opens the appliance of the settings, does `work` with it, and closes it, whatever came of the work.
pub(super) fn with_appliance<T>(
    arguments: &SettingsArguments,
    work: impl AsyncFnOnce(&Appliance) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let settings = arguments.load()?.settings;
    start_log(&settings.log)?;
    super::run_async(async move {
        let appliance = Appliance::open(&settings).await?;
        let done = work(&appliance).await;
        appliance.close().await;
        done
    })
}

impl Appliance {
    /// Opens the data directory, or finds the process that has it.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Failure> {
        Self::open_as(Mode::Usual, settings).await
    }

    /// [`Appliance::open`] in a mode, if it is this process that opens it.
    pub(super) async fn open_as(mode: Mode, settings: &Settings) -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::new(format!("The path of this program cannot be found: {error}")))?;
        match App::open_as(mode, settings, &program).await {
            Ok(app) => Ok(Self { client: control::direct(app.router()), own: Some(app) }),
            Err(error) => match error.downcast::<store::Error>() {
                Ok(store::Error::InUse { path }) => {
                    Ok(Self { client: control::client(control::path(&path)), own: None })
                }
                Ok(other) => Err(other.into()),
                Err(other) => Err(Failure::from_any(&other)),
            },
        }
    }

    /// Sends a request and reads its answer; an answer with a problem is a failure with its sentence.
    pub(super) async fn send(&self, method: Method, path: &str, call: Call<'_>) -> Result<Value, Failure> {
        let answer = self.client.send_request(request(method, path, call)?).await?;
        if answer.status.is_success() { Ok(answer.json()) } else { Err(refusal(&answer)) }
    }

    /// Sends a file as the body of a request, piece by piece.
    pub(super) async fn upload(&self, path: &str, file: tokio::fs::File) -> Result<Value, Failure> {
        let mut request = request(Method::POST, path, Call::default())?;
        *request.body_mut() = Body::from_stream(tokio_util::io::ReaderStream::new(file));
        let answer = self.client.send_request(request).await?;
        if answer.status.is_success() { Ok(answer.json()) } else { Err(refusal(&answer)) }
    }

    /// Asks for what may not be there: nothing for a 404 with the code `missing`, or for a workspace or an address that is not.
    pub(super) async fn find(
        &self,
        path: &str,
        call: Call<'_>,
        missing: &str,
    ) -> Result<Option<Value>, Failure> {
        let answer = self.client.send_request(request(Method::GET, path, call)?).await?;
        if answer.status.is_success() {
            return Ok(Some(answer.json()));
        }
        let problem = answer.json();
        let code = problem.get("code").and_then(Value::as_str).unwrap_or_default();
        if answer.status == StatusCode::NOT_FOUND && [missing, "not_found"].contains(&code) {
            return Ok(None);
        }
        Err(refusal(&answer))
    }

    /// The short names of all workspaces, oldest first.
    pub(super) async fn workspaces(&self) -> Result<Vec<String>, Failure> {
        let mut slugs = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/tenants?limit=100{cursor}");
            let page = self.send(Method::GET, &path, Call::default()).await?;
            let items = page.get("items").and_then(Value::as_array);
            let found = items.into_iter().flatten().filter_map(|one| one.get("slug").and_then(Value::as_str));
            slugs.extend(found.map(str::to_owned));
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(slugs),
            }
        }
    }

    /// Sends a request whose answer comes in pieces.
    pub(super) async fn stream(&self, path: &str, call: Call<'_>) -> Result<Body, Failure> {
        let response = self.client.open(request(Method::GET, path, call)?).await?;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        Err(Failure::new(format!("The appliance refused with {}.", response.status())))
    }

    /// The workspace that was named, or else the only one there is.
    pub(super) async fn workspace(&self, named: Option<&str>) -> Result<String, Failure> {
        if let Some(named) = named {
            return Ok(named.to_owned());
        }
        let list = self.send(Method::GET, "/api/v1/tenants", Call::default()).await?;
        let items = list.get("items").and_then(Value::as_array);
        let slugs: Vec<_> = items
            .into_iter()
            .flatten()
            .filter_map(|workspace| workspace.get("slug").and_then(Value::as_str))
            .collect();
        match slugs.as_slice() {
            [only] => Ok((*only).to_owned()),
            [] => {
                Err(Failure::new("There is no workspace yet. `frontdesk setup` prints the link to make one."))
            }
            several => {
                let known = several.join(", ");
                Err(Failure::new(format!(
                    "There are several workspaces; choose one with --workspace: {known}."
                )))
            }
        }
    }

    /// Ends the appliance if it is this process's own.
    pub(super) async fn close(self) {
        if let Some(app) = self.own {
            app.stop().await;
        }
    }
}

fn request(method: Method, path: &str, call: Call<'_>) -> Result<Request<Body>, Failure> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if let Some(workspace) = call.workspace {
        request = request.header(&WORKSPACE, workspace);
    }
    if let Some(token) = call.token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = match call.body {
        Some((kind, bytes)) => {
            request = request.header(CONTENT_TYPE, kind);
            Body::from(bytes)
        }
        None => Body::empty(),
    };
    request.body(body).map_err(|error| Failure::new(format!("{path} is not an address: {error}")))
}

fn refusal(answer: &Answer) -> Failure {
    let problem = answer.json();
    let detail = problem.get("detail").and_then(Value::as_str);
    Failure::new(
        detail.map_or_else(|| format!("The appliance refused with {}.", answer.status), str::to_owned),
    )
}

/// A file as a command shows its path to people.
pub(super) fn shown(path: &std::path::Path) -> String {
    path.display().to_string()
}

impl Failure {
    /// Of whatever went wrong while building the appliance: a fault of ours says it in its own words.
    pub(super) fn from_any(error: &anyhow::Error) -> Self {
        let known: [Option<&dyn Fault>; 9] = [
            error.downcast_ref::<crate::ops::Error>().map(|fault| fault as &dyn Fault),
            error.downcast_ref::<crate::archive::Error>().map(|fault| fault as &dyn Fault),
            error.downcast_ref::<crate::search::Error>().map(|fault| fault as &dyn Fault),
            error.downcast_ref::<crate::search::rerank::Error>().map(|fault| fault as &dyn Fault),
            error.downcast_ref::<crate::outbound::Error>().map(|fault| fault as &dyn Fault),
            error.downcast_ref::<crate::ai::Error>().map(|fault| fault as &dyn Fault),
            error.downcast_ref::<crate::ai::prices::PriceError>().map(|fault| fault as &dyn Fault),
            error.downcast_ref::<crate::ai::route::RouteError>().map(|fault| fault as &dyn Fault),
            error.downcast_ref::<crate::http::Error>().map(|fault| fault as &dyn Fault),
        ];
        match known.into_iter().flatten().next() {
            Some(fault) => Self::new(format!("{}\n  {error:#}", fault.public())),
            None => Self::new(format!("{error:#}")),
        }
    }
}

/// A folder that a command was given, as it really is.
pub(super) fn folder(path: &std::path::Path) -> Result<PathBuf, Failure> {
    let folder = path
        .canonicalize()
        .map_err(|error| Failure::new(format!("The folder {} cannot be read: {error}", shown(path))))?;
    if folder.is_dir() { Ok(folder) } else { Err(Failure::new(format!("{} is not a folder.", shown(path)))) }
}
