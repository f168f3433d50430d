//! The child process that reads one file and ends.
//!
//! It takes away from itself what it does not need before it looks at the file: memory beyond the limit, CPU time,
//! writing files, core dumps. Work is done on a thread with a large stack, because some parsers recurse with the
//! nesting of the document. A panic is caught and reported; an abort, an overflow of that stack or a kill is
//! seen by the parent ([`super::Extractor`]).

use super::error::Error;
use super::limits::Limits;
use super::run::extract;
use super::wire::{HEADER_BYTES_MAX, MARK, Reply, Request};
use std::io::{self, BufRead, BufReader, Read, Write};

/// Stack of the working thread.
const STACK_BYTES: usize = 64 << 20;
/// CPU time granted on top of the wall-clock limit, so that the parent's clock decides.
const CPU_GRACE_SECONDS: u64 = 5;

/// Reads one request, does it, writes the reply. The body of the hidden command `extract-worker`.
///
/// # Errors
/// When the request cannot be read or the reply cannot be written. What is wrong with the file is in the reply.
pub fn run_child(input: impl Read, mut output: impl Write) -> io::Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    let mut input = BufReader::new(input);
    let request = read_request(&mut input)?;
    confine(&request.limits)?;
    let mut bytes = Vec::new();
    let expected = request.bytes.min(request.limits.file_bytes_max);
    bytes.try_reserve_exact(usize::try_from(expected).unwrap_or(usize::MAX)).map_err(io::Error::other)?;
    input.take(expected).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != request.bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let body = serde_json::to_vec(&answer(request, bytes)?)?;
    output.write_all(MARK)?;
    output.write_all(format!("{}\n", body.len()).as_bytes())?;
    output.write_all(&body)?;
    output.flush()
}

fn read_request(input: &mut impl BufRead) -> io::Result<Request> {
    let mut line = Vec::new();
    input.take(HEADER_BYTES_MAX).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

fn answer(request: Request, bytes: Vec<u8>) -> io::Result<Reply> {
    let work = move || {
        let Request { name, media_type, limits, .. } = request;
        match extract(&name, media_type.as_deref(), &bytes, &limits) {
            Ok(extracted) => Reply::Extracted(Box::new(extracted)),
            Err(error) => Reply::Failed(error),
        }
    };
    let thread =
        std::thread::Builder::new().name("extract".to_owned()).stack_size(STACK_BYTES).spawn(work)?;
    Ok(thread
        .join()
        .unwrap_or_else(|panic| Reply::Failed(Error::Crashed { detail: panic_words(panic.as_ref()) })))
}

/// What a panic says, cut short: it may quote the document.
fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic");
    words.chars().take(200).collect()
}

#[cfg(unix)]
fn confine(limits: &Limits) -> io::Result<()> {
    use rlimit::Resource;
    let memory =
        address_space_bytes().saturating_add(limits.memory_bytes_max).saturating_add(STACK_BYTES as u64);
    lower(Resource::AS, memory)?;
    lower(Resource::CPU, limits.wall_ms_max.div_ceil(1000) + CPU_GRACE_SECONDS)?;
    lower(Resource::FSIZE, 0)?;
    lower(Resource::CORE, 0)
}

/// Sets both limits of `resource`, never above what the process was given.
#[cfg(unix)]
fn lower(resource: rlimit::Resource, value: u64) -> io::Result<()> {
    let (_, hard) = resource.get()?;
    let value = value.min(hard);
    resource.set(value, value)
}

#[cfg(not(unix))]
fn confine(_limits: &Limits) -> io::Result<()> {
    Ok(())
}

/// Address space taken already: the program with everything embedded in it is mapped too.
#[cfg(unix)]
fn address_space_bytes() -> u64 {
    const PAGE_BYTES: u64 = 4096;
    const UNKNOWN_BYTES: u64 = 1 << 30;
    std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(UNKNOWN_BYTES, |pages| pages.saturating_mul(PAGE_BYTES))
}
