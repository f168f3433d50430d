//! The thread that the model lives on: loads it when somebody asks, answers one after another, unloads it when nobody does.
//!
//! The thread runs at a low priority and with fewer threads than there are cores, so that the appliance goes on answering
//! everybody else. It ends with the model: nothing of it is left while the model is not in memory.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use parking_lot::{Condvar, Mutex};
use tokio::sync::{mpsc, watch};

use super::super::{ChatRequest, Deadline, Error, Event};
use super::folder::Found;
use super::header::Header;
use super::line::Line;
use super::session::{Session, SessionError, Setup, Step};
use super::settings::{self, LocalSettings};
use super::{memory, trial};
use crate::base::Clock;

/// Lower than the appliance's own threads; 0 to 19.
const NICENESS: i32 = 10;

/// Where the model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residence {
    /// On disk only.
    Unloaded,
    /// Being read.
    Loading,
    /// In memory.
    Loaded,
}

/// What comes back for a question.
pub(super) type Events = mpsc::Sender<Result<Event, Error>>;

/// A question in the line.
struct Job {
    chat: ChatRequest,
    events: Events,
}

struct State {
    line: Line<Job>,
    /// Whether the thread is there.
    running: bool,
}

/// What the thread and those who ask share.
pub(super) struct Shared {
    pub(super) settings: LocalSettings,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    wake: Condvar,
    closing: AtomicBool,
    residence: watch::Sender<Residence>,
}

/// The model's thread, as seen from outside. Dropping it ends the thread at the next token.
pub(super) struct Engine(pub(super) Arc<Shared>);

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.0.settings.file.display())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.0.closing.store(true, Ordering::SeqCst);
        self.0.wake.notify_all();
    }
}

impl Engine {
    pub(super) fn new(settings: LocalSettings, clock: Arc<dyn Clock>) -> Self {
        let line = Line::new(settings.waiting_max);
        Self(Arc::new(Shared {
            settings,
            clock,
            state: Mutex::new(State { line, running: false }),
            wake: Condvar::new(),
            closing: AtomicBool::new(false),
            residence: watch::Sender::new(Residence::Unloaded),
        }))
    }

    pub(super) fn residence(&self) -> watch::Receiver<Residence> {
        self.0.residence.subscribe()
    }

    /// Puts a question into the line. Its events follow; who drops the other end has left.
    pub(super) fn ask(&self, chat: ChatRequest) -> Result<mpsc::Receiver<Result<Event, Error>>, Error> {
        // One for each token, for each step in the line, and for the end: the model never waits for who reads.
        let tokens = usize::try_from(chat.max_output_tokens).unwrap_or_default();
        let places = self.0.settings.waiting_max;
        let (events, answers) = mpsc::channel(tokens.saturating_add(places).saturating_add(8));
        let tenant = chat.tenant.clone().unwrap_or_default();
        let mut state = self.0.state.lock();
        state.line.keep(|job| !job.events.is_closed());
        if state.line.join(&tenant, Job { chat, events }).is_err() {
            return Err(self.0.full());
        }
        if state.running {
            tell_places(&state.line);
        } else {
            let shared = self.0.clone();
            let thread = std::thread::Builder::new().name("local-model".to_owned());
            if let Err(error) = thread.spawn(move || shared.run()) {
                state.line.keep(|_| false);
                return Err(self.0.failed(format!("its thread could not be started: {error}")));
            }
            state.running = true;
        }
        drop(state);
        self.0.wake.notify_one();
        Ok(answers)
    }
}

/// Tells everybody in the line how many are before them, the one whose turn it is included.
fn tell_places(line: &Line<Job>) {
    for (place, job) in line.places() {
        // A full channel has been told often enough.
        let _ = job.events.try_send(Ok(Event::Waiting { before: place + 1 }));
    }
}

/// The engine's own state, which its library keeps for the whole process and counts only once.
fn backend() -> Result<&'static LlamaBackend, String> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let init = || {
        let mut backend = LlamaBackend::init().map_err(|error| error.to_string())?;
        backend.void_logs();
        Ok(backend)
    };
    BACKEND.get_or_init(init).as_ref().map_err(Clone::clone)
}

/// What this processor lacks of what the engine was compiled for.
fn processor_lacks() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        let has = [
            (std::arch::is_x86_feature_detected!("avx2"), "AVX2"),
            (std::arch::is_x86_feature_detected!("fma"), "FMA"),
            (std::arch::is_x86_feature_detected!("f16c"), "F16C"),
            (std::arch::is_x86_feature_detected!("bmi2"), "BMI2"),
        ];
        has.into_iter().find(|(there, _)| !there).map(|(_, name)| name)
    }
    #[cfg(not(target_arch = "x86_64"))]
    None
}

impl Shared {
    fn failed(&self, detail: String) -> Error {
        Error::Failed { provider: self.settings.name.clone(), retry_after: None, detail }
    }

    fn full(&self) -> Error {
        Error::Limited {
            provider: self.settings.name.clone(),
            retry_after: None,
            detail: format!("{} questions are waiting already", self.settings.waiting_max),
        }
    }

    /// Somebody has left the line: the others move up.
    pub(super) fn tidy(&self) {
        let mut state = self.state.lock();
        let before = state.line.places().count();
        state.line.keep(|job| !job.events.is_closed());
        if state.line.places().count() < before {
            tell_places(&state.line);
        }
    }

