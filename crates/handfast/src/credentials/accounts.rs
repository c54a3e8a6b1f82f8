//! Logins by the built-in accounts.

use super::{AccountMark, Admitted, Answering, Credentials, Login, LoginRefused};
use crate::password::{HashCost, HashError, HashPool, Hasher, PoolSize, Verdict};
use handfast_core::{
    message::{InvalidReason, Secret},
    time::Clock,
};
use handfast_ledger::{
    StorageError,
    accounts::{Account, Accounts, Created, PasswordHash},
    trace::STEP,
};
use std::{fmt, io, sync::Arc, time::Duration};
use tracing::debug_span;

/// How long who comes when too many wait already is asked to wait.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// How often a password is judged anew because its hash was replaced meanwhile.
const ROUNDS: usize = 3;

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Everybody: the first login with an unknown name makes it.
    #[default]
    Open,
    /// Everybody, by `Register` only.
    Explicit,
    /// The operator.
    Closed,
}

/// How accounts are made and their passwords hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordSettings {
    /// Who may make an account.
    pub registration: Registration,
    /// The shortest password that an account may have, in characters. Older ones stay.
    pub length_min: usize,
    /// What hashing one costs.
    pub cost: HashCost,
    /// How many are hashed at once, and may wait.
    pub pool: PoolSize,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            registration: Registration::default(),
            length_min: 8,
            cost: HashCost::default(),
            pool: PoolSize::default(),
        }
    }
}

/// Verifies logins against accounts, on threads of its own.
#[derive(Debug)]
pub struct AccountCredentials {
    pub(super) pool: HashPool,
    pub(super) judge: Arc<Judge>,
}

impl AccountCredentials {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the settings have a cost that is none ([`io::ErrorKind::InvalidInput`]), or the operating system gives no
    /// threads.
    pub fn start(
        accounts: Arc<dyn Accounts>,
        settings: PasswordSettings,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let judge = Judge {
            accounts,
            registration: settings.registration,
            length_min: settings.length_min,
            clock,
        };
        Ok(Self {
            pool: HashPool::start(settings.pool, settings.cost)?,
            judge: Arc::new(judge),
        })
    }

    pub(super) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Judge, &mut Hasher) -> Result<T, LoginRefused> + Send + 'static,
    ) -> Answering<'_, T> {
        let judge = Arc::clone(&self.judge);
        let answer = self.pool.run(move |hasher| question(&judge, hasher));
        Box::pin(async move {
            match answer {
                Ok(answer) => answer.await.unwrap_or(Err(LoginRefused::Unavailable)),
                Err(_) => Err(LoginRefused::TooMany {
                    retry_after: RETRY_AFTER,
                }),
            }
        })
    }
}

impl Credentials for AccountCredentials {
    fn login<'a>(&'a self, login: Login<'a>) -> Answering<'a, Admitted> {
        let login = OwnedLogin::of(login);
        self.ask(move |judge, hasher| judge.login(hasher, &login))
    }

    fn register<'a>(&'a self, login: Login<'a>) -> Answering<'a, Admitted> {
        let login = OwnedLogin::of(login);
        self.ask(move |judge, hasher| judge.register(hasher, &login))
    }

    /// Beside the threads that hash, which may have a long queue: what was hashed once is not to wait there again.
    fn confirm<'a>(&'a self, login: Login<'a>, admitted: Admitted) -> Answering<'a, ()> {
        let subject = login.subject.to_owned();
        Box::pin(async move {
            let account = self.look(move |judge| judge.find(&subject)).await?;
            match account {
                Some(account) if account.disabled => Err(LoginRefused::InvalidPassword),
                Some(account) if AccountMark::of(&account.password_hash) == admitted.mark => Ok(()),
                // Another password, or another hash of this one.
                Some(_) => self.login(login).await.map(drop),
                None => Err(LoginRefused::InvalidPassword),
            }
        })
    }

    fn change_password<'a>(
        &'a self,
        login: Login<'a>,
        new_password: &'a Secret,
    ) -> Answering<'a, ()> {
        let login = OwnedLogin::of(login);
        let new_password = new_password.clone();
        self.ask(move |judge, hasher| judge.change_password(hasher, &login, &new_password))
    }
}

