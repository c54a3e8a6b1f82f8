//! What can only be tried from inside: migrations that do not exist yet, and a database that may not grow.

use super::{
    Sqlite, SqliteTransaction,
    database::{self, Schema},
};
use crate::{
    Access, Backend, Durability, Ledger, LedgerError, OpenError, Settings, StorageError,
    StorageFault, Transaction as _,
    conformance::{ManualClock, create, policy, session},
};
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

const FIRST: &str = "CREATE TABLE first (x INTEGER NOT NULL) STRICT; INSERT INTO first VALUES (7);";
const SECOND: &str = "ALTER TABLE first ADD COLUMN y INTEGER; UPDATE first SET y = x + 1;";
const HALF_WRONG: &str = "DELETE FROM first; INSERT INTO nowhere VALUES (1);";

fn schema(migrations: &'static [&'static str]) -> Schema {
    Schema {
        application_id: 77,
        migrations,
        cache_kib: 100,
        checkpoint_pages: 100,
    }
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, (), |row| row.get(0)).unwrap()
}

fn open(path: &Path, migrations: &'static [&'static str]) -> Result<Connection, OpenError> {
    database::open_or_make(path, &schema(migrations))
}

#[test]
fn an_older_file_takes_the_steps_that_it_has_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(open(&path, &[FIRST]).unwrap());
    let connection = open(&path, &[FIRST, SECOND]).unwrap();
    assert_eq!(number(&connection, "SELECT x * 100 + y FROM first"), 708);
    assert_eq!(number(&connection, "PRAGMA user_version"), 2);
    drop(connection);
    let refusal = open(&path, &[FIRST]).unwrap_err();
    assert!(matches!(
        refusal,
        OpenError::Newer {
            found: 2,
            known: 1,
            ..
        }
    ));
}

#[test]
fn steps_are_taken_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(open(&path, &[FIRST]).unwrap());
    let refusal = open(&path, &[FIRST, SECOND, HALF_WRONG]).unwrap_err();
    assert!(matches!(refusal, OpenError::Storage { .. }), "{refusal:?}");
    let connection = open(&path, &[FIRST]).unwrap();
    assert_eq!(number(&connection, "SELECT x FROM first"), 7);
    assert_eq!(
        number(
            &connection,
            "SELECT count(*) FROM pragma_table_info('first')"
        ),
        1
    );
}

#[test]
fn a_database_is_flushed_at_every_commit_unless_somebody_else_sees_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let connection = open(&folder.path().join("a.db"), &[FIRST]).unwrap();
    let mode = connection.query_row("PRAGMA journal_mode", (), |row| row.get(0));
    assert_eq!(mode, Ok("wal".to_owned()));
    const FULL: i64 = 2;
    assert_eq!(number(&connection, "PRAGMA synchronous"), FULL);
    assert_eq!(number(&connection, "PRAGMA fullfsync"), 1);
}

#[test]
fn a_transaction_that_wrote_leaves_its_flush_to_be_done_and_one_that_read_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut sqlite = Sqlite::open(&folder.path().join("ledger.db")).unwrap();
    let read = sqlite.begin(Access::Read).unwrap().commit().unwrap();
    assert!(matches!(read, Durability::Reached));
    let mut writing = sqlite.begin(Access::Write).unwrap();
    writing.touch().unwrap();
    let Durability::After(flush) = writing.commit().unwrap() else {
        panic!("nobody would flush it");
    };
    flush.flush().unwrap();
    // One flush serves all that wait for the same, so it is to be the same.
    let mut writing = sqlite.begin(Access::Write).unwrap();
    writing.touch().unwrap();
    let again = writing.commit().unwrap();
    assert!(matches!(again, Durability::After(again) if Arc::ptr_eq(&again, &flush)));
}

#[test]
fn a_server_begins_with_an_empty_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Sqlite::open(&path).unwrap());
    // What a killed process leaves behind.
    let left = Connection::open(&path).unwrap();
    left.execute_batch("PRAGMA journal_mode = wal; INSERT INTO touched VALUES (1, 5);")
        .unwrap();
    let log = database::log_of(&path);
    assert!(log.metadata().unwrap().len() > 0);
    let sqlite = Sqlite::open(&path).unwrap();
    assert_eq!(log.metadata().unwrap().len(), 0);
    assert_eq!(number(&sqlite.connection, "SELECT times FROM touched"), 5);
}

/// A ledger whose file may have so many pages.
struct Bounded {
    sqlite: Sqlite,
    pages: Arc<AtomicU32>,
}

impl Backend for Bounded {
    type Transaction<'a> = SqliteTransaction<'a>;

    fn begin(&mut self, access: Access) -> Result<SqliteTransaction<'_>, StorageError> {
        let pages = self.pages.load(Ordering::SeqCst);
        let connection = &self.sqlite.connection;
        connection
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
        self.sqlite.begin(access)
    }
}

#[test]
fn a_database_that_is_full_stores_nothing_and_stays_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let pages = Arc::new(AtomicU32::new(40));
    let bounded = Bounded {
        sqlite: Sqlite::open(&path).unwrap(),
        pages: Arc::clone(&pages),
    };
    let settings = Settings { policy: policy() };
    let clock = Arc::new(ManualClock::new());
    let ledger = Ledger::start(bounded, settings, clock, Arc::new(())).unwrap();
    let mut stored = 0;
    let failure = loop {
        match ledger.create(create(stored, "alice")).wait() {
            Ok(_) => stored += 1,
            Err(failure) => break failure,
        }
    };
    let LedgerError::Unavailable(cause) = &failure else {
        panic!("{failure:?}");
    };
    assert_eq!(cause.fault(), StorageFault::Full);
    let found = |number| ledger.session(session(number)).wait().unwrap().is_some();
    assert!(stored > 0 && (0..stored).all(found) && !found(stored));
    pages.store(1_000, Ordering::SeqCst);
    ledger.create(create(stored, "alice")).wait().unwrap();
    drop(ledger);
    assert!(Sqlite::open(&path).is_ok());
}
