//! What each operation does, one story at a time.

use super::*;
use crate::base::{Clock, ManualClock, PageRequest};
use crate::jobs::{self, Runner, Wakeups};
use crate::store::Key as _;

fn refused(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn is_reserved(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Reserved(_))
}

#[test]
fn what_is_spent_and_set_aside_together_never_passes_a_limit() {
    let desk = Desk::open(None, limited(100, 1_000));
    assert!(is_reserved(&desk.reserve(start(), 1, 60).unwrap()));
    let refusal = refused(desk.reserve(start(), 2, 41).unwrap());
    assert_eq!((refusal.period, refusal.limit), (Period::day(day("2026-01-30")), Micros(100)));
    assert_eq!((refusal.spent, refusal.reserved), (Micros(0), Micros(60)));
    assert_eq!(refusal.resets_at, after(12));
    assert!(is_reserved(&desk.reserve(start(), 2, 40).unwrap()));
    desk.settle(start(), 1, 0, 10).unwrap();
    assert!(is_reserved(&desk.reserve(start(), 3, 50).unwrap()));
    assert_eq!(refused(desk.reserve(start(), 4, 1).unwrap()).spent, Micros(10));
    assert!(is_reserved(&desk.reserve(after(12), 4, 100).unwrap()), "the next day has a budget of its own");
    desk.audit();
}

#[test]
fn a_month_ends_with_its_last_day_where_the_tenant_is() {
    let desk = Desk::open(None, Budget { time_zone: "Europe/Berlin".into(), ..limited(1_000, 100) });
    desk.settle(start(), 1, 0, 100).unwrap();
    let refusal = refused(desk.reserve(after(34), 2, 1).unwrap());
    assert_eq!(refusal.period, Period::month(day("2026-01-01")));
    assert_eq!(refusal.resets_at, after(35), "midnight in Berlin is eleven in the evening in UTC");
    assert!(is_reserved(&desk.reserve(after(35), 2, 100).unwrap()));
}

#[test]
fn what_costs_nothing_is_always_granted_and_still_counted() {
    let desk = Desk::open(None, limited(0, 0));
    assert!(!is_reserved(&desk.reserve(start(), 1, 1).unwrap()));
    assert!(is_reserved(&desk.reserve(start(), 1, 0).unwrap()));
    let offers = [("premium", Micros(9)), ("local", Micros(0)), ("extractive", Micros(0))];
    let fitting =
        desk.keyspace.read(|tx| desk.budgets.affordable(tx, start(), subject(1).message, &offers)).unwrap();
    assert_eq!(fitting, ["local", "extractive"]);
    let settled = desk.settle(start(), 1, 0, 0).unwrap();
    assert_eq!((settled.total.calls, settled.total.cost), (1, Micros(0)));
    assert!(desk.audit().reservations.is_empty());
}

#[test]
fn the_dearest_offer_that_fits_is_found_without_counting_ones_own_reservation_twice() {
    let desk = Desk::open(None, limited(100, 100));
    desk.reserve(start(), 1, 60).unwrap();
    let offers = [('p', Micros(80)), ('m', Micros(45)), ('e', Micros(40)), ('x', Micros(0))];
    let fitting = |message: u8| {
        let message = subject(message).message;
        desk.keyspace.read(|tx| desk.budgets.affordable(tx, start(), message, &offers)).unwrap()
    };
    assert_eq!(fitting(2), ['e', 'x']);
    assert_eq!(fitting(1), ['p', 'm', 'e', 'x']);
}