/// A login on its way to another thread.
pub(super) struct OwnedLogin {
    pub(super) subject: Box<str>,
    pub(super) password: Secret,
}

impl OwnedLogin {
    fn of(login: Login<'_>) -> Self {
        Self::new(login.subject, login.password)
    }

    pub(super) fn new(subject: &str, password: &Secret) -> Self {
        Self {
            subject: subject.into(),
            password: password.clone(),
        }
    }
}

/// A password that is right.
struct Right {
    /// Whether its hash was made at another cost.
    outdated: bool,
}

/// Decides, on a thread that may block.
pub(super) struct Judge {
    accounts: Arc<dyn Accounts>,
    registration: Registration,
    length_min: usize,
    clock: Arc<dyn Clock>,
}

impl Judge {
    fn login(&self, hasher: &mut Hasher, login: &OwnedLogin) -> Result<Admitted, LoginRefused> {
        match self.find(&login.subject)? {
            Some(account) => self.verify(hasher, login, &account),
            None if self.registration == Registration::Open => self.create(hasher, login),
            None => self.nobody(hasher, login),
        }
    }

    fn register(&self, hasher: &mut Hasher, login: &OwnedLogin) -> Result<Admitted, LoginRefused> {
        if self.registration == Registration::Closed {
            return Err(LoginRefused::Invalid(InvalidReason::RegistrationClosed));
        }
        let taken = LoginRefused::Invalid(InvalidReason::UsernameTaken);
        if self.find(&login.subject)?.is_some() {
            return Err(taken);
        }
        match self.make(hasher, login)? {
            (Created::Created, mark) => Ok(Admitted {
                registered: true,
                mark,
            }),
            (Created::Taken, _) => Err(taken),
        }
    }

    fn change_password(
        &self,
        hasher: &mut Hasher,
        login: &OwnedLogin,
        new_password: &Secret,
    ) -> Result<(), LoginRefused> {
        self.check_length(new_password)?;
        for _ in 0..ROUNDS {
            let Some(account) = self.find(&login.subject)? else {
                return self.nobody(hasher, login);
            };
            self.judge(hasher, login, &account)?;
            let new_hash = hasher.hash(new_password).map_err(unhashable)?;
            if self.replace(&account, &new_hash)? {
                return Ok(());
            }
        }
        Err(LoginRefused::Unavailable)
    }

    /// Makes the account of a first login. Where another first login was faster, this one is judged by its password.
    fn create(&self, hasher: &mut Hasher, login: &OwnedLogin) -> Result<Admitted, LoginRefused> {
        match self.make(hasher, login)? {
            (Created::Created, mark) => Ok(Admitted {
                registered: true,
                mark,
            }),
            (Created::Taken, _) => match self.find(&login.subject)? {
                Some(account) => self.verify(hasher, login, &account),
                None => Err(LoginRefused::Unavailable),
            },
        }
    }

    pub(super) fn make(
        &self,
        hasher: &mut Hasher,
        login: &OwnedLogin,
    ) -> Result<(Created, AccountMark), LoginRefused> {
        self.check_length(&login.password)?;
        let hash = hasher.hash(&login.password).map_err(unhashable)?;
        let now = self.clock.now().unix;
        let write = || self.accounts.create(&login.subject, &hash, now);
        let is_done = |account: &Account| account.password_hash == hash;
        let created = self.written(&login.subject, write, Created::Created, is_done)?;
        Ok((created, AccountMark::of(&hash)))
    }

    /// Judges a login, and renews its hash if that was made at another cost.
    fn verify(
        &self,
        hasher: &mut Hasher,
        login: &OwnedLogin,
        account: &Account,
    ) -> Result<Admitted, LoginRefused> {
        let Right { outdated } = self.judge(hasher, login, account)?;
        let mut mark = AccountMark::of(&account.password_hash);
        if outdated {
            // The login is right, whether or not the new hash can be made and stored. What failed is logged.
            let renewed = hasher
                .hash(&login.password)
                .map_err(unhashable)
                .and_then(|hash| Ok((self.replace(account, &hash)?, hash)));
            if let Ok((true, hash)) = renewed {
                mark = AccountMark::of(&hash);
            }
        }
        Ok(Admitted {
            registered: false,
            mark,
        })
    }

