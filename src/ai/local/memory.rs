//! Whether a model fits into this machine, before it is loaded.

use super::header::Header;

/// What the engine computes in, beside weights and conversation: for a batch, the scores of each token that the model knows.
const BATCH_TOKENS: u64 = 512;
/// Left for everybody else.
const SPARE_BYTES: u64 = 256 << 20;

/// Bytes that a model takes with a conversation of `context_tokens`.
#[must_use]
pub(super) fn needed(header: &Header, context_tokens: u32) -> u64 {
    let conversation = header.bytes_per_token.saturating_mul(u64::from(context_tokens));
    let computing = header.vocabulary.saturating_mul(4).saturating_mul(BATCH_TOKENS) / 4;
    header.file_bytes.saturating_add(conversation).saturating_add(computing)
}

/// Bytes that are free on this machine, in this container or service where that is less.
#[must_use]
pub(super) fn free() -> u64 {
    // Where nobody tells, the engine will.
    let Ok(mut system) = sysinfo::System::new() else { return u64::MAX };
    system.refresh_memory();
    let machine = system.available_memory();
    let free = system.cgroup_limits().map_or(machine, |limits| machine.min(limits.free_memory));
    free.saturating_sub(SPARE_BYTES)
}

/// Why a model that needs `needed` bytes is not loaded, if it is not.
#[must_use]
pub(super) fn refusal(header: &Header, context_tokens: u32, allowed: u64) -> Option<String> {
    let needed = needed(header, context_tokens);
    (needed > allowed).then(|| {
        format!(
            "it needs about {} MB with a conversation of {context_tokens} tokens, and {} MB may be used; choose a smaller \
             model, lower local_model.context_tokens, or raise local_model.memory_bytes_max",
            needed >> 20,
            allowed >> 20
        )
    })
}
