use super::{
    AccountCredentials, AccountMark, Admitted, Credentials as _, Login, LoginRefused,
    PasswordSettings, Registration,
};
use crate::{
    clock::SystemClock,
    password::{HashCost, Hasher, PoolSize, Verdict},
};
use handfast_core::{
    message::{InvalidReason, Secret},
    time::{Clock as _, Timestamp},
};
use handfast_ledger::{
    StorageError, StorageFault,
    accounts::{Account, Accounts, Created, MemoryAccounts, PasswordHash},
};
use std::sync::{Arc, Mutex};

const CHEAP: HashCost = HashCost {
    memory_kib: 8,
    iterations: 1,
    parallelism: 1,
};
const NEW: Result<Admitted, LoginRefused> = admitted(true);
const KNOWN: Result<Admitted, LoginRefused> = admitted(false);
const WRONG: Result<Admitted, LoginRefused> = Err(LoginRefused::InvalidPassword);

const fn admitted(registered: bool) -> Result<Admitted, LoginRefused> {
    let mark = AccountMark::NONE;
    Ok(Admitted { registered, mark })
}

const fn invalid<T>(reason: InvalidReason) -> Result<T, LoginRefused> {
    Err(LoginRefused::Invalid(reason))
}

fn settings(registration: Registration) -> PasswordSettings {
    PasswordSettings {
        registration,
        length_min: 8,
        cost: CHEAP,
        pool: PoolSize {
            threads: 4,
            queue: 64,
        },
    }
}

struct Setup {
    accounts: Arc<dyn Accounts>,
    credentials: AccountCredentials,
}

impl Setup {
    fn with(accounts: impl Accounts, settings: PasswordSettings) -> Self {
        let accounts: Arc<dyn Accounts> = Arc::new(accounts);
        let clock = Arc::new(SystemClock::start());
        let credentials =
            AccountCredentials::start(Arc::clone(&accounts), settings, clock).unwrap();
        Self {
            accounts,
            credentials,
        }
    }

    fn new(registration: Registration) -> Self {
        Self::with(MemoryAccounts::default(), settings(registration))
    }

    /// Adds an account whose hash was made at `cost`.
    fn add(&self, subject: &str, password: &str, cost: HashCost) {
        let hash = Hasher::new(cost).unwrap().hash(&Secret::new(password));
        let now = SystemClock::start().now().unix;
        let created = self.accounts.create(subject, &hash.unwrap(), now);
        assert_eq!(created.unwrap(), Created::Created);
    }

    /// Logs in; the answer without its mark.
    async fn login(&self, subject: &str, password: &str) -> Result<Admitted, LoginRefused> {
        let answer = self.marked_login(subject, password).await;
        answer.and_then(|it| admitted(it.registered))
    }

    async fn marked_login(&self, subject: &str, password: &str) -> Result<Admitted, LoginRefused> {
        let password = &Secret::new(password);
        self.credentials.login(Login { subject, password }).await
    }

    async fn register(&self, subject: &str, password: &str) -> Result<Admitted, LoginRefused> {
        let password = &Secret::new(password);
        let answer = self.credentials.register(Login { subject, password }).await;
        answer.and_then(|it| admitted(it.registered))
    }

    async fn confirm(&self, password: &str, admitted: Admitted) -> Result<(), LoginRefused> {
        let (subject, password) = ("anna", &Secret::new(password));
        let login = Login { subject, password };
        self.credentials.confirm(login, admitted).await
    }

    async fn change(&self, subject: &str, old: &str, new: &str) -> Result<(), LoginRefused> {
        let (password, new) = (&Secret::new(old), &Secret::new(new));
        let login = Login { subject, password };
        self.credentials.change_password(login, new).await
    }

    fn hash_of(&self, subject: &str) -> PasswordHash {
        self.accounts.find(subject).unwrap().unwrap().password_hash
    }
}

#[tokio::test]
async fn where_registration_is_open_the_first_login_makes_the_account() {
    let setup = Setup::new(Registration::Open);
    assert_eq!(setup.login("anna", "correct horse").await, NEW);
    assert_eq!(setup.login("anna", "correct horse").await, KNOWN);
    assert_eq!(setup.login("anna", "another horse").await, WRONG);
    let taken = invalid(InvalidReason::UsernameTaken);
    assert_eq!(setup.register("anna", "correct horse").await, taken);
    assert_eq!(setup.register("bert", "correct horse").await, NEW);
}

