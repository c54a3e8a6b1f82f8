//! `handfast ledger`: bringing a ledger up to date, and moving it to a database that many nodes share.

use super::{
    failure::{Failure, Outcome},
    print::{FAINT, OK},
};
use crate::{
    config::{Config, LedgerUrl},
    data::DataFolder,
};
use handfast_ledger::{
    CopyError, OpenError, Postgres, PostgresUrl, Sqlite, accounts::SqliteAccounts, copy,
};
use std::io::{self, Write};

/// How often progress is told, in sessions.
const TOLD_EVERY: usize = 50_000;

/// Why a ledger was not brought up to date or copied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerFailure {
    /// A database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is nothing to copy.
    #[error("there is no embedded ledger in {0}")]
    NothingThere(String),
    /// The target is no URL of a PostgreSQL database. The text is not repeated.
    #[error("the target cannot be used: {0}")]
    Target(#[from] handfast::InvalidPostgresUrl),
    /// It was not copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
}

impl LedgerFailure {
    /// What to do about it, where the message does not say that already.
    pub(super) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Open(OpenError::InUse { .. }) => Some("stop that handfast first"),
            Self::NothingThere(_) => Some("`--data` says where it is"),
            Self::Open(_) | Self::Target(_) | Self::Copy(_) => None,
        }
    }
}

/// Makes the tables where there are none, and brings older ones up to date.
pub(super) fn migrate(config: &Config, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let place = match &config.ledger.url {
        LedgerUrl::Sqlite => {
            let path = DataFolder(&config.data).ledger();
            drop(Sqlite::open(&path).map_err(LedgerFailure::from)?);
            path.display().to_string()
        }
        LedgerUrl::Postgres(url) => {
            let opened = Postgres::open(url).map_err(OpenError::from);
            drop(opened.map_err(LedgerFailure::from)?);
            url.place()
        }
    };
    writeln!(out, "{OK}up to date{OK:#}  {place}")?;
    Ok(Outcome::Fine)
}

/// Copies the embedded ledger and its accounts into an empty PostgreSQL database.
pub(super) fn copy_to(
    config: &Config,
    target: &str,
    out: &mut dyn Write,
) -> Result<Outcome, Failure> {
    let target = if target == "-" {
        io::read_to_string(io::stdin()).map_err(Failure::Input)?
    } else {
        target.to_owned()
    };
    let target: PostgresUrl = target.trim().parse().map_err(LedgerFailure::from)?;
    let folder = DataFolder(&config.data);
    if !folder.ledger().exists() {
        let shown = config.data.display().to_string();
        return Err(LedgerFailure::NothingThere(shown).into());
    }
    // As a server does, so that none runs on it meanwhile.
    let ledger = Sqlite::open(&folder.ledger()).map_err(LedgerFailure::from)?;
    let accounts = SqliteAccounts::open(&folder.accounts()).map_err(LedgerFailure::from)?;
    let mut told = 0;
    let copied = copy(&ledger, &accounts, &target, |copied| {
        if copied.sessions >= told + TOLD_EVERY {
            told = copied.sessions;
            tracing::info!(sessions = told, "copying");
        }
    });
    let copied = copied.map_err(LedgerFailure::from)?;
    let place = target.place();
    writeln!(
        out,
        "{OK}copied{OK:#}  {} sessions and {} accounts to {place}",
        copied.sessions, copied.accounts
    )?;
    writeln!(
        out,
        "{FAINT}Set `ledger.url` to it, and give every node the same {}.{FAINT:#}",
        folder.keys().display()
    )?;
    Ok(Outcome::Fine)
}
