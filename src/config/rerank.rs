//! `[rerank]`: who reads the best passages once more and puts them in a better order.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::destination::Destination;
use super::host_address::is_this_machine;
use super::key::KeyPlaces;
use super::settings::Finding;
use crate::base::Secret;

/// In place of a reranker's name: nobody.
pub const NO_RERANKER: &str = "none";
/// In place of a reranker's name: the bundled embedding model, word by word.
pub const MAX_SIM: &str = "max_sim";

const PROVIDER: &str = "rerank.provider";
const MODELS: &str = "rerank.models";
const CANDIDATES_MAX: usize = 100;
const DEADLINE_MS_MAX: u64 = 60_000;
const TOKENS_MIN: usize = 32;
const TOKENS_MAX: usize = 8_192;

/// Who reranks, what, and how long that may take.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rerank {
    /// `none`, `max_sim`, or the name of one of `models`.
    pub provider: String,
    /// The best so many passages of a search are put in order.
    pub candidates: usize,
    /// The order stays as it was when this is over, in milliseconds.
    pub deadline_ms: u64,
    /// The rerankers there are.
    pub models: Vec<RerankerSettings>,
}

/// What a reranker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RerankerKind {
    /// Cohere's rerank, version 2.
    Cohere,
    /// Voyage's rerank.
    Voyage,
    /// Any server with a `/rerank`.
    Http,
    /// A cross-encoder in a file, run here.
    Onnx,
}

/// The field that carries the documents to a server with a `/rerank`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RerankField {
    /// Jina, vLLM, llama.cpp, infinity.
    Documents,
    /// text-embeddings-inference.
    Texts,
}

/// A reranker and where it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerankerSettings {
    /// What `provider` calls it.
    pub name: String,
    /// What it is.
    pub kind: RerankerKind,
    /// Cohere without the version, Voyage with it, `http` up to `/rerank` and without it. The vendor's own address when it
    /// is left out.
    #[serde(default)]
    pub base_url: Option<Url>,
    /// As the server and the price list name it.
    #[serde(default)]
    pub model: Option<String>,
    /// `http` only: which field carries the documents.
    #[serde(default)]
    pub documents_field: Option<RerankField>,
    /// `onnx` only: the model's file; `tokenizer.json` lies beside it.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// `onnx` only: tokens of question and passage together that the model reads.
    #[serde(default)]
    pub tokens_max: Option<usize>,
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

impl RerankerKind {
    /// Where the vendor's own servers are; nothing for what can be anywhere or is no server.
    #[must_use]
    pub fn usual_base_url(self) -> Option<&'static str> {
        match self {
            Self::Cohere => Some("https://api.cohere.com"),
            Self::Voyage => Some("https://api.voyageai.com/v1"),
            Self::Http | Self::Onnx => None,
        }
    }
}

impl RerankerSettings {
    /// Where it is asked: its own address, else the vendor's; nothing for what runs in this process.
    #[must_use]
    pub fn address(&self) -> Option<Url> {
        self.base_url.clone().or_else(|| Url::parse(self.kind.usual_base_url()?).ok())
    }

