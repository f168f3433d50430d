//! Verifying an exported file ([`super::export`]) where there is no appliance.

use std::io::BufRead;

use serde::Deserialize;

use super::chain::{Breach, Broken, Chain};
use super::export::unhex;
use super::list::TrailKind;
use super::trail::hash;
use super::{Entry, Head};

/// No line of an export is longer.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// What the verification of a file has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedFile {
    /// Entries that hold, up to the first line that does not.
    pub entries: u64,
    /// The first line that does not hold, with what is wrong; nothing when all do.
    pub broken: Option<BrokenLine>,
}

/// A line that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLine {
    /// Which, from 1; one more than there are when something is missing at the end.
    pub line: u64,
    /// What is wrong with it.
    pub what: LineBreach,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineBreach {
    /// It is not as an export writes it.
    NotALine,
    /// A link of this trail does not hold.
    Link(TrailKind, Broken),
    /// Of what a trail tells of a workspace, something before this entry is gone.
    Gap(TrailKind, u64),
    /// The file ends before its trail does.
    NoEnd,
}

impl std::fmt::Display for BrokenLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = self.line;
        match self.what {
            LineBreach::NotALine => write!(f, "line {line} is not one that an export writes"),
            LineBreach::Link(kind, broken) => write!(f, "line {line}, {}'s trail: {broken}", kind.name()),
            LineBreach::Gap(kind, sequence) => {
                write!(f, "line {line}, {}'s trail: an entry before entry {sequence} is missing", kind.name())
            }
            LineBreach::NoEnd => {
                write!(f, "line {line} is missing: the file was cut off before the line that ends a trail")
            }
        }
    }
}

#[derive(Deserialize)]
struct Tail {
    before: String,
    hash: String,
    trail: TrailKind,
    /// The how manyth of a part of a trail; nothing in a whole one.
    extract: Option<u64>,
}

#[derive(Deserialize)]
struct EndLine {
    end: End,
}

#[derive(Deserialize)]
struct End {
    trail: TrailKind,
    entries: u64,
    sequence: u64,
    hash: String,
    more: bool,
}

/// The trail that is being read.
#[derive(Default)]
struct Reading {
    kind: Option<TrailKind>,
    chain: Chain,
    entries: u64,
    /// The line before ended the last trail of the file.
    ended: bool,
}

/// Verifies a file in constant memory.
///
/// # Errors
/// When it cannot be read.
pub fn verify_file(mut file: impl BufRead) -> std::io::Result<VerifiedFile> {
    let (mut reading, mut number, mut entries) = (Reading::default(), 0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        number += 1;
        let broken = |what| VerifiedFile { entries, broken: Some(BrokenLine { line: number, what }) };
        let read = std::io::Read::take(&mut file, LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(if reading.ended {
                VerifiedFile { entries, broken: None }
            } else {
                broken(LineBreach::NoEnd)
            });
        }
        let Some(text) = std::str::from_utf8(&line).ok().and_then(|text| text.strip_suffix('\n')) else {
            return Ok(broken(LineBreach::NotALine));
        };
        match reading.take(text) {
            Ok(entry) => entries += u64::from(entry),
            Err(what) => return Ok(broken(what)),
        }
    }
}

impl Reading {
    /// Whether the line was an entry.
    fn take(&mut self, line: &str) -> Result<bool, LineBreach> {
        if self.ended {
            return Err(LineBreach::NotALine);
        }
        if let Ok(EndLine { end }) = serde_json::from_str(line) {
            self.end(&end)?;
            return Ok(false);
        }
        let (entry, tail) = split(line).ok_or(LineBreach::NotALine)?;
        if self.kind.is_some_and(|kind| kind != tail.trail) {
            return Err(LineBreach::NoEnd);
        }
        self.kind = Some(tail.trail);
        self.link(entry, &tail)?;
        self.entries += 1;
        Ok(true)
    }

    fn link(&mut self, entry: &str, tail: &Tail) -> Result<(), LineBreach> {
        let (before, claimed) = unhex(&tail.before).zip(unhex(&tail.hash)).ok_or(LineBreach::NotALine)?;
        let due = self.chain.last.sequence.saturating_add(1);
        let broken = |sequence, what| LineBreach::Link(tail.trail, Broken { sequence, what });
        let Ok(Entry { sequence, .. }) = serde_json::from_str::<Entry>(entry) else {
            return Err(broken(due, Breach::Changed));
        };
        if let Some(place) = tail.extract {
            if sequence < due {
                return Err(broken(sequence, Breach::Added));
            }
            if place != self.entries + 1 {
                return Err(LineBreach::Gap(tail.trail, sequence));
            }
            // What lies between is about others; it is the hash before this entry that stands for it.
            self.chain.last = Head { sequence: sequence.saturating_sub(1), hash: before };
        }
        self.chain
            .take(sequence, entry.as_bytes(), &claimed)
            .map_err(|broken| LineBreach::Link(tail.trail, broken))?;
        if hash(&before, entry.as_bytes()) == claimed {
            Ok(())
        } else {
            Err(broken(sequence, Breach::Changed))
        }
    }

    fn end(&mut self, end: &End) -> Result<(), LineBreach> {
        if self.kind.is_some_and(|kind| kind != end.trail) {
            return Err(LineBreach::NoEnd);
        }
        let head = Head { sequence: end.sequence, hash: unhex(&end.hash).ok_or(LineBreach::NotALine)? };
        if let Some(broken) = self.chain.end(&head) {
            return Err(LineBreach::Link(end.trail, broken));
        }
        if self.entries != end.entries {
            let what = if self.entries < end.entries { Breach::Missing } else { Breach::Added };
            return Err(LineBreach::Link(end.trail, Broken { sequence: end.sequence, what }));
        }
        *self = Self { ended: !end.more, ..Self::default() };
        Ok(())
    }
}

/// The entry's own text, and what the export says of it.
fn split(line: &str) -> Option<(&str, Tail)> {
    let rest = line.strip_prefix(r#"{"entry":"#)?;
    // In the entry itself the quotes would be escaped.
    let at = rest.rfind(r#","before":""#)?;
    let (entry, tail) = rest.split_at_checked(at)?;
    let tail = serde_json::from_str(&format!("{{{}", tail.strip_prefix(',')?)).ok()?;
    Some((entry, tail))
}
