//! What the operator does to accounts.

use super::{
    AccountCredentials, LoginRefused,
    accounts::{Judge, OwnedLogin},
};
use handfast_core::message::{InvalidReason, Secret};
use handfast_ledger::accounts::{Account, Created};
use std::sync::Arc;
use tracing::Span;

impl AccountCredentials {
    /// How many passwords wait to be hashed.
    pub(crate) fn hash_queue(&self) -> usize {
        self.pool.waiting()
    }

    /// Up to `limit` accounts in the order of their subjects' bytes, those after `after` only.
    pub(crate) async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Account>, LoginRefused> {
        let after = after.map(str::to_owned);
        self.look(move |judge| judge.list(after.as_deref(), limit))
            .await
    }

    pub(crate) async fn find(&self, subject: &str) -> Result<Option<Account>, LoginRefused> {
        let subject = subject.to_owned();
        self.look(move |judge| judge.find(&subject)).await
    }

    /// Makes an account, whatever is set for registration.
    pub(crate) async fn create(
        &self,
        subject: &str,
        password: &Secret,
    ) -> Result<Account, LoginRefused> {
        let login = OwnedLogin::new(subject, password);
        let made = self.ask(move |judge, hasher| {
            let taken = LoginRefused::Invalid(InvalidReason::UsernameTaken);
            // A name that is taken costs no hash.
            if judge.find(&login.subject)?.is_some() {
                return Err(taken);
            }
            match judge.make(hasher, &login)? {
                (Created::Created, _) => judge.find(&login.subject),
                (Created::Taken, _) => Err(taken),
            }
        });
        made.await?.ok_or(LoginRefused::Unavailable)
    }

    /// Replaces the password of an account, whatever it was. `false` where there is no account.
    pub(crate) async fn set_password(
        &self,
        subject: &str,
        password: &Secret,
    ) -> Result<bool, LoginRefused> {
        let login = OwnedLogin::new(subject, password);
        self.ask(move |judge, hasher| judge.set_password(hasher, &login))
            .await
    }

    /// Forbids or allows an account to log in. `false` where there is no account.
    pub(crate) async fn set_disabled(
        &self,
        subject: &str,
        disabled: bool,
    ) -> Result<bool, LoginRefused> {
        let subject = subject.to_owned();
        self.look(move |judge| judge.set_disabled(&subject, disabled))
            .await
    }

    /// Does what needs no hash beside the threads that hash: an operator must be able to act while logins flood in.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Judge) -> Result<T, LoginRefused> + Send + 'static,
    ) -> Result<T, LoginRefused> {
        let judge = Arc::clone(&self.judge);
        let request = Span::current();
        let look = move || request.in_scope(|| look(&judge));
        let looked = tokio::task::spawn_blocking(look).await;
        looked.unwrap_or(Err(LoginRefused::Unavailable))
    }
}