#[test]
fn asking_again_finds_the_reservation_and_another_amount_replaces_it() {
    let desk = Desk::open(None, limited(100, 100));
    desk.reserve(start(), 1, 60).unwrap();
    assert!(is_reserved(&desk.reserve(after(1), 1, 60).unwrap()));
    assert_eq!(desk.view(start()).day.reserved_micros, Micros(60));
    assert!(is_reserved(&desk.reserve(after(1), 1, 90).unwrap()));
    assert_eq!(desk.view(start()).day.reserved_micros, Micros(90));
    assert!(!is_reserved(&desk.reserve(after(1), 1, 101).unwrap()));
    assert_eq!(desk.view(start()).day.reserved_micros, Micros(0), "a refusal leaves nothing set aside");
    desk.reserve(start(), 1, 60).unwrap();
    desk.reserve(after(12), 1, 60).unwrap();
    assert_eq!(desk.view(start()).day.reserved_micros, Micros(0), "it has moved on to the new day");
    assert_eq!(desk.view(after(12)).day.reserved_micros, Micros(60));
    assert!(desk.release(1).unwrap() && !desk.release(1).unwrap());
    desk.audit();
}

#[test]
fn a_message_is_charged_once_and_in_full() {
    let desk = Desk::open(None, limited(100, 100));
    desk.reserve(start(), 1, 10).unwrap();
    desk.charge(start(), 1, 4).unwrap();
    let first = desk.settle(start(), 1, 1, 500).unwrap();
    assert_eq!((first.new, first.total.cost), (true, Micros(504)));
    let again = desk.settle(after(1), 1, 1, 500).unwrap();
    assert_eq!((again.new, again.total), (false, first.total));
    assert_eq!(desk.reserve(after(1), 1, 10).unwrap(), Outcome::Settled(first.total));
    let books = desk.audit();
    assert_eq!((books.charges.len(), books.reservations.len()), (2, 0));
    let pass = Pass::appliance("a test reads");
    let listed = desk.keyspace.read(|tx| charges(tx, pass, subject(1).message)).unwrap();
    let costs: Vec<_> = listed.iter().map(|charge| (charge.provider.as_str(), charge.cost.0)).collect();
    assert_eq!(costs, [("provider 0", 4), ("provider 1", 500)]);
}

#[test]
fn a_charge_counts_in_the_day_that_it_was_reserved_on() {
    let desk = Desk::open(None, limited(100, 1_000));
    desk.reserve(after(11), 1, 80).unwrap();
    desk.settle(after(13), 1, 0, 70).unwrap();
    assert_eq!(desk.cost(&Scope::Period(Period::day(day("2026-01-30")))), 70);
    assert_eq!(desk.view(after(13)).day.spent_micros, Micros(0));
    desk.settle(after(13), 2, 0, 5).unwrap();
    assert_eq!(desk.view(after(13)).day.spent_micros, Micros(5), "what was not reserved counts today");
}

#[test]
fn each_scope_is_one_look_up() {
    let desk = Desk::open(None, Budget::default());
    for (message, provider, cost) in [(2, 0, 1), (3, 1, 20), (4, 2, 300)] {
        desk.settle(after(u64::from(message) * 6), message, provider, cost).unwrap();
    }
    assert_eq!(desk.cost(&Scope::Tenant), 321);
    assert_eq!(desk.cost(&Scope::Message(subject(3).message)), 20);
    assert_eq!(desk.cost(&Scope::Conversation(subject(3).conversation)), 21);
    assert_eq!(desk.cost(&Scope::Provider("provider 1".into())), 320);
    assert_eq!(desk.cost(&Scope::Model("provider 1".into(), "model 2".into())), 300);
    assert_eq!(desk.cost(&Scope::Period(Period::day(day("2026-01-31")))), 321);
    assert_eq!(desk.spent(&Scope::Period(Period::month(day("2026-01-31")))).calls, 3);
    for scope in [
        Scope::Tenant,
        Scope::Model("p\0".into(), String::new()),
        Scope::Conversation(subject(3).conversation),
        Scope::Document(DocumentId::from_bytes([9; 16])),
        Scope::Reembedding,
        Scope::Searches,
    ] {
        assert_eq!(Scope::from_bytes(&scope.to_bytes()), Some(scope));
    }
}

