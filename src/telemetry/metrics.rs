//! What is counted and measured, for `/metrics` (`OpenMetrics` text, which Prometheus reads).
//!
//! Counters are moved by whoever does the thing; what is a state (memory, queues, open connections) is looked at when somebody
//! asks ([`Sample`]). Labels have few values: routes as they are declared, never a path; providers that the settings name; codes
//! of our own. No workspace is among them: the operator sees that there is work, not whose.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::Readiness;
use super::process::ProcessFacts;

/// The media type of what [`Metrics::text`] makes.
pub const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const REQUEST_SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const COMMIT_SECONDS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    outcome: &'static str,
    tier: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    provider: String,
    tier: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: String,
    tier: String,
    direction: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    kind: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NameLabels {
    name: String,
}

type Level = Gauge<f64, AtomicU64>;

/// What is looked at when somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// This process.
    pub process: ProcessFacts,
    /// What the process may hold before heavy work is put off, in bytes.
    pub memory_bytes_max: u64,
    /// What may still be written into the data directory, in bytes.
    pub disk_free_bytes: u64,
    /// `WebSockets` and event streams that are open.
    pub live_connections: usize,
    /// Workspaces' databases that are open.
    pub keyspaces_open: usize,
    /// Jobs by what they wait for, of the databases that are open.
    pub jobs: Vec<(&'static str, usize)>,
    /// How each part is.
    pub health: Option<Readiness>,
}

/// What is counted and measured.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    throttled: Family<CodeLabels, Counter>,
    sign_ins_refused: Family<CodeLabels, Counter>,
    connections: Gauge,
    answers: Family<AnswerLabels, Counter>,
    model_calls: Family<ModelLabels, Counter>,
    model_tokens: Family<TokenLabels, Counter>,
    model_cost: Family<ModelLabels, Counter>,
    jobs_ended: Family<JobLabels, Counter>,
    commits: Histogram,
    commit_failures: Counter,
    backup: Level,
    certificate: Level,
    sampled: Mutex<Sampled>,
}

