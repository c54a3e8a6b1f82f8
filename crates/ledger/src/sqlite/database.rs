//! Opening a database file, and refusing what is none of ours.

use super::fault::Failure;
use crate::error::{OpenError, StorageError, StorageFault};
use rusqlite::{Connection, OpenFlags, ToSql, TransactionBehavior, config::DbConfig};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a server waits for another process's write lock. Transactions last milliseconds; who waits longer than this
/// waits for a process that was stopped.
pub(crate) const SERVER_PATIENCE: Duration = Duration::from_secs(2);

/// How long a tool does. A server under full load lets go of the lock only for moments, which a tool may miss often.
pub(crate) const TOOL_PATIENCE: Duration = Duration::from_secs(30);

/// What every SQLite file begins with.
const HEADER_BYTES: u64 = 100;

/// What file systems read and write at once. A session with the longest texts fills a fifth of it.
const PAGE_BYTES: u32 = 4096;

/// What a file must be to be opened, and how it becomes that.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Four letters in the file's header that say what it is for.
    pub(crate) application_id: i32,
    /// The steps from an empty file to the current schema; a file's `user_version` says how many it has taken.
    pub(crate) migrations: &'static [&'static str],
    /// Page cache, in KiB.
    pub(crate) cache_kib: u32,
    /// How many pages the write-ahead log may have before it is copied back.
    pub(crate) checkpoint_pages: u32,
}

impl Schema {
    fn version(&self) -> u32 {
        u32::try_from(self.migrations.len()).unwrap_or(u32::MAX)
    }
}

/// Opens the file, making it if it is missing and bringing it up to date if it is older. Reads all of it.
pub(crate) fn open_or_make(path: &Path, schema: &Schema) -> Result<Connection, OpenError> {
    make_file(path).map_err(|cause| storage(path, cause))?;
    let mut connection = connect(path, SERVER_PATIENCE)?;
    identify(&connection, path, schema)?;
    check(&connection).map_err(|cause| unreadable(path, cause))?;
    configure(&connection, schema).map_err(|cause| storage(path, cause))?;
    migrate(&mut connection, schema).map_err(|cause| storage(path, cause))?;
    Ok(connection)
}

/// Opens a file that must be there and up to date.
pub(crate) fn open_existing(
    path: &Path,
    schema: &Schema,
    patience: Duration,
) -> Result<Connection, OpenError> {
    if fs::metadata(path).is_err_and(|cause| cause.kind() == ErrorKind::NotFound) {
        return Err(OpenError::Missing { path: path.into() });
    }
    let connection = connect(path, patience)?;
    let found = identify(&connection, path, schema)?;
    if found < schema.version() {
        return Err(OpenError::Older {
            path: path.into(),
            found,
            known: schema.version(),
        });
    }
    configure(&connection, schema).map_err(|cause| storage(path, cause))?;
    Ok(connection)
}

/// Makes an empty file, for its owner's eyes only, where there is nothing yet.
fn make_file(path: &Path) -> Result<(), Failure> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_) => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
            Ok(())
        }
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(cause) => Err(cause.into()),
    }
}

/// Connects to a file that exists. Nothing is written to it before [`configure`].
fn connect(path: &Path, patience: Duration) -> Result<Connection, OpenError> {
    let metadata = fs::metadata(path).map_err(|cause| storage(path, cause))?;
    // SQLite takes a file of one byte for an empty one.
    if !metadata.is_file() || (1..HEADER_BYTES).contains(&metadata.len()) {
        return Err(unreadable(path, Failure::damaged(NoDatabase)));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|cause| unreadable(path, cause))?;
    let prepared = connection.busy_timeout(patience).and_then(|()| {
        // Until it is known to be ours, even what a crash left in its log stays there when we close it.
        let left_behind = fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, left_behind)
    });
    prepared.map_err(|cause| unreadable(path, cause))?;
    Ok(connection)
}

/// The schema version of a file that is ours, or still empty.
fn identify(connection: &Connection, path: &Path, schema: &Schema) -> Result<u32, OpenError> {
    let read = |sql| connection.query_row(sql, (), |row| row.get::<_, i64>(0));
    let application_id = read("PRAGMA application_id");
    let application_id = application_id.map_err(|cause| unreadable(path, cause))?;
    let objects = read("SELECT count(*) FROM sqlite_schema");
    let objects = objects.map_err(|cause| unreadable(path, cause))?;
    let version = version(connection).map_err(|cause| unreadable(path, cause))?;
    let empty = application_id == 0 && version == 0 && objects == 0;
    if !empty && application_id != i64::from(schema.application_id) {
        Err(OpenError::Foreign { path: path.into() })
    } else if version > schema.version() {
        Err(OpenError::Newer {
            path: path.into(),
            found: version,
            known: schema.version(),
        })
    } else {
        Ok(version)
    }
}

fn version(connection: &Connection) -> Result<u32, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0))
}

/// Reads every page, and every value's type and constraint.
fn check(connection: &Connection) -> Result<(), Failure> {
    let finding: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    if finding == "ok" {
        Ok(())
    } else {
        Err(Failure::damaged(Finding(finding)))
    }
}

fn configure(connection: &Connection, schema: &Schema) -> Result<(), Failure> {
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        let cause = std::io::Error::from(ErrorKind::PermissionDenied);
        return Err(Failure(StorageError::new(StorageFault::ReadOnly, cause)));
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    let set = |name: &str, value: &dyn ToSql| connection.pragma_update(None, name, value);
    // Has an effect on an empty file only.
    set("page_size", &PAGE_BYTES)?;
    set("journal_mode", &"wal")?;
    set("synchronous", &"full")?;
    // Where a flush of the file does not reach the disk by itself (macOS).
    set("fullfsync", &true)?;
    set("checkpoint_fullfsync", &true)?;
    set("trusted_schema", &false)?;
    set("cell_size_check", &true)?;
    set("cache_size", &-i64::from(schema.cache_kib))?;
    set("wal_autocheckpoint", &schema.checkpoint_pages)?;
    // A log that grew while a reader kept it from being copied back shrinks again.
    set(
        "journal_size_limit",
        &(2 * PAGE_BYTES * schema.checkpoint_pages),
    )?;
    Ok(())
}

/// Takes the steps that the file has not taken yet, all or none of them.
fn migrate(connection: &mut Connection, schema: &Schema) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have taken them meanwhile.
    let taken = usize::try_from(version(&transaction)?).unwrap_or(usize::MAX);
    let missing = schema.migrations.get(taken..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    for step in missing {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", schema.application_id)?;
    transaction.pragma_update(None, "user_version", schema.version())?;
    transaction.commit()?;
    Ok(())
}

/// The write-ahead log of the database at `path`.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push("-wal");
    name.into()
}

fn storage(path: &Path, cause: impl Into<Failure>) -> OpenError {
    OpenError::Storage {
        path: path.into(),
        source: cause.into().0,
    }
}

fn unreadable(path: &Path, cause: impl Into<Failure>) -> OpenError {
    let Failure(source) = cause.into();
    if source.fault() == StorageFault::Damaged {
        let path = path.into();
        OpenError::Damaged { path, source }
    } else {
        storage(path, Failure(source))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it is no file, or one that is too short for a database")]
struct NoDatabase;

/// What SQLite found wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Finding(String);