#[test]
fn usage_is_read_by_day_provider_and_model_in_pages() {
    let desk = Desk::open(None, Budget::default());
    for (hours, message, provider) in [(0, 1, 1), (0, 2, 0), (1, 3, 0), (24, 4, 2), (48, 5, 0)] {
        desk.settle(after(hours), message, provider, u64::from(message)).unwrap();
    }
    let read = |from: Option<&str>, to: Option<&str>, request: &PageRequest| {
        let range = (from.map(day), to.map(day));
        let pass = Pass::appliance("a test reads");
        desk.keyspace.read(|tx| desk.budgets.usage(tx, after(24), pass, range, request))
    };
    let two = PageRequest { after: None, limit: Some(2) };
    let first = read(None, None, &two).unwrap();
    let line = |row: &UsageView| format!("{} {} {} {}", row.day, row.model, row.calls, row.cost_micros.0);
    let lines = |rows: &[UsageView]| rows.iter().map(line).collect::<Vec<_>>();
    assert_eq!(lines(&first.items), ["2026-01-30 model 0 2 5", "2026-01-30 model 1 1 1"]);
    let rest = read(None, None, &PageRequest { after: first.next_cursor, limit: None }).unwrap();
    assert_eq!(lines(&rest.items), ["2026-01-31 model 2 1 4"], "February is not asked for");
    assert!(rest.next_cursor.is_none());
    let later = read(Some("2026-01-31"), Some("2026-02-01"), &PageRequest::default()).unwrap();
    assert_eq!(lines(&later.items), ["2026-01-31 model 2 1 4", "2026-02-01 model 0 1 5"]);
    assert!(matches!(read(Some("2026-02-01"), None, &two), Err(Error::RangeReversed)));
}

#[test]
fn each_threshold_is_told_once_in_a_period() {
    let desk = Desk::open(None, limited(100, 1_000));
    let told = |desk: &Desk| {
        let line = |alert: &Alert| (alert.period, alert.percent, alert.spent_micros.0);
        std::mem::take(&mut *desk.told.lock()).iter().map(line).collect::<Vec<_>>()
    };
    desk.settle(start(), 1, 0, 49).unwrap();
    assert_eq!(told(&desk), []);
    desk.settle(start(), 2, 0, 1).unwrap();
    desk.settle(start(), 3, 0, 1).unwrap();
    assert_eq!(told(&desk), [(PeriodKind::Day, Some(50), 50)]);
    desk.settle(start(), 4, 0, 49).unwrap();
    desk.settle(start(), 4, 0, 49).unwrap();
    assert_eq!(told(&desk), [(PeriodKind::Day, Some(80), 100), (PeriodKind::Day, Some(100), 100)]);
    desk.reserve(start(), 5, 1).unwrap();
    desk.reserve(start(), 6, 1).unwrap();
    assert_eq!(told(&desk), [(PeriodKind::Day, None, 100)], "the first refusal is told, and no other");
    desk.settle(after(12), 7, 0, 50).unwrap();
    assert_eq!(told(&desk), [(PeriodKind::Day, Some(50), 50)], "the next day is told anew");
    let shown = desk.view(after(12)).alerts;
    assert_eq!((shown.len(), shown[0].starts_on), (5, day("2026-01-31")));
}