    /// Whether it runs on this machine, so that asking it sends nothing over a network.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.kind == RerankerKind::Onnx
            || self.base_url.as_ref().and_then(Url::host).is_some_and(|host| is_this_machine(&host))
    }

    /// What the price list is asked for: the model, or the name where the server has only one.
    #[must_use]
    pub fn priced_as(&self) -> &str {
        self.model.as_deref().unwrap_or(&self.name)
    }

    /// What the allow-list is asked about.
    pub(super) fn destination(&self) -> Option<Destination<'_>> {
        Some(Destination { table: MODELS, name: &self.name, url: self.address()? })
    }

    fn find_key(&mut self, environment: &[(String, String)]) -> Result<(), String> {
        let what = format!("the key of \"{}\"", self.name);
        let places = KeyPlaces {
            what: &what,
            key: &mut self.api_key,
            variable: self.api_key_env.as_deref(),
            file: self.api_key_file.as_deref(),
        };
        places.find(environment)
    }

    /// What is missing, or cannot go with its kind.
    fn mismatch(&self) -> Option<String> {
        let name = &self.name;
        let is_onnx = self.kind == RerankerKind::Onnx;
        let is_vendor = matches!(self.kind, RerankerKind::Cohere | RerankerKind::Voyage);
        if is_onnx && self.path.is_none() {
            return Some(format!("\"{name}\" needs a path, such as \"/etc/frontdesk/reranker/model.onnx\""));
        }
        if is_onnx && (self.base_url.is_some() || self.api_key.is_some()) {
            return Some(format!("\"{name}\": base_url and keys are for rerankers on a server"));
        }
        if !is_onnx && (self.path.is_some() || self.tokens_max.is_some()) {
            return Some(format!("\"{name}\": path and tokens_max are for kind = \"onnx\""));
        }
        if is_vendor && self.model.is_none() {
            return Some(format!("\"{name}\" needs a model, such as \"rerank-v3.5\" or \"rerank-2.5\""));
        }
        if self.kind == RerankerKind::Http && self.base_url.is_none() {
            return Some(format!("\"{name}\" needs a base_url, such as \"http://127.0.0.1:8080/v1\""));
        }
        if self.kind != RerankerKind::Http && self.documents_field.is_some() {
            return Some(format!("\"{name}\": documents_field is for kind = \"http\""));
        }
        let outside = self.tokens_max.filter(|tokens| !(TOKENS_MIN..=TOKENS_MAX).contains(tokens));
        outside.map(|_| format!("\"{name}\": tokens_max is from {TOKENS_MIN} to {TOKENS_MAX}"))
    }
}

impl Rerank {
    /// The reranker that is in force, where it is one of `models`.
    #[must_use]
    pub fn chosen(&self) -> Option<&RerankerSettings> {
        self.models.iter().find(|one| one.name == self.provider)
    }

