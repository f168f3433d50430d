//! What everything stands on: the store with what its transactions find at hand, and the life of tenants over it.

use std::sync::Arc;

use super::appliance::news;
use super::operations::Facts;
use super::settings::{default_quotas, mail, store_options};
use crate::base::Clock;
use crate::config::Settings;
use crate::http;
use crate::identity::{Revocations, tenant_roll};
use crate::jobs::Wakeups;
use crate::notify::Mail;
use crate::ops::{restore, upgrade};
use crate::quotas::QuotaBook;
use crate::realtime::Hub;
use crate::store::{DataDirectory, Extensions, Store};
use crate::tenants::{self, Carrier, Eraser, LeftOut};

/// The store and who watches over its tenants.
pub(super) struct Ground {
    pub(super) store: Arc<Store>,
    pub(super) wakeups: Arc<Wakeups>,
    pub(super) revocations: Revocations,
    pub(super) mail: Mail,
    pub(super) quotas: Arc<QuotaBook>,
    pub(super) eraser: Eraser,
    pub(super) carrier: Carrier,
}

impl Ground {
    /// Opens the store, once the data directory is fit for this release; clears away what imports left half-way, and lets the jobs of suspended tenants rest.
    ///
    /// # Errors
    /// The store's, among them [`crate::store::Error::InUse`].
    pub(super) async fn open(
        settings: &Settings,
        hub: &Hub,
        clock: &Arc<dyn Clock>,
        facts: &Facts,
    ) -> anyhow::Result<Self> {
        let (wakeups, revocations, mail) = (Arc::new(Wakeups::default()), Revocations::new(), mail(settings));
        let quotas = Arc::new(QuotaBook::new(default_quotas(settings)));
        let extensions = Extensions::default()
            .with(wakeups.clone())
            .with(quotas.clone())
            .with(facts.metrics.clone())
            .with(Arc::new(revocations.clone()))
            .with(Arc::new(mail.clone()))
            .with(Arc::new(news(hub)));
        let options = store_options(settings, extensions);
        let directory = DataDirectory::open(&settings.store.data_dir)?;
        if let Some(upgraded) = upgrade::prepare(&directory, clock.now())? {
            tracing::info!(?upgraded, "the data directory was upgraded; frontdesk rollback is the way back");
        }
        let store = Arc::new(Store::open_in(directory, options, clock.clone())?);
        restore::note(&store, clock.now()).await?;
        quotas.read_in(store.system().clone());
        store.system().read(tenant_roll::suspended)?.into_iter().for_each(|tenant| wakeups.rest(tenant));
        tenants::discard_arrivals(&store)?;
        let eraser = Eraser::new(store.clone(), hub.clone(), wakeups.clone(), clock.clone());
        let carrier = Carrier::new(store.clone(), wakeups.clone(), left_out());
        Ok(Self { store, wakeups, revocations, mail, quotas, eraser, carrier })
    }
}

/// The tables of tenants whose rows are sealed with this appliance's key.
fn left_out() -> Vec<LeftOut> {
    vec![
        LeftOut {
            tables: &crate::ai::keys::SEALED_TABLES,
            sentence: "The workspace's own keys of model providers: set them again with `frontdesk ai key set`.",
        },
        LeftOut {
            tables: &http::idempotency::SEALED_TABLES,
            sentence: "Answers kept for a day under an Idempotency-Key: a call that is repeated is made anew.",
        },
    ]
}
