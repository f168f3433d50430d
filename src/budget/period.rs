//! Days and months of a tenant's calendar, which budgets and totals are kept by.
//!
//! A day is a date in the tenant's time zone, not 24 hours: it begins at local midnight, and where the clocks change it is
//! shorter or longer. What was booked stays with its date when the tenant moves to another zone.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::Timestamp;
use crate::store::Key;

/// A date, 1970 to 9999. Written `2026-01-31` for people, as the number 20260131 in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

const YEAR_MIN: i16 = 1970;

impl Day {
    /// The date at `now` in `zone`.
    #[must_use]
    pub fn at(now: Timestamp, zone: &TimeZone) -> Self {
        let millis = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        // West of Greenwich the first hours of 1970 belong to a year that keys cannot hold.
        Self(zone.to_datetime(moment).date().max(jiff::civil::date(YEAR_MIN, 1, 1)))
    }

    /// Reads `2026-01-31` and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let date: Date = text.parse().ok()?;
        (date.year() >= YEAR_MIN && date.to_string() == text).then_some(Self(date))
    }

    /// The first day of its month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        Self(self.0.first_of_month())
    }

    fn number(self) -> u32 {
        let part = |part: i8| u32::try_from(part).unwrap_or(0);
        let year = u32::try_from(self.0.year()).unwrap_or(0);
        year * 10_000 + part(self.0.month()) * 100 + part(self.0.day())
    }

    fn from_number(number: u32) -> Option<Self> {
        let part = |part: u32| i8::try_from(part).ok();
        let year = i16::try_from(number / 10_000).ok().filter(|year| *year >= YEAR_MIN)?;
        Date::new(year, part(number / 100 % 100)?, part(number % 100)?).ok().map(Self)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u32(self.number())
        }
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let day = if deserializer.is_human_readable() {
            Self::parse(&String::deserialize(deserializer)?)
        } else {
            Self::from_number(u32::deserialize(deserializer)?)
        };
        day.ok_or_else(|| serde::de::Error::custom("expected a date from 1970 on, such as 2026-01-31"))
    }
}

impl Key for Day {
    fn encode(&self, out: &mut Vec<u8>) {
        self.number().encode(out);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        u32::decode(bytes).and_then(Self::from_number)
    }
}

impl utoipa::PartialSchema for Day {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Date)))
            .pattern(Some("^(19[7-9][0-9]|[2-9][0-9]{3})-[0-9]{2}-[0-9]{2}$"))
            .into()
    }
}

impl utoipa::ToSchema for Day {}

/// What a budget is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PeriodKind {
    /// From midnight to midnight.
    Day,
    /// From the first of the month on.
    Month,
}

/// One day or one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// Which of the two.
    pub kind: PeriodKind,
    /// Its first day.
    pub first: Day,
}

impl Period {
    /// The day.
    #[must_use]
    pub fn day(day: Day) -> Self {
        Self { kind: PeriodKind::Day, first: day }
    }

    /// The month that the day is in.
    #[must_use]
    pub fn month(day: Day) -> Self {
        Self { kind: PeriodKind::Month, first: day.first_of_month() }
    }

    /// The day and its month: what each charge counts in.
    #[must_use]
    pub fn both(day: Day) -> [Self; 2] {
        [Self::day(day), Self::month(day)]
    }

    /// When the next one begins.
    #[must_use]
    pub fn resets_at(self, zone: &TimeZone) -> Timestamp {
        let last = match self.kind {
            PeriodKind::Day => self.first.0,
            PeriodKind::Month => self.first.0.last_of_month(),
        };
        let next = last.tomorrow().and_then(|next| next.to_zoned(zone.clone()));
        let millis =
            next.map_or(u64::MAX, |next| u64::try_from(next.timestamp().as_millisecond()).unwrap_or(0));
        Timestamp::from_millis(millis)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            PeriodKind::Day => write!(f, "the day {}", self.first),
            PeriodKind::Month => write!(f, "the month from {} on", self.first),
        }
    }
}

impl Key for Period {
    fn encode(&self, out: &mut Vec<u8>) {
        let kind: u8 = match self.kind {
            PeriodKind::Day => 0,
            PeriodKind::Month => 1,
        };
        kind.encode(out);
        self.first.encode(out);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let kind = match u8::decode(bytes)? {
            0 => PeriodKind::Day,
            1 => PeriodKind::Month,
            _ => return None,
        };
        Some(Self { kind, first: Day::decode(bytes)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moment(text: &str) -> Timestamp {
        serde_json::from_str(&format!("\"{text}\"")).unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[test]
    fn a_day_is_the_date_where_the_tenant_is() {
        let now = moment("2026-01-31T23:30:00Z");
        assert_eq!(Day::at(now, &TimeZone::UTC).to_string(), "2026-01-31");
        assert_eq!(Day::at(now, &zone("Europe/Berlin")).to_string(), "2026-02-01");
        assert_eq!(Day::at(now, &zone("America/New_York")).to_string(), "2026-01-31");
        assert_eq!(Day::at(Timestamp::default(), &zone("America/New_York")).to_string(), "1970-01-01");
    }

    #[test]
    fn a_period_ends_at_local_midnight_whatever_the_clocks_do() {
        let cases = [
            ("UTC", "2026-12-31", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("Europe/Berlin", "2026-03-29", "2026-03-29T22:00:00Z", "2026-03-31T22:00:00Z"),
            ("America/New_York", "2026-02-28", "2026-03-01T05:00:00Z", "2026-03-01T05:00:00Z"),
            // Midnight itself is skipped when the clocks go forward there.
            ("Africa/Cairo", "2026-04-23", "2026-04-23T22:00:00Z", "2026-04-30T21:00:00Z"),
        ];
        for (name, day, day_ends, month_ends) in cases {
            let day = Day::parse(day).unwrap();
            assert_eq!(Period::day(day).resets_at(&zone(name)), moment(day_ends), "{name}");
            assert_eq!(Period::month(day).resets_at(&zone(name)), moment(month_ends), "{name}");
        }
        let last = Day::parse("9999-12-31").unwrap();
        assert_eq!(Period::day(last).resets_at(&TimeZone::UTC), Timestamp::from_millis(u64::MAX));
    }

    #[test]
    fn only_a_plain_date_is_a_day() {
        for bad in
            ["", "2026-1-31", "2026-02-30", "20260131", "2026-01-31T00:00:00", "1969-12-31", "-002026-01-31"]
        {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn days_and_periods_round_trip_and_sort_by_time(a in 0u64..253_000_000_000_000, b in 0u64..253_000_000_000_000) {
            let days = [a, b].map(|millis| Day::at(Timestamp::from_millis(millis), &TimeZone::UTC));
            let keys = days.map(|day| Period::month(day).to_bytes());
            prop_assert_eq!(keys[0].cmp(&keys[1]), Period::month(days[0]).cmp(&Period::month(days[1])));
            prop_assert_eq!(days[0].to_bytes().cmp(&days[1].to_bytes()), days[0].cmp(&days[1]));
            for day in days {
                prop_assert_eq!(Period::from_bytes(&Period::day(day).to_bytes()), Some(Period::day(day)));
                prop_assert_eq!(Day::parse(&day.to_string()), Some(day));
                let packed = rmp_serde::to_vec(&day).unwrap();
                prop_assert_eq!(rmp_serde::from_slice::<Day>(&packed).unwrap(), day);
            }
        }
    }
}
