//! How a command ends.

use crate::config::Problems;
use std::{io, process::ExitCode};

/// A command that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Fine,
    /// What was to be checked is not well; the command has said what.
    CheckFailed,
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration cannot work.
    #[error("the configuration cannot work")]
    Config(Problems),
    /// Nobody reads what the command prints.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl Outcome {
    /// What the shell gets.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Fine => ExitCode::SUCCESS,
            Self::CheckFailed => ExitCode::from(1),
        }
    }
}

impl Failure {
    /// What the shell gets.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Config(_) => 2,
            Self::Output(_) => 1,
        })
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Config(problems)
    }
}
