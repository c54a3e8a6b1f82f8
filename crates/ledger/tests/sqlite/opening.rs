//! What is opened, what is refused, and what is left as it was.

use crate::scratch::{Scratch, serve};
use handfast_ledger::{
    OpenError, Sqlite,
    accounts::SqliteAccounts,
    conformance::{create, revoke, session, start},
};
use rusqlite::Connection;
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

/// A ledger with a few hundred sessions, properly closed.
fn furnished() -> Scratch {
    let scratch = Scratch::new();
    let ledger = serve(&scratch.file());
    let logins = (0..500).map(|number| ledger.create(create(number, "alice")));
    for receipt in logins.collect::<Vec<_>>() {
        receipt.wait().unwrap();
    }
    drop(ledger);
    scratch
}

fn sql(path: &Path, statements: &str) {
    Connection::open(path)
        .unwrap()
        .execute_batch(statements)
        .unwrap();
}

/// Refuses to open the scratch's file, and changes nothing in its folder.
fn refusal(scratch: &Scratch) -> OpenError {
    // The lock is taken before anything is looked at.
    fs::write(scratch.folder().join("ledger.db.lock"), lock_text()).unwrap();
    let before = scratch.contents();
    let refusal = Sqlite::open(&scratch.file()).unwrap_err();
    assert_eq!(scratch.contents(), before, "{refusal}");
    let as_a_tool = Sqlite::open_beside(&scratch.file());
    assert!(as_a_tool.is_err());
    assert_eq!(scratch.contents(), before, "{refusal}");
    let name = scratch.file().display().to_string();
    assert!(refusal.to_string().contains(&name), "{refusal}");
    refusal
}

fn lock_text() -> String {
    format!("{}\n", std::process::id())
}

#[test]
fn a_new_ledger_is_for_its_owners_eyes_only() {
    let scratch = Scratch::new();
    let ledger = serve(&scratch.file());
    ledger.create(create(1, "alice")).wait().unwrap();
    let files = scratch.contents();
    assert!(
        files.len() >= 3,
        "the database, its log, the lock: {:?}",
        files.keys()
    );
    for path in files.keys() {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    drop(ledger);
}

#[test]
fn what_is_no_database_is_refused() {
    let texts = [
        "x".to_owned(),
        "not a database. ".repeat(1_000),
        format!(
            "SQLite format 3\0{}",
            "and then something else ".repeat(500)
        ),
    ];
    for text in texts {
        let scratch = Scratch::new();
        fs::write(scratch.file(), text).unwrap();
        let refusal = refusal(&scratch);
        assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal:?}");
    }
}

#[test]
fn a_ledger_with_a_torn_page_is_refused() {
    let scratch = furnished();
    let connection = Connection::open(scratch.file()).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'sessions'";
    let page: u32 = connection.query_row(root, (), |row| row.get(0)).unwrap();
    let page = usize::try_from(page).unwrap();
    drop(connection);
    let mut bytes = fs::read(scratch.file()).unwrap();
    bytes[(page - 1) * 4096..page * 4096].fill(0x5a);
    assert_damaged(&scratch, &bytes);
}

#[test]
fn a_truncated_ledger_is_refused() {
    let scratch = furnished();
    let bytes = fs::read(scratch.file()).unwrap();
    assert_damaged(&scratch, &bytes[..bytes.len() / 2]);
}

/// That a server refuses a ledger of these bytes, and leaves them as they are.
fn assert_damaged(scratch: &Scratch, bytes: &[u8]) {
    fs::write(scratch.file(), bytes).unwrap();
    fs::write(scratch.folder().join("ledger.db.lock"), lock_text()).unwrap();
    let before = scratch.contents();
    let refusal = Sqlite::open(&scratch.file()).unwrap_err();
    assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal:?}");
    assert_eq!(scratch.contents(), before);
}

#[test]
fn a_database_of_something_else_is_refused() {
    let scratch = Scratch::new();
    sql(&scratch.file(), "CREATE TABLE recipes (name TEXT)");
    assert!(matches!(refusal(&scratch), OpenError::Foreign { .. }));
    let scratch = Scratch::new();
    drop(SqliteAccounts::open(&scratch.file()).unwrap());
    assert!(matches!(refusal(&scratch), OpenError::Foreign { .. }));
}

#[test]
fn a_newer_schema_is_refused_by_name() {
    let scratch = furnished();
    sql(&scratch.file(), "PRAGMA user_version = 99");
    let refusal = refusal(&scratch);
    let OpenError::Newer {
        found: 99, known, ..
    } = refusal
    else {
        panic!("{refusal:?}");
    };
    assert!(known < 99);
    assert!(refusal.to_string().contains("schema 99"), "{refusal}");
}

