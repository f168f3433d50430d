//! A process of the real program on a folder of its own, and a client of its control socket.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use frontdesk::http::control::{self, Answer, Client};
use serde_json::Value;

/// How often something that takes its time is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Longer than anything here takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Looks until `done` gives something.
///
/// # Panics
/// After [`PATIENCE`], naming `what`.
pub(crate) async fn until<T>(what: &str, mut done: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            if let Some(found) = done().await {
                return found;
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// Speaks to the console's door of a folder.
#[derive(Clone)]
pub(crate) struct Console {
    client: Client,
}

/// A request to be.
#[derive(Default)]
pub(crate) struct Ask<'a> {
    pub(crate) workspace: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) json: Option<Value>,
    pub(crate) bytes: Option<Vec<u8>>,
}

impl Console {
    pub(crate) fn of(folder: &Path) -> Self {
        Self { client: control::client(control::path(folder)) }
    }

    /// The answer, or nothing when the process is gone.
    pub(crate) async fn ask(&self, method: Method, path: &str, ask: Ask<'_>) -> Option<Answer> {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if let Some(workspace) = ask.workspace {
            request = request.header("frontdesk-workspace", workspace);
        }
        if let Some(token) = ask.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = ask.key {
            request = request.header("idempotency-key", key);
        }
        let body = match (ask.json, ask.bytes) {
            (Some(json), _) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            (None, Some(bytes)) => Body::from(bytes),
            (None, None) => Body::empty(),
        };
        self.client.send_request(request.body(body).unwrap()).await.ok()
    }

    /// What a successful answer says; nothing when the process is gone.
    pub(crate) async fn tell(&self, method: Method, path: &str, ask: Ask<'_>) -> Option<Value> {
        let answer = self.ask(method, path, ask).await?;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.json());
        Some(answer.json())
    }
}

/// The program at work.
pub(crate) struct Appliance {
    child: Child,
    pub(crate) console: Console,
    /// From the start of the process until it said that it is ready.
    pub(crate) ready_after: Duration,
}

/// The command for `program` on `folder`, with nothing of this process's surroundings.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.env_clear().current_dir(folder).arg("--data-dir").arg(data(folder));
    command
}

/// Where wrappers are.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// `command` run by `wrapper`, which is a program and its arguments; as it is where there is none.
pub(crate) fn within(wrapper: &[&OsStr], command: &Command) -> Command {
    let mut words = wrapper.iter().copied().chain([command.get_program()]).chain(command.get_args());
    let mut wrapped = Command::new(words.next().unwrap());
    wrapped.args(words).env_clear().env("PATH", PATH).current_dir(command.get_current_dir().unwrap());
    wrapped
}

/// The data directory within a test's folder.
pub(crate) fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

impl Appliance {
    /// Starts it on `folder` and waits until it is ready.
    pub(crate) async fn start(folder: &Path) -> Self {
        Self::start_within(folder, &[]).await
    }

    /// The same by way of a program that becomes the appliance: its name and its arguments.
    pub(crate) async fn start_within(folder: &Path, wrapper: &[&OsStr]) -> Self {
        let log = OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
        let begun = Instant::now();
        let mut serve = command(folder);
        serve.args(["serve", "--listen", "127.0.0.1:0"]);
        let mut child =
            within(wrapper, &serve).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let console = Console::of(&data(folder));
        until("the appliance becomes ready", async || {
            if let Some(status) = child.try_wait().unwrap() {
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                panic!("the appliance ended with {status}: {log}");
            }
            let answer = console.ask(Method::GET, "/healthz/ready", Ask::default()).await?;
            (answer.status == StatusCode::OK).then_some(())
        })
        .await;
        Self { child, console, ready_after: begun.elapsed() }
    }

    /// Its resident memory in MB.
    pub(crate) fn resident_mb(&self) -> u64 {
        self.memory_mb("VmRSS:")
    }

    /// The most that its resident memory ever was, in MB.
    pub(crate) fn resident_max_mb(&self) -> u64 {
        self.memory_mb("VmHWM:")
    }

    fn memory_mb(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1_000
    }

    /// The processes that it has started and that still run.
    pub(crate) fn children(&self) -> Vec<u32> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let children = threads
            .filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")).ok());
        children
            .flat_map(|line| line.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<_>>())
            .collect()
    }

    /// The files that it has open.
    pub(crate) fn open_files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()).collect()
    }

    /// SIGKILL: it gets no chance to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A test that fails leaves no process behind.
impl Drop for Appliance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
