//! Blobs by content hash.