    fn run(&self) {
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "the local model runs at the usual priority");
        }
        // A fault of ours in the middle must not leave a line that nobody serves.
        let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.load_and_serve()));
        self.residence.send_replace(Residence::Unloaded);
        let reason = match served {
            Ok(Ok(())) => return,
            Ok(Err(reason)) => reason,
            Err(_) => "the engine stopped unexpectedly".to_owned(),
        };
        tracing::error!(reason, file = %self.settings.file.display(), "the local model cannot answer");
        let mut state = self.state.lock();
        state.running = false;
        while let Some(job) = state.line.next() {
            let _ = job.events.try_send(Err(self.failed(reason.clone())));
        }
    }

    /// Serves until nobody asks for a while. The thread is over when this returns; on success `running` is unset already.
    fn load_and_serve(&self) -> Result<(), String> {
        self.residence.send_replace(Residence::Loading);
        let begun = Instant::now();
        let settings = &self.settings;
        let header = self.checked_header()?;
        let setup = Setup {
            context_tokens: header.context_tokens.min(settings.context_tokens_max),
            threads: settings::threads(settings.threads),
        };
        let allowed = settings.memory_bytes_max.unwrap_or(u64::MAX).min(memory::free());
        if let Some(refusal) = memory::refusal(&header, setup.context_tokens, allowed) {
            return Err(refusal);
        }
        let backend = backend()?;
        let model = LlamaModel::load_from_file(backend, &settings.file, &LlamaModelParams::default())
            .map_err(|error| format!("the engine cannot load it: {error}"))?;
        let mut session = Session::open(backend, &model, &header.chat_template, setup)
            .map_err(|error| error.to_string())?;
        tracing::info!(
            file = %settings.file.display(),
            threads = setup.threads,
            context_tokens = setup.context_tokens,
            took_ms = begun.elapsed().as_millis(),
            "the local model is loaded"
        );
        self.residence.send_replace(Residence::Loaded);
        while let Some(job) = self.next() {
            self.answer(&mut session, job);
        }
        tracing::info!("the local model is unloaded");
        Ok(())
    }

    /// The file's header, once it is sure that the file is the one that was added and does the engine no harm.
    fn checked_header(&self) -> Result<Header, String> {
        if let Some(missing) = processor_lacks() {
            return Err(format!("this processor lacks {missing}, which the engine needs"));
        }
        let settings = &self.settings;
        let name = settings.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let header = Header::read(&settings.file);
        let found = Found { name, path: settings.file.clone(), header, digest: settings.digest.clone() };
        found.verify().map_err(|error| error.to_string())?;
        if let Some(program) = &settings.program {
            trial::once(program, &settings.file).map_err(|error| error.to_string())?;
        }
        found.header.map_err(|error| error.to_string())
    }

    /// The next question; nothing when there has been none for a while or the appliance stops.
    fn next(&self) -> Option<Job> {
        let mut state = self.state.lock();
        let until = Instant::now() + self.settings.idle;
        loop {
            if self.closing.load(Ordering::SeqCst) {
                state.line.keep(|_| false);
                state.running = false;
                return None;
            }
            state.line.keep(|job| !job.events.is_closed());
            if let Some(job) = state.line.next() {
                tell_places(&state.line);
                return Some(job);
            }
            if self.wake.wait_until(&mut state, until).timed_out() && state.line.is_empty() {
                state.running = false;
                return None;
            }
        }
    }

    fn answer(&self, session: &mut Session<'_>, job: Job) {
        let Job { chat, events } = job;
        let until = Instant::now() + self.settings.answer;
        let mut late = false;
        let step = |step: Step<'_>| {
            late = Instant::now() >= until;
            let gone = match step {
                Step::Alive => events.is_closed(),
                Step::Text(text) => events.try_send(Ok(Event::Delta(text.to_owned()))).is_err(),
            };
            if gone || late || self.closing.load(Ordering::SeqCst) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let provider = || self.settings.name.clone();
        let end = match session.answer(&chat, self.clock.now(), step) {
            Ok((stop_reason, usage)) => Ok(Event::Finished { stop_reason, usage }),
            Err(SessionError::CalledOff) if late => {
                Err(Error::TimedOut { provider: provider(), deadline: Deadline::Whole })
            }
            Err(SessionError::CalledOff) => Err(Error::Interrupted { provider: provider() }),
            Err(error @ SessionError::TooLong { .. }) => {
                Err(Error::ContextTooLong { provider: provider(), detail: error.to_string() })
            }
            Err(error) => Err(self.failed(error.to_string())),
        };
        let _ = events.try_send(end);
    }
}

/// Loads `file` and lets it write one token: what [`trial`] does in a process of its own.
///
/// # Errors
/// What is wrong with the file.
pub fn try_out(file: &std::path::Path) -> Result<(), String> {
    let header = Header::read(file).map_err(|error| error.to_string())?;
    let backend = backend()?;
    let model = LlamaModel::load_from_file(backend, file, &LlamaModelParams::default())
        .map_err(|error| format!("the engine cannot load it: {error}"))?;
    let setup = Setup { context_tokens: header.context_tokens.min(512), threads: settings::threads(None) };
    let mut session =
        Session::open(backend, &model, &header.chat_template, setup).map_err(|error| error.to_string())?;
    let chat = ChatRequest {
        messages: vec![super::super::Message::user(super::super::provider::PROBE_TEXT)],
        max_output_tokens: 1,
        temperature: None,
        tenant: None,
    };
    let now = crate::base::Timestamp::from_millis(0);
    session.answer(&chat, now, |_| ControlFlow::Continue(())).map(drop).map_err(|error| error.to_string())
}