#[test]
fn a_newer_ledger_that_crashed_keeps_what_is_in_its_log() {
    let crashed = furnished();
    let newer = Connection::open(crashed.file()).unwrap();
    newer
        .execute_batch("PRAGMA user_version = 2; CREATE TABLE later (x)")
        .unwrap();
    // A copy taken while it is open is what a crash leaves behind.
    let scratch = Scratch::new();
    for suffix in ["", "-wal"] {
        let name = format!("ledger.db{suffix}");
        fs::copy(crashed.folder().join(&name), scratch.folder().join(&name)).unwrap();
    }
    let logged = fs::read(scratch.folder().join("ledger.db-wal")).unwrap();
    let before = fs::read(scratch.file()).unwrap();
    assert!(!logged.is_empty());
    let refusal = Sqlite::open(&scratch.file()).unwrap_err();
    assert!(
        matches!(refusal, OpenError::Newer { found: 2, .. }),
        "{refusal:?}"
    );
    assert_eq!(
        fs::read(scratch.folder().join("ledger.db-wal")).unwrap(),
        logged
    );
    assert_eq!(fs::read(scratch.file()).unwrap(), before);
}

#[test]
fn nothing_is_made_in_the_place_of_something_else() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.file()).unwrap();
    let refusal = Sqlite::open(&scratch.file()).unwrap_err();
    assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal:?}");
    assert!(scratch.file().is_dir());
    let scratch = Scratch::new();
    let elsewhere = scratch.folder().join("elsewhere");
    symlink(&elsewhere, scratch.file()).unwrap();
    Sqlite::open(&scratch.file()).unwrap_err();
    assert!(!elsewhere.exists());
    let nowhere = scratch.folder().join("no").join("folder").join("ledger.db");
    let refusal = Sqlite::open(&nowhere).unwrap_err();
    assert!(matches!(refusal, OpenError::Storage { .. }), "{refusal:?}");
}

#[test]
fn an_empty_file_that_a_crash_left_becomes_a_ledger() {
    let scratch = Scratch::new();
    fs::write(scratch.file(), "").unwrap();
    fs::set_permissions(scratch.file(), Permissions::from_mode(0o600)).unwrap();
    let ledger = serve(&scratch.file());
    ledger.create(create(1, "alice")).wait().unwrap();
}

#[test]
fn a_second_server_is_refused_and_told_by_whom() {
    let scratch = Scratch::new();
    let first = serve(&scratch.file());
    let refusal = Sqlite::open(&scratch.file()).unwrap_err();
    let me = std::process::id();
    let OpenError::InUse { process, .. } = &refusal else {
        panic!("{refusal:?}");
    };
    assert_eq!(*process, Some(me));
    assert!(refusal.to_string().contains(&me.to_string()), "{refusal}");
    first.create(create(1, "alice")).wait().unwrap();
    drop(first);
    let second = serve(&scratch.file());
    assert!(second.session(session(1)).wait().unwrap().is_some());
}

#[test]
fn a_tool_looks_and_revokes_beside_a_server() {
    let scratch = Scratch::new();
    let server = serve(&scratch.file());
    server.create(create(1, "alice")).wait().unwrap();
    let tool = start(Sqlite::open_beside(&scratch.file()).unwrap());
    assert_eq!(tool.list("alice").wait().unwrap().len(), 1);
    assert_eq!(tool.revoke(revoke(1)).wait().unwrap(), [session(1)]);
    drop(tool);
    assert_eq!(server.list("alice").wait().unwrap(), []);
    drop(server);
    // And without one.
    let tool = start(Sqlite::open_beside(&scratch.file()).unwrap());
    assert!(tool.session(session(1)).wait().unwrap().is_some());
}

#[test]
fn a_tool_makes_no_ledger_and_brings_none_up_to_date() {
    let scratch = Scratch::new();
    let refusal = Sqlite::open_beside(&scratch.file()).unwrap_err();
    assert!(matches!(refusal, OpenError::Missing { .. }), "{refusal:?}");
    assert!(scratch.contents().is_empty());
    let scratch = furnished();
    sql(&scratch.file(), "PRAGMA user_version = 0");
    let before = scratch.contents();
    let refusal = Sqlite::open_beside(&scratch.file()).unwrap_err();
    assert!(
        matches!(refusal, OpenError::Older { found: 0, .. }),
        "{refusal:?}"
    );
    assert_eq!(scratch.contents(), before);
}

#[test]
fn accounts_are_for_their_owners_eyes_and_of_nothing_else() {
    let scratch = Scratch::new();
    let file = scratch.folder().join("accounts.db");
    let accounts = SqliteAccounts::open(&file).unwrap();
    for path in scratch.contents().keys() {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    drop(accounts);
    sql(&file, "PRAGMA user_version = 99");
    let newer = SqliteAccounts::open(&file).unwrap_err();
    assert!(
        matches!(newer, OpenError::Newer { found: 99, .. }),
        "{newer:?}"
    );
    let ledger = furnished();
    let foreign = SqliteAccounts::open(&ledger.file()).unwrap_err();
    assert!(matches!(foreign, OpenError::Foreign { .. }), "{foreign:?}");
}