    /// Compares a login with its account. An account that may not log in is compared all the same.
    fn judge(
        &self,
        hasher: &mut Hasher,
        login: &OwnedLogin,
        account: &Account,
    ) -> Result<Right, LoginRefused> {
        let verdict = hasher
            .verify(&login.password, &account.password_hash)
            .map_err(unhashable)?;
        match verdict {
            Verdict::Right { outdated } if !account.disabled => Ok(Right { outdated }),
            Verdict::Right { .. } | Verdict::Wrong => Err(LoginRefused::InvalidPassword),
        }
    }

    /// Takes as long as a wrong password.
    fn nobody<T>(&self, hasher: &mut Hasher, login: &OwnedLogin) -> Result<T, LoginRefused> {
        hasher.verify_nobody(&login.password).map_err(unhashable)?;
        Err(LoginRefused::InvalidPassword)
    }

    /// Replaces the hash of `account`, unless it is not the account's any more: `false` then.
    fn replace(&self, account: &Account, hash: &PasswordHash) -> Result<bool, LoginRefused> {
        let (subject, old) = (&account.subject, &account.password_hash);
        let write = || self.accounts.replace_password(subject, old, hash);
        self.written(subject, write, true, |account| {
            account.password_hash == *hash
        })
    }

    pub(super) fn find(&self, subject: &str) -> Result<Option<Account>, LoginRefused> {
        stored(|| self.accounts.find(subject))
    }

    pub(super) fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Account>, LoginRefused> {
        stored(|| self.accounts.list(after, limit))
    }

    /// Gives the account a hash of this password, whatever it had. `false` where there is no account.
    pub(super) fn set_password(
        &self,
        hasher: &mut Hasher,
        login: &OwnedLogin,
    ) -> Result<bool, LoginRefused> {
        self.check_length(&login.password)?;
        let hash = hasher.hash(&login.password).map_err(unhashable)?;
        let write = || self.accounts.set_password(&login.subject, &hash);
        let is_done = |account: &Account| account.password_hash == hash;
        self.written(&login.subject, write, true, is_done)
    }

    pub(super) fn set_disabled(&self, subject: &str, disabled: bool) -> Result<bool, LoginRefused> {
        let write = || self.accounts.set_disabled(subject, disabled);
        self.written(subject, write, true, |account| account.disabled == disabled)
    }

    /// Writes; gives `done` if the account then is as it was to be, also where the writing failed: a server's answer can
    /// get lost, and whoever is told that nothing was done does the wrong thing next.
    fn written<T>(
        &self,
        subject: &str,
        write: impl FnOnce() -> Result<T, StorageError>,
        done: T,
        is_done: impl FnOnce(&Account) -> bool,
    ) -> Result<T, LoginRefused> {
        stored(write).or_else(|refused| match self.find(subject)? {
            Some(account) if is_done(&account) => Ok(done),
            Some(_) | None => Err(refused),
        })
    }

    fn check_length(&self, password: &Secret) -> Result<(), LoginRefused> {
        if password.expose().chars().count() < self.length_min {
            return Err(LoginRefused::Invalid(InvalidReason::PasswordTooShort));
        }
        Ok(())
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("registration", &self.registration)
            .field("length_min", &self.length_min)
            .finish_non_exhaustive()
    }
}

/// Asks the accounts, as a step of the request that it is for.
fn stored<T>(ask: impl FnOnce() -> Result<T, StorageError>) -> Result<T, LoginRefused> {
    let asked = debug_span!(target: STEP, "accounts").in_scope(ask);
    asked.map_err(|error| unavailable(&error))
}

fn unavailable(error: &StorageError) -> LoginRefused {
    tracing::error!(?error, "the accounts cannot be read or written");
    LoginRefused::Unavailable
}

fn unhashable(error: HashError) -> LoginRefused {
    tracing::error!(%error, "a password was not verified");
    LoginRefused::Unavailable
}
