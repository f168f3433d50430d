//! What a tenant may spend: the appliance's default, and what the tenant sets over it, field by field.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Error;
use super::error::Rule;
use super::period::{Day, PeriodKind};
use crate::base::{Micros, Timestamp};
use crate::store::{Read, WriteTx, tables};

/// The largest limit: a billion dollars.
pub const LIMIT_MICROS_MAX: Micros = Micros(1_000_000_000_000_000);
/// The most thresholds.
pub const ALERTS_MAX: usize = 10;

/// What may be spent in a period. In JSON: micro-dollars, or `null` for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Whatever it comes to.
    Unlimited,
    /// At most this; 0 allows nothing that costs.
    Micros(Micros),
}

impl Limit {
    /// The amount, where there is one.
    #[must_use]
    pub fn micros(self) -> Option<Micros> {
        match self {
            Self::Unlimited => None,
            Self::Micros(micros) => Some(micros),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.micros().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let micros = Option::<Micros>::deserialize(deserializer)?;
        Ok(micros.map_or(Self::Unlimited, Self::Micros))
    }
}

/// What whoever answers does when a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AtLimit {
    /// Go on with what still fits: a cheaper model, at last the documents' own words.
    Degrade,
    /// Leave it to a person.
    HandOver,
}

/// A whole budget, as it holds for a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// For a day.
    pub day_limit: Limit,
    /// For a month.
    pub month_limit: Limit,
    /// The shares of a limit at which people are told, in percent, rising.
    pub alert_percents: Vec<u8>,
    /// What follows a refusal.
    pub at_limit: AtLimit,
    /// Whose midnight ends a day: a name of the IANA database.
    pub time_zone: String,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            day_limit: Limit::Unlimited,
            month_limit: Limit::Unlimited,
            alert_percents: vec![50, 80, 100],
            at_limit: AtLimit::Degrade,
            time_zone: "UTC".to_owned(),
        }
    }
}

impl Budget {
    pub(super) fn limit(&self, kind: PeriodKind) -> Limit {
        match kind {
            PeriodKind::Day => self.day_limit,
            PeriodKind::Month => self.month_limit,
        }
    }

    /// The zone; UTC when this machine no longer knows the name.
    pub(super) fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or_else(|_| {
            tracing::warn!(time_zone = self.time_zone, "unknown time zone; budgets end at midnight UTC");
            TimeZone::UTC
        })
    }

    pub(super) fn today(&self, now: Timestamp) -> Day {
        Day::at(now, &self.zone())
    }
}

/// What a tenant sets for itself. A field that is left out follows the appliance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnBudget {
    /// Micro-dollars (millionths of a dollar) for a day; `null` for no limit, 0 for nothing that costs.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub day_limit_micros: Option<Limit>,
    /// Micro-dollars for a month; `null` for no limit.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub month_limit_micros: Option<Limit>,
    /// The shares of a limit at which people are told, in percent, 1 to 100; at most 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_percents: Option<Vec<u8>>,
    /// What follows when the budget does not allow a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_limit: Option<AtLimit>,
    /// Whose midnight ends a day, such as `Europe/Berlin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// Reads `null` as "no limit", which a field that is left out is not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Limit>, D::Error> {
    Limit::deserialize(deserializer).map(Some)
}

tables! {
    /// The tenant's own budget.
    OwnBudgets = "budget.setting": () => OwnBudget;
}

fn fault(pointer: impl Into<Cow<'static, str>>, rule: Rule) -> Error {
    Error::Field { pointer: pointer.into(), rule }
}

impl OwnBudget {
    /// The same with percentages in order and the zone's name as the database writes it.
    ///
    /// # Errors
    /// [`Error::Field`] for the first field that breaks a rule.
    pub fn checked(mut self) -> Result<Self, Error> {
        let limits =
            [("/day_limit_micros", self.day_limit_micros), ("/month_limit_micros", self.month_limit_micros)];
        for (pointer, limit) in limits {
            if limit.and_then(Limit::micros).is_some_and(|micros| micros > LIMIT_MICROS_MAX) {
                return Err(fault(pointer, Rule::LimitTooLarge));
            }
        }
        if let Some(percents) = &mut self.alert_percents {
            if percents.len() > ALERTS_MAX {
                return Err(fault("/alert_percents", Rule::TooMany(ALERTS_MAX)));
            }
            if let Some(place) = percents.iter().position(|percent| !(1..=100).contains(percent)) {
                return Err(fault(format!("/alert_percents/{place}"), Rule::NotAPercentage));
            }
            percents.sort_unstable();
            percents.dedup();
        }
        if let Some(name) = &mut self.time_zone {
            let zone = TimeZone::get(name).map_err(|_| fault("/time_zone", Rule::ZoneUnknown))?;
            *name = zone.iana_name().unwrap_or("UTC").to_owned();
        }
        Ok(self)
    }

