//! The built-in accounts, for who runs them.

use crate::{
    Handfast,
    credentials::{AccountCredentials, LoginRefused},
    username::Username,
};
use handfast_core::{
    message::{InvalidReason, Secret},
    session::{RevocationReason, SessionId},
    time::Timestamp,
};
use handfast_ledger::{LedgerError, accounts::Account};

/// An account, without its password's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountStatus {
    /// Whose it is: the user name in canonical form.
    pub subject: Box<str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it may not log in.
    pub disabled: bool,
}

/// Why nothing, or only a part, was done to an account.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccountError {
    /// The user name or the password is none that an account can have; nothing was done.
    #[error("an account cannot have this name or password: {0:?}")]
    Invalid(InvalidReason),
    /// There is no such account.
    #[error("there is no such account")]
    Unknown,
    /// Too many passwords wait to be hashed; nothing was done. Try again later.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The accounts cannot be read or written; nothing was done.
    #[error("the accounts cannot be read or written")]
    Unavailable,
    /// The account was changed, but its sessions go on, for the ledger did not answer. Do it again later.
    #[error("the account was changed, but its sessions were not ended")]
    SessionsLive(#[source] LedgerError),
    /// The ledger does not answer, so nothing was done.
    #[error("the ledger does not answer")]
    Ledger(#[source] LedgerError),
}

/// What is done to an account before all its sessions are ended.
enum Change {
    Disabled,
    Password(Secret),
}

/// What can be done to the accounts of a node.
#[derive(Clone, Copy, Debug)]
pub struct AccountsDesk<'a> {
    handfast: &'a Handfast,
    accounts: &'a AccountCredentials,
}

impl From<Account> for AccountStatus {
    fn from(account: Account) -> Self {
        let Account {
            subject,
            created_at,
            disabled,
            ..
        } = account;
        Self {
            subject,
            created_at,
            disabled,
        }
    }
}

impl From<LoginRefused> for AccountError {
    fn from(refused: LoginRefused) -> Self {
        match refused {
            LoginRefused::InvalidPassword => Self::Unknown,
            LoginRefused::Invalid(reason) => Self::Invalid(reason),
            LoginRefused::TooMany { .. } => Self::Busy,
            LoginRefused::Unavailable => Self::Unavailable,
        }
    }
}

/// That there was an account to do it to.
fn known(found: bool) -> Result<(), AccountError> {
    if found {
        Ok(())
    } else {
        Err(AccountError::Unknown)
    }
}

impl Handfast {
    /// The accounts that logins are verified by; `None` where the embedding program verifies them in its own way.
    #[must_use]
    pub fn accounts(&self) -> Option<AccountsDesk<'_>> {
        let accounts = self.node.accounts.as_deref()?;
        Some(AccountsDesk {
            handfast: self,
            accounts,
        })
    }
}

