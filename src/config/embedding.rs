//! `[embedding]`: which model turns documents and questions into vectors, and where the models elsewhere are.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::destination::Destination;
use super::host_address::is_this_machine;
use super::key::KeyPlaces;
use super::settings::Finding;
use crate::base::Secret;

/// In place of a model's name: the model inside the program.
pub const BUNDLED: &str = "bundled";
const KEY: &str = "embedding.models";
const DIMENSIONS_MAX: usize = 8_192;
const BATCH_TEXTS_MAX: usize = 1_000;
const BATCH_BYTES_MAX: usize = 4 << 20;
const DEADLINE_MS_MAX: u64 = 3_600_000;

/// Which model makes vectors, and those there are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// `bundled`, or the name of one of `models`.
    pub model: String,
    /// Models on servers.
    pub models: Vec<EmbeddingModelSettings>,
}

/// What is spoken with a server that embeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingKind {
    /// Voyage itself.
    Voyage,
    /// OpenAI itself.
    #[serde(rename = "openai")]
    OpenAi,
    /// OpenAI's embeddings, on any server.
    #[default]
    #[serde(rename = "openai_compatible")]
    OpenAiCompatible,
}

impl EmbeddingKind {
    /// Where the vendor's own servers are; nothing for what can be anywhere.
    #[must_use]
    pub fn usual_base_url(self) -> Option<&'static str> {
        match self {
            Self::Voyage => Some("https://api.voyageai.com/v1"),
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::OpenAiCompatible => None,
        }
    }

    /// As it is written in the settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Voyage => "voyage",
            Self::OpenAi => "openai",
            Self::OpenAiCompatible => "openai_compatible",
        }
    }
}

/// An embedding model on a server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingModelSettings {
    /// What `embedding.model` calls it.
    pub name: String,
    /// What is spoken there.
    #[serde(default)]
    pub kind: EmbeddingKind,
    /// Where it is, up to and including the version. The vendor's own address when it is left out.
    #[serde(default)]
    pub base_url: Option<Url>,
    /// As the server names it.
    pub model: String,
    /// Numbers of a vector, for models that let one choose.
    #[serde(default)]
    pub dimensions: Option<usize>,
    /// Put before every question; not for Voyage, which is told what is a question.
    #[serde(default)]
    pub query_prefix: Option<String>,
    /// Put before every passage; not for Voyage.
    #[serde(default)]
    pub passage_prefix: Option<String>,
    /// Texts in one request.
    #[serde(default)]
    pub batch_texts_max: Option<usize>,
    /// Bytes of the texts in one request.
    #[serde(default)]
    pub batch_bytes_max: Option<usize>,
    /// How long a request with passages may take, in milliseconds.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
    /// How long a question waits for its vector, in milliseconds, before words alone are looked for.
    #[serde(default)]
    pub question_deadline_ms: Option<u64>,
    /// Its key, once [`super::load()`] has taken it in from wherever it is kept.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// The variable that holds the key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// The file that holds the key and nothing else.
    #[serde(default)]
    pub api_key_file: Option<PathBuf>,
}

impl EmbeddingModelSettings {
    /// Where it is asked: its own address, else the vendor's; nothing while neither is known.
    #[must_use]
    pub fn address(&self) -> Option<Url> {
        self.base_url.clone().or_else(|| Url::parse(self.kind.usual_base_url()?).ok())
    }

    /// What the allow-list is asked about.
    pub(super) fn destination(&self) -> Option<Destination<'_>> {
        Some(Destination { table: KEY, name: &self.name, url: self.address()? })
    }

    /// Whether the model runs on this machine, so that asking it sends nothing over a network.
    #[must_use]
    pub fn is_here(&self) -> bool {
        let host = self.base_url.as_ref().and_then(Url::host);
        host.is_some_and(|host| is_this_machine(&host))
    }

    /// What cannot go with its kind, or is out of its range.
    fn mismatch(&self) -> Option<String> {
        let name = &self.name;
        if self.kind == EmbeddingKind::OpenAiCompatible && self.base_url.is_none() {
            return Some(format!("\"{name}\" needs a base_url, such as \"http://127.0.0.1:11434/v1\""));
        }
        let prefixes = self.query_prefix.is_some() || self.passage_prefix.is_some();
        if self.kind == EmbeddingKind::Voyage && prefixes {
            return Some(format!(
                "\"{name}\": query_prefix and passage_prefix are not for kind = \"voyage\""
            ));
        }
        let size = |value: Option<usize>| value.map(|value| u64::try_from(value).unwrap_or(u64::MAX));
        let ranges = [
            ("dimensions", size(self.dimensions), DIMENSIONS_MAX as u64),
            ("batch_texts_max", size(self.batch_texts_max), BATCH_TEXTS_MAX as u64),
            ("batch_bytes_max", size(self.batch_bytes_max), BATCH_BYTES_MAX as u64),
            ("deadline_ms", self.deadline_ms, DEADLINE_MS_MAX),
            ("question_deadline_ms", self.question_deadline_ms, DEADLINE_MS_MAX),
        ];
        let mut outside = ranges.into_iter().filter_map(|(key, value, most)| {
            let value = value?;
            (!(1..=most).contains(&value)).then(|| format!("\"{name}\": {key} is from 1 to {most}"))
        });
        outside.next()
    }
}

