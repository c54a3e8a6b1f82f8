//! Where settings come from.

use std::{fmt, path::PathBuf};

/// Where a value came from. The order is the order in which problems are reported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The configuration file as a whole.
    File(PathBuf),
    /// A line of the configuration file, counted from 1.
    Line(PathBuf, usize),
    /// An environment variable, by name.
    Variable(String),
    /// A flag of the command line, with its dashes.
    Flag(&'static str),
    /// Nobody set it.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Line(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}
