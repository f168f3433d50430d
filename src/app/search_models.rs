//! The models that search works with: who makes vectors, and who puts what was found in order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::language_models::price;
use super::settings::knowledge_settings;
use crate::ai;
use crate::ai::embedding::{Batches, Embedder, RemoteEmbedder};
use crate::ai::prices::{Price, PriceTable};
use crate::ai::rerank::{
    CohereSettings, DocumentsField, HttpSettings, RemoteReranker, Reranker, VoyageSettings,
};
use crate::base::Clock;
use crate::budget::Budgets;
use crate::config::{
    self, EmbeddingKind, EmbeddingModelSettings, RerankField, RerankerKind, RerankerSettings, Settings,
};
use crate::knowledge::embedding::RemoteModel;
use crate::knowledge::extract::Extractor;
use crate::knowledge::{self, Knowledge, Reranking};
use crate::outbound::Outbound;
use crate::search::embedder::MiniLm;
use crate::search::rerank::{MaxSim, OnnxReranker, OnnxSettings};

/// Documents that are taken apart at a time.
const EXTRACTING_MAX: usize = 2;
/// How long a question waits for its vector, in milliseconds, unless the settings say otherwise: people wait meanwhile.
const QUESTION_DEADLINE_MS: u64 = 2_000;

/// The embedding models that the settings describe, each with its price. All of them, because documents may still be embedded with one
/// that was chosen before.
pub(super) fn embedding_models(
    settings: &Settings,
    bundled: Arc<MiniLm>,
    outbound: &Outbound,
    budgets: Budgets,
) -> anyhow::Result<knowledge::embedding::Models> {
    let prices = PriceTable::new(&settings.ai.price)?;
    let mut remote = Vec::new();
    for one in &settings.embedding.models {
        let price = price(settings, &prices, &one.model, one.is_here())?;
        let texts_max = one.batch_texts_max.unwrap_or(Batches::default().texts_max);
        let deadline = Duration::from_millis(one.question_deadline_ms.unwrap_or(QUESTION_DEADLINE_MS));
        remote.push(RemoteModel::new(embedder(one, outbound.clone())?, price, texts_max, deadline));
    }
    Ok(knowledge::embedding::Models::new(bundled, remote, &settings.embedding.model, budgets))
}

/// An embedding model as its settings describe it, asked through `outbound`.
///
/// # Errors
/// [`ai::Error::BadSettings`].
pub fn embedder(chosen: &EmbeddingModelSettings, outbound: Outbound) -> Result<Arc<dyn Embedder>, ai::Error> {
    let (name, model, api_key) = (chosen.name.clone(), chosen.model.clone(), chosen.api_key.clone());
    let base_url = chosen.address().map(String::from).unwrap_or_default();
    let usual = Batches::default();
    let batches = Batches {
        texts_max: chosen.batch_texts_max.unwrap_or(usual.texts_max),
        bytes_max: chosen.batch_bytes_max.unwrap_or(usual.bytes_max),
    };
    let dimensions = chosen.dimensions;
    let embedder = match chosen.kind {
        EmbeddingKind::Voyage => {
            let deadline_ms = chosen.deadline_ms.unwrap_or_else(ai::embedding::VoyageSettings::deadline_ms);
            RemoteEmbedder::voyage(
                ai::embedding::VoyageSettings {
                    name,
                    base_url,
                    model,
                    api_key,
                    dimensions,
                    batches,
                    deadline_ms,
                },
                outbound,
            )?
        }
        EmbeddingKind::OpenAi | EmbeddingKind::OpenAiCompatible => RemoteEmbedder::openai_compatible(
            ai::embedding::OpenAiCompatibleSettings {
                name,
                base_url,
                model,
                api_key,
                dimensions,
                query_prefix: chosen.query_prefix.clone().unwrap_or_default(),
                passage_prefix: chosen.passage_prefix.clone().unwrap_or_default(),
                batches,
                deadline_ms: chosen
                    .deadline_ms
                    .unwrap_or_else(ai::embedding::OpenAiCompatibleSettings::deadline_ms),
            },
            outbound,
        )?,
    };
    Ok(Arc::new(embedder))
}

