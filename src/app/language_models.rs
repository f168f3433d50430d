//! The language models that the settings and the data directory offer, and what they are asked with.

use std::path::Path;
use std::sync::Arc;

use crate::ai::keys::{Keyring, KnownProvider};
use crate::ai::prices::{Price, PriceError, PriceTable};
use crate::ai::{self, Deadlines, Provider, TokenLimitField, local, route};
use crate::assistant::{Choosing, Models};
use crate::base::{Clock, Sealer};
use crate::budget::Budgets;
use crate::config::{self, ProviderAuth, ProviderKind, ProviderSettings, Settings};
use crate::outbound::Outbound;
use crate::store::Keyspace;

/// What runs here is free, unless the site puts a price on it.
pub(super) fn price(
    settings: &Settings,
    prices: &PriceTable,
    model: &str,
    is_here: bool,
) -> Result<Price, PriceError> {
    let own = settings.ai.price.iter().any(|price| price.model == model);
    if is_here && !own { Ok(Price::free(model)) } else { prices.of(model).cloned() }
}

/// The models that the settings describe, each with its price, and how one is chosen.
pub(super) fn models(
    settings: &Settings,
    here: Option<Arc<dyn Provider>>,
    outbound: &Outbound,
    keyring: Keyring,
    budgets: Budgets,
) -> anyhow::Result<Models> {
    let choosing = match (settings.assistant.provider.as_str(), &here) {
        (config::EXTRACTIVE, _) | (config::LOCAL, None) => Choosing::Quote,
        (config::AUTO, here) => {
            let router = route::Router::new(&settings.routing, &settings.ai.provider)?;
            Choosing::Route(match here {
                Some(here) => router.with_local(here.model()),
                None => router,
            })
        }
        (name, _) => Choosing::Always(name.to_owned()),
    };
    let prices = PriceTable::new(&settings.ai.price)?;
    let mut models = Vec::new();
    for one in &settings.ai.provider {
        let needed = match &choosing {
            Choosing::Always(name) => one.name == *name,
            Choosing::Route(_) => true,
            Choosing::Quote => false,
        };
        match priced(one, settings, &prices, outbound) {
            Ok(model) => models.push(model),
            Err(error) if needed => return Err(error),
            // Only an answer that is asked for again could name it.
            Err(error) => {
                tracing::debug!(provider = one.name, %error, "a model that nothing needs cannot be used");
            }
        }
    }
    let seeing = settings.ai.provider.iter().filter(|one| one.looks_at_images());
    let models = Models::new(choosing, models, keyring, budgets)
        .with_eyes(seeing.map(|one| one.name.clone()))
        .calling_off_after(settings.assistant.left_after());
    Ok(match here {
        Some(here) => models.with_local(here, settings.local_model.passages),
        None => models,
    })
}

