//! Times for people: RFC 3339 in UTC, and how long ago.

use handfast_core::time::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `2026-02-03 04:05:06Z`
pub(crate) fn utc(time: Timestamp) -> String {
    let seconds = time.as_unix();
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute, second) = (
        seconds % DAY / HOUR,
        seconds % HOUR / MINUTE,
        seconds % MINUTE,
    );
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
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
