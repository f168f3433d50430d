//! The client itself: policy, place, attempt, retry.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use reqwest::{Certificate, Client, redirect};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use super::Error;
use super::address::Reach;
use super::body::Arriving;
use super::error::{Cause, Phase};
use super::ledger::{Attempt, EgressSink, Ledger, Outcome};
use super::policy::{EgressPolicy, Permit};
use super::request::{Answer, PauseInBody, Request, StreamingAnswer};
use super::resolver::{GuardedResolver, LeadsOutside, Resolver, SystemResolver};
use super::retry::{self, Advice, Budget};
use crate::base::{Clock, Fault, SystemClock};

/// For a connection, the look-up of the name and the TLS handshake included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Of the body of an error, more is not read.
pub const ERROR_BODY_BYTES_MAX: u64 = 64 * 1024;
/// Destinations whose retry budgets are kept; the allow-list is rarely that long.
const BUDGETS_MAX: usize = 256;

/// How the client is built.
#[derive(Clone)]
pub struct Options {
    /// Who turns names into addresses.
    pub resolver: Arc<dyn Resolver>,
    /// What time it is, for the ledger.
    pub clock: Arc<dyn Clock>,
    /// Certificates (PEM, any number) trusted besides those of the operating system, for a private authority.
    pub extra_roots_pem: Option<Vec<u8>>,
    /// Entries that the ledger keeps in memory.
    pub ledger_entries_max: usize,
    /// Hears of each entry of the ledger.
    pub sink: Option<Arc<dyn EgressSink>>,
    /// Requests under way at once; more wait.
    pub requests_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            resolver: Arc::new(SystemResolver),
            clock: Arc::new(SystemClock),
            extra_roots_pem: None,
            ledger_entries_max: 1_000,
            sink: None,
            requests_max: 128,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("requests_max", &self.requests_max).finish_non_exhaustive()
    }
}

