//! Subjects, their accounts and their sessions.

pub(super) mod create;
pub(super) mod disable;
pub(super) mod enable;
pub(super) mod list;
pub(super) mod password;
pub(super) mod sessions;
pub(super) mod show;

use super::{Admin, problem::Problem};
use handfast::{AccountStatus, AccountsDesk};
use serde::Serialize;
use utoipa::ToSchema;

/// A subject that has an account.
#[derive(Serialize, ToSchema)]
#[schema(as = Subject)]
pub(super) struct SubjectBody {
    /// Its name, in canonical form.
    #[schema(example = "ann")]
    subject: String,
    /// When the account was made, in Unix seconds.
    created_at: u64,
    /// Whether it may not log in.
    disabled: bool,
}

impl From<AccountStatus> for SubjectBody {
    fn from(status: AccountStatus) -> Self {
        Self {
            subject: status.subject.into(),
            created_at: status.created_at.as_unix(),
            disabled: status.disabled,
        }
    }
}

fn accounts(admin: &Admin) -> Result<AccountsDesk<'_>, Problem> {
    admin.handfast.accounts().ok_or(Problem::NoAccounts)
}

/// That the subject has an account, where accounts are what there is.
pub(super) async fn must_exist(admin: &Admin, subject: &str) -> Result<(), Problem> {
    match admin.handfast.accounts() {
        None => Ok(()),
        Some(accounts) => match accounts.find(subject).await? {
            Some(_) => Ok(()),
            None => Err(Problem::UnknownSubject),
        },
    }
}