impl Embedding {
    pub(super) fn check(&mut self, environment: &[(String, String)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut names = vec![BUNDLED.to_owned()];
        for model in &mut self.models {
            let what = format!("the key of \"{}\"", model.name);
            let key = KeyPlaces {
                what: &what,
                key: &mut model.api_key,
                variable: model.api_key_env.as_deref(),
                file: model.api_key_file.as_deref(),
            };
            findings.extend(key.find(environment).err().map(|reason| (KEY, reason)));
            findings.extend(model.mismatch().map(|reason| (KEY, reason)));
            if model.name.is_empty() || names.contains(&model.name) {
                findings.push((KEY, format!("\"{}\" cannot be a name: it is empty or taken", model.name)));
            }
            names.push(model.name.clone());
        }
        if !names.contains(&self.model) {
            let reason = format!("no [[embedding.models]] is named \"{}\"", self.model);
            findings.push(("embedding.model", reason));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::read;

    const NEAR: &str = "[[embedding.models]]\nname = \"near\"\nmodel = \"nomic-embed-text\"\nbase_url = \"http://127.0.0.1:11434/v1\"\n";

    #[test]
    fn a_model_is_chosen_by_its_name_and_the_bundled_one_by_default() {
        let settings = read(NEAR).unwrap().settings.embedding;
        assert_eq!((settings.model.as_str(), settings.models.len()), (BUNDLED, 1));
        let chosen = format!("[embedding]\nmodel = \"near\"\n{NEAR}api_key = \"k\"\ndimensions = 256\n");
        let settings = read(&chosen).unwrap().settings.embedding;
        let model = &settings.models[0];
        assert!(settings.model == "near" && model.is_here() && model.dimensions == Some(256));
        assert_eq!(model.api_key.as_ref().map(Secret::expose), Some("k"));
    }

    #[test]
    fn what_cannot_work_is_said_with_its_place() {
        let wrong = format!(
            "[embedding]\nmodel = \"far\"\n{NEAR}dimensions = 0\n{NEAR}\n\
             [[embedding.models]]\nname = \"v\"\nkind = \"voyage\"\nmodel = \"voyage-3.5\"\nquery_prefix = \"q\"\n\
             [[embedding.models]]\nname = \"c\"\nmodel = \"m\"\napi_key = \"k\"\napi_key_env = \"K\"\n"
        );
        let found = read(&wrong).unwrap_err();
        let about = [
            "embedding.models: \"near\": dimensions is from 1 to 8192",
            "embedding.models: \"near\" cannot be a name",
            "embedding.models: \"v\": query_prefix and passage_prefix are not for",
            "embedding.models: the key of \"c\" is given more than once",
            "embedding.models: \"c\" needs a base_url",
            "embedding.model: no [[embedding.models]] is named \"far\"",
        ];
        assert_eq!(found.len(), about.len(), "{found:?}");
        for (said, about) in found.iter().zip(about) {
            assert!(said.starts_with(about), "{said}");
        }
    }

    #[test]
    fn a_model_elsewhere_is_held_to_what_may_be_contacted() {
        let far = "[[embedding.models]]\nname = \"v\"\nkind = \"voyage\"\nmodel = \"voyage-3.5\"\n";
        let found = read(&format!("[outbound]\nair_gapped = true\n{far}{NEAR}")).unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("the [[embedding.models]] \"v\" is at api.voyageai.com"), "{found:?}");
        let notices = read(&format!("{far}{NEAR}")).unwrap().notices;
        assert_eq!(notices.len(), 2, "{notices:?}");
        assert!(notices.iter().all(|notice| notice.key == KEY));
        assert!(notices[0].reason.ends_with("add { address = \"api.voyageai.com\" } to outbound.allow"));
    }
}
