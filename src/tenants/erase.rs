//! Erasing a tenant, with proof.
//!
//! It is asked for in one transaction of the system keyspace ([`begin`]): the tenant is struck from the roll, so that nobody
//! enters it any more, with its branding, quotas, members and keys, and a job is queued that does the rest. So it is done
//! exactly when it was asked for, and one that is cut off by a crash is finished by the next start. The job makes every handle
//! of the keyspace useless, waits until nobody holds one (else its holder might bring a file back), removes the folder, and
//! forgets what the system keyspace still says about the tenant. At last the system's database is written anew, because redb
//! leaves the bytes of removed rows in its file.
//!
//! What is kept is the proof: ids, times and counts. Backups and exports that were made before are files elsewhere, and hold
//! the tenant until they are deleted.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::tenant::{Tenant, Tenants};
use super::{Error, Rule};
use crate::base::{Actor, Call, Clock, RequestId, TenantId, Timestamp};
use crate::identity::audit::{self, Action, Note};
use crate::identity::pass::{EraseWorkspace, ManageTenants};
use crate::identity::{self, Left, Pass};
use crate::jobs::{self, Failure, Job, Lane, Wakeups, Work, Worker};
use crate::realtime::Hub;
use crate::store::{self, Keyspace, Read, Store, WriteTx, tables};
use crate::{outbound, quotas};

/// How often it is looked whether handles are still held, and for how long in one run of the job.
const HELD_EVERY: Duration = Duration::from_millis(50);
const HELD_LOOKS: u32 = 100;
/// The pause before the next run when they are.
const HELD_PAUSE: Duration = Duration::from_secs(1);
/// Rows of the egress ledger looked at in one transaction.
const LEDGER_ROWS: usize = 2_000;
/// What is said of copies.
const COPIES: &str = "Backups and exports made before still hold this workspace until they are deleted.";

/// Whose right it is, and over which tenant.
#[derive(Debug, Clone, Copy)]
pub enum Right {
    /// The owner's, over the workspace of the pass.
    Own(Pass<EraseWorkspace>),
    /// The operator's, over any.
    Any(Pass<ManageTenants>, TenantId),
}

impl Right {
    fn tenant(self) -> Result<TenantId, Error> {
        match self {
            Self::Own(pass) => pass.tenant().ok_or(Error::NotFound),
            Self::Any(_, tenant) => Ok(tenant),
        }
    }
}

/// An erasure, under way or done. Holds ids and counts, and nothing that the tenant wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Erasure {
    asked: Timestamp,
    by: Actor,
    request: RequestId,
    address: Option<IpAddr>,
    accounts: u64,
    /// Rows of the system keyspace.
    rows: u64,
    counted: Option<Counted>,
    done: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Counted {
    files: u64,
    bytes: u64,
    rows: u64,
}

tables! {
    /// What was erased, and what is being erased.
    Erasures = "tenants.erasure": TenantId => Erasure;
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Proof {
    /// The workspace's id.
    pub tenant: TenantId,
    /// Its short name; `null` when it is asked for later, because it is erased too.
    #[schema(required)]
    pub slug: Option<String>,
    /// When nothing of it was left; `null` while it is being erased, which goes on by itself.
    #[schema(required)]
    pub erased_at: Option<Timestamp>,
    /// Files that were removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows that were removed, the appliance's own about the workspace among them.
    pub rows: u64,
    /// Accounts that were erased, of people who were members of nothing else.
    pub accounts: u64,
    /// Where copies may be.
    pub copies: String,
}

impl Proof {
    fn of(tenant: TenantId, erasure: &Erasure) -> Self {
        let counted = erasure.counted.unwrap_or(Counted { files: 0, bytes: 0, rows: 0 });
        Self {
            tenant,
            slug: None,
            erased_at: erasure.done,
            files: counted.files,
            bytes: counted.bytes,
            rows: erasure.rows.saturating_add(counted.rows),
            accounts: erasure.accounts,
            copies: COPIES.to_owned(),
        }
    }
}

/// Finishes an erasure. Queued when one is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FinishErasure {
    /// Of which tenant.
    pub tenant: TenantId,
}

