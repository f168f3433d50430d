//! Throttling of sign-in attempts.
//!
//! In any 15 minutes that begin with a failed attempt, these many may fail:
//! - 10 for one account from one address, which stops guessing and cannot lock the owner out elsewhere;
//! - 30 from one address, whatever the account;
//! - 100 for one account from everywhere (NIST SP 800-63B, section 3.2.2, asks for no more than 100).
//!
//! An IPv6 address counts as its /64, which is what one customer gets. An attempt is counted before the password is looked at
//! and given back when it was right, so that many at once count too. The counts are in memory, at most 10,000 of each
//! kind, and a restart forgets them: a restart needs the machine, and whoever has that needs no password.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use parking_lot::Mutex;

use super::Error;
use crate::base::Timestamp;

/// How long failures count, from the first.
pub const WINDOW: Duration = Duration::from_mins(15);
/// Failures for one account from one address.
pub const ACCOUNT_AND_ADDRESS_MAX: u32 = 10;
/// Failures from one address.
pub const ADDRESS_MAX: u32 = 30;
/// Failures for one account.
pub const ACCOUNT_MAX: u32 = 100;
const ENTRIES_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Window {
    attempts: u32,
    ends: Timestamp,
}

#[derive(Debug)]
struct Counts<K> {
    windows: HashMap<K, Window>,
    attempts_max: u32,
}

impl<K: Hash + Eq + Clone> Counts<K> {
    fn new(attempts_max: u32) -> Self {
        Self { windows: HashMap::new(), attempts_max }
    }

    /// How long until another attempt is allowed, if it is not now.
    fn wait(&self, key: &K, now: Timestamp) -> Option<Duration> {
        let window = self.windows.get(key).filter(|window| now < window.ends)?;
        (window.attempts >= self.attempts_max).then(|| window.ends.since(now))
    }

    fn count(&mut self, key: K, now: Timestamp) {
        if self.windows.len() >= ENTRIES_MAX && !self.windows.contains_key(&key) {
            self.make_room(now);
        }
        let window = self.windows.entry(key).or_insert(Window { attempts: 0, ends: now.plus(WINDOW) });
        if window.ends <= now {
            *window = Window { attempts: 0, ends: now.plus(WINDOW) };
        }
        window.attempts = window.attempts.saturating_add(1);
    }

    fn give_back(&mut self, key: &K) {
        if let Some(window) = self.windows.get_mut(key) {
            window.attempts = window.attempts.saturating_sub(1);
        }
    }

    /// Forgets what has ended, and if nothing has, the count that matters least: the lowest, then the oldest.
    fn make_room(&mut self, now: Timestamp) {
        self.windows.retain(|_, window| now < window.ends);
        if self.windows.len() < ENTRIES_MAX {
            return;
        }
        let least = self.windows.iter().min_by_key(|(_, window)| (window.attempts, window.ends));
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            self.windows.remove(&key);
        }
    }
}

#[derive(Debug)]
struct Books {
    pairs: Counts<(String, IpAddr)>,
    addresses: Counts<IpAddr>,
    accounts: Counts<String>,
}

/// Counts the attempts of the whole appliance.
#[derive(Debug)]
pub struct Throttle {
    books: Mutex<Books>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

impl Throttle {
    /// With nothing counted.
    #[must_use]
    pub fn new() -> Self {
        Self {
            books: Mutex::new(Books {
                pairs: Counts::new(ACCOUNT_AND_ADDRESS_MAX),
                addresses: Counts::new(ADDRESS_MAX),
                accounts: Counts::new(ACCOUNT_MAX),
            }),
        }
    }

