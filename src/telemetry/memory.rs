//! The memory ceiling: what the process may hold before heavy work is put off.
//!
//! The ceiling is no wall that the process dies at, but a line at which it says no in time. Counted is what the kernel
//! cannot take back ([`super::ProcessFacts::held_bytes`]), and what was promised to work that has begun and may not hold it
//! yet; both a little too much rather than too little. Reading the count costs microseconds, and is done at most every
//! [`FRESH_MS`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::process::{held_bytes, machine_memory_bytes};

/// A count is good for so long.
const FRESH_MS: u64 = 100;
/// Of the machine's memory, where no setting says otherwise.
const SHARE: (u64, u64) = (3, 4);
/// Where nobody tells how much memory there is.
const UNKNOWN_BYTES: u64 = 1 << 30;

/// The ceiling, and how near to it the process is.
#[derive(Debug)]
pub struct Memory {
    bytes_max: u64,
    begun: Instant,
    looked_ms: AtomicU64,
    held: AtomicU64,
    promised: AtomicU64,
}

/// Memory that was promised to somebody's work, until it is dropped.
#[derive(Debug)]
pub struct Room {
    memory: Arc<Memory>,
    bytes: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.memory.promised.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Memory {
    /// With a ceiling of `bytes_max`; 0 stands for three quarters of the machine's memory, or of the container's or service's.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        let bytes_max = if bytes_max > 0 {
            bytes_max
        } else {
            match machine_memory_bytes() {
                0 => UNKNOWN_BYTES,
                machine => machine / SHARE.1 * SHARE.0,
            }
        };
        Self {
            bytes_max,
            begun: Instant::now(),
            looked_ms: AtomicU64::new(0),
            held: AtomicU64::new(held_bytes()),
            promised: AtomicU64::new(0),
        }
    }

    /// The ceiling, in bytes.
    #[must_use]
    pub fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// What counts against it now, in bytes.
    #[must_use]
    pub fn counted_bytes(&self) -> u64 {
        let now_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let looked_ms = self.looked_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(looked_ms) >= FRESH_MS {
            self.looked_ms.store(now_ms, Ordering::Relaxed);
            self.held.store(held_bytes(), Ordering::Relaxed);
        }
        self.held.load(Ordering::Relaxed).saturating_add(self.promised.load(Ordering::Relaxed))
    }

    /// Whether heavy work has to wait.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.counted_bytes() >= self.bytes_max
    }

    /// Room for work that will hold `bytes`, or nothing when that would go beyond the ceiling.
    #[must_use]
    pub fn room_for(self: &Arc<Self>, bytes: u64) -> Option<Room> {
        if self.counted_bytes().saturating_add(bytes) > self.bytes_max {
            return None;
        }
        self.promised.fetch_add(bytes, Ordering::Relaxed);
        Some(Room { memory: self.clone(), bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_promised_counts_until_it_is_given_back() {
        let memory = Arc::new(Memory::new(u64::MAX / 2));
        let before = memory.promised.load(Ordering::Relaxed);
        let room = memory.room_for(1 << 40).unwrap();
        assert!(memory.counted_bytes() >= 1 << 40);
        assert!(memory.room_for(u64::MAX / 2 - (1 << 40)).is_none());
        drop(room);
        assert_eq!(memory.promised.load(Ordering::Relaxed), before);
    }

    #[test]
    fn beyond_the_ceiling_there_is_room_for_nothing() {
        let memory = Arc::new(Memory::new(1));
        assert!(memory.is_short());
        assert!(memory.room_for(0).is_none());
        assert!(Memory::new(0).bytes_max() > 100 << 20);
    }
}