#[tokio::test]
async fn where_registration_is_explicit_a_login_makes_no_account() {
    let setup = Setup::new(Registration::Explicit);
    assert_eq!(setup.login("anna", "correct horse").await, WRONG);
    assert!(setup.accounts.find("anna").unwrap().is_none());
    assert_eq!(setup.register("anna", "correct horse").await, NEW);
    assert_eq!(setup.login("anna", "correct horse").await, KNOWN);
}

#[tokio::test]
async fn where_registration_is_closed_nobody_makes_an_account() {
    let setup = Setup::new(Registration::Closed);
    let closed = invalid(InvalidReason::RegistrationClosed);
    assert_eq!(setup.login("anna", "correct horse").await, WRONG);
    assert_eq!(setup.register("anna", "correct horse").await, closed);
    assert!(setup.accounts.find("anna").unwrap().is_none());
    setup.add("anna", "correct horse", CHEAP);
    assert_eq!(setup.login("anna", "correct horse").await, KNOWN);
    // Not even whether the name is taken is told.
    assert_eq!(setup.register("anna", "correct horse").await, closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_first_logins_at_once_one_makes_the_account_and_its_password_counts() {
    let setup = Arc::new(Setup::new(Registration::Open));
    let logins: Vec<_> = (0..32)
        .map(|number| {
            let setup = Arc::clone(&setup);
            let password = format!("correct horse {}", number % 2);
            tokio::spawn(async move { (setup.login("anna", &password).await, password) })
        })
        .collect();
    let mut answers = Vec::new();
    for login in logins {
        answers.push(login.await.unwrap());
    }
    let winners: Vec<_> = answers
        .iter()
        .filter(|(answer, _)| *answer == NEW)
        .collect();
    let [(_, right)] = winners[..] else {
        panic!("{answers:?}");
    };
    for (answer, password) in &answers {
        let expected = if password == right { KNOWN } else { WRONG };
        assert!(*answer == NEW || *answer == expected, "{answers:?}");
    }
}

#[tokio::test]
async fn a_password_of_a_new_account_has_a_least_length_in_characters() {
    let setup = Setup::new(Registration::Open);
    let short = invalid(InvalidReason::PasswordTooShort);
    assert_eq!(setup.login("anna", "1234567").await, short);
    assert_eq!(setup.register("anna", "1234567").await, short);
    assert_eq!(
        setup.register("anna", "äöüß").await,
        short,
        "8 bytes, 4 characters"
    );
    assert!(setup.accounts.find("anna").unwrap().is_none());
    assert_eq!(setup.register("anna", "12345678").await, NEW);
    setup.add("bert", "old", CHEAP);
    assert_eq!(setup.login("bert", "old").await, KNOWN, "older ones stay");
    assert_eq!(
        setup.change("bert", "old", "1234567").await,
        invalid(InvalidReason::PasswordTooShort)
    );
}

#[tokio::test]
async fn a_disabled_account_is_answered_like_a_wrong_password() {
    let setup = Setup::new(Registration::Open);
    setup.add("anna", "correct horse", CHEAP);
    assert!(setup.accounts.set_disabled("anna", true).unwrap());
    assert_eq!(setup.login("anna", "correct horse").await, WRONG);
    assert_eq!(
        setup
            .change("anna", "correct horse", "battery staple")
            .await,
        Err(LoginRefused::InvalidPassword)
    );
    assert!(setup.accounts.set_disabled("anna", false).unwrap());
    assert_eq!(setup.login("anna", "correct horse").await, KNOWN);
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_the_one_until_now() {
    let setup = Setup::new(Registration::Explicit);
    setup.add("anna", "correct horse", CHEAP);
    for (subject, old) in [("anna", "wrong"), ("bert", "correct horse")] {
        let refused = setup.change(subject, old, "battery staple").await;
        assert_eq!(refused, Err(LoginRefused::InvalidPassword));
    }
    assert_eq!(setup.login("anna", "correct horse").await, KNOWN);
    assert_eq!(
        setup
            .change("anna", "correct horse", "battery staple")
            .await,
        Ok(())
    );
    assert_eq!(setup.login("anna", "correct horse").await, WRONG);
    assert_eq!(setup.login("anna", "battery staple").await, KNOWN);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_at_once_from_one_password_one_is_made() {
    let setup = Arc::new(Setup::new(Registration::Explicit));
    setup.add("anna", "correct horse", CHEAP);
    let changes: Vec<_> = (0..16)
        .map(|number| {
            let (setup, new) = (Arc::clone(&setup), format!("battery staple {number}"));
            tokio::spawn(async move { (setup.change("anna", "correct horse", &new).await, new) })
        })
        .collect();
    let mut made = Vec::new();
    for change in changes {
        let (answer, new) = change.await.unwrap();
        match answer {
            Ok(()) => made.push(new),
            Err(refused) => assert_eq!(refused, LoginRefused::InvalidPassword),
        }
    }
    assert_eq!(made.len(), 1);
    assert_eq!(setup.login("anna", &made[0]).await, KNOWN);
}

#[tokio::test]
async fn a_login_renews_a_hash_that_was_made_at_another_cost() {
    let setup = Setup::new(Registration::Explicit);
    let cost = HashCost {
        iterations: 2,
        ..CHEAP
    };
    setup.add("anna", "correct horse", cost);
    let before = setup.hash_of("anna");
    assert_eq!(setup.login("anna", "another horse").await, WRONG);
    assert_eq!(setup.hash_of("anna").expose(), before.expose());
    assert_eq!(setup.login("anna", "correct horse").await, KNOWN);
    let renewed = setup.hash_of("anna");
    let verdict = Hasher::new(CHEAP)
        .unwrap()
        .verify(&Secret::new("correct horse"), &renewed);
    assert_eq!(verdict, Ok(Verdict::Right { outdated: false }));
    assert_eq!(setup.login("anna", "correct horse").await, KNOWN);
    assert_eq!(
        setup.hash_of("anna").expose(),
        renewed.expose(),
        "once is enough"
    );
}

#[tokio::test]
async fn a_password_that_was_just_changed_is_not_undone_by_a_login_with_the_one_before() {
    let cost = HashCost {
        iterations: 2,
        ..CHEAP
    };
    let password = Secret::new("battery staple");
    let changed = Hasher::new(CHEAP).unwrap().hash(&password).unwrap();
    let accounts = ChangedAfterFirstLook {
        accounts: MemoryAccounts::default(),
        changed: Mutex::new(None),
    };
    let setup = Setup::with(accounts, settings(Registration::Explicit));
    setup.add("anna", "correct horse", cost);
    assert!(setup.accounts.set_password("anna", &changed).unwrap());
    assert_eq!(setup.login("anna", "correct horse").await, KNOWN);
    assert_eq!(setup.hash_of("anna").expose(), changed.expose());
    assert_eq!(setup.login("anna", "correct horse").await, WRONG);
}

#[tokio::test]
async fn a_login_is_confirmed_while_its_account_is_what_it_was() {
    let setup = Setup::new(Registration::Open);
    let first = setup.marked_login("anna", "correct horse").await.unwrap();
    assert_eq!(setup.confirm("correct horse", first).await, Ok(()));
    let known = setup.marked_login("anna", "correct horse").await.unwrap();
    assert_eq!(setup.confirm("correct horse", known).await, Ok(()));
}

#[tokio::test]
async fn a_login_is_not_confirmed_once_its_account_is_disabled_or_has_another_password() {
    let setup = Setup::new(Registration::Open);
    let login = setup.marked_login("anna", "correct horse").await.unwrap();
    let refused = Err(LoginRefused::InvalidPassword);
    assert!(setup.accounts.set_disabled("anna", true).unwrap());
    assert_eq!(setup.confirm("correct horse", login).await, refused);
    assert!(setup.accounts.set_disabled("anna", false).unwrap());
    let changed = setup.change("anna", "correct horse", "battery staple");
    assert_eq!(changed.await, Ok(()));
    assert_eq!(setup.confirm("correct horse", login).await, refused);
}

#[tokio::test]
async fn a_login_is_confirmed_although_another_one_renewed_the_hash_meanwhile() {
    let setup = Setup::new(Registration::Open);
    let login = setup.marked_login("anna", "correct horse").await.unwrap();
    let renewed = Hasher::new(CHEAP)
        .unwrap()
        .hash(&Secret::new("correct horse"));
    let renewed = setup.accounts.set_password("anna", &renewed.unwrap());
    assert!(renewed.unwrap());
    assert_eq!(setup.confirm("correct horse", login).await, Ok(()));
}

#[tokio::test]
async fn accounts_that_cannot_be_read_or_written_are_unavailable_and_nothing_else() {
    let setup = Setup::with(Broken, settings(Registration::Open));
    let unavailable = Err(LoginRefused::Unavailable);
    assert_eq!(setup.login("anna", "correct horse").await, unavailable);
    assert_eq!(setup.register("anna", "correct horse").await, unavailable);
    assert_eq!(
        setup
            .change("anna", "correct horse", "battery staple")
            .await,
        Err(LoginRefused::Unavailable)
    );
}

#[tokio::test]
async fn what_was_written_counts_as_done_although_the_answer_was_lost() {
    let setup = Setup::with(LosesAnswers::default(), settings(Registration::Explicit));
    assert_eq!(setup.register("anna", "correct horse").await, NEW);
    let changed = setup.change("anna", "correct horse", "battery staple");
    assert_eq!(changed.await, Ok(()));
    assert_eq!(setup.login("anna", "battery staple").await, KNOWN);
    let given = Secret::new("correct horse");
    let given = setup.credentials.set_password("anna", &given);
    assert_eq!(given.await, Ok(true));
    let disabled = setup.credentials.set_disabled("anna", true);
    assert_eq!(disabled.await, Ok(true));
    assert_eq!(setup.login("anna", "correct horse").await, WRONG);
}

#[tokio::test]
async fn a_stored_hash_that_cannot_be_read_lets_nobody_in() {
    let setup = Setup::new(Registration::Open);
    let hash = PasswordHash::new("correct horse");
    let now = Timestamp::from_unix(0);
    assert_eq!(
        setup.accounts.create("anna", &hash, now).unwrap(),
        Created::Created
    );
    assert_eq!(
        setup.login("anna", "correct horse").await,
        Err(LoginRefused::Unavailable)
    );
}

/// Accounts whose next `set_password` happens only after the next look at them: as if another changed it in between.
struct ChangedAfterFirstLook {
    accounts: MemoryAccounts,
    changed: Mutex<Option<PasswordHash>>,
}

impl Accounts for ChangedAfterFirstLook {
    fn find(&self, subject: &str) -> Result<Option<Account>, StorageError> {
        let found = self.accounts.find(subject);
        if let Some(hash) = self.changed.lock().unwrap().take() {
            self.accounts.set_password(subject, &hash)?;
        }
        found
    }

    fn create(
        &self,
        subject: &str,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<Created, StorageError> {
        self.accounts.create(subject, hash, now)
    }

    fn set_password(&self, _: &str, hash: &PasswordHash) -> Result<bool, StorageError> {
        *self.changed.lock().unwrap() = Some(hash.clone());
        Ok(true)
    }

    fn replace_password(
        &self,
        subject: &str,
        former: &PasswordHash,
        hash: &PasswordHash,
    ) -> Result<bool, StorageError> {
        self.accounts.replace_password(subject, former, hash)
    }

    fn set_disabled(&self, subject: &str, disabled: bool) -> Result<bool, StorageError> {
        self.accounts.set_disabled(subject, disabled)
    }

    fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Account>, StorageError> {
        self.accounts.list(after, limit)
    }
}

/// Accounts that write and say that they did not, as a server does whose answer gets lost.
#[derive(Default)]
struct LosesAnswers(MemoryAccounts);

impl Accounts for LosesAnswers {
    fn find(&self, subject: &str) -> Result<Option<Account>, StorageError> {
        self.0.find(subject)
    }

    fn create(
        &self,
        subject: &str,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<Created, StorageError> {
        self.0.create(subject, hash, now).and_then(|_| error())
    }

    fn set_password(&self, subject: &str, hash: &PasswordHash) -> Result<bool, StorageError> {
        self.0.set_password(subject, hash).and_then(|_| error())
    }

    fn replace_password(
        &self,
        subject: &str,
        former: &PasswordHash,
        hash: &PasswordHash,
    ) -> Result<bool, StorageError> {
        self.0
            .replace_password(subject, former, hash)
            .and_then(|_| error())
    }

    fn set_disabled(&self, subject: &str, disabled: bool) -> Result<bool, StorageError> {
        self.0.set_disabled(subject, disabled).and_then(|_| error())
    }

    fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Account>, StorageError> {
        self.0.list(after, limit)
    }
}

fn error<T>() -> Result<T, StorageError> {
    Err(StorageError::new(StorageFault::Io, "in a test, on purpose"))
}

struct Broken;

impl Accounts for Broken {
    fn find(&self, _: &str) -> Result<Option<Account>, StorageError> {
        error()
    }

    fn create(&self, _: &str, _: &PasswordHash, _: Timestamp) -> Result<Created, StorageError> {
        error()
    }

    fn set_password(&self, _: &str, _: &PasswordHash) -> Result<bool, StorageError> {
        error()
    }

    fn replace_password(
        &self,
        _: &str,
        _: &PasswordHash,
        _: &PasswordHash,
    ) -> Result<bool, StorageError> {
        error()
    }

    fn set_disabled(&self, _: &str, _: bool) -> Result<bool, StorageError> {
        error()
    }

    fn list(&self, _: Option<&str>, _: usize) -> Result<Vec<Account>, StorageError> {
        error()
    }
}
