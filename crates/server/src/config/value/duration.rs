//! Durations: `"500ms"`, `"25s"`, `"10m"`, `"12h"`, `"7d"`.

use super::{Form, Liftable, Raw, Setting};
use crate::config::problem::Wrong;
use std::time::Duration;

/// Units with their milliseconds, the largest first.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl Liftable for Duration {}

impl Setting for Duration {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        if let Raw::Integer(number) = raw {
            return Err(Wrong::UnitMissing(number.to_string()));
        }
        parse(raw.text(Form::Duration)?)
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(format(*self))
    }
}

/// Reads a duration; a number alone is refused, since nobody can tell its unit.
pub(crate) fn parse(text: &str) -> Result<Duration, Wrong> {
    let malformed = || Wrong::Malformed {
        text: text.to_owned(),
        form: Form::Duration,
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if unit.is_empty() && !number.is_empty() {
        return Err(Wrong::UnitMissing(number.to_owned()));
    }
    let number: u64 = number.parse().map_err(|_| malformed())?;
    let (_, unit_ms) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(malformed)?;
    number
        .checked_mul(*unit_ms)
        .map(Duration::from_millis)
        .ok_or_else(malformed)
}

/// Writes a duration in the largest unit that leaves no rest.
pub(in crate::config) fn format(duration: Duration) -> String {
    let all_ms = duration.as_millis();
    if all_ms == 0 {
        return "0s".to_owned();
    }
    UNITS
        .iter()
        .find(|(_, unit_ms)| all_ms.is_multiple_of(u128::from(*unit_ms)))
        .map_or_else(
            || format!("{all_ms}ms"),
            |(unit, unit_ms)| format!("{}{unit}", all_ms / u128::from(*unit_ms)),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_written_back() {
        for text in ["500ms", "25s", "10m", "12h", "7d", "0s"] {
            assert_eq!(parse(text).map(format), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_duration_is_written_in_its_largest_whole_unit() {
        assert_eq!(format(Duration::from_secs(90)), "90s");
        assert_eq!(format(Duration::from_secs(120)), "2m");
    }

    #[test]
    fn a_number_without_a_unit_is_refused_by_name() {
        let missing = Err(Wrong::UnitMissing("20".to_owned()));
        assert_eq!(parse("20"), missing);
        assert_eq!(Duration::read(&Raw::Integer(20)), missing);
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in [
            "",
            "s",
            "1.5h",
            "-1s",
            "1 s",
            "1w",
            "1S",
            "99999999999999999d",
        ] {
            assert!(
                matches!(parse(text), Err(Wrong::Malformed { .. })),
                "{text:?} was taken"
            );
        }
    }
}
