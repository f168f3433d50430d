//! Blobs are whole, one for the same bytes, and there exactly as long as somebody needs them.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;

use super::*;
use crate::base::{Clock as _, SystemClock, TenantId, Timestamp};
use crate::jobs;
use crate::store::{self, Keyspace, Store, StoreOptions};

fn now() -> Timestamp {
    SystemClock.now()
}

struct Scratch {
    _folder: tempfile::TempDir,
    keyspace: Keyspace,
}

fn scratch() -> Scratch {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default(), Arc::new(SystemClock)).unwrap();
    let keyspace = store.tenant(TenantId::new(SystemClock.now())).unwrap();
    Scratch { _folder: folder, keyspace }
}

fn blobs(keyspace: &Keyspace) -> usize {
    walkdir::WalkDir::new(keyspace.folder().join("files"))
        .into_iter()
        .filter(|entry| entry.as_ref().unwrap().file_type().is_file())
        .count()
}

#[tokio::test]
async fn the_same_bytes_are_one_file_and_come_back_as_they_were() {
    let scratch = scratch();
    let keyspace = &scratch.keyspace;
    let one = put(keyspace, now(), Bytes::from_static(b"words")).await.unwrap();
    let pieces = stream::iter([b"wo".as_slice(), b"", b"rds"].map(|piece| Ok(Bytes::from_static(piece))));
    let two = put_stream(keyspace, now(), pieces, 5).await.unwrap();
    assert_eq!((one.hash(), one.size_bytes(), one.head()), (two.hash(), 5, b"words".as_slice()));
    assert_eq!(blobs(keyspace), 1);
    assert_eq!(read(keyspace, one.hash(), 5).await.unwrap(), "words");
    assert!(matches!(read(keyspace, one.hash(), 4).await, Err(Error::TooLarge { bytes_max: 4 })));
    assert_eq!(open(keyspace, one.hash()).await.unwrap().1, 5);
}

#[tokio::test]
async fn what_is_too_large_or_breaks_off_leaves_nothing() {
    let scratch = scratch();
    let keyspace = &scratch.keyspace;
    let long = stream::iter((0..100).map(|_| Ok(Bytes::from_static(b"words"))));
    assert!(matches!(put_stream(keyspace, now(), long, 99).await, Err(Error::TooLarge { bytes_max: 99 })));
    let broken = stream::iter([Ok(Bytes::from_static(b"wo")), Err(std::io::ErrorKind::BrokenPipe.into())]);
    assert!(matches!(put_stream(keyspace, now(), broken, 99).await, Err(Error::Interrupted(_))));
    assert_eq!(blobs(keyspace), 0);
}

#[tokio::test]
async fn a_damaged_or_missing_file_is_never_handed_out_and_is_mended_by_putting_it_again() {
    let scratch = scratch();
    let keyspace = &scratch.keyspace;
    let stored = put(keyspace, now(), Bytes::from_static(b"words")).await.unwrap();
    std::fs::write(stored.hash().path(keyspace.folder()), b"w0rds").unwrap();
    assert!(matches!(read(keyspace, stored.hash(), 9).await, Err(Error::Damaged { .. })));
    assert!(matches!(open(keyspace, stored.hash()).await, Err(Error::Damaged { .. })));
    put(keyspace, now(), Bytes::from_static(b"words")).await.unwrap();
    assert!(read(keyspace, stored.hash(), 9).await.is_ok());
    assert!(matches!(read(keyspace, BlobHash::of(b"other"), 9).await, Err(Error::Missing { .. })));
}

#[tokio::test]
async fn a_file_stays_while_it_is_pinned_or_needed_and_goes_with_the_last_need() {
    let scratch = scratch();
    let keyspace = &scratch.keyspace;
    let stored = put(keyspace, now(), Bytes::from_static(b"words")).await.unwrap();
    let hash = stored.hash();
    assert_eq!(sweep(keyspace).unwrap(), Swept { removed: 0, kept: 1 }, "pinned");
    let needed = stored.clone();
    let refer_both = move |tx: &mut store::WriteTx<'_>| -> Result<(), store::Error> {
        refer(tx, &needed, "a")?;
        refer(tx, &needed, "b")
    };
    keyspace.write(refer_both).await.unwrap();
    drop(stored);
    assert_eq!(sweep(keyspace).unwrap(), Swept { removed: 0, kept: 1 }, "needed");
    let waiting = || keyspace.read(|tx| jobs::waiting(tx, 10)).unwrap();
    let before = waiting();
    keyspace.write(move |tx| release(tx, now(), hash, "a")).await.unwrap();
    assert_eq!(waiting(), before, "somebody still needs it");
    keyspace.write(move |tx| release(tx, now(), hash, "b")).await.unwrap();
    assert_eq!(waiting(), before + 1, "its removal is queued with the release");
    std::fs::write(keyspace.folder().join("files/new/left-by-a-crash"), b"wor").unwrap();
    assert_eq!(sweep(keyspace).unwrap(), Swept { removed: 2, kept: 0 });
}

#[tokio::test]
async fn a_file_whose_reference_was_never_committed_is_met_by_a_sweep_that_is_queued_already() {
    let scratch = scratch();
    let keyspace = &scratch.keyspace;
    let waiting = || keyspace.read(|tx| jobs::waiting(tx, 10)).unwrap();
    assert_eq!(waiting(), 0);
    drop(put(keyspace, now(), Bytes::from_static(b"words")).await.unwrap());
    assert_eq!(waiting(), 1);
    drop(put(keyspace, now(), Bytes::from_static(b"more words")).await.unwrap());
    assert_eq!(waiting(), 1);
    assert_eq!(sweep(keyspace).unwrap().removed, 2);
}

/// Row C4.
#[tokio::test]
async fn what_is_needed_counts_once_in_bytes_and_a_lost_count_is_made_anew() {
    let scratch = scratch();
    let keyspace = &scratch.keyspace;
    let words = put(keyspace, now(), Bytes::from_static(b"words")).await.unwrap();
    let more = put(keyspace, now(), Bytes::from_static(b"more words")).await.unwrap();
    let (hash, needed) = (words.hash(), [words, more]);
    keyspace
        .write(move |tx| {
            let [words, more] = &needed;
            refer(tx, words, "a")?;
            refer(tx, words, "b")?;
            refer(tx, more, "a")
        })
        .await
        .unwrap();
    assert_eq!(stored_bytes(keyspace).await.unwrap(), 15);
    keyspace.write(move |tx| release(tx, now(), hash, "a")).await.unwrap();
    assert_eq!(stored_bytes(keyspace).await.unwrap(), 15, "somebody still needs it");
    keyspace.write(|tx| store::Write::remove_bytes(tx, "files.total", &[]).map(drop)).await.unwrap();
    assert_eq!(stored_bytes(keyspace).await.unwrap(), 15);
    keyspace.write(move |tx| release(tx, now(), hash, "b")).await.unwrap();
    assert_eq!(stored_bytes(keyspace).await.unwrap(), 10);
}
