//! Keeping the indexes on disk in step: the job that saves and tidies them once changes have come to rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::jobs::TendIndex;
use super::{Error, Knowledge};
use crate::jobs::{Failure, Work, Worker};
use crate::search::index::TenantIndex;
use crate::store::Keyspace;

impl Worker<TendIndex> for Knowledge {
    async fn run(&self, work: Work<TendIndex>) -> Result<(), Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let tending = self.tend_until(&work.keyspace, stop.clone());
        tokio::pin!(tending);
        tokio::select! {
            done = &mut tending => return Ok(done?),
            () = work.stopping.cancelled() => stop.store(true, Ordering::Relaxed),
        }
        match tending.await {
            Ok(()) => Ok(()),
            // Cut off by the end of the process; the next one goes on.
            Err(_) => Err(Failure::Later(std::time::Duration::ZERO)),
        }
    }
}

impl Knowledge {
    /// Saves and tidies the indexes of a keyspace now. It happens by itself after ingestion; also worth calling before the
    /// appliance ends, so that the next start need not read on far.
    ///
    /// # Errors
    /// When the store or an index fails.
    pub async fn tend(&self, keyspace: &Keyspace) -> Result<(), Error> {
        self.tend_until(keyspace, Arc::default()).await
    }

    async fn tend_until(&self, keyspace: &Keyspace, stop: Arc<AtomicBool>) -> Result<(), Error> {
        let (index, keyspace) = (TenantIndex::of(keyspace), keyspace.clone());
        self.inner.indexing.run(move || index.tend(&keyspace, &stop)).await??;
        Ok(())
    }
}
