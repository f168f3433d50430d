//! What answers: the documents, the models, and the assistant that puts them together.

use std::path::Path;
use std::sync::Arc;

use super::language_models::{keyring, local_model, models};
use super::search_models::open_knowledge;
use super::settings::{assistant_settings, default_budget};
use crate::ai::keys::Keyring;
use crate::assistant::Assistant;
use crate::base::{Clock, Sealer};
use crate::budget::Budgets;
use crate::config::Settings;
use crate::knowledge::Knowledge;
use crate::outbound::Outbound;
use crate::realtime::Hub;
use crate::store::Keyspace;

/// What the mind stands on: the clock, the system keyspace, what opens sealed keys, the way out, and who hears of answers.
type Footing<'a> = (&'a Arc<dyn Clock>, &'a Keyspace, &'a Sealer, &'a Outbound, &'a Hub);

/// Who answers, from what, and what it may cost.
pub(super) struct Mind {
    pub(super) knowledge: Knowledge,
    pub(super) assistant: Assistant,
    pub(super) budgets: Budgets,
    pub(super) keyring: Keyring,
    pub(super) looks_at_images: bool,
}

impl Mind {
    /// Loads the models and puts together who answers.
    ///
    /// # Errors
    /// The embedding model's; a provider's that cannot be reached as set; a reranker's whose model cannot be used.
    pub(super) async fn open(
        settings: &Settings,
        program: &Path,
        (clock, system, sealer, outbound, hub): Footing<'_>,
    ) -> anyhow::Result<Self> {
        let budgets = Budgets::new(default_budget(settings));
        let keyring = keyring(settings, sealer.clone(), system.clone());
        let knowledge = open_knowledge(settings, program, clock, outbound, &budgets).await?;
        let here = local_model(settings, program, clock)?;
        let models = models(settings, here, outbound, keyring.clone(), budgets.clone())?;
        let looks_at_images = models.look_at_images();
        let assistant = Assistant::new(
            knowledge.clone(),
            hub.clone(),
            models,
            system.clone(),
            clock.clone(),
            assistant_settings(settings),
        );
        Ok(Self { knowledge, assistant, budgets, keyring, looks_at_images })
    }
}
