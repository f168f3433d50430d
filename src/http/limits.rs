//! Limits on size, time, rate and number of what is asked.
//!
//! Rates are GCRA (a leaky bucket, through `governor`). Keys are hashed with a random seed into a fixed number of buckets, so
//! that no flood of addresses can grow the memory; two that share a bucket share its rate, which nobody can bring about
//! on purpose.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use super::{Problem, RequestContext};
use crate::base::{Actor, TenantId};
use crate::config;
use crate::conversations::IMAGE_UPLOAD_BYTES_MAX;
use crate::telemetry::Memory;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const BUCKETS: u64 = 1 << 17;
const CHECKS_BETWEEN_SWEEPS: u32 = 1 << 16;
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(900);
const ASKING_TIMEOUT: Duration = Duration::from_secs(900);

/// The routes that take a file's bytes.
const UPLOADS: [(Method, &str); 2] =
    [(Method::PUT, "/api/v1/documents/by-name/{name}"), (Method::POST, IMAGES)];
/// The route that takes pictures, which are smaller.
const IMAGES: &str = "/api/v1/conversations/{id}/images";

/// The route that takes a whole workspace.
const IMPORTS: [(Method, &str); 1] = [(Method::POST, "/api/v1/tenants/import")];
const IMPORT_TIMEOUT: Duration = Duration::from_secs(6 * 3_600);

/// The routes that wait for a model, which has deadlines of its own.
const ASKING: [(Method, &str); 1] = [(Method::POST, "/api/v1/messages/{message}/replay")];

/// So many of something from each key in a time.
struct Rate {
    buckets: DefaultKeyedRateLimiter<u64>,
    seed: RandomState,
    checks: AtomicU32,
    clock: DefaultClock,
}

impl Rate {
    fn new(count: u32, per: Duration) -> Self {
        let count = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::with_period(per / count.get()).unwrap_or(Quota::per_second(count)).allow_burst(count);
        Self {
            buckets: RateLimiter::keyed(quota),
            seed: RandomState::new(),
            checks: AtomicU32::new(0),
            clock: DefaultClock::default(),
        }
    }

    fn check(&self, key: impl Hash) -> Result<(), Problem> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS_BETWEEN_SWEEPS == CHECKS_BETWEEN_SWEEPS - 1 {
            self.buckets.retain_recent();
        }
        let bucket = self.seed.hash_one(key) % BUCKETS;
        self.buckets
            .check_key(&bucket)
            .map_err(|refused| Problem::limited(refused.wait_time_from(self.clock.now())))
    }
}

/// What is allowed.
pub struct Limits {
    per_address: Rate,
    per_caller: Rate,
    per_workspace: Rate,
    sign_ins: Rate,
    visitors: Rate,
    images: Rate,
    under_way: Semaphore,
    body_bytes_max: usize,
    upload_bytes_max: usize,
    import_bytes_max: u64,
    timeout: Duration,
    memory: Option<Arc<Memory>>,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").field("under_way", &self.under_way).finish_non_exhaustive()
    }
}

/// A subscriber's IPv6 network counts as one address.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

impl Limits {
    /// As the settings say.
    #[must_use]
    pub fn new(limits: &config::Limits, upload_bytes_max: usize) -> Self {
        Self {
            per_address: Rate::new(limits.requests_per_minute_per_address, MINUTE),
            per_caller: Rate::new(limits.requests_per_minute_per_caller, MINUTE),
            per_workspace: Rate::new(limits.requests_per_minute_per_workspace, MINUTE),
            sign_ins: Rate::new(limits.sign_ins_per_minute_per_address, MINUTE),
            visitors: Rate::new(limits.visitors_per_hour_per_address, HOUR),
            images: Rate::new(limits.images_per_hour_per_address, HOUR),
            under_way: Semaphore::new(limits.requests_under_way_max.min(Semaphore::MAX_PERMITS)),
            body_bytes_max: limits.body_bytes_max,
            upload_bytes_max,
            import_bytes_max: limits.import_bytes_max,
            timeout: Duration::from_secs(limits.request_timeout_s),
            memory: None,
        }
    }

    /// Files are taken only while they fit below this ceiling.
    #[must_use]
    pub fn below(mut self, memory: Arc<Memory>) -> Self {
        self.memory = Some(memory);
        self
    }

    /// The largest document.
    #[must_use]
    pub fn upload_bytes_max(&self) -> usize {
        self.upload_bytes_max
    }

    /// The largest workspace that is imported, unpacked.
    #[must_use]
    pub fn import_bytes_max(&self) -> u64 {
        self.import_bytes_max
    }

