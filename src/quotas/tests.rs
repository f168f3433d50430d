//! Whose limit holds, and that it is kept where things are made.

use std::sync::Arc;

use super::*;
use crate::base::{Fault as _, ManualClock, TenantId, Timestamp};
use crate::store::{Extensions, Store, StoreOptions};

const APPLIANCE: Quotas =
    Quotas { members: Some(3), documents: Some(10), storage_bytes: None, conversations_per_month: None };

fn store(folder: &std::path::Path) -> (Store, Arc<QuotaBook>) {
    let book = Arc::new(QuotaBook::new(APPLIANCE));
    let options =
        StoreOptions { extensions: Extensions::default().with(book.clone()), ..StoreOptions::default() };
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1)));
    let store = Store::open(folder, options, clock).unwrap();
    book.read_in(store.system().clone());
    (store, book)
}

#[test]
fn a_tenants_own_quota_goes_before_the_appliances_and_zero_is_no_limit() {
    let own = OwnQuotas {
        members: Some(0),
        documents: None,
        storage_bytes: Some(5),
        conversations_per_month: None,
    };
    let holds = own.over(&APPLIANCE);
    assert_eq!((holds.members, holds.documents, holds.storage_bytes), (None, Some(10), Some(5)));
}

#[test]
fn a_change_holds_from_the_next_transaction_on_in_both_keyspaces() {
    let folder = tempfile::tempdir().unwrap();
    let (store, book) = store(folder.path());
    let tenant = TenantId::new(Timestamp::from_millis(1));
    let in_system =
        |count| store.system().write_blocking(move |tx| admit(tx, Quota::Members, Some(tenant), count));
    let keyspace = store.tenant(tenant).unwrap();
    let in_tenants = |count| keyspace.write_blocking(move |tx| admit(tx, Quota::Documents, None, count));
    in_system(3).unwrap();
    assert_eq!(in_system(4).unwrap_err().code(), "quota_reached");
    in_tenants(10).unwrap();
    assert!(in_tenants(11).unwrap_err().public().contains("10 documents"));
    let wish: QuotaChange = serde_json::from_str(r#"{"members": 4, "documents": 0}"#).unwrap();
    store.system().write_blocking(move |tx| change(tx, tenant, &wish)).unwrap();
    in_system(4).unwrap();
    in_tenants(1_000).unwrap();
    // Left out stays, null follows the appliance again.
    let wish: QuotaChange = serde_json::from_str(r#"{"documents": null}"#).unwrap();
    let set = store.system().write_blocking(move |tx| change(tx, tenant, &wish)).unwrap();
    assert_eq!((set.members, set.documents), (Some(4), None));
    assert!(in_tenants(11).is_err());
    let too_large = QuotaChange { members: Some(Some(LIMIT_MAX + 1)), ..QuotaChange::default() };
    let refused = store.system().write_blocking(move |tx| change(tx, tenant, &too_large)).unwrap_err();
    assert_eq!(refused.field(), Some("/quotas/members"));
    book.forget();
}

#[test]
fn a_visitor_is_told_nothing_of_the_workspaces_numbers() {
    let reached = Error::Reached { quota: Quota::ConversationsPerMonth, limit: 77 };
    assert!(reached.public().contains("77"));
    let told = reached.for_visitor();
    assert_eq!(told.code(), "quota_reached");
    assert!(!told.public().contains("77") && !told.public().contains("workspace"));
}
