//! Two hundred answers at a time against one real store.

use super::*;

const ANSWERS: u8 = 200;
const AMOUNT: u64 = 100;

/// The most that any transaction has seen spent and set aside together.
type Highest = Arc<Mutex<u64>>;

/// One answer as the job writes it: ask, call, settle; which of them were granted.
async fn answers(
    desk: &Desk,
    messages: std::ops::Range<u8>,
    highest: &Highest,
    cost: fn(u8) -> u64,
) -> Vec<u8> {
    let mut running = tokio::task::JoinSet::new();
    for message in messages {
        let (keyspace, budgets, highest) = (desk.keyspace.clone(), desk.budgets.clone(), highest.clone());
        running.spawn(async move {
            let asking = budgets.clone();
            let asked =
                keyspace.write(move |tx| asking.reserve(tx, start(), subject(message), Micros(AMOUNT)));
            if !matches!(asked.await.unwrap(), Outcome::Reserved(_)) {
                return None;
            }
            for _ in 0..message % 7 {
                tokio::task::yield_now().await;
            }
            let settled = keyspace.write(move |tx| {
                let day = budgets.view(tx, start(), Pass::appliance("a test looks on"))?.day;
                let gone = day.spent_micros.0 + day.reserved_micros.0;
                let mut seen = highest.lock();
                *seen = seen.max(gone);
                budgets.settle(tx, start(), subject(message), &call(message % 3, cost(message)))
            });
            settled.await.unwrap().new.then_some(message)
        });
    }
    running.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_answers_at_a_time_never_overspend() {
    let limit = 60 * AMOUNT;
    let desk = Desk::open(None, limited(limit, 10 * limit));
    let highest = Highest::default();
    let granted = answers(&desk, 0..ANSWERS, &highest, |message| u64::from(message) % (AMOUNT + 1)).await;
    let seen = *highest.lock();
    assert!(granted.len() >= 60, "{}", granted.len());
    assert!(seen <= limit, "{seen} of {limit}");
    let spent: u64 = granted.iter().map(|message| u64::from(*message) % (AMOUNT + 1)).sum();
    assert_eq!(desk.cost(&Scope::Tenant), spent);
    assert!(spent <= limit);
    let books = desk.audit();
    assert_eq!((books.charges.len(), books.reservations.len()), (granted.len(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_that_ask_at_once_exactly_those_that_fit_are_granted() {
    let desk = Desk::open(None, limited(7 * AMOUNT + AMOUNT / 2, u64::MAX));
    let mut asking = tokio::task::JoinSet::new();
    for message in 0..ANSWERS {
        let (keyspace, budgets) = (desk.keyspace.clone(), desk.budgets.clone());
        asking.spawn(async move {
            keyspace
                .write(move |tx| budgets.reserve(tx, start(), subject(message), Micros(AMOUNT)))
                .await
                .unwrap()
        });
    }
    let outcomes = asking.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Reserved(_))).count(), 7);
    assert_eq!(desk.audit().reservations.len(), 7);
    let refusals = desk.told.lock().iter().filter(|alert| alert.cause == AlertCause::Refused).count();
    assert_eq!(refusals, 1, "193 refusals are told once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_costs_more_than_was_set_aside_is_booked_in_full() {
    let limit = 20 * AMOUNT;
    let desk = Desk::open(None, limited(limit, limit));
    let granted = answers(&desk, 0..ANSWERS, &Highest::default(), |_| AMOUNT + 30).await;
    let spent = u64::try_from(granted.len()).unwrap() * (AMOUNT + 30);
    assert_eq!(desk.cost(&Scope::Tenant), spent);
    let excess = u64::try_from(granted.len()).unwrap() * 30;
    assert!(spent <= limit + excess, "only the excess itself passes the limit");
    desk.audit();
}