impl Job for FinishErasure {
    const NAME: &'static str = "tenants.finish_erasure";
    const LANE: Lane = Lane::Upkeep;
    /// A disk that fails may be mended: what was promised is not given up soon.
    const ATTEMPTS_MAX: u32 = 1_000;

    fn dedup_key(&self) -> Option<String> {
        Some(self.tenant.to_string())
    }
}

/// Begins to erase the tenant: from this transaction on nobody enters it. `confirm` must be its slug. `forget` takes away what
/// other rooms keep of those who can act no more, and says how many rows.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Field`] at `/confirm`.
pub fn begin(
    tx: &mut WriteTx<'_>,
    call: &Call,
    right: Right,
    confirm: &str,
    forget: fn(&mut WriteTx<'_>, Actor) -> Result<u64, store::Error>,
) -> Result<Tenant, Error> {
    let id = right.tenant()?;
    let tenant = super::load(tx, id)?.ok_or(Error::NotFound)?;
    if confirm != tenant.slug {
        return Err(Error::Field { pointer: "/confirm".into(), rule: Rule::NotItsSlug });
    }
    let Left { mut rows, accounts, actors } = identity::leave(tx, id)?;
    rows += u64::from(tx.remove::<Tenants>(&id)?);
    rows += u64::from(quotas::forget(tx, id)?);
    rows += u64::from(jobs::forget_attention(tx, id)?);
    for actor in actors {
        rows += forget(tx, actor)?;
    }
    let erasure = Erasure {
        asked: call.now,
        by: call.actor,
        request: call.request.clone(),
        address: call.address,
        accounts,
        rows,
        counted: None,
        done: None,
    };
    tx.put::<Erasures>(&id, &erasure)?;
    jobs::enqueue(tx, call.now, &FinishErasure { tenant: id })?;
    Ok(tenant)
}

/// The proof of an erasure, if one was ever asked for.
///
/// # Errors
/// When the store fails.
pub fn proof(tx: &impl Read, _: Pass<ManageTenants>, tenant: TenantId) -> Result<Option<Proof>, Error> {
    found(tx, tenant)
}

fn found(tx: &impl Read, tenant: TenantId) -> Result<Option<Proof>, Error> {
    Ok(tx.get::<Erasures>(&tenant)?.map(|erasure| Proof::of(tenant, &erasure)))
}

/// Whether a tenant with this id is still being erased.
pub(super) fn is_under_way(tx: &impl Read, tenant: TenantId) -> Result<bool, Error> {
    Ok(tx.get::<Erasures>(&tenant)?.is_some_and(|erasure| erasure.done.is_none()))
}

/// Finishes erasures. Cheap to clone.
#[derive(Clone)]
pub struct Eraser {
    store: Arc<Store>,
    hub: Hub,
    wakeups: Arc<Wakeups>,
    clock: Arc<dyn Clock>,
    finished: Arc<Notify>,
}

impl std::fmt::Debug for Eraser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Eraser(..)")
    }
}

impl Eraser {
    /// Over the appliance's store, its open connections and its jobs.
    #[must_use]
    pub fn new(store: Arc<Store>, hub: Hub, wakeups: Arc<Wakeups>, clock: Arc<dyn Clock>) -> Self {
        Self { store, hub, wakeups, clock, finished: Arc::default() }
    }

    /// Waits until the tenant is erased, for at most `wait`; the proof as it is then.
    ///
    /// # Errors
    /// [`Error::NotFound`] when nobody asked for it, or the store fails.
    pub async fn wait(&self, tenant: TenantId, wait: Duration) -> Result<Proof, Error> {
        let ended = tokio::time::sleep(wait);
        tokio::pin!(ended);
        loop {
            let finished = self.finished.notified();
            tokio::pin!(finished);
            finished.as_mut().enable();
            let proof = self.store.system().read(|tx| found(tx, tenant))?.ok_or(Error::NotFound)?;
            if proof.erased_at.is_some() {
                return Ok(proof);
            }
            tokio::select! {
                () = finished => {}
                () = &mut ended => return Ok(proof),
            }
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || work(&store)).await.unwrap_or(Err(store::Error::Lost))
    }

