//! What can be wrong with a configuration, where, and what to do about it.

use super::{
    clash::{Clash, Doubt},
    source::Source,
    unknown::section_of,
    value::Form,
};
use handfast::InvalidPostgresUrl;
use std::fmt;

/// Something to say about one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About<T> {
    /// Where the value came from.
    pub(crate) source: Source,
    /// The setting, dotted; empty where it is about a file as a whole.
    pub(crate) key: String,
    /// What there is to say.
    pub(crate) what: T,
}

/// Why a configuration cannot work.
pub(crate) type Problem = About<Wrong>;

/// What works but is probably not what was meant.
pub(crate) type Warning = About<Doubt>;

impl<T: fmt::Display> fmt::Display for About<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            return write!(f, "{}", self.what);
        }
        write!(f, "`{}`: {}", self.key, self.what)
    }
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

/// What the reader of a message should do.
pub(crate) trait Remedy {
    /// An imperative sentence, without a full stop.
    fn remedy(&self) -> String;
}

/// What is wrong with a setting. No text of a URL is ever kept here: URLs carry passwords.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    #[error("the file is not valid TOML: {0}")]
    Syntax(String),
    #[error("the value is not UTF-8")]
    NotUtf8,
    #[error("there is no such setting")]
    UnknownSetting { nearest: Option<String> },
    #[error("there is no such setting in this section")]
    Misplaced { meant: String },
    #[error("there is no such environment variable")]
    UnknownVariable { nearest: Option<String> },
    #[error("there is no such section")]
    UnknownSection { nearest: Option<String> },
    #[error("this is a section, not a setting")]
    IsSection,
    #[error("this is a setting, not a section")]
    IsSetting,
    #[error("expected {expected}, found {found}")]
    OtherType { expected: Form, found: &'static str },
    #[error("{text:?} is not {form}")]
    Malformed { text: String, form: Form },
    #[error("{0} has no unit")]
    UnitMissing(String),
    #[error("{text:?} is not one of {}", choices.join(", "))]
    UnknownChoice {
        text: String,
        choices: Vec<&'static str>,
        nearest: Option<String>,
    },
    #[error("{value} is out of range")]
    OutOfRange {
        value: String,
        least: String,
        most: String,
    },
    #[error("a limit of 0 would allow nothing")]
    NothingAllowed,
    #[cfg_attr(
        all(feature = "nats", feature = "redis"),
        expect(dead_code, reason = "everything is in this build")
    )]
    #[error("{what} is not in this build")]
    NotInThisBuild {
        what: &'static str,
        supported: &'static str,
    },
    #[error("Redis and Valkey cannot be the ledger: a fail-over loses writes they confirmed")]
    UnfitLedger,
    #[error("this is no URL that handfast knows")]
    UnknownUrl { supported: &'static str },
    #[error("it is not {form}")]
    MalformedSecret { form: Form },
    #[error("the URL cannot be read")]
    MalformedUrl { form: &'static str },
    #[error(transparent)]
    PostgresUrl(InvalidPostgresUrl),
    #[error("any origin at all would let every web page use its visitors' sessions")]
    AnyOrigin,
    #[error(transparent)]
    Together(Box<Clash>),
}

impl From<Clash> for Wrong {
    fn from(clash: Clash) -> Self {
        Self::Together(Box::new(clash))
    }
}

impl Remedy for Wrong {
    fn remedy(&self) -> String {
        match self {
            Self::Unreadable(_) => "name a file that exists and that this user may read".to_owned(),
            Self::Syntax(_) => "correct this line".to_owned(),
            Self::NotUtf8 => "write it in UTF-8".to_owned(),
            Self::UnknownSetting { nearest }
            | Self::UnknownVariable { nearest }
            | Self::UnknownSection { nearest } => nearest.as_ref().map_or_else(
                || "remove it; `handfast config show` lists every setting".to_owned(),
                |name| format!("did you mean `{name}`?"),
            ),
            Self::Misplaced { meant } => match section_of(meant) {
                Some(section) => format!("did you mean `{meant}`? Write it under [{section}]"),
                None => format!("did you mean `{meant}`? Write it before the first [section]"),
            },
            Self::IsSection => "write its settings under a [section] heading".to_owned(),
            Self::IsSetting => "write it as key = value, before the first [section]".to_owned(),
            Self::OtherType { expected, .. } => expected.usage().to_owned(),
            Self::Malformed { form, .. } | Self::MalformedSecret { form } => form.usage().to_owned(),
            Self::UnitMissing(number) => {
                format!("write what it counts, for example \"{number}s\" or \"{number}m\"")
            }
            Self::UnknownChoice {
                nearest, choices, ..
            } => nearest.as_ref().map_or_else(
                || format!("write one of: {}", choices.join(", ")),
                |name| format!("did you mean `{name}`?"),
            ),
            Self::OutOfRange { least, most, .. } => {
                format!("write a value from {least} to {most}")
            }
            Self::NothingAllowed => "write 1 or more, or \"off\" for no limit".to_owned(),
            Self::NotInThisBuild { supported, .. } | Self::UnknownUrl { supported } => {
                format!("this build supports {supported}")
            }
            Self::MalformedUrl { form } => format!("write {form}"),
            Self::PostgresUrl(_) => {
                "write \"postgres://user:password@host/database\", with %40 for an @ in the password".to_owned()
            }
            Self::UnfitLedger => "keep the ledger in \"sqlite\" or a PostgreSQL database".to_owned(),
            Self::AnyOrigin => "list each origin that may connect".to_owned(),
            Self::Together(clash) => clash.remedy(),
        }
    }
}
