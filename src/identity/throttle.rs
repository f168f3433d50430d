//! Throttling of guesses, and of what sends mail.
//!
//! In any 15 minutes that begin with a failed attempt, these many passwords may fail:
//! - 10 for one account from one address, which stops guessing and cannot lock the owner out elsewhere;
//! - 30 from one address, whatever the account;
//! - 100 for one account from everywhere (NIST SP 800-63B, section 3.2.2, asks for no more than 100).
//!
//! Codes of a second factor are counted apart, so that a right password forgives no wrong code: 10 for one account from one
//! address, 30 from one address and 30 for one account from everywhere. Whoever guesses codes knows the password already, so
//! nobody can be locked out by strangers; three of a million codes are good at a time, so that guessing at this rate for a whole
//! day succeeds in one case of a hundred, and is in the audit trail from the first guess.
//!
//! Links to reset a password: in any hour that begins with one, 5 may be asked for from one address and 5 for one account, used
//! or not. The numbers are published in `appliance.toml`.
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

/// How many attempts count against whom.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long attempts count, from the first.
    pub window: Duration,
    /// For one account from one address.
    pub account_and_address_max: u32,
    /// From one address.
    pub address_max: u32,
    /// For one account.
    pub account_max: u32,
}

/// Failed passwords.
pub const PASSWORDS: Bounds = Bounds {
    window: Duration::from_mins(15),
    account_and_address_max: 10,
    address_max: 30,
    account_max: 100,
};
/// Failed codes of a second factor.
pub const CODES: Bounds = Bounds { account_max: 30, ..PASSWORDS };
/// Links to reset a password, whatever becomes of them.
pub const RESETS: Bounds =
    Bounds { window: Duration::from_hours(1), account_and_address_max: 5, address_max: 5, account_max: 5 };
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
    window: Duration,
}

impl<K: Hash + Eq + Clone> Counts<K> {
    fn new(attempts_max: u32, window: Duration) -> Self {
        Self { windows: HashMap::new(), attempts_max, window }
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
        let begun = Window { attempts: 0, ends: now.plus(self.window) };
        let window = self.windows.entry(key).or_insert(begun);
        if window.ends <= now {
            *window = begun;
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

impl Throttle {
    /// With nothing counted.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let Bounds { window, account_and_address_max, address_max, account_max } = bounds;
        Self {
            books: Mutex::new(Books {
                pairs: Counts::new(account_and_address_max, window),
                addresses: Counts::new(address_max, window),
                accounts: Counts::new(account_max, window),
            }),
        }
    }

    /// Counts an attempt on the account of this name: its folded e-mail address, or its id.
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
        let throttle = Throttle::new(PASSWORDS);
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
        let throttle = Throttle::new(PASSWORDS);
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
        let throttle = Throttle::new(PASSWORDS);
        for _ in 0..500 {
            throttle.attempt("ada@x", address(1), at(0)).unwrap();
            throttle.give_back("ada@x", address(1), true);
        }
    }

    #[test]
    fn five_links_an_hour_may_be_asked_for_an_account_and_from_an_address() {
        let throttle = Throttle::new(RESETS);
        for number in 0..5 {
            throttle.attempt("ada@x", address(number), at(0)).unwrap();
        }
        let refused = throttle.attempt("ada@x", address(9), at(60)).unwrap_err();
        assert_eq!(refused.retry_after(), Some(Duration::from_mins(59)));
        for number in 0..4 {
            throttle.attempt(&format!("{number}@x"), address(1), at(0)).unwrap();
        }
        assert!(throttle.attempt("new@x", address(1), at(60)).is_err());
        throttle.attempt("ada@x", address(9), at(60 * 60)).unwrap();
    }

    #[test]
    fn a_customer_with_a_whole_ipv6_network_is_one_address() {
        let throttle = Throttle::new(PASSWORDS);
        for host in 0..30u32 {
            let from = format!("2001:db8:1:2::{host:x}").parse().unwrap();
            throttle.attempt(&format!("{host}@x"), from, at(0)).unwrap();
        }
        assert!(throttle.attempt("new@x", "2001:db8:1:2:ffff::1".parse().unwrap(), at(0)).is_err());
        throttle.attempt("new@x", "2001:db8:1:3::1".parse().unwrap(), at(0)).unwrap();
    }

    #[test]
    fn the_memory_is_bounded_and_a_full_count_is_kept_longest() {
        let throttle = Throttle::new(PASSWORDS);
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
