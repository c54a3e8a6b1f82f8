//! Times for people: RFC 3339 in UTC, and how long ago.

use handfast_core::time::Timestamp;
use std::fmt;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `2026-02-03 04:05:06Z`
pub(crate) fn utc(time: Timestamp) -> String {
    format!("{} {}Z", Date::of(time), Clock(time))
}

/// A time that is written as `2026-02-03T04:05:06Z` (RFC 3339 section 5.6).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rfc3339(pub(crate) Timestamp);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}Z", Date::of(self.0), Clock(self.0))
    }
}

/// A time of day: `04:05:06`
struct Clock(Timestamp);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_unix();
        let (hour, minute) = (seconds % DAY / HOUR, seconds % HOUR / MINUTE);
        write!(f, "{hour:02}:{minute:02}:{:02}", seconds % MINUTE)
    }
}

/// A day in UTC, counted from 1970-01-01, that is written as `2026-02-03`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(u64);

impl Date {
    /// The day that a time is in.
    pub(crate) const fn of(time: Timestamp) -> Self {
        Self(time.as_unix() / DAY)
    }

    /// The day so many days before this one.
    pub(crate) const fn before(self, days: u64) -> Self {
        Self(self.0.saturating_sub(days))
    }

    /// Its first second.
    const fn start(self) -> Timestamp {
        Timestamp::from_unix(self.0 * DAY)
    }

    /// Reads what was written, of the years that have four digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let [year, month, day] = numbers(text, '-', [4, 2, 2])?;
        let found = Self(days(year, month, day)?);
        (civil(found.0) == (year, month, day)).then_some(found)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Reads `2026-02-03T04:05:06Z`, or `2026-02-03` for the first second of that day.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let Some((date, clock)) = text.split_once('T') else {
        return Date::parse(text).map(Date::start);
    };
    let [hour, minute, second] = numbers(clock.strip_suffix('Z')?, ':', [2, 2, 2])?;
    let in_day = hour * HOUR + minute * MINUTE + second;
    let is_time = hour < 24 && minute < 60 && second < 60;
    let start = Date::parse(date)?.start().as_unix();
    is_time.then(|| Timestamp::from_unix(start + in_day))
}

/// Three numbers of so many digits, with `between` between them.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = is_number.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

/// `3 days ago`, `in 12 minutes`, `now`.
pub(crate) fn relative(time: Timestamp, now: Timestamp) -> String {
    let (ahead, behind) = (time.since(now).as_secs(), now.since(time).as_secs());
    match (ahead, behind) {
        (0, 0) => "now".to_owned(),
        (ahead, 0) => format!("in {}", span(ahead)),
        (_, behind) => format!("{} ago", span(behind)),
    }
}

/// A span in its largest unit that fits at least twice, so that little is rounded away.
fn span(seconds: u64) -> String {
    let units = [(DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")];
    units
        .iter()
        .find(|(unit, _)| seconds >= 2 * unit)
        .map_or_else(
            || format!("{seconds} s"),
            |(unit, name)| format!("{} {name}", seconds / unit),
        )
}

/// The date of a day since 1970-01-01, in the Gregorian calendar.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`, for days that
/// are not negative.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// The day of a date, counted from 1970-01-01; `None` before that.
///
/// From the same source, `days_from_civil`.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day.checked_sub(1)?;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn known_seconds_are_known_dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00Z"),
            (951_782_400, "2000-02-29 00:00:00Z"),
            (1_709_164_800, "2024-02-29 00:00:00Z"),
            (1_767_225_599, "2025-12-31 23:59:59Z"),
            (4_107_542_400, "2100-03-01 00:00:00Z"),
        ] {
            assert_eq!(utc(at(seconds)), text);
            let written = Rfc3339(at(seconds)).to_string();
            assert_eq!(written, text.replace(' ', "T"));
            assert_eq!(parse(&written), Some(at(seconds)));
        }
    }

    #[test]
    fn a_date_alone_is_its_first_second() {
        assert_eq!(parse("2000-02-29"), Some(at(951_782_400)));
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "2026",
            "2026-2-3",
            "2026-02-30",
            "2026-13-01",
            "2026-00-10",
            "1969-12-31",
            "2026-02-03T04:05:06",
            "2026-02-03T24:00:00Z",
            "2026-02-03T04:05:06+01:00",
            "2026-02-03 04:05:06Z",
            "2026-02-0٣",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn spans_are_told_in_a_unit_that_fits() {
        assert_eq!(relative(at(100), at(100)), "now");
        assert_eq!(relative(at(160), at(100)), "in 60 s");
        assert_eq!(relative(at(0), at(3 * DAY + 5)), "3 days ago");
        assert_eq!(relative(at(90 * MINUTE), at(0)), "in 90 minutes");
    }
}
