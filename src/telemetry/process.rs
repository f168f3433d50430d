//! What the kernel says of this process: memory, processor time, open files.
//!
//! Read when somebody asks, from `/proc/self`; where there is none, nothing is known and nothing is told.

use std::path::Path;

use rustix::time::{ClockId, clock_gettime};

/// A look at this process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProcessFacts {
    /// Memory that is in use, files that are mapped included, in bytes.
    pub resident_bytes: u64,
    /// Of that, what the process cannot give back: not the pages of files, which the kernel takes away when it needs them.
    pub held_bytes: u64,
    /// Processor time of all threads since the start, in seconds.
    pub processor_s: f64,
    /// Files and sockets that are open.
    pub open_files: u64,
    /// The most that may be.
    pub open_files_max: u64,
}

impl ProcessFacts {
    /// Looks now.
    #[must_use]
    pub fn look() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let time = clock_gettime(ClockId::ProcessCPUTime);
        #[allow(clippy::cast_precision_loss, reason = "seconds with a fraction")]
        let processor_s = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
        let open_files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        Self {
            resident_bytes: line_bytes(&status, "VmRSS:"),
            held_bytes: held_bytes_of(&status),
            processor_s,
            open_files: u64::try_from(open_files).unwrap_or(0),
            open_files_max: rlimit::Resource::NOFILE.get_soft().unwrap_or(0),
        }
    }
}

/// What the process holds and the kernel cannot take away, in bytes; see [`ProcessFacts::held_bytes`]. 0 where nobody tells.
#[must_use]
pub(super) fn held_bytes() -> u64 {
    held_bytes_of(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn held_bytes_of(status: &str) -> u64 {
    line_bytes(status, "RssAnon:").saturating_add(line_bytes(status, "RssShmem:"))
}

/// The value of a line such as `VmRSS:     1234 kB`.
fn line_bytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0).saturating_mul(1_024)
}

/// The memory of this machine, or of this container or service where that is less, in bytes. 0 where nobody tells.
#[must_use]
pub fn machine_memory_bytes() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else { return 0 };
    system.refresh_memory();
    let machine = system.total_memory();
    system.cgroup_limits().map_or(machine, |limits| machine.min(limits.total_memory))
}

/// The room on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskFacts {
    /// Bytes that this process may still write.
    pub free_bytes: u64,
    /// Bytes of the whole file system.
    pub total_bytes: u64,
}

impl DiskFacts {
    /// Of the file system that `path` lies on.
    ///
    /// # Errors
    /// When the path is not there.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        let found = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Self { free_bytes: bytes(found.f_bavail), total_bytes: bytes(found.f_blocks) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read_and_what_is_missing_is_nothing() {
        let status = "Name:\tfrontdesk\nVmRSS:\t  2048 kB\nRssAnon:\t     512 kB\nRssFile:\t    1000 kB\nRssShmem:\t 4 kB\n";
        assert_eq!(line_bytes(status, "VmRSS:"), 2 << 20);
        assert_eq!(held_bytes_of(status), 516 << 10);
        assert_eq!(line_bytes(status, "VmSwap:"), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_look_at_this_process_finds_it_alive() {
        let facts = ProcessFacts::look();
        assert!(facts.held_bytes > 0 && facts.held_bytes <= facts.resident_bytes, "{facts:?}");
        assert!(facts.open_files >= 3 && facts.open_files <= facts.open_files_max, "{facts:?}");
        assert!(machine_memory_bytes() > facts.resident_bytes);
        assert!(DiskFacts::of(Path::new("/")).unwrap().total_bytes > 0);
    }
}
