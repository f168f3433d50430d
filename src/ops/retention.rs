//! Which backups are kept.

use std::collections::HashSet;

use jiff::civil::ISOWeekDate;
use jiff::tz::TimeZone;

use crate::base::Timestamp;

/// How many are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Retention {
    /// The newest so many.
    pub last: usize,
    /// The newest of each of the last so many days that have one.
    pub daily: usize,
    /// The newest of each of the last so many weeks that have one.
    pub weekly: usize,
    /// Whose midnight ends a day.
    pub zone: TimeZone,
}

/// A backup, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Its name.
    pub name: &'a str,
    /// When it was made.
    pub made_at: Timestamp,
    /// Whether it was proven good.
    pub verified: bool,
}

impl Retention {
    /// The names of those that are to be deleted. Those that are proven take the places; of the others only those stay that
    /// are among the newest. The newest proven one always stays.
    #[must_use]
    pub fn expired<'a>(&self, backups: &[Kept<'a>]) -> Vec<&'a str> {
        let mut newest_first: Vec<&Kept<'a>> = backups.iter().collect();
        newest_first.sort_by(|a, b| b.made_at.cmp(&a.made_at).then_with(|| b.name.cmp(a.name)));
        let mut keep: HashSet<&str> = newest_first.iter().take(self.last).map(|one| one.name).collect();
        let proven: Vec<_> = newest_first.iter().filter(|one| one.verified).collect();
        keep.extend(proven.iter().take(self.last.max(1)).map(|one| one.name));
        let mut days = HashSet::new();
        let mut weeks = HashSet::new();
        for one in &proven {
            let Some(day) = self.day(one.made_at) else { continue };
            if days.len() < self.daily && days.insert(day) {
                keep.insert(one.name);
            }
            let week = ISOWeekDate::from(day);
            if weeks.len() < self.weekly && weeks.insert((week.year(), week.week())) {
                keep.insert(one.name);
            }
        }
        newest_first.iter().map(|one| one.name).filter(|name| !keep.contains(name)).collect()
    }

    fn day(&self, at: Timestamp) -> Option<jiff::civil::Date> {
        let millis = i64::try_from(at.as_millis()).ok()?;
        Some(jiff::Timestamp::from_millisecond(millis).ok()?.to_zoned(self.zone.clone()).date())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u64, hour: u64) -> Timestamp {
        // Day 0 is Thursday, 1 January 1970.
        Timestamp::from_millis((day * 24 + hour) * 3_600_000)
    }

    fn retention(last: usize, daily: usize, weekly: usize) -> Retention {
        Retention { last, daily, weekly, zone: TimeZone::UTC }
    }

    fn left(retention: &Retention, backups: &[(u64, u64, bool)]) -> Vec<(u64, u64)> {
        let names: Vec<_> = backups.iter().map(|(day, hour, _)| format!("{day:05}-{hour:02}")).collect();
        let kept: Vec<_> = backups
            .iter()
            .zip(&names)
            .map(|(&(day, hour, verified), name)| Kept { name, made_at: at(day, hour), verified })
            .collect();
        let expired = retention.expired(&kept);
        backups
            .iter()
            .zip(&names)
            .filter(|(_, name)| !expired.contains(&name.as_str()))
            .map(|((day, hour, _), _)| (*day, *hour))
            .collect()
    }

    /// Row Q2.
    #[test]
    fn the_newest_of_days_and_weeks_and_the_last_are_kept() {
        let daily: Vec<_> = (0..40).map(|day| (day, 2, true)).collect();
        assert_eq!(left(&retention(3, 0, 0), &daily), [(37, 2), (38, 2), (39, 2)]);
        // Sundays are days 3, 10, 17, 24, 31, 38; day 39 is a Monday.
        assert_eq!(left(&retention(1, 2, 3), &daily), [(31, 2), (38, 2), (39, 2)]);
        let twice = [(5, 2, true), (5, 14, true), (6, 2, true), (6, 14, true)];
        assert_eq!(left(&retention(1, 2, 0), &twice), [(5, 14), (6, 14)]);
        assert_eq!(left(&retention(9, 0, 0), &twice).len(), 4);
        assert!(left(&retention(3, 3, 3), &[]).is_empty());
    }

    /// Row Q2.
    #[test]
    fn the_newest_proven_one_stays_whatever_comes_after_it() {
        let failing: Vec<_> = (0..30).map(|day| (day, 2, day == 4)).collect();
        assert_eq!(left(&retention(2, 7, 4), &failing), [(4, 2), (28, 2), (29, 2)]);
        // Those that are not proven take no place of a day or a week.
        let mixed = [(1, 2, true), (1, 14, false), (2, 2, true), (3, 2, true)];
        assert_eq!(left(&retention(1, 3, 0), &mixed), [(1, 2), (2, 2), (3, 2)]);
    }
}
