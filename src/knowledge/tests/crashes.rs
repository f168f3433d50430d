//! The power fails after any sync: what was acknowledged is finished at the next start, once, and nothing is left over.

use std::path::Path;
use std::time::Duration;

use super::desk::{Desk, call, tenant};
use crate::files;
use crate::identity::Pass;
use crate::knowledge::{DocumentState, delete};
use crate::store::KeyspaceId;
use crate::store::crash::CrashDisks;

const OLD: &str = "# Lamps\n\nA red lamp: the tank is empty.\n\n# Pumps\n\nA loud pump draws air.\n\n# Doors\n\nThe door has a \
                   magnet.\n";
const NEW: &str = "# Lamps\n\nA green lamp: the tank is full.\n\n# Pumps\n\nA loud pump draws air.\n";
const SURVIVORS: [u64; 3] = [0, u64::MAX, 0x5a5a_3c3c_0ff0_9669];

/// Runs jobs until none is left or the power fails; whether it did.
async fn work_until_the_power_fails(desk: &Desk, disks: &CrashDisks) -> bool {
    let disk = disks.disk(KeyspaceId::Tenant(tenant()));
    let running = desk.start();
    while desk.jobs_left() > 0 && !disk.has_failed() {
        tokio::task::yield_now().await;
    }
    running.stop(Duration::from_secs(60)).await;
    disk.has_failed()
}

/// Everything that is there is whole and there once.
async fn assert_sound(desk: &Desk, expected: Option<&str>) {
    files::sweep(&desk.keyspace).unwrap();
    let retrieval = desk.ask("lamp pump door").await;
    let documents = usize::from(expected.is_some());
    assert_eq!((desk.rows("knowledge.document"), desk.rows("search.group")), (documents, documents));
    assert_eq!((desk.rows("search.hidden"), desk.blobs()), (0, documents * 2));
    let passages = desk.rows("search.passage");
    assert_eq!((desk.rows("search.vector"), desk.rows("knowledge.place")), (passages, passages));
    assert_eq!((retrieval.explanation.indexed, retrieval.passages.len()), (passages, passages));
    if let Some(lamp) = expected {
        let document = desk.document("manual.md").unwrap();
        assert_eq!((document.state, document.chunks as usize), (DocumentState::Ready, passages));
        let lamps = retrieval.passages.iter().filter(|passage| passage.text.contains(" lamp: ")).count();
        assert!(lamps == 1 && retrieval.passages.iter().any(|passage| passage.text.contains(lamp)));
    } else {
        assert_eq!(passages, 0);
    }
}

/// Opens the data directory of a process that is gone.
fn reopen(folder: &Path, disks: &CrashDisks) -> Desk {
    Desk::open(folder, Some(disks.clone()))
}

#[derive(Clone, Copy, PartialEq)]
enum Act {
    Receive,
    Replace,
    Delete,
}

impl Act {
    /// Whether it was acknowledged.
    async fn perform(self, desk: &Desk) -> bool {
        match self {
            Self::Receive => desk.try_receive("manual.md", OLD.as_bytes()).await.is_ok(),
            Self::Replace => desk.try_receive("manual.md", NEW.as_bytes()).await.is_ok(),
            Self::Delete => {
                let id = desk.document("manual.md").unwrap().id;
                desk.keyspace
                    .write(move |tx| delete(tx, &call(), Pass::appliance("a test"), id))
                    .await
                    .is_ok()
            }
        }
    }

    /// What the lamp is then, and what it was before.
    fn outcomes(self) -> (Option<&'static str>, Option<&'static str>) {
        match self {
            Self::Receive => (Some("red"), None),
            Self::Replace => (Some("green"), Some("red")),
            Self::Delete => (None, Some("red")),
        }
    }
}

/// Whether the power failed before everything was done.
async fn crash_and_recover(act: Act, stop_after: u64) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let disks = CrashDisks::default();
    let desk = reopen(folder.path(), &disks);
    if act != Act::Receive {
        assert!(Act::Receive.perform(&desk).await);
        desk.work().await;
    }
    disks.disk(KeyspaceId::Tenant(tenant())).stop_after_syncs(stop_after);
    let acknowledged = act.perform(&desk).await;
    let failed = work_until_the_power_fails(&desk, &disks).await;
    drop(desk);

    let survivors = SURVIVORS[usize::try_from(stop_after).unwrap() % SURVIVORS.len()];
    let desk = reopen(folder.path(), &disks.after_crash(survivors));
    desk.work().await;
    let (after, before) = act.outcomes();
    let happened = desk.document("manual.md").is_some() == after.is_some()
        && (act != Act::Replace || desk.ask("green lamp").await.passages[0].text.contains("green"));
    assert!(happened || !acknowledged, "what was acknowledged is lost");
    assert_sound(&desk, if happened { after } else { before }).await;
    failed
}

async fn at_every_sync(act: Act) {
    let mut stop_after = 0;
    while crash_and_recover(act, stop_after).await {
        stop_after += 1;
        assert!(stop_after < 200, "it never comes to an end");
    }
    assert!(stop_after > 8, "only {stop_after} syncs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receiving_survives_a_power_failure_at_any_moment() {
    at_every_sync(Act::Receive).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_survives_a_power_failure_at_any_moment() {
    at_every_sync(Act::Replace).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_survives_a_power_failure_at_any_moment() {
    at_every_sync(Act::Delete).await;
}
