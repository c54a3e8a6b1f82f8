//! Counts and booleans.

use super::{Form, Liftable, Raw, Setting};
use crate::config::problem::Wrong;

impl Liftable for u32 {}

/// Makes a setting of a type that `i64` converts to where it is in range.
macro_rules! count {
    ($type:ty) => {
        impl Setting for $type {
            fn read(raw: &Raw) -> Result<Self, Wrong> {
                let number = count(raw)?;
                Self::try_from(number).map_err(|_| malformed(&number.to_string()))
            }

            fn show(&self) -> toml::Value {
                toml::Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    };
}

count!(u32);
count!(usize);

fn count(raw: &Raw) -> Result<i64, Wrong> {
    match raw {
        Raw::Integer(number) => Ok(*number),
        Raw::Untyped(text) => text.parse().map_err(|_| malformed(text)),
        Raw::Text(_) | Raw::Fraction(_) | Raw::Boolean(_) | Raw::List(_) | Raw::Other(_) => {
            Err(raw.is_not(Form::Count))
        }
    }
}

fn malformed(text: &str) -> Wrong {
    Wrong::Malformed {
        text: text.to_owned(),
        form: Form::Count,
    }
}

impl Setting for bool {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        match raw {
            Raw::Boolean(value) => Ok(*value),
            Raw::Untyped(text) => text.parse().map_err(|_| Wrong::Malformed {
                text: text.clone(),
                form: Form::Boolean,
            }),
            Raw::Text(_) | Raw::Integer(_) | Raw::Fraction(_) | Raw::List(_) | Raw::Other(_) => {
                Err(raw.is_not(Form::Boolean))
            }
        }
    }

    fn show(&self) -> toml::Value {
        toml::Value::Boolean(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_number_in_a_file_is_refused_and_one_in_a_variable_is_a_number() {
        assert!(u32::read(&Raw::Text("5".to_owned())).is_err());
        assert_eq!(u32::read(&Raw::Untyped("5".to_owned())), Ok(5));
    }

    #[test]
    fn numbers_below_zero_or_beyond_32_bits_are_refused() {
        assert!(u32::read(&Raw::Integer(-1)).is_err());
        assert!(u32::read(&Raw::Integer(1 << 32)).is_err());
        assert!(u32::read(&Raw::Untyped("1e3".to_owned())).is_err());
    }

    #[test]
    fn only_true_and_false_are_booleans() {
        assert_eq!(bool::read(&Raw::Untyped("false".to_owned())), Ok(false));
        assert!(bool::read(&Raw::Untyped("yes".to_owned())).is_err());
        assert!(bool::read(&Raw::Integer(1)).is_err());
    }
}
