//! What every store of accounts must do.

use crate::accounts::{Account, Accounts, Created, PasswordHash};
use handfast_core::time::Timestamp;
use std::{sync::Barrier, thread};

/// Storage for the accounts of one case.
pub trait AccountsFixture: Sized {
    /// What is tested.
    type Accounts: Accounts;

    /// Storage with nothing in it, that nobody else uses.
    fn empty() -> Self;

    /// Opens it; also a second time while it is open.
    fn open(&self) -> Self::Accounts;
}

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g";
const NOON: Timestamp = Timestamp::from_unix(1_750_000_000);

fn make(accounts: &impl Accounts, subject: &str) -> Created {
    accounts
        .create(subject, &PasswordHash::new(HASH), NOON)
        .unwrap()
}

fn parts(account: &Account) -> (&str, &str, Timestamp, bool) {
    let Account {
        subject,
        password_hash,
        created_at,
        disabled,
    } = account;
    (subject, password_hash.expose(), *created_at, *disabled)
}

fn subjects(accounts: &impl Accounts, after: Option<&str>, limit: usize) -> Vec<Box<str>> {
    let listed = accounts.list(after, limit).unwrap();
    listed.into_iter().map(|account| account.subject).collect()
}

pub fn an_account_is_found_as_it_was_made<F: AccountsFixture>() {
    let fixture = F::empty();
    let accounts = fixture.open();
    assert!(accounts.find("alice").unwrap().is_none());
    assert_eq!(make(&accounts, "alice"), Created::Created);
    let found = accounts.find("alice").unwrap().unwrap();
    assert_eq!(parts(&found), ("alice", HASH, NOON, false));
    for other in ["Alice", "alic", "alice ", "", "ａlice", "%"] {
        assert!(accounts.find(other).unwrap().is_none(), "{other:?}");
    }
}

pub fn a_taken_name_stays_with_whom_it_is<F: AccountsFixture>() {
    let fixture = F::empty();
    let accounts = fixture.open();
    make(&accounts, "alice");
    let another = PasswordHash::new("$argon2id$another");
    let later = Timestamp::from_unix(1_800_000_000);
    assert_eq!(
        accounts.create("alice", &another, later).unwrap(),
        Created::Taken
    );
    let found = accounts.find("alice").unwrap().unwrap();
    assert_eq!(parts(&found), ("alice", HASH, NOON, false));
}

pub fn a_password_is_replaced<F: AccountsFixture>() {
    let fixture = F::empty();
    let accounts = fixture.open();
    make(&accounts, "alice");
    make(&accounts, "bob");
    let another = PasswordHash::new("$argon2id$another");
    assert!(accounts.set_password("alice", &another).unwrap());
    assert!(!accounts.set_password("carol", &another).unwrap());
    let hash = |subject| accounts.find(subject).unwrap().unwrap().password_hash;
    assert_eq!(hash("alice").expose(), "$argon2id$another");
    assert_eq!(hash("bob").expose(), HASH);
    assert!(accounts.find("carol").unwrap().is_none());
}

pub fn a_password_that_was_replaced_meanwhile_is_not_replaced_again<F: AccountsFixture>() {
    let fixture = F::empty();
    let (accounts, beside) = (fixture.open(), fixture.open());
    make(&accounts, "alice");
    make(&accounts, "bob");
    let former = PasswordHash::new(HASH);
    let [first, second] = ["$argon2id$first", "$argon2id$second"].map(PasswordHash::new);
    assert!(beside.replace_password("alice", &former, &first).unwrap());
    assert!(
        !accounts
            .replace_password("alice", &former, &second)
            .unwrap()
    );
    assert!(
        !accounts
            .replace_password("carol", &former, &second)
            .unwrap()
    );
    let hash = |subject| accounts.find(subject).unwrap().unwrap().password_hash;
    assert_eq!(hash("alice").expose(), first.expose());
    assert_eq!(hash("bob").expose(), HASH);
}

pub fn an_account_is_disabled_and_enabled<F: AccountsFixture>() {
    let fixture = F::empty();
    let accounts = fixture.open();
    make(&accounts, "alice");
    make(&accounts, "bob");
    let disabled = |subject| accounts.find(subject).unwrap().unwrap().disabled;
    for state in [true, true, false, false] {
        assert!(accounts.set_disabled("alice", state).unwrap());
        assert_eq!((disabled("alice"), disabled("bob")), (state, false));
    }
    assert!(!accounts.set_disabled("carol", true).unwrap());
}

pub fn accounts_are_listed_page_by_page<F: AccountsFixture>() {
    let fixture = F::empty();
    let accounts = fixture.open();
    assert!(subjects(&accounts, None, 10).is_empty());
    for subject in ["carol", "émile", "alice", "bob", "zoë"] {
        make(&accounts, subject);
    }
    // In the order of their bytes.
    assert_eq!(
        subjects(&accounts, None, 3),
        ["alice", "bob", "carol"].map(Box::from)
    );
    assert_eq!(
        subjects(&accounts, Some("carol"), 3),
        ["zoë", "émile"].map(Box::from)
    );
    assert_eq!(subjects(&accounts, Some("b"), 1), ["bob"].map(Box::from));
    assert!(subjects(&accounts, Some("émile"), 3).is_empty());
    assert!(subjects(&accounts, None, 0).is_empty());
}

pub fn of_many_who_want_a_name_one_gets_it<F: AccountsFixture>() {
    let fixture = F::empty();
    let stores = [fixture.open(), fixture.open()];
    let start = Barrier::new(8);
    let made = thread::scope(|scope| {
        let threads = (0..8).zip(stores.iter().cycle());
        let threads: Vec<_> = threads
            .map(|(thread, accounts)| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let hash = PasswordHash::new(format!("$argon2id${thread}"));
                    let made = accounts.create("alice", &hash, NOON).unwrap();
                    (made == Created::Created).then_some(hash)
                })
            })
            .collect();
        let made = threads
            .into_iter()
            .filter_map(|thread| thread.join().unwrap());
        made.collect::<Vec<_>>()
    });
    assert_eq!(made.len(), 1);
    for accounts in &stores {
        let found = accounts.find("alice").unwrap().unwrap();
        assert_eq!(found.password_hash.expose(), made[0].expose());
    }
}

pub fn accounts_are_there_after_reopening<F: AccountsFixture>() {
    let fixture = F::empty();
    let accounts = fixture.open();
    make(&accounts, "alice");
    make(&accounts, "bob");
    accounts.set_disabled("bob", true).unwrap();
    drop(accounts);
    let accounts = fixture.open();
    let listed = accounts.list(None, 10).unwrap();
    let listed: Vec<_> = listed.iter().map(parts).collect();
    assert_eq!(
        listed,
        [("alice", HASH, NOON, false), ("bob", HASH, NOON, true)]
    );
}

pub fn a_hash_shows_itself_nowhere<F: AccountsFixture>() {
    let fixture = F::empty();
    let accounts = fixture.open();
    make(&accounts, "alice");
    let found = accounts.find("alice").unwrap().unwrap();
    let shown = format!("{found:?} {:?}", found.password_hash);
    assert!(
        !shown.contains("argon2") && !shown.contains("c2FsdHNhbHQ"),
        "{shown}"
    );
}