/// The model of the data directory that runs in this process, if there is one that can.
///
/// # Errors
/// When the folder cannot be read, or the settings name a file that is not there or one of several.
#[cfg(feature = "local-model")]
pub fn local_model(
    settings: &Settings,
    program: &Path,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Arc<dyn Provider>>> {
    let wanted = &settings.local_model;
    let Some(found) = local::Folder::of(&settings.store.data_dir).choose(&wanted.file)? else {
        return Ok(None);
    };
    if let Err(error) = &found.header {
        tracing::error!(file = %found.path.display(), "the local model cannot be used: {error}");
        return Ok(None);
    }
    let model = local::LocalModel::new(
        local::LocalSettings {
            name: config::LOCAL.to_owned(),
            file: found.path,
            digest: found.digest,
            threads: (wanted.threads > 0).then_some(wanted.threads),
            context_tokens_max: wanted.context_tokens,
            memory_bytes_max: (wanted.memory_bytes_max > 0).then_some(wanted.memory_bytes_max),
            idle: wanted.idle(),
            waiting_max: wanted.waiting_max,
            answer: wanted.answer(),
            program: Some(program.to_owned()),
        },
        clock.clone(),
    );
    Ok(Some(Arc::new(model)))
}

/// This build has no engine; a model that is there is reported.
///
/// # Errors
/// As with the engine.
#[cfg(not(feature = "local-model"))]
pub fn local_model(
    settings: &Settings,
    _: &Path,
    _: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Arc<dyn Provider>>> {
    if let Some(found) = local::Folder::of(&settings.store.data_dir).choose(&settings.local_model.file)? {
        tracing::warn!(file = %found.path.display(), "this build of Frontdesk cannot run local models");
    }
    Ok(None)
}

/// A model with its price.
pub(super) fn priced(
    one: &ProviderSettings,
    settings: &Settings,
    prices: &PriceTable,
    outbound: &Outbound,
) -> anyhow::Result<(Arc<dyn Provider>, Price)> {
    let price = price(settings, prices, &one.model, one.is_here())?;
    Ok((model(one, outbound.clone())?, price))
}

/// The keys of the providers that the settings describe.
pub(super) fn keyring(settings: &Settings, sealer: Sealer, system: Keyspace) -> Keyring {
    let known = settings
        .ai
        .provider
        .iter()
        .map(|one| KnownProvider { name: one.name.clone(), key_in_settings: one.api_key.is_some() });
    Keyring::new(sealer, system, known.collect())
}

/// A model as its settings describe it, asked through `outbound`.
///
/// # Errors
/// [`ai::Error::BadSettings`].
pub fn model(chosen: &ProviderSettings, outbound: Outbound) -> Result<Arc<dyn Provider>, ai::Error> {
    let (name, model, api_key) = (chosen.name.clone(), chosen.model.clone(), chosen.api_key.clone());
    let base_url =
        |vendors: fn() -> String| chosen.base_url.as_ref().map_or_else(vendors, ToString::to_string);
    let usual = Deadlines::default();
    let deadlines = Deadlines {
        first_token_ms: chosen.first_token_ms.unwrap_or(usual.first_token_ms),
        between_tokens_ms: chosen.between_tokens_ms.unwrap_or(usual.between_tokens_ms),
        whole_ms: chosen.whole_ms.unwrap_or(usual.whole_ms),
    };
    Ok(match chosen.kind {
        ProviderKind::OpenAi => {
            let base_url = base_url(ai::OpenAiSettings::base_url);
            let send_temperature = chosen.send_temperature.unwrap_or(true);
            let settings = ai::OpenAiSettings { name, base_url, model, api_key, send_temperature, deadlines };
            Arc::new(ai::OpenAi::new(settings, outbound)?)
        }
        ProviderKind::Anthropic => {
            let settings = ai::AnthropicSettings {
                name,
                base_url: base_url(ai::AnthropicSettings::base_url),
                model,
                api_key,
                version: chosen.version.clone().unwrap_or_else(ai::AnthropicSettings::version),
                auth: match chosen.auth {
                    Some(ProviderAuth::XApiKey) => ai::AnthropicAuth::XApiKey,
                    Some(ProviderAuth::Bearer) | None => ai::AnthropicAuth::Bearer,
                },
                send_temperature: chosen.send_temperature.unwrap_or(false),
                deadlines,
            };
            Arc::new(ai::Anthropic::new(settings, outbound)?)
        }
        ProviderKind::Google => {
            let settings = ai::GoogleSettings {
                name,
                base_url: base_url(ai::GoogleSettings::base_url),
                model,
                api_key,
                api_version: chosen.api_version.clone().unwrap_or_else(ai::GoogleSettings::api_version),
                send_temperature: chosen.send_temperature.unwrap_or(true),
                deadlines,
            };
            Arc::new(ai::Google::new(settings, outbound)?)
        }
        ProviderKind::OpenAiCompatible => {
            let settings = ai::OpenAiCompatibleSettings {
                name,
                base_url: base_url(String::new),
                model,
                api_key,
                token_limit_field: TokenLimitField::default(),
                ask_usage: true,
                send_temperature: chosen.send_temperature.unwrap_or(true),
                deadlines,
            };
            Arc::new(ai::OpenAiCompatible::new(settings, outbound)?)
        }
    })
}