/// The only way out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    policy: EgressPolicy,
    /// A client per reach and scheme, because a pooled connection must not serve a request of narrower reach.
    clients: HashMap<(Reach, bool), Result<Client, Arc<reqwest::Error>>>,
    ledger: Arc<Ledger>,
    places: Arc<Semaphore>,
    budgets: parking_lot::Mutex<HashMap<String, Arc<Budget>>>,
    resolver: Arc<dyn Resolver>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Outbound {
    /// Builds the clients that `policy` can need; none when it allows nothing. Reads the certificates of the
    /// operating system. Needs the process-wide TLS provider to be installed.
    ///
    /// # Errors
    /// [`Error::Tls`] if no provider is installed or `extra_roots_pem` holds no readable certificates. Missing
    /// system certificates are an error only when a request over TLS is made.
    pub fn new(policy: EgressPolicy, options: Options) -> Result<Self, Error> {
        let extra_roots = match &options.extra_roots_pem {
            Some(pem) => read_roots(pem)?,
            None => Vec::new(),
        };
        let mut clients = HashMap::new();
        for (reach, plain_http) in policy.lanes() {
            if rustls::crypto::CryptoProvider::get_default().is_none() {
                return Err(Error::Tls("no TLS provider is installed in this process".into()));
            }
            clients.entry((reach, plain_http)).or_insert_with(|| {
                build(reach, plain_http, &options.resolver, &extra_roots).map_err(Arc::new)
            });
        }
        Ok(Self(Arc::new(Inner {
            policy,
            clients,
            ledger: Arc::new(Ledger::new(options.ledger_entries_max, options.sink, options.clock)),
            places: Arc::new(Semaphore::new(options.requests_max.max(1))),
            budgets: parking_lot::Mutex::default(),
            resolver: options.resolver,
        })))
    }

    /// What was sent and refused lately.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    pub(super) fn ledger_of(&self) -> &Arc<Ledger> {
        &self.0.ledger
    }

    pub(super) fn policy(&self) -> &EgressPolicy {
        &self.0.policy
    }

    pub(super) fn resolver(&self) -> &Arc<dyn Resolver> {
        &self.0.resolver
    }

    /// Sends `request` and reads the whole answer.
    ///
    /// # Errors
    /// Any [`Error`]; a status that is not 2xx is one.
    pub async fn send(&self, request: Request) -> Result<Answer, Error> {
        let (status, headers, arriving) = self.open(&request).await?;
        Ok(Answer { status, headers, body: arriving.collect().await? })
    }

    /// Sends `request` and returns as soon as the head of a good answer is there. What fails after that is not
    /// retried: the caller has already used the beginning.
    ///
    /// # Errors
    /// Any [`Error`]; a status that is not 2xx is one.
    pub async fn send_streaming(&self, request: Request) -> Result<StreamingAnswer, Error> {
        let (status, headers, arriving) = self.open(&request).await?;
        Ok(StreamingAnswer { status, headers, body: arriving.into_stream() })
    }

    async fn open(&self, request: &Request) -> Result<(u16, reqwest::header::HeaderMap, Arriving), Error> {
        let began = Instant::now();
        let deadline = began + request.limits.whole;
        let retry_by = request.retry_within.map_or(deadline, |time| deadline.min(began + time));
        let permit = self.0.policy.permit(&request.url).inspect_err(|refused| {
            let destination = destination_of(&request.url);
            self.begin(request, destination).end(Outcome::Refused(refused.code()));
        })?;
        let client = self.client(&permit).inspect_err(|failed| {
            self.begin(request, permit.destination.clone()).end(Outcome::Failed(failed.code()));
        })?;
        let budget = self.budget(&permit.destination);
        let mut place = Some(self.place(&permit, deadline).await?);
        let mut failures = 0;
        loop {
            let (error, advice) = match self.attempt(client, request, &permit, deadline, &mut place).await {
                Ok(opened) => {
                    budget.succeeded();
                    return Ok(opened);
                }
                Err(failed) => failed,
            };
            failures += 1;
            let is_final =
                matches!(&error, Error::Status { status, body, .. } if (request.is_final)(*status, body));
            let may_pass = advice.should_retry.unwrap_or_else(|| may_pass(&error)) && !is_final;
            if !may_pass || !budget.failed() || failures > request.retries_max {
                return Err(error);
            }
            let Some(wait) = retry::wait(failures, advice.after, rand::random()) else { return Err(error) };
            if Instant::now() + wait >= retry_by {
                return Err(error);
            }
            tracing::info!(destination = permit.destination, wait = ?wait, cause = error.code(), "trying again");
            sleep(wait).await;
        }
    }

    /// One attempt, up to the head of the answer.
    async fn attempt(
        &self,
        client: &Client,
        request: &Request,
        permit: &Permit,
        deadline: Instant,
        place: &mut Option<OwnedSemaphorePermit>,
    ) -> Result<(u16, reqwest::header::HeaderMap, Arriving), (Error, Advice)> {
        let mut attempt = self.begin(request, permit.destination.clone());
        let response = match head(client, request, permit, deadline).await {
            Ok(response) => response,
            Err(error) => {
                let code = error.code();
                if error.is_refusal() {
                    attempt.end(Outcome::Refused(code));
                } else {
                    attempt.sent(request.body.len());
                    attempt.end(Outcome::Failed(code));
                }
                return Err((error, Advice::default()));
            }
        };
        attempt.sent(request.body.len());
        let status = response.status();
        let headers = response.headers().clone();
        attempt.answered(status.as_u16());
        let length = response.content_length();
        let bytes_max =
            if status.is_success() { request.limits.answer_bytes_max } else { ERROR_BODY_BYTES_MAX };
        let mut arriving = Arriving {
            pieces: response.bytes_stream().map_err(|cause| Cause::from(cause.without_url())).boxed(),
            destination: permit.destination.clone(),
            between_pieces: request.limits.between_pieces,
            deadline,
            bytes_max,
            attempt,
            place: None,
        };
        if !status.is_success() {
            return Err(failed_answer(status, &headers, arriving, request.pause_in_body).await);
        }
        if length.is_some_and(|length| length > bytes_max) {
            let destination = permit.destination.clone();
            return Err((arriving.fail(Error::TooLarge { destination, bytes_max }), Advice::default()));
        }
        arriving.place = place.take();
        Ok((status.as_u16(), headers, arriving))
    }

    fn client(&self, permit: &Permit) -> Result<&Client, Error> {
        match self.0.clients.get(&(permit.reach, permit.plain_http)) {
            Some(Ok(client)) => Ok(client),
            Some(Err(cause)) => Err(Error::Tls(Arc::clone(cause).into())),
            None => Err(Error::Tls("no client was built for this destination".into())),
        }
    }

    fn begin(&self, request: &Request, destination: String) -> Attempt {
        Attempt::begin(&self.0.ledger, destination, request.purpose, request.tenant.clone())
    }

    async fn place(&self, permit: &Permit, deadline: Instant) -> Result<OwnedSemaphorePermit, Error> {
        match timeout_at(deadline, Arc::clone(&self.0.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Error::TimedOut { destination: permit.destination.clone(), phase: Phase::Place }),
        }
    }

    fn budget(&self, destination: &str) -> Arc<Budget> {
        let mut budgets = self.0.budgets.lock();
        if let Some(budget) = budgets.get(destination) {
            return Arc::clone(budget);
        }
        if budgets.len() >= BUDGETS_MAX {
            budgets.clear();
        }
        Arc::clone(budgets.entry(destination.to_owned()).or_default())
    }
}