/// Who puts what is found in a better order, where the settings name somebody. Blocks while a model is loaded.
pub(super) fn reranking(
    settings: &Settings,
    embedder: &Arc<MiniLm>,
    outbound: &Outbound,
    budgets: &Budgets,
) -> anyhow::Result<Option<Reranking>> {
    let set = &settings.rerank;
    if set.provider == config::MAX_SIM {
        let reranker = max_sim(set, embedder.clone());
        let price = Price::free(reranker.model());
        return Ok(Some(Reranking::new(reranker, price, set.candidates, budgets.clone())));
    }
    let Some(one) = set.chosen() else { return Ok(None) };
    let prices = PriceTable::new(&settings.ai.price)?;
    let price = price(settings, &prices, one.priced_as(), one.is_here())?;
    let reranker = reranker(one, set.deadline_ms, outbound.clone())?;
    Ok(Some(Reranking::new(reranker, price, set.candidates, budgets.clone())))
}

/// The bundled embedding model as a reranker.
pub fn max_sim(settings: &config::Rerank, embedder: Arc<MiniLm>) -> Arc<dyn Reranker> {
    let deadline = Duration::from_millis(settings.deadline_ms);
    Arc::new(MaxSim::new(config::MAX_SIM, embedder, deadline))
}

/// A reranker as its settings describe it, asked through `outbound` where it is on a server. Blocks while a model is loaded.
///
/// # Errors
/// [`ai::Error::BadSettings`]; what is wrong with a model's file.
pub fn reranker(
    chosen: &RerankerSettings,
    deadline_ms: u64,
    outbound: Outbound,
) -> anyhow::Result<Arc<dyn Reranker>> {
    let (name, api_key) = (chosen.name.clone(), chosen.api_key.clone());
    let base_url = chosen.address().map(String::from).unwrap_or_default();
    let model = chosen.model.clone();
    Ok(match chosen.kind {
        RerankerKind::Cohere => {
            let model = model.unwrap_or_default();
            let settings = CohereSettings { name, base_url, model, api_key, deadline_ms };
            Arc::new(RemoteReranker::cohere(settings, outbound)?)
        }
        RerankerKind::Voyage => {
            let model = model.unwrap_or_default();
            let settings = VoyageSettings { name, base_url, model, api_key, deadline_ms };
            Arc::new(RemoteReranker::voyage(settings, outbound)?)
        }
        RerankerKind::Http => {
            let documents_field = match chosen.documents_field {
                Some(RerankField::Texts) => DocumentsField::Texts,
                Some(RerankField::Documents) | None => DocumentsField::Documents,
            };
            let settings = HttpSettings { name, base_url, model, api_key, documents_field, deadline_ms };
            Arc::new(RemoteReranker::http(settings, outbound)?)
        }
        RerankerKind::Onnx => Arc::new(OnnxReranker::open(OnnxSettings {
            model: chosen.priced_as().to_owned(),
            name,
            path: chosen.path.clone().unwrap_or_default(),
            tokens_max: chosen.tokens_max,
            deadline: Duration::from_millis(deadline_ms),
        })?),
    })
}

/// The service of documents, with the reranker that the settings name.
pub(super) async fn open_knowledge(
    settings: &Settings,
    program: &Path,
    clock: &Arc<dyn Clock>,
    outbound: &Outbound,
    budgets: &Budgets,
) -> anyhow::Result<Knowledge> {
    let embedder = Arc::new(tokio::task::spawn_blocking(MiniLm::bundled).await??);
    let limits = knowledge::extract::Limits::default();
    let extractor = Extractor::new(program.to_path_buf(), limits, EXTRACTING_MAX);
    let embedding = embedding_models(settings, embedder.clone(), outbound, budgets.clone())?;
    let knowledge = Knowledge::new(embedding, extractor, clock.clone(), knowledge_settings(settings));
    let (settings, outbound, budgets) = (settings.clone(), outbound.clone(), budgets.clone());
    let loading = tokio::task::spawn_blocking(move || reranking(&settings, &embedder, &outbound, &budgets));
    Ok(match loading.await?? {
        Some(reranking) => knowledge.with_reranking(reranking),
        None => knowledge,
    })
}
