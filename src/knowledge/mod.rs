//! Documents and their life: received, extracted, chunked, embedded, indexed, retrieved, cited.