    /// Counts an attempt on the account with this (folded) e-mail address.
    ///
    /// # Errors
    /// [`Error::Throttled`], and then it does not count.
    pub fn attempt(&self, account: &str, from: IpAddr, now: Timestamp) -> Result<(), Error> {
        let from = network_of(from);
        let pair = (account.to_owned(), from);
        let mut books = self.books.lock();
        let waits = [
            books.pairs.wait(&pair, now),
            books.addresses.wait(&from, now),
            books.accounts.wait(&pair.0, now),
        ];
        if let Some(retry_after) = waits.into_iter().flatten().max() {
            return Err(Error::Throttled { retry_after });
        }
        books.accounts.count(pair.0.clone(), now);
        books.pairs.count(pair, now);
        books.addresses.count(from, now);
        Ok(())
    }

    /// Takes back an attempt that was no failure. After a right password, earlier failures of the pair are forgotten too.
    pub fn give_back(&self, account: &str, from: IpAddr, was_right: bool) {
        let from = network_of(from);
        let pair = (account.to_owned(), from);
        let mut books = self.books.lock();
        books.addresses.give_back(&from);
        books.accounts.give_back(&pair.0);
        if was_right {
            books.pairs.windows.remove(&pair);
        } else {
            books.pairs.give_back(&pair);
        }
    }
}

/// The address itself, or the /64 of an IPv6 address.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Fault as _;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000)
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn the_eleventh_failure_from_one_address_waits_while_the_owner_signs_in_elsewhere() {
        let throttle = Throttle::new();
        for second in 0..10 {
            throttle.attempt("ada@x", address(1), at(second)).unwrap();
        }
        let refused = throttle.attempt("ada@x", address(1), at(60)).unwrap_err();
        assert_eq!(refused.retry_after(), Some(Duration::from_mins(14)));
        throttle.attempt("ada@x", address(2), at(60)).unwrap();
        throttle.attempt("bob@x", address(1), at(60)).unwrap();
        throttle.attempt("ada@x", address(1), at(15 * 60)).unwrap();
    }

    #[test]
    fn one_address_fails_thirty_times_over_all_accounts_and_one_account_a_hundred_times_over_all_addresses() {
        let throttle = Throttle::new();
        for number in 0..30 {
            throttle.attempt(&format!("{number}@x"), address(1), at(0)).unwrap();
        }
        assert!(throttle.attempt("new@x", address(1), at(1)).is_err());
        assert!(throttle.attempt("new@x", "::ffff:192.0.2.1".parse().unwrap(), at(1)).is_err());
        for number in 0..100 {
            throttle.attempt("ada@x", address(100 + number), at(0)).unwrap();
        }
        assert!(throttle.attempt("ada@x", address(2), at(1)).is_err());
    }

    #[test]
    fn a_right_password_costs_nothing() {
        let throttle = Throttle::new();
        for _ in 0..500 {
            throttle.attempt("ada@x", address(1), at(0)).unwrap();
            throttle.give_back("ada@x", address(1), true);
        }
    }

    #[test]
    fn a_customer_with_a_whole_ipv6_network_is_one_address() {
        let throttle = Throttle::new();
        for host in 0..30u32 {
            let from = format!("2001:db8:1:2::{host:x}").parse().unwrap();
            throttle.attempt(&format!("{host}@x"), from, at(0)).unwrap();
        }
        assert!(throttle.attempt("new@x", "2001:db8:1:2:ffff::1".parse().unwrap(), at(0)).is_err());
        throttle.attempt("new@x", "2001:db8:1:3::1".parse().unwrap(), at(0)).unwrap();
    }

    #[test]
    fn the_memory_is_bounded_and_a_full_count_is_kept_longest() {
        let throttle = Throttle::new();
        for _ in 0..10 {
            throttle.attempt("ada@x", address(1), at(0)).unwrap();
        }
        let total = u32::try_from(ENTRIES_MAX).unwrap() + 50;
        for number in 0..total {
            let from = IpAddr::from(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number));
            throttle.attempt(&format!("{number}@y"), from, at(1)).unwrap();
        }
        let books = throttle.books.lock();
        assert_eq!(books.pairs.windows.len(), ENTRIES_MAX);
        assert_eq!(books.accounts.windows.len(), ENTRIES_MAX);
        drop(books);
        assert!(throttle.attempt("ada@x", address(1), at(2)).is_err());
    }
}
