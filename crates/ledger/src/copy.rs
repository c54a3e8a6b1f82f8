//! Moving from the embedded ledger to one of many nodes.

use crate::{
    PostgresUrl, Sqlite,
    accounts::{Accounts as _, SqliteAccounts},
    error::{DatabaseError, StorageError},
    postgres::Import,
};

/// How many rows are read and written at a time.
const PAGE: usize = 1_000;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many sessions, those that have ended included: their tokens are still to be refused by name.
    pub sessions: usize,
    /// How many accounts.
    pub accounts: usize,
}

/// Why nothing was copied. Both databases are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The target cannot be used.
    #[error(transparent)]
    Target(#[from] DatabaseError),
    /// The target holds sessions or accounts already, which might be of others.
    #[error(
        "the database at {database} holds sessions or accounts already; copy into an empty one"
    )]
    NotEmpty {
        /// The database.
        database: Box<str>,
    },
    /// What was to be copied cannot be read.
    #[error("the embedded ledger cannot be read")]
    Read(#[source] StorageError),
    /// What was read cannot be written.
    #[error("the database at {database} does not take what the embedded ledger holds")]
    Write {
        /// The database.
        database: Box<str>,
        /// What failed.
        #[source]
        source: StorageError,
    },
}

/// Copies all sessions and accounts of the embedded ledger into an empty PostgreSQL database, in one transaction. The
/// caller holds the embedded ledger as a server does ([`Sqlite::open`]), so nobody changes it meanwhile.
///
/// The log of changes stays behind: it is for nodes that run, and none does.
///
/// # Errors
/// [`CopyError`].
pub fn copy(
    ledger: &Sqlite,
    accounts: &SqliteAccounts,
    target: &PostgresUrl,
    mut progress: impl FnMut(Copied),
) -> Result<Copied, CopyError> {
    let database = || target.place().into();
    let write = |source| CopyError::Write {
        database: database(),
        source,
    };
    let Some(import) = Import::begin(target)? else {
        return Err(CopyError::NotEmpty {
            database: database(),
        });
    };
    let mut copied = Copied::default();
    let mut after = None;
    loop {
        let page = ledger.page(after, PAGE).map_err(CopyError::Read)?;
        let Some(last) = page.last() else {
            break;
        };
        after = Some(last.session);
        import.sessions(&page).map_err(write)?;
        copied.sessions += page.len();
        progress(copied);
    }
    let mut after: Option<Box<str>> = None;
    loop {
        let page = accounts.list(after.as_deref(), PAGE);
        let page = page.map_err(CopyError::Read)?;
        let Some(last) = page.last() else {
            break;
        };
        after = Some(last.subject.clone());
        import.accounts(&page).map_err(write)?;
        copied.accounts += page.len();
        progress(copied);
    }
    import.commit().map_err(write)?;
    Ok(copied)
}
