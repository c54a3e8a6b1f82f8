//! Accounts that live as long as the process.

use super::{Account, Accounts, Created, PasswordHash};
use crate::error::StorageError;
use handfast_core::time::Timestamp;
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Accounts in memory: the reference, and for tests. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryAccounts {
    by_subject: Arc<Mutex<BTreeMap<Box<str>, Account>>>,
}

impl MemoryAccounts {
    /// No accounts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing that is done under this lock can panic halfway.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Account>> {
        self.by_subject
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, subject: &str, change: impl FnOnce(&mut Account)) -> bool {
        self.lock().get_mut(subject).map(change).is_some()
    }
}

impl Accounts for MemoryAccounts {
    fn find(&self, subject: &str) -> Result<Option<Account>, StorageError> {
        Ok(self.lock().get(subject).cloned())
    }

    fn create(
        &self,
        subject: &str,
        password_hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<Created, StorageError> {
        let mut accounts = self.lock();
        if accounts.contains_key(subject) {
            return Ok(Created::Taken);
        }
        let account = Account {
            subject: subject.into(),
            password_hash: password_hash.clone(),
            created_at: now,
            disabled: false,
        };
        accounts.insert(subject.into(), account);
        Ok(Created::Created)
    }

    fn set_password(
        &self,
        subject: &str,
        password_hash: &PasswordHash,
    ) -> Result<bool, StorageError> {
        Ok(self.change(subject, |account| {
            account.password_hash = password_hash.clone();
        }))
    }

    fn replace_password(
        &self,
        subject: &str,
        former: &PasswordHash,
        password_hash: &PasswordHash,
    ) -> Result<bool, StorageError> {
        let mut accounts = self.lock();
        let account = accounts.get_mut(subject);
        let account = account.filter(|account| account.password_hash.expose() == former.expose());
        Ok(account
            .map(|account| account.password_hash = password_hash.clone())
            .is_some())
    }

    fn set_disabled(&self, subject: &str, disabled: bool) -> Result<bool, StorageError> {
        Ok(self.change(subject, |account| account.disabled = disabled))
    }

    fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Account>, StorageError> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let accounts = self.lock();
        let rest = accounts.range::<str, _>((after, Bound::Unbounded));
        Ok(rest
            .take(limit)
            .map(|(_, account)| account.clone())
            .collect())
    }
}
