//! What the books promise, with an auditor who adds everything up again.

mod behaviour;
mod concurrency;
mod crashes;
mod properties;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::alert::Alerts;
use super::ledger::{Charges, Totals, Usages};
use super::reserve::{Reservations, Reserved};
use super::*;
use crate::ai::Usage;
use crate::base::{Call, ConversationId, DocumentId, MessageId, Micros, SystemClock, TenantId, Timestamp};
use crate::identity::Pass;
use crate::jobs::news::News;
use crate::store::crash::CrashDisks;
use crate::store::{Extensions, Key as _, Keyspace, Read, Scan, Store, StoreOptions};

const ROWS_MAX: usize = 100_000;
/// 2026-01-30, noon in UTC.
const START_MILLIS: u64 = 1_769_774_400_000;

fn start() -> Timestamp {
    Timestamp::from_millis(START_MILLIS)
}

fn tenant() -> TenantId {
    TenantId::from_bytes([7; 16])
}

/// A tenant's keyspace, its budget, and what was told.
struct Desk {
    _folder: tempfile::TempDir,
    _store: Store,
    keyspace: Keyspace,
    budgets: Budgets,
    told: Arc<Mutex<Vec<Alert>>>,
}

fn limited(day: u64, month: u64) -> Budget {
    let limit = |micros| Limit::Micros(Micros(micros));
    Budget { day_limit: limit(day), month_limit: limit(month), ..Budget::default() }
}

impl Desk {
    fn open(disks: Option<CrashDisks>, budget: Budget) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let hear = told.clone();
        let news = News::new().announce::<BudgetAlerted>(move |_, event| hear.lock().push(event.alert));
        let extensions = Extensions::default().with(Arc::new(news));
        let options = StoreOptions { extensions, crash_disks: disks, ..StoreOptions::default() };
        let store = Store::open(folder.path(), options, Arc::new(SystemClock)).unwrap();
        let keyspace = store.tenant(tenant()).unwrap();
        Self { _folder: folder, _store: store, keyspace, budgets: Budgets::new(budget), told }
    }

    fn reserve(&self, now: Timestamp, message: u8, amount: u64) -> Result<Outcome, Error> {
        let budgets = self.budgets.clone();
        self.keyspace.write_blocking(move |tx| budgets.reserve(tx, now, cause(message), Micros(amount)))
    }

    fn charge(&self, now: Timestamp, message: u8, cost: u64) -> Result<(), Error> {
        let budgets = self.budgets.clone();
        self.keyspace.write_blocking(move |tx| budgets.charge(tx, now, cause(message), &call(0, cost)))
    }

    fn settle(&self, now: Timestamp, message: u8, provider: u8, cost: u64) -> Result<Settled, Error> {
        let budgets = self.budgets.clone();
        self.keyspace.write_blocking(move |tx| budgets.settle(tx, now, cause(message), &call(provider, cost)))
    }

    fn release(&self, message: u8) -> Result<bool, Error> {
        let budgets = self.budgets.clone();
        self.keyspace.write_blocking(move |tx| budgets.release(tx, cause(message)))
    }

    fn sweep(&self, now: Timestamp) -> Result<usize, Error> {
        self.keyspace.write_blocking(move |tx| sweep::release_left(tx, now))
    }

    fn change(&self, now: Timestamp, own: OwnBudget) -> Result<BudgetView, Error> {
        let budgets = self.budgets.clone();
        let pass = Pass::appliance("a test changes the budget");
        self.keyspace.write_blocking(move |tx| budgets.change(tx, &Call::appliance(now), pass, &own))
    }

    fn view(&self, now: Timestamp) -> BudgetView {
        let pass = Pass::appliance("a test reads the budget");
        self.keyspace.read(|tx| self.budgets.view(tx, now, pass)).unwrap()
    }

    fn spent(&self, scope: &Scope) -> Total {
        self.keyspace.read(|tx| spent(tx, Pass::appliance("a test reads"), scope)).unwrap()
    }

    fn cost(&self, scope: &Scope) -> u64 {
        self.spent(scope).cost.0
    }

    fn audit(&self) -> Books {
        self.keyspace.read(audit).unwrap()
    }
}

