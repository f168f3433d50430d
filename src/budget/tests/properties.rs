//! Any sequence of operations, repetitions and crashes against the books as a person would keep them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::store::KeyspaceId;

const DAY_LIMIT: u64 = 100;
const MONTH_LIMIT: u64 = 250;

#[derive(Debug, Clone, Copy)]
enum Step {
    Reserve { message: u8, amount: u64 },
    Charge { message: u8, cost: u64 },
    Settle { message: u8, provider: u8, cost: u64 },
    Release { message: u8 },
    Sweep,
    Wait { hours: u64 },
}

/// What happens to the process around a step.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Lives,
    /// The job runs again though the step was done.
    Repeats,
    /// The power fails once the step is acknowledged.
    CrashesAfter,
    /// The power fails within the step, after so many syncs; the job runs again.
    CrashesWithin {
        syncs: u64,
        survivors: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<(Step, Fate)>> {
    let message = prop_oneof![4 => 0u8..5, 1 => Just(100u8), 1 => Just(101), 1 => 110u8..112, 1 => Just(120)];
    let step = prop_oneof![
        4 => (message.clone(), 0u64..70).prop_map(|(message, amount)| Step::Reserve { message, amount }),
        1 => (message.clone(), 0u64..40).prop_map(|(message, cost)| Step::Charge { message, cost }),
        3 => (message.clone(), 0u8..3, 0u64..90)
            .prop_map(|(message, provider, cost)| Step::Settle { message, provider, cost }),
        1 => message.prop_map(|message| Step::Release { message }),
        1 => Just(Step::Sweep),
        2 => prop::sample::select(vec![1u64, 7, 24]).prop_map(|hours| Step::Wait { hours }),
    ];
    let fate = prop_oneof![
        6 => Just(Fate::Lives),
        3 => Just(Fate::Repeats),
        1 => Just(Fate::CrashesAfter),
        2 => (0u64..4, any::<u64>()).prop_map(|(syncs, survivors)| Fate::CrashesWithin { syncs, survivors }),
    ];
    prop::collection::vec((step, fate), 1..24)
}

/// The books as a person would keep them.
#[derive(Default)]
struct Ledger {
    booked: Vec<(u8, u64, Day)>,
    held: BTreeMap<u8, (u64, Timestamp, Day)>,
    settled: BTreeSet<u8>,
    refused: BTreeSet<Period>,
}

impl Ledger {
    fn spent(&self, period: Period) -> u64 {
        let within = self.booked.iter().filter(|(_, _, day)| Period::both(*day).contains(&period));
        within.map(|(_, cost, _)| cost).sum()
    }

    fn reserved(&self, period: Period) -> u64 {
        let within = self.held.values().filter(|(_, _, day)| Period::both(*day).contains(&period));
        within.map(|(amount, ..)| amount).sum()
    }

    fn reserve(&mut self, now: Timestamp, message: u8, amount: u64) -> &'static str {
        let today = today(now);
        if self.settled.contains(&message) {
            return "settled";
        }
        let found = self.held.remove(&message);
        let same = found.is_some_and(|(held, _, day)| held == amount && day == today);
        let limits = [(Period::day(today), DAY_LIMIT), (Period::month(today), MONTH_LIMIT)];
        let over =
            |(period, limit): &(Period, u64)| self.spent(*period) + self.reserved(*period) + amount > *limit;
        let refusing = limits.iter().rfind(|limit| over(limit));
        if let Some((period, _)) = refusing
            && !same
            && amount > 0
        {
            self.refused.insert(*period);
            return "refused";
        }
        if amount > 0 {
            self.held.insert(message, (amount, now, today));
        }
        "reserved"
    }

    fn charge(&mut self, now: Timestamp, message: u8, cost: u64) {
        let day = self.held.get(&message).map_or_else(|| today(now), |(_, _, day)| *day);
        self.booked.push((message, cost, day));
    }

    fn settle(&mut self, now: Timestamp, message: u8, cost: u64) {
        if self.settled.insert(message) {
            self.charge(now, message, cost);
            self.held.remove(&message);
        }
    }

    fn agrees(&self, desk: &Desk) {
        let books = desk.audit();
        let told: BTreeMap<Item, u64> =
            self.booked.iter().fold(BTreeMap::new(), |mut sums, (message, cost, _)| {
                *sums.entry(cause(*message).booked_under()).or_default() += cost;
                sums
            });
        let found = books.charges.iter().fold(BTreeMap::new(), |mut sums, (item, charge)| {
            *sums.entry(*item).or_default() += charge.cost.0;
            sums
        });
        assert_eq!(found, told, "money was lost or made");
        assert_eq!(books.charges.len(), self.booked.len());
        assert_eq!(desk.cost(&Scope::Tenant), told.values().sum::<u64>());
        let held = self
            .held
            .iter()
            .map(|(message, (amount, at, day))| (Item::from(cause(*message)), *amount, *at, *day));
        let rows = books.reservations.iter();
        let rows: BTreeSet<_> = rows.map(|(item, row)| (*item, row.amount.0, row.at, row.day)).collect();
        assert_eq!(rows, held.collect::<BTreeSet<_>>());
        self.alerts_agree(&books);
    }

    /// Each threshold that was reached has its alert, once, and no other has.
    fn alerts_agree(&self, books: &Books) {
        let mut expected = BTreeSet::new();
        for (_, _, day) in &self.booked {
            for (period, limit) in Period::both(*day).into_iter().zip([DAY_LIMIT, MONTH_LIMIT]) {
                let spent = self.spent(period);
                let reached =
                    [50u8, 80, 100].into_iter().filter(|percent| spent * 100 >= limit * u64::from(*percent));
                expected.extend(reached.filter(|_| spent > 0).map(|percent| (period, Some(percent))));
            }
        }
        expected.extend(self.refused.iter().map(|period| (*period, None)));
        let place = |alert: &Alert| (Period { kind: alert.period, first: alert.starts_on }, alert.percent);
        let found: Vec<_> = books.alerts.iter().map(place).collect();
        assert_eq!(found.len(), expected.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

fn today(now: Timestamp) -> Day {
    Day::at(now, &jiff::tz::TimeZone::UTC)
}

/// One step on the store alone; what a reservation was answered with.
fn act(desk: &Desk, now: Timestamp, step: Step) -> Result<&'static str, Error> {
    match step {
        Step::Reserve { message, amount } => {
            return Ok(match desk.reserve(now, message, amount)? {
                Outcome::Reserved(_) => "reserved",
                Outcome::Refused(_) => "refused",
                Outcome::Settled(_) => "settled",
            });
        }
        Step::Charge { message, cost } => desk.charge(now, message, cost)?,
        Step::Settle { message, provider, cost } => drop(desk.settle(now, message, provider, cost)?),
        Step::Release { message } => drop(desk.release(message)?),
        Step::Sweep => drop(desk.sweep(now)?),
        Step::Wait { .. } => {}
    }
    Ok("")
}

fn note(ledger: &mut Ledger, now: &mut Timestamp, step: Step) -> &'static str {
    match step {
        Step::Reserve { message, amount } => return ledger.reserve(*now, message, amount),
        Step::Charge { message, cost } => ledger.charge(*now, message, cost),
        Step::Settle { message, cost, .. } => ledger.settle(*now, message, cost),
        Step::Release { message } => drop(ledger.held.remove(&message)),
        Step::Sweep => ledger.held.retain(|_, (_, at, _)| now.since(*at) < KEPT),
        Step::Wait { hours } => *now = now.plus(Duration::from_secs(hours * 3_600)),
    }
    ""
}

fn run(steps: Vec<(Step, Fate)>) {
    let mut disks = CrashDisks::default();
    let budget = limited(DAY_LIMIT, MONTH_LIMIT);
    let mut desk = Desk::open(Some(disks.clone()), budget.clone());
    let (mut ledger, mut now) = (Ledger::default(), start());
    for (step, fate) in steps {
        let reopen = |disks: &mut CrashDisks, survivors: u64| {
            *disks = disks.after_crash(survivors);
            Desk::open(Some(disks.clone()), budget.clone())
        };
        // Booking a call that broke is the one step that is a new charge each time.
        let repeatable = !matches!(step, Step::Charge { .. } | Step::Wait { .. });
        let before = now;
        let expected = note(&mut ledger, &mut now, step);
        match fate {
            Fate::CrashesWithin { syncs, survivors } if repeatable => {
                disks.disk(KeyspaceId::Tenant(tenant())).stop_after_syncs(syncs);
                // Acknowledged or not, the job does not know after the crash.
                let _ = act(&desk, before, step);
                desk = reopen(&mut disks, survivors);
            }
            _ => assert_eq!(act(&desk, before, step).unwrap(), expected, "{step:?}"),
        }
        match fate {
            Fate::CrashesAfter => desk = reopen(&mut disks, 0),
            Fate::Repeats | Fate::CrashesWithin { .. } if repeatable => {
                let again = act(&desk, before, step).unwrap();
                assert_eq!(again, expected, "{step:?} again");
            }
            _ => {}
        }
        ledger.agrees(&desk);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn money_is_never_lost_or_made(steps in steps()) {
        run(steps);
    }
}