    /// This over the appliance's.
    pub(super) fn over(&self, default: &Budget) -> Budget {
        Budget {
            day_limit: self.day_limit_micros.unwrap_or(default.day_limit),
            month_limit: self.month_limit_micros.unwrap_or(default.month_limit),
            alert_percents: self.alert_percents.as_ref().unwrap_or(&default.alert_percents).clone(),
            at_limit: self.at_limit.unwrap_or(default.at_limit),
            time_zone: self.time_zone.as_ref().unwrap_or(&default.time_zone).clone(),
        }
    }
}

/// What the tenant of the keyspace has set; nothing is the same as everything left out.
pub(super) fn load(tx: &impl Read) -> Result<OwnBudget, Error> {
    Ok(tx.get::<OwnBudgets>(&())?.unwrap_or_default())
}

pub(super) fn save(tx: &mut WriteTx<'_>, own: &OwnBudget) -> Result<(), Error> {
    Ok(tx.put::<OwnBudgets>(&(), own)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_no_limit_and_what_is_left_out_follows_the_appliance() {
        let default = Budget { day_limit: Limit::Micros(Micros(7)), ..Budget::default() };
        let read = |text: &str| serde_json::from_str::<OwnBudget>(text).unwrap();
        let cases = [
            ("{}", Limit::Micros(Micros(7))),
            (r#"{"day_limit_micros": null}"#, Limit::Unlimited),
            (r#"{"day_limit_micros": 0}"#, Limit::Micros(Micros(0))),
        ];
        for (text, limit) in cases {
            let own = read(text);
            assert_eq!(own.over(&default).day_limit, limit, "{text}");
            let packed = rmp_serde::to_vec_named(&own).unwrap();
            assert_eq!(rmp_serde::from_slice::<OwnBudget>(&packed).unwrap(), own, "{text}");
            assert_eq!(serde_json::to_string(&own).unwrap(), text.replace(' ', ""), "{text}");
        }
        assert!(serde_json::from_str::<OwnBudget>(r#"{"day_limit_micros": -1}"#).is_err());
        assert!(serde_json::from_str::<OwnBudget>(r#"{"day_limit": 1}"#).is_err());
    }

    #[test]
    fn a_field_at_fault_is_named() {
        let refused = |own: OwnBudget| match own.checked() {
            Err(Error::Field { pointer, rule }) => (pointer.into_owned(), rule),
            other => panic!("{other:?}"),
        };
        let zone = OwnBudget { time_zone: Some("Mars/Olympus".into()), ..OwnBudget::default() };
        assert_eq!(refused(zone), ("/time_zone".into(), Rule::ZoneUnknown));
        let percents = OwnBudget { alert_percents: Some(vec![50, 0]), ..OwnBudget::default() };
        assert_eq!(refused(percents), ("/alert_percents/1".into(), Rule::NotAPercentage));
        let many = OwnBudget { alert_percents: Some((1..=11).collect()), ..OwnBudget::default() };
        assert_eq!(refused(many), ("/alert_percents".into(), Rule::TooMany(10)));
        let limit = Limit::Micros(Micros(LIMIT_MICROS_MAX.0 + 1));
        let large = OwnBudget { month_limit_micros: Some(limit), ..OwnBudget::default() };
        assert_eq!(refused(large), ("/month_limit_micros".into(), Rule::LimitTooLarge));
        let sound = OwnBudget {
            time_zone: Some("europe/berlin".into()),
            alert_percents: Some(vec![100, 50, 50]),
            ..OwnBudget::default()
        };
        let sound = sound.checked().unwrap();
        assert_eq!(sound.time_zone.as_deref(), Some("Europe/Berlin"));
        assert_eq!(sound.alert_percents, Some(vec![50, 100]));
    }
}
