//! Tries a file out in a second process before it is loaded into this one: what brings the engine down brings down that one.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use super::folder::passed_path;

/// What the command line calls it.
const COMMAND: &str = "try-model";
/// Of what the engine printed, so much is repeated.
const SAID_CHARS_MAX: usize = 400;

/// Why a file is not loaded.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what the messages say")]
pub enum TrialError {
    /// The second process could not be started.
    #[error("it could not be tried out: {0}")]
    NotStarted(#[source] io::Error),
    /// It says what is wrong.
    #[error("it cannot be used: {0}")]
    Refused(String),
    /// It ended without a word.
    #[error(
        "it brings the engine down ({how}); the file is damaged or of a kind that this version cannot run"
    )]
    Crashed { how: String },
}

/// Tries `file` out, unless these same bytes passed before.
pub(super) fn once(program: &Path, file: &Path) -> Result<(), TrialError> {
    let (passed, mark) = (passed_path(file), mark(file).map_err(TrialError::NotStarted)?);
    if fs::read_to_string(&passed).is_ok_and(|text| text == mark) {
        return Ok(());
    }
    try_in_second_process(program, file)?;
    // Without it the file is tried out once more.
    if let Err(error) = fs::write(&passed, mark) {
        tracing::debug!(?error, "that a model passed its trial was not noted");
    }
    Ok(())
}

/// Tries `file` out, whether it passed before or not.
///
/// # Errors
/// What is wrong with it.
pub fn try_in_second_process(program: &Path, file: &Path) -> Result<(), TrialError> {
    let ended = Command::new(program)
        .arg(COMMAND)
        .arg(file)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(TrialError::NotStarted)?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    match ended.status.code() {
        Some(_) => Err(TrialError::Refused(said.trim().chars().take(SAID_CHARS_MAX).collect())),
        None => Err(TrialError::Crashed { how: ended.status.to_string() }),
    }
}

/// The file's size and time: another file has another one.
fn mark(file: &Path) -> io::Result<String> {
    let metadata = fs::metadata(file)?;
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{} {}\n", metadata.len(), modified.as_nanos()))
}
