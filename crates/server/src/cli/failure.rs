//! How a command ends.

use super::{desk::DeskError, ledger::LedgerFailure, prompt::PromptError};
use crate::{
    config::Problems,
    serve::{FileError, ServeError},
};
use handfast::keys::{KeyFileError, KeyFileFault};
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
    /// The server did not start.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A file that the configuration names cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// A ledger was not brought up to date or copied.
    #[error(transparent)]
    Ledger(#[from] LedgerFailure),
    /// Nobody, or not this user, could carry the operator's wish out.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Nothing came of asking the person at the terminal.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A token was to be inspected, and none was given.
    #[error("no token was given")]
    NoToken,
    /// What should be inspected cannot be read.
    #[error("cannot read stdin: {0}")]
    Input(io::Error),
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
            Self::Config(_)
            | Self::File(_)
            | Self::NoToken
            | Self::Prompt(PromptError::NoTerminal | PromptError::Unconfirmed) => 2,
            Self::Serve(_)
            | Self::Keys(_)
            | Self::Ledger(_)
            | Self::Desk(_)
            | Self::Prompt(_)
            | Self::Input(_)
            | Self::Output(_) => 1,
        })
    }

    /// What to do about it, where the message does not say that already.
    pub(super) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Keys(error) => match &error.fault {
                KeyFileFault::Io { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                    Some("`handfast serve` makes it when it first starts; `--data` says where")
                }
                _ => None,
            },
            Self::Ledger(failure) => failure.remedy(),
            Self::Desk(error) => error.remedy(),
            Self::Prompt(error) => error.remedy(),
            Self::NoToken => Some("give it on stdin: handfast token inspect < FILE"),
            Self::Config(_) | Self::File(_) | Self::Serve(_) | Self::Input(_) | Self::Output(_) => {
                None
            }
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Config(problems)
    }
}
