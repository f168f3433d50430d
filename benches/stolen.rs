//! What the host of a virtual machine takes from its processors, moment by moment: a wait that it caused is felt by every sender at
//! once, and is to be told from one that the appliance caused.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two looks: a fiftieth of one processor is spent on looking.
const BETWEEN: Duration = Duration::from_millis(2);

/// What was stolen from each processor until a moment, by every look.
static SEEN: Mutex<Vec<(Instant, Vec<Duration>)>> = Mutex::new(Vec::new());

/// Looks from now on.
pub(crate) fn watch() {
    std::thread::spawn(|| {
        while let Some(stolen) = look() {
            SEEN.lock().unwrap().push((Instant::now(), stolen));
            std::thread::sleep(BETWEEN);
        }
    });
}

/// `steal` of each processor in `proc_stat(5)`, which counts in hundredths of a second; nothing where there is no such file.
fn look() -> Option<Vec<Duration>> {
    let processors = std::fs::read_to_string("/proc/stat").ok()?;
    let lines = processors.lines().skip(1).take_while(|line| line.starts_with("cpu"));
    lines
        .map(|line| Some(Duration::from_millis(line.split_whitespace().nth(8)?.parse::<u64>().ok()? * 10)))
        .collect()
}

/// What was stolen between two moments, of each processor; nothing where nobody could look.
fn between(from: Instant, to: Instant) -> Vec<Duration> {
    let seen = SEEN.lock().unwrap();
    // Only looks within: what was stolen just before or just after is not counted.
    let within = &seen[seen.partition_point(|(at, _)| *at < from)..seen.partition_point(|(at, _)| *at <= to)];
    let (Some((_, first)), Some((_, last))) = (within.first(), within.last()) else { return Vec::new() };
    last.iter().zip(first).map(|(last, first)| last.saturating_sub(*first)).collect()
}

/// What was stolen of all processors.
pub(crate) fn of_all(from: Instant, to: Instant) -> Duration {
    between(from, to).into_iter().sum()
}

/// What was stolen of the processor from which most was.
pub(crate) fn of_one(from: Instant, to: Instant) -> Duration {
    between(from, to).into_iter().max().unwrap_or_default()
}
