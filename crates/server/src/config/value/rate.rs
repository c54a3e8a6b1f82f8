//! Rates: `"10/1m"`, ten in any minute.

use super::{Form, Liftable, Raw, Setting, duration};
use crate::config::problem::Wrong;
use handfast_core::rate::Rate;

impl Liftable for Rate {}

impl Setting for Rate {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::Rate)?;
        let malformed = || Wrong::Malformed {
            text: text.to_owned(),
            form: Form::Rate,
        };
        let (count, window) = text.split_once('/').ok_or_else(malformed)?;
        let count: u32 = count.parse().map_err(|_| malformed())?;
        let window = duration::parse(window).map_err(|_| malformed())?;
        if count == 0 || window.is_zero() {
            return Err(malformed());
        }
        Ok(Self { count, window })
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(format(*self))
    }
}

/// Writes a rate as it is read.
pub(in crate::config) fn format(rate: Rate) -> String {
    format!("{}/{}", rate.count, duration::format(rate.window))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(text: &str) -> Result<Rate, Wrong> {
        Rate::read(&Raw::Text(text.to_owned()))
    }

    #[test]
    fn a_rate_is_read_and_written_back() {
        let rate = read("6/10s").expect("a rate");
        let window = Duration::from_secs(10);
        assert_eq!(rate, Rate { count: 6, window });
        assert_eq!(rate.show(), toml::Value::String("6/10s".to_owned()));
    }

    #[test]
    fn a_rate_of_nothing_or_in_no_time_is_refused() {
        for text in ["0/1m", "10/0s", "10", "10/", "/1m", "10/1", "10 / 1m"] {
            assert!(
                matches!(read(text), Err(Wrong::Malformed { .. })),
                "{text:?} was taken"
            );
        }
    }
}
