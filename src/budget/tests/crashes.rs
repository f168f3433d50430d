//! What is left of each operation after the power fails: all of it or nothing, and the job that runs again puts it right.

use super::*;
use crate::store::KeyspaceId;

fn charged(desk: &Desk, message: u8) -> usize {
    desk.audit().charges.iter().filter(|(id, _)| *id == Item::from(subject(message).message)).count()
}

/// Every durable operation, as jobs that run again would repeat them; how many were acknowledged.
fn work(desk: &Desk) -> Result<(), (usize, Error)> {
    let own = OwnBudget { day_limit_micros: Some(Limit::Micros(Micros(1_000))), ..OwnBudget::default() };
    let steps: [&dyn Fn() -> Result<(), Error>; 8] = [
        &|| desk.change(start(), own.clone()).map(drop),
        &|| desk.reserve(start(), 1, 600).map(drop),
        &|| if charged(desk, 1) == 0 { desk.charge(start(), 1, 100) } else { Ok(()) },
        &|| desk.settle(start(), 1, 1, 500).map(drop),
        &|| desk.reserve(start(), 2, 350).map(drop),
        &|| desk.release(2).map(drop),
        &|| desk.reserve(start(), 3, 50).map(drop),
        &|| desk.sweep(after(1)).map(drop),
    ];
    steps.iter().enumerate().try_for_each(|(done, step)| step().map_err(|error| (done, error)))
}

#[test]
fn whatever_sync_the_power_fails_after_the_books_add_up_and_the_work_is_done_once() {
    let mut stopped = 0;
    for survivors in [0, u64::MAX, 0x6996_3cc3_0ff0_55aa] {
        for stop_after in 0..24 {
            let disks = CrashDisks::default();
            let desk = Desk::open(Some(disks.clone()), Budget::default());
            disks.disk(KeyspaceId::Tenant(tenant())).stop_after_syncs(stop_after);
            let acknowledged = work(&desk).map_or_else(|(done, _)| done, |()| 8);
            stopped += usize::from(acknowledged < 8);
            drop(desk);
            let desk = Desk::open(Some(disks.after_crash(survivors)), Budget::default());
            let books = desk.audit();
            let expected = match acknowledged {
                0..=1 => 0..=0,
                2 => 0..=1,
                3 => 1..=2,
                _ => 2..=2,
            };
            assert!(expected.contains(&books.charges.len()), "{} after {acknowledged}", books.charges.len());
            work(&desk).unwrap();
            let books = desk.audit();
            assert_eq!(books.charges.len(), 2);
            assert_eq!(desk.cost(&Scope::Tenant), 600);
            assert!(books.reservations.is_empty());
            assert_eq!(books.alerts.len(), 1, "half of the day's limit, once: {:?}", books.alerts);
        }
    }
    assert!(stopped > 20, "the power failed within the work only {stopped} times");
}
