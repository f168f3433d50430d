//! What the settings say, in the words of the rooms that it is for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::tz::TimeZone;

use crate::archive::{Protection, Recipient};
use crate::base::{Clock, Micros, Secret};
use crate::budget::{AtLimit, Budget, Limit};
use crate::config::{self, RetrievalStrategy, Settings};
use crate::notify::mail::{Mail, MailSettings};
use crate::outbound::{
    self, EgressHost, EgressPolicy, EgressSink, Outbound, Retention, SmtpEncryption, SmtpServer,
};
use crate::quotas::Quotas;
use crate::search::fusion::Strategy;
use crate::store::{Extensions, StoreOptions};
use crate::{assistant, knowledge, ops, tenants};

/// The longest file that holds a passphrase.
const PASSPHRASE_BYTES_MAX: u64 = 4 << 10;

pub(super) fn store_options(settings: &Settings, extensions: Extensions) -> StoreOptions {
    StoreOptions {
        cache_bytes_max: settings.store.cache_bytes_max,
        idle_close: Duration::from_secs(settings.store.idle_close_s),
        extensions,
        crash_disks: None,
    }
}

pub(super) fn knowledge_settings(settings: &Settings) -> knowledge::Settings {
    let mut knowledge = knowledge::Settings::default();
    knowledge.fusion.strategy = match settings.retrieval.strategy {
        RetrievalStrategy::Hybrid => Strategy::Hybrid,
        RetrievalStrategy::Predecessor => Strategy::Predecessor,
        RetrievalStrategy::Semantic => Strategy::Semantic,
        RetrievalStrategy::Keyword => Strategy::Keyword,
    };
    knowledge.fusion.semantic_weight = settings.retrieval.semantic_weight;
    knowledge.fusion.keyword_weight = settings.retrieval.keyword_weight;
    knowledge
}

pub(super) fn assistant_settings(settings: &Settings) -> assistant::Settings {
    assistant::Settings {
        passages_max: settings.retrieval.top_k,
        min_score: settings.retrieval.min_score,
        history_messages_max: settings.assistant.history_messages,
        uncited_claims: match settings.assistant.uncited_claims {
            config::UncitedClaims::Withhold => tenants::UncitedClaims::Withhold,
            config::UncitedClaims::Mark => tenants::UncitedClaims::Mark,
        },
        ..assistant::Settings::default()
    }
}

/// What a tenant may spend that sets nothing itself.
pub(super) fn default_budget(settings: &Settings) -> Budget {
    let limit =
        |micros: i64| u64::try_from(micros).map_or(Limit::Unlimited, |micros| Limit::Micros(Micros(micros)));
    let set = &settings.budget;
    Budget {
        day_limit: limit(set.day_limit_micros),
        month_limit: limit(set.month_limit_micros),
        alert_percents: set.alert_percents.clone(),
        at_limit: match set.at_limit {
            config::AtLimit::Degrade => AtLimit::Degrade,
            config::AtLimit::HandOver => AtLimit::HandOver,
        },
        time_zone: set.time_zone.clone(),
    }
}

/// What a tenant may use for which the operator sets nothing.
pub(super) fn default_quotas(settings: &Settings) -> Quotas {
    let limit = |number: u64| (number > 0).then_some(number);
    let set = &settings.quotas;
    Quotas {
        members: limit(set.members),
        documents: limit(set.documents),
        storage_bytes: limit(set.storage_bytes),
        conversations_per_month: limit(set.conversations_per_month),
    }
}

/// The only way out, as the settings allow it. `sink` hears of everything that is sent or refused.
///
/// # Errors
/// When a host of the allow-list is none, or TLS cannot be set up.
pub fn outbound(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    sink: Option<Arc<dyn EgressSink>>,
) -> anyhow::Result<Outbound> {
    let hosts: Vec<EgressHost> = settings
        .outbound
        .allow
        .iter()
        .map(|host| EgressHost {
            address: host.address.clone(),
            private: host.private,
            plain_http: host.plain_http,
        })
        .collect();
    let policy = EgressPolicy::new(&hosts, settings.outbound.air_gapped)?;
    let options = outbound::Options { clock: clock.clone(), sink, ..Default::default() };
    Ok(Outbound::new(policy, options)?)
}

/// The mail that the settings describe; off where they name no server.
#[must_use]
pub fn mail(settings: &Settings) -> Mail {
    let set = &settings.mail;
    let Some(url) = set.address() else { return Mail::new(None) };
    let public_address = settings.server.public_address(settings.server.https_listen.port());
    let named = settings.server.public_url.as_ref().and_then(url::Url::domain);
    let server = SmtpServer {
        url,
        encryption: match set.encryption {
            config::MailEncryption::Tls => SmtpEncryption::Tls,
            config::MailEncryption::StartTls => SmtpEncryption::StartTls,
            config::MailEncryption::None => SmtpEncryption::None,
        },
        credentials: set.password.clone().map(|password| (set.username.clone(), password)),
        roots_pem: set.ca_pem.clone(),
        hello: named.map(str::to_owned),
    };
    Mail::new(Some(MailSettings {
        server,
        from: set.from.clone(),
        reply_to: (!set.reply_to.is_empty()).then(|| set.reply_to.clone()),
        public_address,
        per_hour_per_recipient: set.letters_per_hour_per_recipient,
        per_hour_per_workspace: set.letters_per_hour_per_workspace,
    }))
}

/// Where backups go, when, how many are kept, and to whom they are sealed.
///
/// # Errors
/// When the recipient is none, or the file of the passphrase cannot be read or is empty.
pub(super) fn backup_settings(settings: &Settings, data_dir: &Path) -> anyhow::Result<ops::Settings> {
    let set = &settings.backup;
    let zone = TimeZone::system();
    let schedule = match (set.time_of_day(), set.every_hours) {
        (Some((hour, minute)), _) => ops::Schedule::Daily { hour, minute, zone: zone.clone() },
        (None, 0) => ops::Schedule::Off,
        (None, hours) => ops::Schedule::Every { hours },
    };
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let protection = match &set.passphrase_file {
        Some(path) => Protection::Passphrase(
            passphrase(path).with_context(|| format!("backup.passphrase_file: {}", path.display()))?,
        ),
        None if set.recipient.is_empty() => Protection::None,
        None => {
            let recipient = Recipient::parse(&set.recipient).context("backup.recipient")?;
            Protection::Recipients(vec![recipient])
        }
    };
    Ok(ops::Settings {
        folder: set.folder.clone().unwrap_or_else(|| data_dir.join("backups")),
        schedule,
        retention: ops::Retention {
            last: count(set.keep_last),
            daily: count(set.keep_daily_days),
            weekly: count(set.keep_weekly_weeks),
            zone,
        },
        protection,
        configuration: settings.file.clone(),
    })
}

/// The passphrase that a file holds, without what ends its line.
///
/// # Errors
/// When the file cannot be read, or holds none.
pub fn passphrase(path: &Path) -> anyhow::Result<Secret> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(PASSPHRASE_BYTES_MAX).read_to_string(&mut text)?;
    let secret = Secret::new(text.trim_end_matches(['\r', '\n']).to_owned());
    anyhow::ensure!(!secret.is_empty(), "the file is empty");
    Ok(secret)
}

/// What the settings keep of the egress ledger.
pub(super) fn egress_retention(settings: &Settings) -> Retention {
    Retention {
        entries_max: settings.outbound.ledger_entries_max,
        age_max: settings.outbound.ledger_age_max(),
    }
}
