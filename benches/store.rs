//! Durable writes of a 400-byte value and an index row: the store, bare redb with a commit each, and bare redb behind one
//! committer that drains a queue.
//!
//! `cargo bench --bench store` prints a line per number of writers: operations a second, p99 in milliseconds, and the
//! store's share of the bare committer's. `WRITES` sets how many writes each measurement makes; `TMPDIR` the disk.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use frontdesk::base::{SystemClock, TenantId};
use frontdesk::store::{self, Index, Keyspace, Store, StoreOptions, tables};
use redb::{Database, ReadableDatabase as _, TableDefinition};

const WRITERS: [usize; 4] = [1, 4, 16, 64];
const VALUE_BYTES: usize = 400;
/// Changes of one commit of the bare committer: as the store.
const BATCH_MAX: usize = 256;
const CACHE_BYTES: usize = 8 << 20;

static BY_FIRST: Index<Rows, u64> = Index::many("bench.row.by_first", |_, row: &Bytes| {
    Some(u64::from_be_bytes(row.get(..8)?.try_into().ok()?))
});

tables! {
    Rows = "bench.row": u64 => Bytes, [BY_FIRST];
}

const BARE_ROWS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("bench.row");
const BARE_INDEX: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("bench.row.by_first");

fn main() {
    let writes = std::env::var("WRITES").ok().and_then(|text| text.parse().ok()).unwrap_or(6_000);
    for writers in WRITERS {
        let each = (if writers == 1 { writes / 3 } else { writes } / writers as u64).max(1);
        let alone = measured(|| bare_alone(writers, each));
        let queued = measured(|| bare_queued(writers, each));
        let ours = measured(|| ours(writers, each));
        println!(
            "{writers:>2} writers: redb alone {alone}; redb with one committer {queued}; store {ours}; store / committer {:.2}",
            ours.per_second / queued.per_second
        );
    }
}

/// What a measurement came to.
struct Figure {
    per_second: f64,
    p99_ms: f64,
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0}/s p99 {:.1} ms", self.per_second, self.p99_ms)
    }
}

/// The best of three, as other work on the machine only ever slows it down.
fn measured(run: impl Fn() -> (Duration, Vec<Duration>)) -> Figure {
    let figures = (0..3).map(|_| {
        let (total, mut times) = run();
        times.sort_unstable();
        let p99 = times[times.len() * 99 / 100];
        Figure { per_second: times.len() as f64 / total.as_secs_f64(), p99_ms: p99.as_secs_f64() * 1e3 }
    });
    figures.max_by(|one, other| one.per_second.total_cmp(&other.per_second)).unwrap()
}

/// A key that no two writes share and that does not only grow, and a row that begins with another number.
fn row(number: u64) -> (u64, Vec<u8>) {
    let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut value = vec![0x5a; VALUE_BYTES];
    value[..8].copy_from_slice(&key.rotate_left(17).to_be_bytes());
    (key, value)
}

fn ours(writers: usize, each: u64) -> (Duration, Vec<Duration>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default(), Arc::new(SystemClock)).unwrap();
    let keyspace = store.tenant(TenantId::from_bytes([1; 16])).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let numbers = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let times = runtime.block_on(async {
        let tasks: Vec<_> =
            (0..writers).map(|_| tokio::spawn(write_many(keyspace.clone(), numbers.clone(), each))).collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await.unwrap());
        }
        times
    });
    (begun.elapsed(), times)
}

async fn write_many(keyspace: Keyspace, numbers: Arc<AtomicU64>, each: u64) -> Vec<Duration> {
    let mut times = Vec::with_capacity(each as usize);
    for _ in 0..each {
        let (key, value) = row(numbers.fetch_add(1, Ordering::Relaxed));
        let value = Bytes::from(value);
        let begun = Instant::now();
        keyspace.write(move |tx| Ok::<_, store::Error>(tx.put::<Rows>(&key, &value)?)).await.unwrap();
        times.push(begun.elapsed());
    }
    times
}

fn bare_database(folder: &std::path::Path) -> Database {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    let database = builder.create(folder.join("bare.redb")).unwrap();
    bare_commit(&database, &[]);
    database.begin_read().unwrap().open_table(BARE_ROWS).unwrap();
    database
}

/// Puts the rows and their index entries as the store does, and makes them durable as the store does.
fn bare_commit(database: &Database, numbers: &[u64]) {
    let mut transaction = database.begin_write().unwrap();
    transaction.set_quick_repair(true);
    {
        let mut rows = transaction.open_table(BARE_ROWS).unwrap();
        let mut index = transaction.open_table(BARE_INDEX).unwrap();
        for number in numbers {
            let (key, value) = row(*number);
            rows.insert(key.to_be_bytes().as_slice(), value.as_slice()).unwrap();
            let entry = [&value[..8], &key.to_be_bytes()].concat();
            index.insert(entry.as_slice(), key.to_be_bytes().as_slice()).unwrap();
        }
    }
    transaction.commit().unwrap();
}

/// Each writer is a thread.
fn threads(writers: usize, each: u64, write: impl Fn(u64) + Sync) -> (Duration, Vec<Duration>) {
    let numbers = AtomicU64::new(0);
    let one = || {
        let mut times = Vec::with_capacity(each as usize);
        for _ in 0..each {
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            let begun = Instant::now();
            write(number);
            times.push(begun.elapsed());
        }
        times
    };
    let begun = Instant::now();
    let times = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..writers).map(|_| scope.spawn(one)).collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    });
    (begun.elapsed(), times)
}

fn bare_alone(writers: usize, each: u64) -> (Duration, Vec<Duration>) {
    let folder = tempfile::tempdir().unwrap();
    let database = bare_database(folder.path());
    threads(writers, each, |number| bare_commit(&database, &[number]))
}

type Waiting = (u64, SyncSender<()>);

fn bare_queued(writers: usize, each: u64) -> (Duration, Vec<Duration>) {
    let folder = tempfile::tempdir().unwrap();
    let database = bare_database(folder.path());
    let (queue, waiting) = sync_channel::<Waiting>(1_024);
    std::thread::scope(|scope| {
        let database = &database;
        scope.spawn(move || commit_what_waits(database, &waiting));
        // Moved in, so that the committer ends with the last writer.
        let queue = queue;
        threads(writers, each, |number| {
            let (done, answer) = sync_channel(1);
            queue.send((number, done)).unwrap();
            answer.recv().unwrap();
        })
    })
}

fn commit_what_waits(database: &Database, waiting: &Receiver<Waiting>) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(BATCH_MAX - 1));
        let numbers: Vec<_> = batch.iter().map(|(number, _)| *number).collect();
        bare_commit(database, &numbers);
        batch.into_iter().for_each(|(_, done)| done.send(()).unwrap());
    }
}
