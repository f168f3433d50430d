//! Which month it is, for what is counted by the month. Months are those of UTC: a quota is the operator's, who has many
//! tenants and one calendar.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::base::Timestamp;

/// The months since year 0.
#[must_use]
pub fn month_of(now: Timestamp) -> u32 {
    let date = date_of(now);
    u32::try_from(i32::from(date.year()) * 12 + i32::from(date.month()) - 1).unwrap_or(0)
}

/// The moment in which the month of `now` began.
#[must_use]
pub fn start_of_month(now: Timestamp) -> Timestamp {
    let start = date_of(now).first_of_month().to_zoned(TimeZone::UTC);
    let millis = start.map_or(0, |start| start.timestamp().as_millisecond());
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn date_of(now: Timestamp) -> Date {
    let millis = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_in_utc() {
        // 2026-02-28T23:59:59.999Z and the next millisecond.
        let last = Timestamp::from_millis(1_772_323_199_999);
        let next = Timestamp::from_millis(1_772_323_200_000);
        assert_eq!(month_of(next), month_of(last) + 1);
        assert_eq!(start_of_month(next), next);
        assert_eq!(start_of_month(last), Timestamp::from_millis(1_769_904_000_000));
    }
}