    /// What lies in the tenant's folder, written down before any of it is removed.
    async fn count(&self, system: &Keyspace, tenant: TenantId) -> Result<(), Failure> {
        let (removed, rows) = self
            .blocking(move |store| Ok((store.measure_folder(tenant)?, store.count_rows(tenant)?)))
            .await?;
        let counted = Counted { files: removed.files, bytes: removed.bytes, rows };
        let noted = system.write(move |tx| {
            tx.update::<Erasures>(&tenant, |erasure| erasure.counted = erasure.counted.or(Some(counted)))
        });
        noted.await?;
        Ok(())
    }

    /// False while somebody holds a handle, or when the process is about to end.
    async fn close(&self, tenant: TenantId, stopping: &CancellationToken) -> bool {
        self.store.retire(tenant);
        self.wakeups.drop_tenant(tenant);
        for _ in 0..HELD_LOOKS {
            self.hub.end_tenant(tenant);
            if self.store.close_retired(tenant) {
                return true;
            }
            tokio::select! {
                () = tokio::time::sleep(HELD_EVERY) => {}
                () = stopping.cancelled() => return false,
            }
        }
        false
    }
}

/// Forgets what the ledger says about the tenant; how many rows.
async fn forget_egress(system: &Keyspace, tenant: TenantId) -> Result<u64, store::Error> {
    let (mut after, mut forgotten) = (0, 0);
    loop {
        let (some, last) = system
            .write(move |tx| outbound::forget_tenant(tx, &tenant.to_string(), after, LEDGER_ROWS))
            .await?;
        forgotten += some;
        match last {
            Some(last) => after = last,
            None => return Ok(forgotten),
        }
    }
}

impl Worker<FinishErasure> for Eraser {
    async fn run(&self, work: Work<FinishErasure>) -> Result<(), Failure> {
        let (system, tenant, ticket) = (&work.keyspace, work.job.tenant, work.ticket);
        let Some(erasure) = system.read(|tx| tx.get::<Erasures>(&tenant))? else { return Ok(()) };
        if erasure.done.is_some() {
            return Ok(());
        }
        if erasure.counted.is_none() {
            self.count(system, tenant).await?;
        }
        if !self.close(tenant, &work.stopping).await {
            tracing::info!(%tenant, "a workspace that is to be erased is still in use");
            return Err(Failure::Later(HELD_PAUSE));
        }
        self.blocking(move |store| store.remove_folder(tenant)).await?;
        let forgotten = forget_egress(system, tenant).await?;
        let noted = system.write(move |tx| {
            let attention = u64::from(jobs::forget_attention(tx, tenant)?);
            tx.update::<Erasures>(&tenant, |erasure| erasure.rows += forgotten + attention)
        });
        noted.await?;
        self.blocking(Store::rewrite_system).await?;
        let now = self.clock.now();
        system.write(move |tx| finish(tx, now, tenant).and_then(|()| Ok(ticket.complete(tx, now)?))).await?;
        self.wakeups.drop_tenant(tenant);
        self.store.readmit(tenant);
        self.finished.notify_waiters();
        Ok(())
    }
}

fn finish(tx: &mut WriteTx<'_>, now: Timestamp, tenant: TenantId) -> Result<(), Error> {
    let erasure = tx.update::<Erasures>(&tenant, |erasure| erasure.done = Some(now))?;
    let proof = Proof::of(tenant, &erasure);
    let call = Call { actor: erasure.by, now, request: erasure.request, address: erasure.address };
    let note = Note::new(Action::WorkspaceErased)
        .of_tenant(tenant)
        .with("asked_at", erasure.asked)
        .with("files", proof.files)
        .with("bytes", proof.bytes)
        .with("rows", proof.rows)
        .with("accounts", proof.accounts);
    Ok(audit::record(tx, &call, note)?)
}
