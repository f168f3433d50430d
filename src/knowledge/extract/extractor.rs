//! Extraction in a child process: whatever a file does there, it does to one document.
//!
//! The child gets the file on its standard input and nothing else: no environment, no arguments from the file, no
//! open files. Its answer is read up to a bound; its time is measured here. A child that does not answer properly
//! has crashed, and how it ended says why. At most `workers_max` run at once, so that the memory all of them may
//! take is bounded too.

use super::document::Extracted;
use super::error::Error;
use super::limits::Limits;
use super::wire::{MARK, MARK_WITHIN_BYTES, Reply, Request};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Semaphore;

/// The reply may be so many times as long as the text, for escapes in JSON,
const REPLY_PER_TEXT_BYTES: u64 = 3;
/// plus so much for each block,
const REPLY_PER_BLOCK_BYTES: u64 = 128;
/// plus this.
const REPLY_BASE_BYTES: u64 = 1 << 20;
/// What is read of the child's last words.
const STDERR_BYTES_MAX: u64 = 4 << 10;

/// Runs extractions in child processes.
#[derive(Debug)]
pub struct Extractor {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    limits: Limits,
    workers: Semaphore,
}

impl Extractor {
    /// Runs `program extract-worker` for each file, at most `workers_max` at once. `program` is normally this
    /// program itself.
    #[must_use]
    pub fn new(program: PathBuf, limits: Limits, workers_max: usize) -> Self {
        Self {
            program,
            arguments: vec!["extract-worker".into()],
            environment: Vec::new(),
            limits,
            workers: Semaphore::new(workers_max.max(1)),
        }
    }

    /// The same with other arguments and environment for the child.
    #[must_use]
    pub fn with_command(mut self, arguments: Vec<OsString>, environment: Vec<(OsString, OsString)>) -> Self {
        self.arguments = arguments;
        self.environment = environment;
        self
    }

    /// What one document may cost.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The readable text of a file, or why there is none. Dropping the future kills the child.
    ///
    /// # Errors
    /// Everything that can be wrong with the file, and [`Error::WorkerUnavailable`] when no child could be started.
    pub async fn extract(
        &self,
        name: &str,
        media_type: Option<&str>,
        bytes: &[u8],
    ) -> Result<Extracted, Error> {
        let size = bytes.len() as u64;
        if size > self.limits.file_bytes_max {
            return Err(Error::TooLarge { bytes: size, bytes_max: self.limits.file_bytes_max });
        }
        let _place = self
            .workers
            .acquire()
            .await
            .map_err(|closed| Error::WorkerUnavailable(io::Error::other(closed)))?;
        let mut child = self.spawn().map_err(Error::WorkerUnavailable)?;
        let wall = Duration::from_millis(self.limits.wall_ms_max);
        match tokio::time::timeout(wall, self.converse(&mut child, name, media_type, bytes)).await {
            Ok(result) => result,
            Err(_elapsed) => {
                // The child is killed when it is dropped as well; this waits until it is gone.
                child.kill().await.map_err(Error::WorkerUnavailable)?;
                Err(Error::TooSlow { wall_ms_max: self.limits.wall_ms_max })
            }
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    async fn converse(
        &self,
        child: &mut Child,
        name: &str,
        media_type: Option<&str>,
        bytes: &[u8],
    ) -> Result<Extracted, Error> {
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Error::WorkerUnavailable(io::Error::other("no pipes")));
        };
        let request = Request {
            name: name.chars().take(1024).collect(),
            media_type: media_type.map(|kind| kind.chars().take(256).collect()),
            limits: self.limits.clone(),
            bytes: bytes.len() as u64,
        };
        let reply_bytes_max = self.limits.text_bytes_max.saturating_mul(REPLY_PER_TEXT_BYTES)
            + (self.limits.blocks_max as u64).saturating_mul(REPLY_PER_BLOCK_BYTES)
            + REPLY_BASE_BYTES;
        let (sent, reply, last_words) = tokio::join!(
            send(stdin, &request, bytes),
            read_bounded(stdout, reply_bytes_max),
            read_bounded(stderr, STDERR_BYTES_MAX),
        );
        let reply = reply.map_err(Error::WorkerUnavailable)?;
        let last_words = last_words.map_err(Error::WorkerUnavailable)?;
        let status = child.wait().await.map_err(Error::WorkerUnavailable)?;
        if let Some(reply) = find_reply(&reply) {
            return reply;
        }
        if reply.len() as u64 > reply_bytes_max {
            return Err(Error::TooMuchText { bytes_max: self.limits.text_bytes_max });
        }
        if status.success() {
            let detail = sent.err().map_or_else(|| "no reply".to_owned(), |error| error.to_string());
            return Err(Error::WorkerConfused { detail });
        }
        Err(self.cause_of_death(status, &last_words))
    }

    /// Why the child ended without an answer.
    ///
    /// Running out of memory and out of stack both end in an abort; the line that the language's runtime writes
    /// as it aborts is all that tells them apart.
    fn cause_of_death(&self, status: ExitStatus, last_words: &[u8]) -> Error {
        let words = String::from_utf8_lossy(last_words);
        if words.contains("memory allocation of") {
            return Error::OutOfMemory;
        }
        if words.contains("overflowed its stack") {
            return Error::TooDeep;
        }
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt;
            const SIGKILL: i32 = 9;
            const SIGXCPU: i32 = 24;
            match status.signal() {
                Some(SIGXCPU) => return Error::TooSlow { wall_ms_max: self.limits.wall_ms_max },
                // Nobody but the kernel's memory killer sends this; the time limit is handled elsewhere.
                Some(SIGKILL) => return Error::OutOfMemory,
                _ => {}
            }
        }
        Error::Crashed { detail: status.to_string() }
    }
}

async fn send(mut stdin: ChildStdin, request: &Request, bytes: &[u8]) -> io::Result<()> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stdin.write_all(&line).await?;
    stdin.write_all(bytes).await?;
    stdin.shutdown().await
}

/// At most one byte more than `bytes_max`, so that too much can be told. The rest is thrown away.
async fn read_bounded(mut source: impl AsyncRead + Unpin, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    (&mut source).take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).await?;
    tokio::io::copy(&mut source, &mut tokio::io::sink()).await?;
    Ok(bytes)
}

fn find_reply(output: &[u8]) -> Option<Result<Extracted, Error>> {
    let start = output.get(..output.len().min(MARK_WITHIN_BYTES))?;
    let at = start.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    let rest = output.get(at..)?;
    let line_end = rest.iter().take(20).position(|byte| *byte == b'\n')?;
    let length: usize = std::str::from_utf8(rest.get(..line_end)?).ok()?.parse().ok()?;
    let body = rest.get(line_end + 1..line_end.checked_add(1)?.checked_add(length)?)?;
    serde_json::from_slice::<Reply>(body).ok().map(Into::into)
}
