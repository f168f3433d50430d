//! When backups are made.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::base::Timestamp;

/// When backups are made by themselves.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// Never.
    Off,
    /// Each day at this time of the zone.
    Daily {
        /// From 0 to 23.
        hour: i8,
        /// From 0 to 59.
        minute: i8,
        /// Whose clock.
        zone: TimeZone,
    },
    /// Every so many hours, counted from 1970 so that a restart changes nothing.
    Every {
        /// At least one.
        hours: u32,
    },
}

const HOUR_MS: u64 = 3_600_000;
/// Days that are looked through for one on which the time of day exists.
const DAYS_MAX: i32 = 3;

impl Schedule {
    /// The first moment after `after`.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Off => None,
            Self::Every { hours } => {
                let step = u64::from((*hours).max(1)).saturating_mul(HOUR_MS);
                let periods = after.as_millis() / step;
                Some(Timestamp::from_millis(periods.saturating_add(1).saturating_mul(step)))
            }
            Self::Daily { hour, minute, zone } => {
                let millis = i64::try_from(after.as_millis()).ok()?;
                let local = jiff::Timestamp::from_millisecond(millis).ok()?.to_zoned(zone.clone());
                let mut day = local.date();
                for _ in 0..DAYS_MAX {
                    let at = day.at(*hour, *minute, 0, 0).to_zoned(zone.clone()).ok()?;
                    if at.timestamp().as_millisecond() > millis {
                        let at = u64::try_from(at.timestamp().as_millisecond()).ok()?;
                        return Some(Timestamp::from_millis(at));
                    }
                    day = day.tomorrow().ok()?;
                }
                None
            }
        }
    }

    /// Whether `moment` is one of its own, so that a job of a schedule that was changed since is passed over.
    #[must_use]
    pub fn holds(&self, moment: Timestamp) -> bool {
        let before = Timestamp::from_millis(moment.as_millis().saturating_sub(1));
        self.next(before) == Some(moment)
    }

    /// The longest time between two.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::Daily { .. } => Some(Duration::from_hours(24)),
            Self::Every { hours } => Some(Duration::from_hours(u64::from((*hours).max(1)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        serde_json::from_str(&format!("\"{text}\"")).unwrap()
    }

    #[test]
    fn the_time_of_day_is_the_zones_also_when_its_clock_is_changed() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let schedule = Schedule::Daily { hour: 2, minute: 30, zone };
        for (after, next) in [
            ("2026-01-10T00:00:00Z", "2026-01-10T01:30:00Z"),
            ("2026-01-10T01:30:00Z", "2026-01-11T01:30:00Z"),
            ("2026-07-10T12:00:00Z", "2026-07-11T00:30:00Z"),
            // On 29 March 2026 the clock goes from 2:00 to 3:00.
            ("2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
            ("2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"),
        ] {
            assert_eq!(schedule.next(at(after)), Some(at(next)), "after {after}");
            assert!(schedule.holds(at(next)));
        }
        assert!(!schedule.holds(at("2026-01-10T01:31:00Z")));
    }

    #[test]
    fn hours_are_counted_from_one_fixed_moment() {
        let schedule = Schedule::Every { hours: 6 };
        assert_eq!(schedule.next(at("2026-01-10T05:59:59Z")), Some(at("2026-01-10T06:00:00Z")));
        assert_eq!(schedule.next(at("2026-01-10T06:00:00Z")), Some(at("2026-01-10T12:00:00Z")));
        assert!(schedule.holds(at("2026-01-10T12:00:00Z")) && !schedule.holds(at("2026-01-10T11:00:00Z")));
        assert_eq!(Schedule::Off.next(at("2026-01-10T06:00:00Z")), None);
    }
}