    pub(super) fn check(&mut self, environment: &[(String, String)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut names = vec![NO_RERANKER.to_owned(), MAX_SIM.to_owned()];
        for one in &mut self.models {
            if let Err(reason) = one.find_key(environment) {
                findings.push((MODELS, reason));
            }
            if let Some(reason) = one.mismatch() {
                findings.push((MODELS, reason));
            }
            if one.name.is_empty() || names.contains(&one.name) {
                let reason = format!("\"{}\" cannot be a name: it is empty or taken", one.name);
                findings.push((MODELS, reason));
            }
            names.push(one.name.clone());
        }
        if !names.contains(&self.provider) {
            let reason = format!("no [[rerank.models]] is named \"{}\"", self.provider);
            findings.push((PROVIDER, reason));
        }
        if !(2..=CANDIDATES_MAX).contains(&self.candidates) {
            findings.push(("rerank.candidates", format!("from 2 to {CANDIDATES_MAX}")));
        }
        if !(1..=DEADLINE_MS_MAX).contains(&self.deadline_ms) {
            findings.push(("rerank.deadline_ms", format!("from 1 to {DEADLINE_MS_MAX}")));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::read;

    fn reranker(name: &str, more: &str) -> String {
        format!("[[rerank.models]]\nname = \"{name}\"\n{more}\n")
    }

    #[test]
    fn a_reranker_is_chosen_by_its_name_and_knows_where_it_is() {
        let file = "[rerank]\nprovider = \"house\"\n".to_owned()
            + &reranker("house", "kind = \"http\"\nbase_url = \"http://127.0.0.1:8080/v1\"")
            + &reranker("far", "kind = \"cohere\"\nmodel = \"rerank-v3.5\"\napi_key = \"k\"")
            + &reranker("file", "kind = \"onnx\"\npath = \"/models/m.onnx\"\ntokens_max = 256");
        let settings = read(&file).unwrap().settings.rerank;
        assert_eq!(settings.chosen().unwrap().priced_as(), "house");
        let here: Vec<_> = settings.models.iter().map(super::RerankerSettings::is_here).collect();
        assert_eq!(here, [true, false, true]);
        let places: Vec<_> = settings.models.iter().map(|one| one.address().map(String::from)).collect();
        assert_eq!(places[1].as_deref(), Some("https://api.cohere.com/"));
        assert_eq!(places[2], None);
    }

    #[test]
    fn what_cannot_be_is_said_with_what_to_write() {
        let file = "[rerank]\nprovider = \"gone\"\ncandidates = 1\ndeadline_ms = 0\n".to_owned()
            + &reranker("none", "kind = \"onnx\"")
            + &reranker("a", "kind = \"cohere\"")
            + &reranker("b", "kind = \"http\"")
            + &reranker("c", "kind = \"voyage\"\nmodel = \"m\"\npath = \"/m.onnx\"")
            + &reranker("d", "kind = \"onnx\"\npath = \"/m.onnx\"\nbase_url = \"http://127.0.0.1:1\"")
            + &reranker("e", "kind = \"onnx\"\npath = \"/m.onnx\"\ntokens_max = 9")
            + &reranker("f", "kind = \"cohere\"\nmodel = \"m\"\ndocuments_field = \"texts\"")
            + &reranker("f", "kind = \"cohere\"\nmodel = \"m\"\napi_key_env = \"NOT_SET_ANYWHERE\"");
        let found = read(&file).unwrap_err();
        let about = [
            "\"none\" needs a path",
            "\"none\" cannot be a name",
            "\"a\" needs a model",
            "\"b\" needs a base_url",
            "\"c\": path and tokens_max",
            "\"d\": base_url and keys",
            "\"e\": tokens_max is from 32 to 8192",
            "\"f\": documents_field",
            "the variable NOT_SET_ANYWHERE is not set",
            "\"f\" cannot be a name",
            "no [[rerank.models]] is named \"gone\"",
            "rerank.candidates: from 2 to 100",
            "rerank.deadline_ms: from 1 to 60000",
        ];
        assert_eq!(found.len(), about.len(), "{found:#?}");
        for (said, about) in found.iter().zip(about) {
            assert!(said.contains(about), "{said}");
        }
    }

    #[test]
    fn a_reranker_elsewhere_is_a_setting_that_could_send() {
        let far = reranker("far", "kind = \"voyage\"\nmodel = \"rerank-2.5\"");
        let found = read(&("[outbound]\nair_gapped = true\n".to_owned() + &far)).unwrap_err();
        assert!(found[0].starts_with("outbound.air_gapped: "), "{found:?}");
        assert!(found[0].contains("the [[rerank.models]] \"far\" is at api.voyageai.com"), "{found:?}");
        let notices = read(&far).unwrap().notices;
        assert_eq!(notices[0].key, "rerank.models");
        assert!(notices[0].reason.ends_with("add { address = \"api.voyageai.com\" } to outbound.allow"));
        let near = reranker("near", "kind = \"onnx\"\npath = \"/m.onnx\"");
        assert!(read(&("[outbound]\nair_gapped = true\n".to_owned() + &near)).unwrap().notices.is_empty());
    }

    #[test]
    fn a_reranker_elsewhere_beside_a_strategy_that_keeps_here_is_said() {
        let file = "[assistant]\nprovider = \"auto\"\n[routing]\nstrategy = \"local\"\n[rerank]\nprovider = \"far\"\n\
                    [outbound]\nallow = [{ address = \"api.voyageai.com\" }]\n"
            .to_owned()
            + &reranker("far", "kind = \"voyage\"\nmodel = \"rerank-2.5\"");
        let about = |file: &str| -> Vec<String> {
            let notices = read(file).unwrap().notices.into_iter();
            notices.filter(|one| one.key == super::PROVIDER).map(|one| one.reason).collect()
        };
        let said = about(&file);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("the strategy \"local\" keeps to it"), "{said:?}");
        assert!(about(&file.replace("\"local\"", "\"default\"")).is_empty());
    }
}