/// Sends and waits for the head of the answer.
async fn head(
    client: &Client,
    request: &Request,
    permit: &Permit,
    deadline: Instant,
) -> Result<reqwest::Response, Error> {
    let sending = client
        .request(request.method.clone(), request.url.clone())
        .headers(request.headers.clone())
        .body(request.body.clone())
        .send();
    let first_byte_by = Instant::now() + request.limits.first_byte;
    let Ok(sent) = timeout_at(first_byte_by.min(deadline), sending).await else {
        let phase = if first_byte_by < deadline { Phase::FirstByte } else { Phase::Whole };
        return Err(Error::TimedOut { destination: permit.destination.clone(), phase });
    };
    sent.map_err(|cause| told_apart(cause, &permit.destination))
}

/// Whether a failure without advice may pass: nothing was sent, or the status says so. A request that was sent
/// and then lost is not repeated, since it may have been carried out and paid for.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Connect { .. } | Error::Unresolved { .. } => true,
        Error::TimedOut { phase, .. } => *phase == Phase::Connection,
        Error::Status { status, .. } => retry::is_worth_retrying(*status),
        _ => false,
    }
}

/// Reads what a failed answer says, as far as it says it.
async fn failed_answer(
    status: reqwest::StatusCode,
    headers: &reqwest::header::HeaderMap,
    mut arriving: Arriving,
    pause_in_body: PauseInBody,
) -> (Error, Advice) {
    let destination = arriving.destination.clone();
    let mut advice = Advice::read(headers);
    if status.is_redirection() {
        let error = Error::Redirected { destination, status: status.as_u16() };
        return (arriving.fail(error), Advice::default());
    }
    let mut body = Vec::new();
    while let Ok(Some(piece)) = arriving.next().await {
        body.extend_from_slice(&piece);
    }
    let body = Bytes::from(body);
    advice.after = advice.after.or_else(|| pause_in_body(&body));
    (Error::Status { destination, status: status.as_u16(), retry_after: advice.after, body }, advice)
}

/// Names what went wrong before an answer was there.
fn told_apart(cause: reqwest::Error, destination: &str) -> Error {
    let destination = destination.to_owned();
    let cause = cause.without_url();
    let mut beneath: Option<&(dyn std::error::Error + 'static)> = Some(&cause);
    while let Some(error) = beneath {
        if let Some(outside) = error.downcast_ref::<LeadsOutside>() {
            return Error::ForbiddenAddress { destination, network: outside.network };
        }
        beneath = error.source();
    }
    if cause.is_timeout() {
        Error::TimedOut { destination, phase: Phase::Connection }
    } else if cause.is_dns() {
        Error::Unresolved { destination, source: cause.into() }
    } else if cause.is_connect() {
        Error::Connect { destination, source: cause.into() }
    } else if cause.is_builder() {
        Error::BadRequest(cause.into())
    } else {
        Error::Broken { destination, source: cause.into() }
    }
}

pub(super) fn destination_of(url: &url::Url) -> String {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => url.scheme().to_owned(),
    }
}

fn read_roots(pem: &[u8]) -> Result<Vec<Certificate>, Error> {
    let roots = Certificate::from_pem_bundle(pem).map_err(|cause| Error::Tls(cause.into()))?;
    if roots.is_empty() {
        return Err(Error::Tls("the file of additional certificates holds none".into()));
    }
    Ok(roots)
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that makes the client")]
fn build(
    reach: Reach,
    plain_http: bool,
    resolver: &Arc<dyn Resolver>,
    extra_roots: &[Certificate],
) -> Result<Client, reqwest::Error> {
    let guard = GuardedResolver { names: Arc::clone(resolver), reach };
    let builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(8)
        .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(guard);
    // Plain http works on a machine that has no certificates at all.
    let builder = if plain_http {
        builder.tls_certs_only(std::iter::empty())
    } else {
        builder.tls_certs_merge(extra_roots.iter().cloned())
    };
    builder.build()
}
