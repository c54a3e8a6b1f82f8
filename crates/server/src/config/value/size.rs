//! Sizes: bytes as a number, or `"64KiB"`, `"1MiB"`.

use super::{Form, Raw, Setting};
use crate::config::problem::Wrong;
use std::fmt;

/// Units with their bytes, the largest first.
const UNITS: [(&str, usize); 3] = [("MiB", 1 << 20), ("KiB", 1 << 10), ("", 1)];

/// So many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(usize);

impl Size {
    /// A size of so many bytes.
    pub(crate) const fn of_bytes(bytes: usize) -> Self {
        Self(bytes)
    }

    /// A size of so many KiB.
    pub(crate) const fn of_kib(kib: usize) -> Self {
        Self(kib << 10)
    }

    /// How many bytes.
    pub(crate) const fn bytes(self) -> usize {
        self.0
    }
}

impl Setting for Size {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        if let Raw::Integer(number) = raw {
            return usize::try_from(*number)
                .map(Self)
                .map_err(|_| malformed(&number.to_string()));
        }
        parse(raw.text(Form::Size)?)
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(self.to_string())
    }
}

impl fmt::Display for Size {
    /// Writes the size in the largest unit that leaves no rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS
            .iter()
            .find(|(_, bytes)| self.0 > 0 && self.0.is_multiple_of(*bytes));
        match whole {
            Some((unit, bytes)) => write!(f, "{}{unit}", self.0 / bytes),
            None => write!(f, "{}", self.0),
        }
    }
}

fn parse(text: &str) -> Result<Size, Wrong> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().map_err(|_| malformed(text))?;
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, unit_bytes)| number.checked_mul(*unit_bytes))
        .map(Size)
        .ok_or_else(|| malformed(text))
}

fn malformed(text: &str) -> Wrong {
    Wrong::Malformed {
        text: text.to_owned(),
        form: Form::Size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_bytes_or_has_a_binary_unit() {
        for (raw, bytes) in [
            (Raw::Integer(4096), 4096),
            (Raw::Text("64KiB".to_owned()), 65_536),
            (Raw::Untyped("1MiB".to_owned()), 1_048_576),
            (Raw::Untyped("100".to_owned()), 100),
        ] {
            assert_eq!(Size::read(&raw).map(Size::bytes), Ok(bytes));
        }
    }

    #[test]
    fn decimal_units_are_refused_because_people_mean_different_things_by_them() {
        for text in ["64KB", "64k", "", "KiB", "-1", "99999999999999999999"] {
            assert!(
                matches!(parse(text), Err(Wrong::Malformed { .. })),
                "{text:?} was taken"
            );
        }
        assert!(Size::read(&Raw::Integer(-1)).is_err());
    }

    #[test]
    fn a_size_is_shown_in_its_largest_whole_unit() {
        assert_eq!(Size(65_536).show(), toml::Value::String("64KiB".to_owned()));
        assert_eq!(Size(1_000).show(), toml::Value::String("1000".to_owned()));
    }
}