impl AccountsDesk<'_> {
    /// Up to `limit` accounts in the order of their subjects' bytes, those after `after` only.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    pub async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<AccountStatus>, AccountError> {
        let accounts = self.accounts.list(after, limit).await?;
        Ok(accounts.into_iter().map(AccountStatus::from).collect())
    }

    /// The account of a subject, if it has one.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    pub async fn find(&self, subject: &str) -> Result<Option<AccountStatus>, AccountError> {
        let account = self.accounts.find(subject).await?;
        Ok(account.map(AccountStatus::from))
    }

    /// Makes an account for a user name as it was typed, whatever `registration` says of clients.
    ///
    /// # Errors
    /// [`AccountError::Invalid`], for a name that is taken as well; [`AccountError::Busy`],
    /// [`AccountError::Unavailable`].
    pub async fn create(
        &self,
        username: &str,
        password: &Secret,
    ) -> Result<AccountStatus, AccountError> {
        let limits = self.handfast.node.settings.current().logins;
        let invalid = || AccountError::Invalid(InvalidReason::UsernameInvalid);
        let username = Username::parse(username).map_err(|_| invalid())?;
        if username.as_str().chars().count() > limits.username_chars {
            return Err(invalid());
        }
        self.check_length(password)?;
        let account = self.accounts.create(username.as_str(), password).await?;
        Ok(account.into())
    }

    /// Gives an account another password, and ends all its sessions, of which it says which. It is done to its end, even
    /// if the future is dropped meanwhile.
    ///
    /// # Errors
    /// Any [`AccountError`].
    pub async fn set_password(
        &self,
        subject: &str,
        password: &Secret,
    ) -> Result<Vec<SessionId>, AccountError> {
        self.check_length(password)?;
        let change = Change::Password(password.clone());
        self.see_through(subject, change).await
    }

    /// Forbids an account to log in, and ends all its sessions, of which it says which. It is done to its end, even if
    /// the future is dropped meanwhile.
    ///
    /// The account comes first: whatever login is under way finds it disabled, or has made a session that is then ended.
    ///
    /// # Errors
    /// Any [`AccountError`] but [`AccountError::Invalid`] and [`AccountError::Busy`].
    pub async fn disable(&self, subject: &str) -> Result<Vec<SessionId>, AccountError> {
        self.see_through(subject, Change::Disabled).await
    }

    /// Allows an account to log in again.
    ///
    /// # Errors
    /// [`AccountError::Unknown`], [`AccountError::Unavailable`].
    pub async fn enable(&self, subject: &str) -> Result<(), AccountError> {
        known(self.accounts.set_disabled(subject, false).await?)
    }

    fn check_length(&self, password: &Secret) -> Result<(), AccountError> {
        if password.expose().len() > self.handfast.node.settings.current().logins.password_bytes {
            return Err(AccountError::Invalid(InvalidReason::PasswordTooLong));
        }
        Ok(())
    }

    /// Accounts and sessions are not one transaction. A ledger that works now will most likely end sessions in a moment.
    async fn check_ledger(&self) -> Result<(), AccountError> {
        let checked = self.handfast.node.ledger.check().await;
        checked.map_err(AccountError::Ledger)
    }

    /// Changes an account and ends its sessions, whoever stops waiting: they must not outlive the change. Nothing has begun
    /// before the ledger answers: what was given up by then must not be done an hour later.
    async fn see_through(
        &self,
        subject: &str,
        change: Change,
    ) -> Result<Vec<SessionId>, AccountError> {
        self.check_ledger().await?;
        let (handfast, subject) = (self.handfast.clone(), subject.to_owned());
        let changing = async move {
            let desk = handfast.accounts().ok_or(AccountError::Unavailable)?;
            desk.apply(&subject, change).await
        };
        // A drain is waiting for all others.
        let changing = self.handfast.node.changes.begin(changing);
        let changed = changing.ok_or(AccountError::Unavailable)?.await;
        // How far it came, nobody knows.
        changed.unwrap_or(Err(AccountError::SessionsLive(LedgerError::Stopped)))
    }

    async fn apply(&self, subject: &str, change: Change) -> Result<Vec<SessionId>, AccountError> {
        let (found, reason) = match change {
            Change::Disabled => (
                self.accounts.set_disabled(subject, true).await?,
                RevocationReason::Admin,
            ),
            Change::Password(password) => (
                self.accounts.set_password(subject, &password).await?,
                RevocationReason::PasswordChanged,
            ),
        };
        known(found)?;
        self.end_sessions(subject, reason).await
    }

    async fn end_sessions(
        &self,
        subject: &str,
        reason: RevocationReason,
    ) -> Result<Vec<SessionId>, AccountError> {
        let ended = self.handfast.end_all(subject, reason).await;
        ended.map_err(|error| {
            tracing::error!(%error, subject, "an account was changed, but its sessions were not ended");
            AccountError::SessionsLive(error)
        })
    }
}
