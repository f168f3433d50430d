//! Names become addresses once, and only addresses that were checked are connected to.
//!
//! The HTTP client connects to nothing but what this resolver hands it, so a name that answers differently the
//! second time (DNS rebinding) gains nothing: there is no second time.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{Network, Reach};

/// More addresses of one name than this are not looked at.
const ADDRESSES_MAX: usize = 16;

/// Turns a host name into addresses.
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of `host`, in the order in which they should be tried.
    fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Whether `host` is this machine by definition (RFC 6761 §6.3), with no need to ask anybody.
pub(super) fn is_localhost(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost")
}

/// A name whose addresses all lie in networks that this request may not reach.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the name leads to a {network} address")]
pub(super) struct LeadsOutside {
    pub(super) network: Network,
}

/// Lets through only what `reach` permits.
pub(super) struct GuardedResolver {
    pub(super) names: Arc<dyn Resolver>,
    pub(super) reach: Reach,
}

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedResolver").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, reach) = (Arc::clone(&self.names), self.reach);
        Box::pin(async move {
            let allowed = look_up(&names, name.as_str(), reach).await?;
            Ok(Box::new(allowed.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// The addresses of `host` that may be connected to.
pub(super) async fn look_up(
    names: &Arc<dyn Resolver>,
    host: &str,
    reach: Reach,
) -> Result<Vec<IpAddr>, Box<dyn std::error::Error + Send + Sync>> {
    let found = if is_localhost(host) {
        vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
    } else {
        names.resolve(host.to_owned()).await?
    };
    permitted(&found, reach)
}

/// The addresses that may be connected to. A host with a permitted and a forbidden address is reached at the
/// permitted one: a dual-stack host of a local network commonly has both kinds.
fn permitted(
    found: &[IpAddr],
    reach: Reach,
) -> Result<Vec<IpAddr>, Box<dyn std::error::Error + Send + Sync>> {
    let seen = || found.iter().copied().take(ADDRESSES_MAX);
    let allowed: Vec<IpAddr> = seen().filter(|address| reach.permits(Network::of(*address))).collect();
    if !allowed.is_empty() {
        return Ok(allowed);
    }
    match seen().next() {
        Some(address) => Err(LeadsOutside { network: Network::of(address) }.into()),
        None => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_permitted_addresses_come_out() {
        let found = addresses(&["10.0.0.1", "1.1.1.1", "::ffff:127.0.0.1"]);
        assert_eq!(permitted(&found, Reach::Internet).unwrap(), addresses(&["1.1.1.1"]));
        assert_eq!(permitted(&found, Reach::Site).unwrap(), addresses(&["10.0.0.1", "::ffff:127.0.0.1"]));
    }

    #[test]
    fn a_name_with_forbidden_addresses_only_is_refused_by_network() {
        let refused = permitted(&addresses(&["169.254.169.254"]), Reach::Anywhere).unwrap_err();
        assert_eq!(refused.downcast_ref::<LeadsOutside>().unwrap().network, Network::Metadata);
        assert!(permitted(&[], Reach::Anywhere).unwrap_err().downcast_ref::<LeadsOutside>().is_none());
    }

    #[tokio::test]
    async fn localhost_is_answered_without_asking_the_resolver() {
        struct Unasked;
        impl Resolver for Unasked {
            fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
                panic!("asked for {host}");
            }
        }
        let guard = GuardedResolver { names: Arc::new(Unasked), reach: Reach::Machine };
        let found: Vec<_> = guard.resolve("localhost".parse().unwrap()).await.unwrap().collect();
        assert_eq!(found.len(), 2);
    }
}
