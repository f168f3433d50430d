//! The vector of a question: asked for once, with a short deadline, and done without where it does not come.

use std::sync::Arc;
use std::time::Instant;

use super::model::{Model, RemoteModel};
use super::passages::{Bill, over_budget};
use crate::ai::embedding::{EmbeddingRequest, InputType};
use crate::base::{Fault as _, Micros};
use crate::budget::{Cause, Outcome};
use crate::knowledge::{Error, Knowledge};
use crate::search::embedder::MiniLm;
use crate::search::index::EmbeddingModel;
use crate::store::Keyspace;

/// How a question comes by its vector.
pub(in crate::knowledge) enum Asked {
    /// It is computed where the indexes are asked.
    Here(Arc<MiniLm>),
    /// It came from a server.
    Vector(Vec<f32>),
    /// It has none, for this reason.
    Without(String),
}

impl Knowledge {
    /// Asks the model whose vectors serve, where it is on a server. Returns also how long that took, in microseconds.
    pub(in crate::knowledge) async fn ask_for_vector(
        &self,
        keyspace: &Keyspace,
        serving: &EmbeddingModel,
        query: &str,
        cause: Option<Cause>,
    ) -> Result<(Asked, u64), Error> {
        match self.inner.models.of(&serving.id) {
            Some(Model::Bundled(model)) => Ok((Asked::Here(model.clone()), 0)),
            Some(Model::Remote(model)) => {
                let begun = Instant::now();
                let cause = cause.unwrap_or_else(Cause::search);
                let asked = self.embed_question(keyspace, model, query, cause).await?;
                let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                Ok((asked.map_or_else(Asked::Without, Asked::Vector), took_us))
            }
            None => {
                let reason = format!(
                    "the documents are embedded with {}, which is not among the models of the settings",
                    serving.id
                );
                Ok((Asked::Without(reason), 0))
            }
        }
    }

    /// The vector, or why there is none.
    async fn embed_question(
        &self,
        keyspace: &Keyspace,
        model: &RemoteModel,
        query: &str,
        cause: Cause,
    ) -> Result<Result<Vec<f32>, String>, Error> {
        let name = model.embedder.name();
        let now = self.now();
        if let Err(until) = model.questions.admit(now) {
            return Ok(Err(format!(
                "the embedding model \"{name}\" has failed again and again and is left alone until {until}"
            )));
        }
        let texts = [query];
        let most = model.most(&texts)?;
        let budgets = &self.inner.models.budgets;
        if most > Micros::ZERO {
            let budgets = budgets.clone();
            let outcome = keyspace.write(move |tx| budgets.reserve(tx, now, cause, most)).await?;
            if let Outcome::Refused(_) = outcome {
                return Ok(Err(over_budget().detail));
            }
        }
        let tenant = keyspace.tenant().map(|tenant| tenant.to_string());
        let request = EmbeddingRequest { texts: &texts, input_type: InputType::Query, tenant };
        let answer = tokio::time::timeout(model.question_deadline, model.embedder.embed(request)).await;
        let (usage, outcome) = match answer {
            Ok(Ok(done)) => {
                model.questions.succeeded();
                let vector = done.vectors.into_iter().next();
                (done.usage, vector.ok_or_else(|| format!("\"{name}\" sent no vector")))
            }
            Ok(Err(failed)) => {
                tracing::warn!(error = ?failed.error, model = name, "a question could not be embedded");
                model.questions.failed(self.now(), failed.error.retry_after());
                (failed.done.usage, Err(format!("{name}: {}", failed.error.public())))
            }
            Err(_) => {
                model.questions.failed(self.now(), None);
                let deadline_ms = model.question_deadline.as_millis();
                let said = format!("the embedding model \"{name}\" did not answer within {deadline_ms} ms");
                tracing::warn!("{said}");
                (crate::ai::Usage::default(), Err(said))
            }
        };
        let bill = Bill::new(budgets, cause, model.charge(usage, most));
        if bill.matters(most) {
            let now = self.now();
            keyspace.write(move |tx| bill.pay(tx, now)).await?;
        }
        Ok(outcome)
    }
}
