//! The appliance as a process: started on port 0 and a fresh data directory, stopped, killed, started again.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use frontdesk::http::control;
use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::caller::Caller;
use super::soon;

/// Stories ask more often than people do.
const RATES: [&str; 6] = [
    "limits.requests_per_minute_per_address=1000000",
    "limits.requests_per_minute_per_caller=1000000",
    "limits.requests_per_minute_per_workspace=1000000",
    "limits.sign_ins_per_minute_per_address=1000000",
    "limits.visitors_per_hour_per_address=1000000",
    "limits.images_per_hour_per_address=1000000",
];
pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The body where it is JSON, else null.
    pub(crate) body: Value,
}

impl Reply {
    /// The reply, if it has this status; a failure of the story otherwise.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// A text of the body.
    #[track_caller]
    pub(crate) fn of(&self, key: &str) -> String {
        self.body[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", self.text)).to_owned()
    }

    /// The cookie that it sets, as a browser sends it back.
    pub(crate) fn cookie(&self) -> Caller {
        let cookie = self.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
        Caller::Member { cookie: cookie.to_owned() }
    }
}

/// An appliance with its data directory. Dropped, it is killed and its files are removed.
pub(crate) struct Desk {
    home: tempfile::TempDir,
    settings: Vec<String>,
    process: Child,
    output: Lines<BufReader<ChildStdout>>,
    port: u16,
    http: reqwest::Client,
}

/// The program in `home`, with nothing of the surroundings' settings.
pub(crate) fn frontdesk(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FRONTDESK") {
            command.env_remove(name);
        }
    }
    command.current_dir(home).args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs the program to its end.
pub(crate) async fn run(home: &Path, arguments: &[&str]) -> Output {
    soon("the command ends", frontdesk(home, arguments).output()).await.unwrap()
}

/// What a command wrote to standard error.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[allow(clippy::disallowed_methods, reason = "a story is a client of the appliance")]
fn trusting(data_dir: &Path, port: u16) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = std::fs::read(frontdesk::http::authority_path(data_dir)).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    let builder = reqwest::Client::builder().tls_certs_only([authority]).no_proxy();
    builder.resolve("localhost", ([127, 0, 0, 1], port).into()).build().unwrap()
}

impl Desk {
    /// A new appliance.
    pub(crate) async fn open() -> Self {
        Self::open_with(&[], "").await
    }

