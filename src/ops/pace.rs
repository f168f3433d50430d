//! Work in the background that gives way: it goes on at full speed where nobody else wants the machine, and takes a small share of one
//! processor where somebody does.
//!
//! A low priority does not do that. It decides who is next, not how much is left: whatever the others leave for a moment, while they
//! wait for the disk, is taken, and then the disk, the caches and the kernel are busy with it when they come back. And who is put
//! back while it holds a lock, of the store's cache or of the file system's journal, may make everybody wait who wants that lock.
//! So this keeps the usual priority, looks whether it had to wait itself, and rests where it holds no lock.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Work between two looks at the clocks, in time of the processor.
const SLICE: Duration = Duration::from_millis(1);
/// Who has come so much later than the work took has had to wait for others: for the processor or for the disk.
const WAITED_MIN: Duration = Duration::from_micros(500);
/// Rest for each time of work while others want the machine: a fifth of one processor is taken.
const REST: u32 = 4;
/// How long others are taken to be there after they were last felt.
const WARY: Duration = Duration::from_secs(1);

/// The pace of one thread; to be used on that thread only.
#[derive(Debug)]
pub struct Pace {
    rests: bool,
    since: Instant,
    worked: Duration,
    felt: Option<Instant>,
}

impl Pace {
    /// Of work that somebody waits for.
    #[must_use]
    pub fn full() -> Self {
        Self { rests: false, since: Instant::now(), worked: worked(), felt: None }
    }

    /// Of work beside an appliance that serves.
    #[must_use]
    pub fn gentle() -> Self {
        Self { rests: true, ..Self::full() }
    }

    /// To be called between small pieces of work: rests when it is time to.
    #[expect(
        clippy::disallowed_methods,
        reason = "to rest for a time is what it is for; nothing else is waited for"
    )]
    pub(super) fn give_way(&mut self) {
        if !self.rests || self.since.elapsed() < SLICE {
            return;
        }
        let work = worked().saturating_sub(self.worked);
        if work < SLICE {
            return;
        }
        let now = Instant::now();
        if now.duration_since(self.since).saturating_sub(work) >= WAITED_MIN {
            self.felt = Some(now);
        }
        if self.felt.is_some_and(|felt| now.duration_since(felt) < WARY) {
            std::thread::sleep(work.saturating_mul(REST));
        }
        *self = Self { felt: self.felt, ..Self::gentle() };
    }
}

/// What the processors have spent on this thread.
fn worked() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
