//! The memory that Argon2id fills: at most as much as passwords are computed at a time, and given back when nobody signs in.
//!
//! Taken anew for each password, it would cost more than it seems: an allocator keeps what it is given back, once for each of
//! the many threads that compute, so that a flood of sign-ins took 200 MB for what needs 40; and each time the pages have to
//! be fetched from the operating system again. So a block of it is used again by the next password, and
//! [`PasswordMemory::release`] gives back what lies idle. It is asked for larger than any allocator keeps, which costs nothing
//! (pages that are not touched are not there), so that giving it back means to the operating system.

use std::ffi::c_void;
use std::sync::Arc;

use argon2::Block;
use parking_lot::Mutex;
use rustix::mm::Advice;

/// Above glibc's largest threshold for keeping memory to itself (`M_MMAP_THRESHOLD`, mallopt(3): 32 MiB).
const RESERVED_BLOCKS: usize = 33 * 1_024;

/// Memory between two passwords; clones share it.
#[derive(Clone, Default)]
pub(super) struct PasswordMemory {
    idle: Arc<Mutex<Vec<Vec<Block>>>>,
}

impl PasswordMemory {
    /// Computes with so many blocks, whose content is whatever it was: Argon2 writes each before it reads it.
    pub(super) fn with<T>(&self, blocks: usize, compute: impl FnOnce(&mut [Block]) -> T) -> T {
        let taken = self.idle.lock().pop();
        let mut memory = taken.unwrap_or_else(|| reserved(RESERVED_BLOCKS.max(blocks)));
        memory.resize(blocks, Block::new());
        let computed = compute(&mut memory);
        self.idle.lock().push(memory);
        computed
    }

    /// Gives back what lies idle.
    pub(super) fn release(&self) {
        // Dropped behind the lock: giving memory back takes a while.
        let idle = std::mem::take(&mut *self.idle.lock());
        drop(idle);
    }
}

impl std::fmt::Debug for PasswordMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordMemory(..)")
    }
}

/// Memory in pages of 2 MiB, where the operating system has some: Argon2 jumps about in it, and finding the place of each of five
/// thousand pages takes a twelfth of its time.
#[allow(unsafe_code, reason = "the proof stands beside it")]
fn reserved(blocks: usize) -> Vec<Block> {
    let mut memory = Vec::with_capacity(blocks);
    let page = rustix::param::page_size();
    let whole = memory.spare_capacity_mut().as_mut_ptr().cast::<c_void>();
    let bytes = memory.capacity().saturating_mul(size_of::<Block>());
    let lead = whole.align_offset(page);
    let inner = bytes.saturating_sub(lead) / page * page;
    // SAFETY: `lead` is less than the capacity, as the capacity is 33 MiB, so the pages of `inner` bytes from there lie within the
    // allocation; and this advice changes with what the kernel backs them, never what they hold (madvise(2), MADV_HUGEPAGE).
    // That it is refused, as by a kernel without such pages, changes nothing.
    let _ = unsafe { rustix::mm::madvise(whole.wrapping_byte_add(lead), inner, Advice::LinuxHugepage) };
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other_share_one_block_and_what_is_idle_is_given_back() {
        let memory = PasswordMemory::default();
        let first = memory.with(64, |blocks| blocks.as_ptr());
        let (second, inner) =
            memory.with(32, |blocks| (blocks.as_ptr(), memory.with(64, |other| other.as_ptr())));
        assert_eq!(first, second);
        assert_ne!(first, inner, "two at a time have two");
        assert_eq!(memory.idle.lock().len(), 2);
        memory.release();
        assert!(memory.idle.lock().is_empty());
    }
}