    /// A new appliance with settings (`section.key=value`) and a settings file.
    pub(crate) async fn open_with(settings: &[&str], file: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("appliance.toml"), file).unwrap();
        let settings: Vec<_> = RATES.iter().chain(settings).map(|one| (*one).to_owned()).collect();
        let (process, output, port) = start(home.path(), &settings).await;
        let http = trusting(&home.path().join("data"), port);
        Self { home, settings, process, output, port, http }
    }

    /// A new appliance that has its owner and the workspace `acme`.
    pub(crate) async fn set_up() -> (Self, Caller) {
        Self::set_up_with(&[], "").await
    }

    /// As [`Desk::open_with`] and [`Desk::set_up`].
    pub(crate) async fn set_up_with(settings: &[&str], file: &str) -> (Self, Caller) {
        let mut desk = Self::open_with(settings, file).await;
        let link = desk.next_line().await;
        let token = link.split("#token=").nth(1).unwrap().to_owned();
        let done = desk.post(&Caller::Nobody, "/api/v1/setup", &set_up_wish(&token)).await.expect(201);
        (desk, done.cookie())
    }

    /// Another setting (`section.key=value`) or flag (`--name`), from the next start on.
    pub(crate) fn set(&mut self, setting: &str) {
        self.settings.push(setting.to_owned());
    }

    /// Takes back a setting or flag, from the next start on.
    pub(crate) fn unset(&mut self, setting: &str) {
        self.settings.retain(|set| set != setting);
    }

    /// Starts the same data directory again, whatever has become of the process.
    pub(crate) async fn start_again(&mut self) {
        (self.process, self.output, self.port) = start(self.home.path(), &self.settings).await;
        self.http = trusting(&self.data_dir(), self.port);
    }

    /// Asks it to stop, as a service manager does, and waits until it has; returns its exit code.
    pub(crate) async fn stop(&mut self) -> Option<i32> {
        self.terminate().await;
        self.stopped().await
    }

    /// Waits until it has stopped; returns its exit code.
    pub(crate) async fn stopped(&mut self) -> Option<i32> {
        soon("the appliance stops", self.process.wait()).await.unwrap().code()
    }

    /// Asks it to stop and does not wait.
    pub(crate) async fn terminate(&self) {
        self.signal("-TERM").await;
    }

    /// Sends a signal, such as `-HUP`.
    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
    }

    /// Waits until a line of the log holds `text`, and returns it.
    pub(crate) async fn logged(&self, text: &str) -> String {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let look = async {
            loop {
                if let Some(line) = self.log().lines().find(|line| line.contains(text)) {
                    return line.to_owned();
                }
                looks.tick().await;
            }
        };
        soon(&format!("the log says {text}"), look).await
    }

    /// Ends it with no chance to do anything: `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// The folder that holds the data directory and the log.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The data directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The port of HTTPS.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The next line on standard output.
    pub(crate) async fn next_line(&mut self) -> String {
        soon("the appliance says something", self.output.next_line()).await.unwrap().unwrap()
    }

    /// A request, signed by `caller`.
    pub(crate) fn request(&self, caller: &Caller, method: Method, path: &str) -> RequestBuilder {
        caller.sign(self.http.request(method, format!("https://localhost:{}{path}", self.port)))
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        let response = soon("the appliance answers", request.send()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = soon("the answer ends", response.bytes()).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Reply { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> Reply {
        self.send(self.request(caller, Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, caller: &Caller, path: &str) -> Reply {
        self.send(self.request(caller, Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, caller: &Caller, path: &str, body: &Value) -> Reply {
        self.send(self.request(caller, Method::POST, path).json(body)).await
    }

    /// Asks as the console, through the control socket.
    pub(crate) async fn console(
        &self,
        method: Method,
        path: &str,
        workspace: &str,
        body: Option<&Value>,
    ) -> Reply {
        let mut request = axum::http::Request::builder().method(method).uri(path).header("host", "localhost");
        if !workspace.is_empty() {
            request = request.header("frontdesk-workspace", workspace);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                axum::body::Body::from(body.to_string())
            }
            None => axum::body::Body::empty(),
        };
        let client = control::client(control::path(&self.data_dir()));
        let answer = client.send_request(request.body(body).unwrap());
        let answer = soon("the console is answered", answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        Reply { status: answer.status.as_u16(), headers: HeaderMap::new(), body: answer.json(), text }
    }

    /// A new visitor of a workspace.
    pub(crate) async fn visitor(&self, workspace: &str) -> Caller {
        let path = format!("/api/v1/widget/{workspace}/visitors");
        let made = self.post(&Caller::Nobody, &path, &json!({})).await.expect(201);
        Caller::Visitor { id: made.of("visitor"), token: made.of("token") }
    }

    /// A new API key of a workspace, which may what a member in this role may and a key can.
    pub(crate) async fn key(&self, workspace: &str, role: &str) -> Caller {
        let wish = json!({"name": role, "permissions": permissions_of_key(role)});
        let made = self.console(Method::POST, "/api/v1/api-keys", workspace, Some(&wish)).await.expect(201);
        let id = made.body["key"]["id"].as_str().unwrap().to_owned();
        Caller::Key { id, secret: made.of("secret") }
    }

    /// A new person who was invited to a workspace and has joined it in this role.
    pub(crate) async fn member(&self, workspace: &str, email: &str, role: &str) -> Caller {
        let wish = json!({"email": email, "role": role});
        let made =
            self.console(Method::POST, "/api/v1/invitations", workspace, Some(&wish)).await.expect(201);
        let token = made.of("link").split("#token=").nth(1).unwrap().to_owned();
        let wish = json!({"token": token, "name": role, "password": PASSWORD});
        self.post(&Caller::Nobody, "/api/v1/invitations/accept", &wish).await.expect(201).cookie()
    }

    /// A new conversation of a visitor: its id.
    pub(crate) async fn conversation(&self, visitor: &Caller) -> String {
        self.post(visitor, "/api/v1/conversations", &json!({})).await.expect(201).of("id")
    }

    /// What a log of the process says.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}

/// What a member in a role may, as far as a key can.
fn permissions_of_key(role: &str) -> Vec<&'static str> {
    let viewer = ["read_conversations", "read_knowledge", "read_workspace"];
    let agent = ["take_part", "read_members"];
    let admin = ["write_knowledge", "manage_workspace", "manage_api_keys", "manage_jobs", "read_audit"];
    match role {
        "viewer" => viewer.to_vec(),
        "agent" => [&viewer[..], &agent[..]].concat(),
        "admin" => [&viewer[..], &agent[..], &admin[..]].concat(),
        other => panic!("no key has the role {other}"),
    }
}

/// What the page of the setup link sends.
pub(crate) fn set_up_wish(token: &str) -> Value {
    json!({
        "token": token, "name": "Ada", "email": EMAIL, "password": PASSWORD, "workspace_name": "Acme",
    })
}

async fn start(home: &Path, settings: &[String]) -> (Child, Lines<BufReader<ChildStdout>>, u16) {
    let data_dir = home.join("data");
    let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir.to_str().unwrap()];
    for setting in settings {
        if !setting.starts_with("--") {
            arguments.push("--set");
        }
        arguments.push(setting);
    }
    let log = std::fs::File::options().create(true).append(true).open(home.join("log")).unwrap();
    let mut process = frontdesk(home, &arguments).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = soon("the appliance starts", output.next_line()).await.unwrap();
    let line = line.unwrap_or_else(|| {
        panic!("it did not start: {}", std::fs::read_to_string(home.join("log")).unwrap_or_default())
    });
    soon("the control socket listens", listens(&control::path(&data_dir))).await;
    let port = line.rsplit(':').next().and_then(|port| port.parse().ok());
    (process, output, port.unwrap_or_else(|| panic!("no address in: {line}")))
}

/// The address is said before the control socket listens.
async fn listens(socket: &Path) {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while tokio::net::UnixStream::connect(socket).await.is_err() {
        looks.tick().await;
    }
}