#[test]
fn a_changed_limit_is_another_budget_that_tells_anew() {
    let desk = Desk::open(None, limited(100, 1_000));
    desk.settle(start(), 1, 0, 90).unwrap();
    desk.told.lock().clear();
    let limit =
        |micros| OwnBudget { day_limit_micros: Some(Limit::Micros(Micros(micros))), ..OwnBudget::default() };
    let view = desk.change(start(), limit(85)).unwrap();
    assert_eq!((view.day.limit_micros, view.month.limit_micros), (Some(Micros(85)), Some(Micros(1_000))));
    assert_eq!(desk.told.lock().iter().filter_map(|alert| alert.percent).collect::<Vec<_>>(), [50, 80, 100]);
    desk.told.lock().clear();
    desk.change(start(), limit(200)).unwrap();
    assert!(desk.told.lock().is_empty());
    desk.settle(start(), 2, 0, 20).unwrap();
    assert_eq!(desk.told.lock().iter().filter_map(|alert| alert.percent).collect::<Vec<_>>(), [50]);
    desk.told.lock().clear();
    desk.change(start(), limit(100)).unwrap();
    assert_eq!(desk.told.lock().iter().filter_map(|alert| alert.percent).collect::<Vec<_>>(), [100]);
}

#[test]
fn a_tenant_sets_its_own_budget_over_the_appliances_field_by_field() {
    let desk = Desk::open(None, limited(100, 1_000));
    let bad = OwnBudget { alert_percents: Some(vec![101]), ..OwnBudget::default() };
    assert!(matches!(desk.change(start(), bad), Err(Error::Field { .. })));
    assert_eq!(desk.view(start()).own, OwnBudget::default());
    let own = OwnBudget {
        day_limit_micros: Some(Limit::Unlimited),
        at_limit: Some(AtLimit::HandOver),
        time_zone: Some("America/New_York".into()),
        ..OwnBudget::default()
    };
    let view = desk.change(start(), own.clone()).unwrap();
    assert_eq!((view.day.limit_micros, view.month.limit_micros), (None, Some(Micros(1_000))));
    assert_eq!((view.at_limit, view.own), (AtLimit::HandOver, own));
    assert_eq!(view.day.resets_at, after(17));
    assert_eq!(desk.change(start(), OwnBudget::default()).unwrap().at_limit, AtLimit::Degrade);
}

#[test]
fn what_a_job_left_behind_is_given_back_and_what_is_renewed_stays() {
    let desk = Desk::open(None, limited(100, 100));
    desk.reserve(start(), 1, 10).unwrap();
    desk.reserve(start(), 2, 20).unwrap();
    desk.reserve(after(1), 2, 20).unwrap();
    assert_eq!(desk.keyspace.read(|tx| jobs::waiting(tx, 10)).unwrap(), 1, "one sweep for all of them");
    assert_eq!(desk.sweep(after(1)).unwrap(), 1);
    assert_eq!(
        desk.audit().reservations.keys().copied().collect::<Vec<_>>(),
        [Item::from(subject(2).message)]
    );
    assert_eq!(desk.sweep(after(2)).unwrap(), 1);
    assert_eq!(desk.view(after(2)).day.reserved_micros, Micros(0));
    desk.settle(after(2), 2, 0, 15).unwrap();
    assert_eq!(desk.cost(&Scope::Tenant), 15, "an answer that took too long is still booked");
}

#[tokio::test]
async fn the_next_start_gives_back_what_a_dead_process_left() {
    let (folder, wakeups) = (tempfile::tempdir().unwrap(), Arc::new(Wakeups::default()));
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(after(2)));
    let extensions = Extensions::default().with(wakeups.clone());
    let options = StoreOptions { extensions, ..StoreOptions::default() };
    let store = Arc::new(Store::open(folder.path(), options, clock.clone()).unwrap());
    wakeups.remember_in(store.system().clone());
    let (keyspace, budgets) = (store.tenant(tenant()).unwrap(), Budgets::new(limited(100, 100)));
    let asking = budgets.clone();
    keyspace.write(move |tx| asking.reserve(tx, start(), subject(1), Micros(10))).await.unwrap();
    let runner = Runner::new(store.clone(), clock, wakeups).with::<ReleaseLeft>(budgets);
    let running = runner.start().unwrap();
    while keyspace.read(|tx| jobs::waiting(tx, 1)).unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(keyspace.read(audit).unwrap().reservations.is_empty());
    running.stop(Duration::from_secs(5)).await;
}