    /// One more request of this caller.
    ///
    /// # Errors
    /// A problem with status 429.
    pub fn caller(&self, actor: Actor) -> Result<(), Problem> {
        self.per_caller.check(actor)
    }

    /// One more request to this workspace.
    ///
    /// # Errors
    /// A problem with status 429.
    pub fn workspace(&self, tenant: TenantId) -> Result<(), Problem> {
        self.per_workspace.check(tenant)
    }

    /// One more attempt to sign in or to set up.
    ///
    /// # Errors
    /// A problem with status 429.
    pub fn sign_in(&self, context: &RequestContext) -> Result<(), Problem> {
        if context.console { Ok(()) } else { self.sign_ins.check(household(context.address)) }
    }

    /// One more new visitor.
    ///
    /// # Errors
    /// A problem with status 429.
    pub fn visitor(&self, context: &RequestContext) -> Result<(), Problem> {
        if context.console { Ok(()) } else { self.visitors.check(household(context.address)) }
    }

    /// One more picture.
    ///
    /// # Errors
    /// A problem with status 429.
    pub fn image(&self, context: &RequestContext) -> Result<(), Problem> {
        if context.console { Ok(()) } else { self.images.check(household(context.address)) }
    }

    async fn admit(&self, mut request: Request, next: Next) -> Result<Response, Problem> {
        // A probe must learn that the appliance is alive when it is busiest.
        if request.uri().path().starts_with("/healthz/") {
            return Ok(next.run(request).await);
        }
        if let Some(context) = request.extensions().get::<RequestContext>().filter(|context| !context.console)
        {
            self.per_address.check(household(context.address))?;
        }
        let image = request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str() == IMAGES);
        let (bytes_max, timeout) = if is_among(&IMPORTS, &request) {
            (usize::try_from(self.import_bytes_max).unwrap_or(usize::MAX), IMPORT_TIMEOUT)
        } else if is_among(&UPLOADS, &request) {
            (if image { IMAGE_UPLOAD_BYTES_MAX } else { self.upload_bytes_max }, UPLOAD_TIMEOUT)
        } else if is_among(&ASKING, &request) {
            (self.body_bytes_max, ASKING_TIMEOUT)
        } else {
            (self.body_bytes_max, self.timeout)
        };
        let announced =
            request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|bytes: usize| bytes > bytes_max) {
            return Err(Problem::too_large());
        }
        let _room = match &self.memory {
            Some(memory) if is_among(&UPLOADS, &request) => {
                let bytes = u64::try_from(announced.unwrap_or(bytes_max)).unwrap_or(u64::MAX);
                Some(memory.room_for(bytes).ok_or_else(no_memory)?)
            }
            _ => None,
        };
        DefaultBodyLimit::max(bytes_max).apply(&mut request);
        let Ok(_place) = self.under_way.try_acquire() else { return Err(busy()) };
        tokio::time::timeout(timeout, next.run(request)).await.map_err(|_| took_too_long())
    }
}

fn is_among(routes: &[(Method, &str)], request: &Request) -> bool {
    let path = request.extensions().get::<MatchedPath>();
    path.is_some_and(|path| {
        routes.iter().any(|(method, route)| method == request.method() && *route == path.as_str())
    })
}

fn no_memory() -> Problem {
    let detail = "The appliance is short of memory at the moment, so it takes no files. Try again shortly.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "memory_full", detail).retry_after(Duration::from_secs(10))
}

fn busy() -> Problem {
    let detail = "The appliance is very busy at the moment. Try again shortly.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(Duration::from_secs(2))
}

fn took_too_long() -> Problem {
    let detail = "It took too long and was given up. Try again.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail)
}

/// The layer that admits requests.
pub(super) async fn layer(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    match limits.admit(request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_for_each_key_and_says_when_to_come_back() {
        let rate = Rate::new(2, HOUR);
        assert!(rate.check("a").is_ok() && rate.check("a").is_ok());
        let refused = rate.check("a").unwrap_err();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(rate.check("b").is_ok());
    }

    #[test]
    fn a_subscribers_ipv6_network_is_one_address() {
        let address = |text: &str| household(text.parse().unwrap());
        assert_eq!(address("2001:db8:1:2:3::4"), address("2001:db8:1:2:ffff::1"));
        assert_ne!(address("2001:db8:1:2::"), address("2001:db8:1:3::"));
        assert_ne!(address("10.0.0.1"), address("10.0.0.2"));
    }
}