/// What [`Sample`] is written into.
#[derive(Debug, Default)]
struct Sampled {
    resident: Gauge,
    held: Gauge,
    memory_max: Gauge,
    processor: Counter<f64, AtomicU64>,
    open_files: Gauge,
    open_files_max: Gauge,
    disk_free: Gauge,
    live: Gauge,
    keyspaces: Gauge,
    jobs: Family<NameLabels, Gauge>,
    checks: Family<NameLabels, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(REQUEST_SECONDS);
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(histogram),
            throttled: Family::default(),
            sign_ins_refused: Family::default(),
            connections: Gauge::default(),
            answers: Family::default(),
            model_calls: Family::default(),
            model_tokens: Family::default(),
            model_cost: Family::default(),
            jobs_ended: Family::default(),
            commits: Histogram::new(COMMIT_SECONDS),
            commit_failures: Counter::default(),
            backup: Level::default(),
            certificate: Level::default(),
            sampled: Mutex::default(),
        };
        let mut registry = Registry::default();
        metrics.enter(&mut registry);
        metrics.sampled.lock().enter(&mut registry);
        metrics.registry = registry;
        metrics
    }

    fn enter(&self, registry: &mut Registry) {
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("frontdesk_build", "The program", build);
        let own = registry.sub_registry_with_prefix("frontdesk");
        own.register("http_requests", "Requests answered", self.requests.clone());
        let help = "Time until the answer began";
        own.register_with_unit("http_request_duration", help, Unit::Seconds, self.request_seconds.clone());
        own.register("requests_throttled", "Requests refused as too many", self.throttled.clone());
        own.register(
            "sign_ins_refused",
            "Attempts to sign in that were refused",
            self.sign_ins_refused.clone(),
        );
        own.register("connections_open", "Network connections that are open", self.connections.clone());
        own.register("answers", "Answers given, by how and by the tier of the model", self.answers.clone());
        own.register("model_calls", "Calls of models that were booked", self.model_calls.clone());
        own.register("model_tokens", "Tokens that models read and wrote", self.model_tokens.clone());
        let help = "What models cost, in millionths of a dollar";
        own.register("model_cost_micros", help, self.model_cost.clone());
        own.register("jobs_ended", "Runs of background jobs, by how they ended", self.jobs_ended.clone());
        let help = "Time to bring a group of changes to disk";
        own.register_with_unit("store_commit_duration", help, Unit::Seconds, self.commits.clone());
        own.register("store_commit_failures", "Commits that failed", self.commit_failures.clone());
        let help = "When the newest good backup was made; 0 when there is none";
        own.register_with_unit("backup_last_success_timestamp", help, Unit::Seconds, self.backup.clone());
        let help = "When the certificate ends";
        own.register_with_unit("certificate_end_timestamp", help, Unit::Seconds, self.certificate.clone());
    }

    /// A request was answered. `route` is the declared one; nothing where there is none.
    pub fn answered(&self, method: &'static str, route: Option<&str>, status: u16, after: Duration) {
        let route = route.unwrap_or("none").to_owned();
        let labels = RouteLabels { method, route: route.clone() };
        self.request_seconds.get_or_create(&labels).observe(after.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
    }

    /// A request was refused because there were too many.
    pub fn throttled(&self, code: &'static str) {
        self.throttled.get_or_create(&CodeLabels { code }).inc();
    }

    /// An attempt to sign in was refused.
    pub fn sign_in_refused(&self, code: &'static str) {
        self.sign_ins_refused.get_or_create(&CodeLabels { code }).inc();
    }

    /// A connection was opened; it is closed when what is returned is dropped.
    #[must_use]
    pub fn connection(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    /// A message was answered, by a model of `tier` where one was asked.
    pub fn gave_answer(&self, outcome: &'static str, tier: Option<&str>) {
        let tier = tier.unwrap_or("none").to_owned();
        self.answers.get_or_create(&AnswerLabels { outcome, tier }).inc();
    }

    /// A call of a model was booked.
    pub fn booked(&self, provider: &str, tier: &str, tokens: [u64; 2], cost_micros: u64) {
        let (provider, tier) = (provider.to_owned(), tier.to_owned());
        for (direction, tokens) in ["input", "output"].into_iter().zip(tokens) {
            let labels = TokenLabels { provider: provider.clone(), tier: tier.clone(), direction };
            self.model_tokens.get_or_create(&labels).inc_by(tokens);
        }
        let labels = ModelLabels { provider, tier };
        self.model_calls.get_or_create(&labels).inc();
        self.model_cost.get_or_create(&labels).inc_by(cost_micros);
    }

    /// A run of a job has ended.
    pub fn job_ended(&self, kind: &str, outcome: &'static str) {
        self.jobs_ended.get_or_create(&JobLabels { kind: kind.to_owned(), outcome }).inc();
    }

    /// A group of changes was brought to disk, or was not.
    pub fn committed(&self, after: Duration, good: bool) {
        self.commits.observe(after.as_secs_f64());
        if !good {
            self.commit_failures.inc();
        }
    }

    /// A good backup was made, at so many milliseconds since 1970.
    pub fn backed_up(&self, at_ms: u64) {
        self.backup.set(seconds(at_ms));
    }

    /// The certificate that is served ends at so many milliseconds since 1970.
    pub fn certificate_ends(&self, at_ms: u64) {
        self.certificate.set(seconds(at_ms));
    }

    /// Everything, with what was just looked at, as text.
    #[must_use]
    pub fn text(&self, sample: &Sample) -> String {
        let sampled = self.sampled.lock();
        sampled.take(sample);
        let mut text = String::with_capacity(16 << 10);
        // Writing into a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

#[allow(clippy::cast_precision_loss, reason = "a time in seconds with a fraction")]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1_000.0
}

impl Sampled {
    fn enter(&self, registry: &mut Registry) {
        let own = registry.sub_registry_with_prefix("frontdesk");
        let help = "What counts against the memory ceiling";
        own.register_with_unit("memory_held", help, Unit::Bytes, self.held.clone());
        own.register_with_unit("memory_ceiling", "The memory ceiling", Unit::Bytes, self.memory_max.clone());
        let help = "What may still be written into the data directory";
        own.register_with_unit("disk_free", help, Unit::Bytes, self.disk_free.clone());
        own.register("live_connections", "WebSockets and event streams that are open", self.live.clone());
        own.register("keyspaces_open", "Workspaces whose database is open", self.keyspaces.clone());
        let help =
            "Background jobs of the databases that are open: waiting in each lane, running, and dead letters";
        own.register("jobs", help, self.jobs.clone());
        own.register("check_ok", "Whether a part is as it should be", self.checks.clone());
        let process = registry.sub_registry_with_prefix("process");
        process.register_with_unit("resident_memory", "Memory in use", Unit::Bytes, self.resident.clone());
        process.register_with_unit("cpu", "Processor time", Unit::Seconds, self.processor.clone());
        process.register("open_fds", "Files and sockets that are open", self.open_files.clone());
        process.register("max_fds", "The most that may be open", self.open_files_max.clone());
    }

    fn take(&self, sample: &Sample) {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.resident.set(whole(sample.process.resident_bytes));
        self.held.set(whole(sample.process.held_bytes));
        self.memory_max.set(whole(sample.memory_bytes_max));
        self.processor.inner().store(sample.process.processor_s.to_bits(), Ordering::Relaxed);
        self.open_files.set(whole(sample.process.open_files));
        self.open_files_max.set(whole(sample.process.open_files_max));
        self.disk_free.set(whole(sample.disk_free_bytes));
        self.live.set(count(sample.live_connections));
        self.keyspaces.set(count(sample.keyspaces_open));
        for (name, jobs) in &sample.jobs {
            self.jobs.get_or_create(&NameLabels { name: (*name).to_owned() }).set(count(*jobs));
        }
        self.checks.clear();
        for check in sample.health.iter().flat_map(|readiness| &readiness.checks) {
            let ok = i64::from(check.state == super::HealthState::Ok);
            self.checks.get_or_create(&NameLabels { name: check.name.clone() }).set(ok);
        }
    }
}

/// A network connection, counted while this is held.
#[derive(Debug)]
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_in_the_text_and_what_was_looked_at_is_as_it_was_seen() {
        let metrics = Metrics::new();
        metrics.answered("GET", Some("/api/v1/documents/{id}"), 200, Duration::from_millis(20));
        metrics.answered("GET", Some("/api/v1/documents/{id}"), 404, Duration::from_millis(2));
        metrics.booked("gpt", "premium", [1_200, 90], 350);
        let open = metrics.connection();
        let sample = Sample { jobs: vec![("dead", 3)], disk_free_bytes: 77, ..Sample::default() };
        let text = metrics.text(&sample);
        for line in [
            "frontdesk_http_requests_total{method=\"GET\",route=\"/api/v1/documents/{id}\",status=\"404\"} 1",
            "frontdesk_http_request_duration_seconds_count{method=\"GET\",route=\"/api/v1/documents/{id}\"} 2",
            "frontdesk_model_tokens_total{provider=\"gpt\",tier=\"premium\",direction=\"output\"} 90",
            "frontdesk_model_cost_micros_total{provider=\"gpt\",tier=\"premium\"} 350",
            "frontdesk_connections_open 1",
            "frontdesk_jobs{name=\"dead\"} 3",
            "frontdesk_disk_free_bytes 77",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n") && text.contains("# TYPE frontdesk_http_requests counter"));
        drop(open);
        assert!(metrics.text(&Sample::default()).contains("frontdesk_connections_open 0"));
    }
}