fn subject(message: u8) -> Subject {
    Subject {
        conversation: ConversationId::from_bytes([message / 2; 16]),
        message: MessageId::from_bytes([message; 16]),
    }
}

/// From 100 on it is no message: a document, a search, or embedding anew.
fn cause(number: u8) -> Cause {
    match number {
        0..100 => subject(number).into(),
        100..110 => Cause::Document(DocumentId::from_bytes([number; 16])),
        110..120 => Cause::Search(u128::from(number) << 64),
        _ => Cause::Reembedding,
    }
}

fn usage(cost: u64) -> Usage {
    Usage { input_tokens: cost * 3, output_tokens: cost, cached_tokens: Some(cost / 2), ..Usage::default() }
}

/// Two providers, three models.
fn call(provider: u8, cost: u64) -> NewCharge {
    NewCharge {
        provider: format!("provider {}", provider.min(1)),
        model: format!("model {provider}"),
        tier: "premium".into(),
        usage: usage(cost),
        cost: Micros(cost),
    }
}

fn after(hours: u64) -> Timestamp {
    start().plus(Duration::from_secs(hours * 3_600))
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

/// The rows that totals are made from, once everything adds up.
struct Books {
    charges: Vec<(Item, Charge)>,
    reservations: BTreeMap<Item, Reservation>,
    alerts: Vec<Alert>,
}

/// Adds every charge and reservation up again and compares with every row that says a sum.
fn audit(tx: &impl Read) -> Result<Books, Error> {
    let all = Scan::all(ROWS_MAX);
    let (mut totals, mut usages) = (BTreeMap::new(), BTreeMap::new());
    let charges = tx.scan::<Charges>(&all)?;
    for ((item, _), charge) in &charges {
        let id = || item.to_bytes().try_into().unwrap();
        let own = match charge.purpose {
            Purpose::Message => Scope::Message(MessageId::from_bytes(id())),
            Purpose::Document => Scope::Document(DocumentId::from_bytes(id())),
            Purpose::Reembedding => Scope::Reembedding,
            Purpose::Search => Scope::Searches,
        };
        let (provider, model) = (charge.provider.clone(), charge.model.clone());
        let scopes = [
            Scope::Tenant,
            own,
            Scope::Provider(provider.clone()),
            Scope::Model(provider.clone(), model.clone()),
            Scope::Period(Period::day(charge.day)),
            Scope::Period(Period::month(charge.day)),
        ];
        for scope in scopes.into_iter().chain(charge.conversation.map(Scope::Conversation)) {
            let sum: &mut Total = totals.entry(scope).or_default();
            *sum = sum.plus(&charge.usage, charge.cost);
        }
        let sum: &mut Total = usages.entry((charge.day, provider, model)).or_default();
        *sum = sum.plus(&charge.usage, charge.cost);
    }
    assert_eq!(tx.scan::<Totals>(&all)?.into_iter().collect::<BTreeMap<_, _>>(), totals);
    assert_eq!(tx.scan::<Usages>(&all)?.into_iter().collect::<BTreeMap<_, _>>(), usages);
    let reservations: BTreeMap<_, _> = tx.scan::<Reservations>(&all)?.into_iter().collect();
    let mut reserved = BTreeMap::new();
    for row in reservations.values() {
        for period in Period::both(row.day) {
            reserved.entry(period).or_insert(Micros::ZERO).0 += row.amount.0;
        }
    }
    assert_eq!(tx.scan::<Reserved>(&all)?.into_iter().collect::<BTreeMap<_, _>>(), reserved);
    let charges = charges.into_iter().map(|((item, _), charge)| (item, charge)).collect();
    let alerts = tx.scan::<Alerts>(&all)?.into_iter().map(|(_, alert)| alert).collect();
    Ok(Books { charges, reservations, alerts })
}
