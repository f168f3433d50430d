//! What kind of network an address belongs to, and which kinds a request may reach.
//!
//! The guard against server-side request forgery: an address is allowed by what it is, never by what its name
//! looked like. IPv6 forms that carry an IPv4 address are judged by the address they carry. Ranges are those of
//! the IANA special-purpose registries (RFC 6890 and its updates) and the metadata services of cloud vendors.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network that an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Reachable from anywhere.
    Public,
    /// A local network: RFC 1918, RFC 4193, and the shared space of RFC 6598.
    Private,
    /// This machine.
    Loopback,
    /// The wire itself (`169.254.0.0/16`, `fe80::/10`).
    LinkLocal,
    /// Where clouds hand out credentials to whoever asks.
    Metadata,
    /// Multicast, documentation, tunnels, reserved: nothing that a service is reached at.
    Special,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Metadata => "cloud metadata",
            Self::Special => "special-purpose",
        })
    }
}

impl Network {
    /// Of this address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Network {
    match address.octets() {
        [169, 254, 169, 254]
        | [169, 254, 170, 2 | 23]
        | [100, 100, 100, 200]
        | [168, 63, 129, 16]
        | [192, 0, 0, 192] => Network::Metadata,
        [127, ..] => Network::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Network::Private,
        [169, 254, ..] => Network::LinkLocal,
        [0 | 224..=255, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Network::Special,
        _ => Network::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Network {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return of_v4(mapped);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Network::Loopback,
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] | [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254] => {
            Network::Metadata
        }
        // NAT64 (RFC 6052): a public IPv4 address seen from an IPv6-only network. What it hides must be public.
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            match of_v4(Ipv4Addr::new(a, b, c, d)) {
                Network::Public => Network::Public,
                _ => Network::Special,
            }
        }
        [0xfc00..=0xfdff, ..] => Network::Private,
        [0xfe80..=0xfebf, ..] => Network::LinkLocal,
        // Teredo and other protocol assignments, documentation twice, 6to4.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => Network::Special,
        [0x2000..=0x3fff, ..] => Network::Public,
        _ => Network::Special,
    }
}

/// Which networks a request may reach. Decided by the policy before a name is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Public addresses only.
    Internet,
    /// Public, private and loopback.
    Anywhere,
    /// Private and loopback: what unencrypted HTTP may reach.
    Site,
    /// Loopback only: what an air-gapped appliance may reach.
    Machine,
}

impl Reach {
    /// Whether an address of this network may be connected to. Link-local, metadata and special-purpose
    /// addresses never may.
    #[must_use]
    pub fn permits(self, network: Network) -> bool {
        match network {
            Network::Public => matches!(self, Self::Internet | Self::Anywhere),
            Network::Private => matches!(self, Self::Anywhere | Self::Site),
            Network::Loopback => matches!(self, Self::Anywhere | Self::Site | Self::Machine),
            Network::LinkLocal | Network::Metadata | Network::Special => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_told_by_its_address() {
        for (text, expected) in [
            ("1.1.1.1", Network::Public),
            ("100.63.255.255", Network::Public),
            ("100.64.0.1", Network::Private),
            ("172.15.0.1", Network::Public),
            ("172.31.9.9", Network::Private),
            ("192.168.1.5", Network::Private),
            ("10.0.0.1", Network::Private),
            ("127.0.0.53", Network::Loopback),
            ("169.254.169.254", Network::Metadata),
            ("169.254.170.2", Network::Metadata),
            ("169.254.1.1", Network::LinkLocal),
            ("100.100.100.200", Network::Metadata),
            ("168.63.129.16", Network::Metadata),
            ("0.0.0.0", Network::Special),
            ("0.1.2.3", Network::Special),
            ("192.0.2.1", Network::Special),
            ("198.18.0.1", Network::Special),
            ("224.0.0.1", Network::Special),
            ("255.255.255.255", Network::Special),
            ("::1", Network::Loopback),
            ("::", Network::Special),
            ("::127.0.0.1", Network::Special),
            ("2606:4700::1111", Network::Public),
            ("fd12:3456::1", Network::Private),
            ("fd00:ec2::254", Network::Metadata),
            ("fe80::1", Network::LinkLocal),
            ("ff02::1", Network::Special),
            ("2001:db8::1", Network::Special),
            ("2001::1", Network::Special),
            ("2002:7f00:1::", Network::Special),
        ] {
            assert_eq!(Network::of(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_one_is_judged_as_what_it_is() {
        for (text, expected) in [
            ("::ffff:127.0.0.1", Network::Loopback),
            ("::ffff:10.0.0.1", Network::Private),
            ("::ffff:169.254.169.254", Network::Metadata),
            ("::ffff:8.8.8.8", Network::Public),
            ("64:ff9b::8.8.8.8", Network::Public),
            ("64:ff9b::127.0.0.1", Network::Special),
            ("64:ff9b::10.0.0.1", Network::Special),
            ("64:ff9b:1::8.8.8.8", Network::Special),
        ] {
            assert_eq!(Network::of(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn no_reach_includes_link_local_metadata_or_special_addresses() {
        for reach in [Reach::Internet, Reach::Anywhere, Reach::Site, Reach::Machine] {
            for network in [Network::LinkLocal, Network::Metadata, Network::Special] {
                assert!(!reach.permits(network));
            }
        }
        assert!(!Reach::Internet.permits(Network::Private) && !Reach::Internet.permits(Network::Loopback));
        assert!(!Reach::Site.permits(Network::Public));
        assert!(!Reach::Machine.permits(Network::Private));
    }
}
