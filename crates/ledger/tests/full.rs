//! A disk without room: what cannot be stored is not called stored.
//!
//! The room is taken away by the limit on the size of files (`RLIMIT_FSIZE`), which the writer of a file meets as it
//! meets a full disk: in the middle of a write. The signal that comes with it has to be ignored, which a shell can
//! arrange; so this program is started once more, with nothing but the test below that is marked as ignored. As a process
//! that is being started holds on, for a moment, to the locks of the one that starts it, this is a program of its own.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use handfast_core::{session::Presented, time::Timestamp};
use handfast_ledger::{
    Ledger, LedgerError, Sqlite, StorageError,
    accounts::{Accounts, Created, PasswordHash, SqliteAccounts},
    conformance::{attempt, create, present, session, start},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

fn serve(file: &Path) -> Ledger {
    start(Sqlite::open(file).unwrap())
}

#[test]
fn without_room_nothing_is_called_stored_and_with_room_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "server_without_room", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{}", file.display()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let said = text.lines().find_map(|line| line.strip_prefix("stored "));
    let stored: u64 = said.unwrap().parse().unwrap();
    // A server that starts afterwards finds the same.
    let ledger = serve(&file);
    for number in 0..stored {
        assert!(
            exists(&ledger, number),
            "{number} of {stored} was called stored"
        );
    }
    assert!(!exists(&ledger, stored + 1));
}

fn exists(ledger: &Ledger, number: u64) -> bool {
    ledger.session(session(number)).wait().unwrap().is_some()
}

/// Files may not grow beyond this.
fn limit_files(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    let current = bytes.or(maximum);
    setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
}

/// Makes account number `number`.
fn make(accounts: &SqliteAccounts, number: u64) -> Result<Created, StorageError> {
    let hash = PasswordHash::new("$argon2id$".repeat(50));
    accounts.create(
        &format!("user {number}"),
        &hash,
        Timestamp::from_unix(1_750_000_000),
    )
}

/// Makes accounts until there is no room for another. How many there are.
fn fill(accounts: &SqliteAccounts) -> u64 {
    let made = (0..10_000)
        .find(|&number| make(accounts, number).is_err())
        .unwrap();
    let found = |number| accounts.find(&format!("user {number}")).unwrap().is_some();
    assert!(made > 0 && (0..made).all(found) && !found(made));
    made
}

#[test]
#[ignore = "this is the server that another test starts"]
fn server_without_room() {
    let mut file = String::new();
    std::io::stdin().read_line(&mut file).unwrap();
    if file.trim().is_empty() {
        return;
    }
    let ledger = serve(Path::new(file.trim()));
    limit_files(Some(200_000));
    let refused = |number: &u64| ledger.create(create(*number, "alice")).wait().is_err();
    let stored = (0..10_000).find(refused).unwrap();
    assert!(stored > 0);
    // There may be room yet for what is smaller than a session.
    assert!((0..1_000).any(|_| ledger.check().wait().is_err()));
    // It stays so, for whoever asks.
    let full = |answer| matches!(answer, Err(LedgerError::Unavailable(_)));
    assert!(full(ledger.check().wait()));
    assert!(full(ledger.check().wait()));
    let rotation = ledger.present(present(0, 0, attempt(1), 1)).wait();
    assert!(full(rotation.map(drop)));
    // What was stored can still be read; what was not is not there.
    for number in 0..stored {
        assert!(exists(&ledger, number));
    }
    assert!(!exists(&ledger, stored));
    let record = ledger.session(session(0)).wait().unwrap().unwrap().record;
    assert_eq!(record.issued.number(), 0);
    let accounts = SqliteAccounts::open(&Path::new(file.trim()).with_file_name("accounts.db"));
    let accounts = accounts.unwrap();
    let made = fill(&accounts);
    // Somebody makes room.
    limit_files(None);
    ledger.check().wait().unwrap();
    ledger.create(create(stored, "alice")).wait().unwrap();
    let rotation = ledger.present(present(0, 0, attempt(1), 1)).wait().unwrap();
    assert_eq!(rotation.presented, Presented::Advanced);
    make(&accounts, made).unwrap();
    writeln!(std::io::stdout(), "\nstored {}", stored + 1).unwrap();
}
