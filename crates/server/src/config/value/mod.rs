//! The types that settings have, each with how it is read and how it is shown.
//!
//! A value is read once, here, into a type that cannot hold a wrong one; nothing behind the
//! configuration looks at text again.

mod choice;
mod duration;
mod filter;
mod network;
mod number;
mod origin;
mod path;
mod rate;
mod size;
mod traces;
mod url;

pub(super) use duration::format as show_duration;
pub(super) use path::{OptionalName, OptionalPath};
pub(super) use rate::format as show_rate;

pub(crate) use choice::{LogFormat, OnAuditFailure, Registration};
pub(crate) use duration::parse as parse_duration;
pub(crate) use filter::LogFilter;
pub(crate) use origin::WebOrigin;
pub(crate) use path::AuditTarget;
pub(crate) use size::Size;
pub(crate) use traces::{CollectorHeader, CollectorUrl, Ratio};
pub(crate) use url::{FanoutUrl, LedgerUrl};

use super::problem::Wrong;
use std::fmt;

/// A value as it was written, before it has a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Raw {
    /// From a flag or a variable, which know only text: `20`, `true` and `a,b` are what the
    /// setting makes of them.
    Untyped(String),
    /// A string in a file.
    Text(String),
    /// An integer in a file.
    Integer(i64),
    /// A number with a fraction in a file, as it stands there.
    Fraction(String),
    /// A boolean in a file.
    Boolean(bool),
    /// An array in a file.
    List(Vec<Self>),
    /// What no setting takes, by its name in TOML.
    Other(&'static str),
}

/// A type that a setting can have.
pub(crate) trait Setting: Sized {
    /// Reads what was written; says what is wrong with it otherwise.
    fn read(raw: &Raw) -> Result<Self, Wrong>;

    /// The value as a configuration file would have it, without its secrets.
    fn show(&self) -> toml::Value;
}

/// What a setting expects; names it in messages and shows how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Boolean,
    Channel,
    Choice,
    Count,
    Duration,
    Header,
    List,
    LogFilter,
    Network,
    Path,
    Rate,
    Ratio,
    Size,
    SocketAddress,
    Text,
    Url,
    WebOrigin,
}

impl Form {
    /// How such a value is written, with examples.
    pub(crate) const fn usage(self) -> &'static str {
        match self {
            Self::Boolean => "write true or false",
            Self::Channel => "write up to 63 letters, digits, `_` and `-`, for example \"chat-eu\"",
            Self::Choice => "write one of the names",
            Self::Count => "write a whole number, for example 100",
            Self::Duration => {
                "write a whole number and ms, s, m, h or d, for example \"25s\" or \"7d\""
            }
            Self::Header => "write a name and a value, for example \"authorization=Bearer 123\"",
            Self::List => "write an array in a file, [\"a\", \"b\"], or a,b in a variable",
            Self::LogFilter => {
                "write off, error, warn, info, debug or trace, and by module where needed: \
                 \"info,handfast=debug\""
            }
            Self::Network => {
                "write an address or a network, for example \"10.0.0.0/8\" or \"fd00::/8\""
            }
            Self::Path => "write a path, for example \"/var/lib/handfast\"",
            Self::Rate => "write how many in what time, for example \"10/1m\"",
            Self::Ratio => "write a number from 0 to 1, for example 0.01",
            Self::Size => "write bytes or a whole number of KiB or MiB, for example \"64KiB\"",
            Self::SocketAddress => {
                "write an IP address and a port, for example \"127.0.0.1:9001\" or \"[::]:9001\""
            }
            Self::Text => "write a string that is not empty",
            Self::Url => "write a URL",
            Self::WebOrigin => {
                "write scheme, host and port as a browser sends them, with nothing behind, for \
                 example \"https://chat.example.com\""
            }
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "a boolean",
            Self::Channel => "the name of a channel",
            Self::Choice => "a name",
            Self::Count => "a number",
            Self::Duration => "a duration",
            Self::Header => "a header",
            Self::List => "a list",
            Self::LogFilter => "a log level",
            Self::Network => "a network",
            Self::Path => "a path",
            Self::Rate => "a rate",
            Self::Ratio => "a ratio",
            Self::Size => "a size",
            Self::SocketAddress => "an address with a port",
            Self::Text => "a string",
            Self::Url => "a URL",
            Self::WebOrigin => "a web origin",
        })
    }
}

impl Raw {
    /// The text of a setting that is written as text in a file too.
    fn text(&self, form: Form) -> Result<&str, Wrong> {
        match self {
            Self::Untyped(text) | Self::Text(text) => Ok(text),
            Self::Integer(_)
            | Self::Fraction(_)
            | Self::Boolean(_)
            | Self::List(_)
            | Self::Other(_) => Err(self.is_not(form)),
        }
    }

    /// The complaint that this is of another type than `form`.
    fn is_not(&self, form: Form) -> Wrong {
        Wrong::OtherType {
            expected: form,
            found: match self {
                Self::Untyped(_) | Self::Text(_) => "a string",
                Self::Integer(_) => "a number",
                Self::Fraction(_) => "a number with a fraction",
                Self::Boolean(_) => "a boolean",
                Self::List(_) => "an array",
                Self::Other(name) => name,
            },
        }
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        match raw {
            Raw::List(items) => items.iter().map(T::read).collect(),
            Raw::Untyped(text) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| T::read(&Raw::Untyped(item.to_owned())))
                .collect(),
            Raw::Text(_) | Raw::Integer(_) | Raw::Fraction(_) | Raw::Boolean(_) | Raw::Other(_) => {
                Err(raw.is_not(Form::List))
            }
        }
    }

    fn show(&self) -> toml::Value {
        toml::Value::Array(self.iter().map(T::show).collect())
    }
}

/// The word that lifts a limit.
const OFF: &str = "off";

/// A limit that `"off"` lifts.
///
/// A trait of its own, since not every `Option` is a limit.
pub(crate) trait Liftable: Setting {}

impl<T: Liftable> Setting for Option<T> {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        match raw {
            Raw::Untyped(text) | Raw::Text(text) if text == OFF => Ok(None),
            Raw::Untyped(_)
            | Raw::Text(_)
            | Raw::Integer(_)
            | Raw::Fraction(_)
            | Raw::Boolean(_)
            | Raw::List(_)
            | Raw::Other(_) => T::read(raw).map(Some),
        }
    }

    fn show(&self) -> toml::Value {
        self.as_ref()
            .map_or_else(|| toml::Value::String(OFF.to_owned()), T::show)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untyped(text: &str) -> Raw {
        Raw::Untyped(text.to_owned())
    }

    #[test]
    fn a_list_in_a_variable_is_separated_by_commas_and_may_be_empty() {
        assert_eq!(Vec::<u32>::read(&untyped("1, 2,3")), Ok(vec![1, 2, 3]));
        assert_eq!(Vec::<u32>::read(&untyped("")), Ok(vec![]));
    }

    #[test]
    fn a_string_in_a_file_is_not_taken_for_a_list() {
        let raw = Raw::Text("1,2".to_owned());
        assert_eq!(
            Vec::<u32>::read(&raw),
            Err(Wrong::OtherType {
                expected: Form::List,
                found: "a string"
            })
        );
    }

    #[test]
    fn off_lifts_a_limit_and_is_shown_again_as_off() {
        let lifted = Option::<u32>::read(&Raw::Text("off".to_owned())).expect("off is read");
        assert_eq!(lifted, None);
        assert_eq!(lifted.show(), toml::Value::String("off".to_owned()));
        assert_eq!(Option::<u32>::read(&Raw::Integer(5)), Ok(Some(5)));
    }
}
