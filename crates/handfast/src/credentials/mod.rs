//! Verifying a login.
//!
//! What a login is verified against is a seam: [`Credentials`] is implemented here over the built-in accounts, and
//! may be by whoever embeds handfast.

mod accounts;
mod manage;
mod mark;
#[cfg(test)]
mod tests;

pub use accounts::{AccountCredentials, PasswordSettings, Registration};
pub use mark::AccountMark;

use handfast_core::message::{InvalidReason, Secret};
use std::{pin::Pin, time::Duration};

/// Who says to be whom.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The subject: the user name in canonical form.
    pub subject: &'a str,
    /// The password.
    pub password: &'a Secret,
}

/// A login that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Whether the account was made by this login.
    pub registered: bool,
    /// What the login was verified by, for [`Credentials::confirm`].
    pub mark: AccountMark,
}

/// Why a login was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefused {
    /// No such account, not its password, or it may not log in: who asks is not told which.
    InvalidPassword,
    /// It cannot be granted as it is.
    Invalid(InvalidReason),
    /// Too many logins wait already.
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// It cannot be told now.
    Unavailable,
}

/// An answer to come. Dropping it withdraws a login whose turn has not come.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, LoginRefused>> + Send + 'a>>;

/// Whoever verifies logins.
///
/// The rates of logins are kept before it is asked. It must take the same time, and give the same answer, for a subject
/// that is not there as for a wrong password.
pub trait Credentials: Send + Sync + 'static {
    /// Verifies a login. Where first logins make accounts, this makes one.
    fn login<'a>(&'a self, login: Login<'a>) -> Answering<'a, Admitted>;

    /// Makes an account.
    fn register<'a>(&'a self, login: Login<'a>) -> Answering<'a, Admitted>;

    /// Says that an admitted login is still right, once its session is stored.
    ///
    /// Whoever disables an account or changes its password ends the sessions that there are. A session that is made at
    /// the same moment would escape; this is where it is caught. Where that cannot happen there is nothing to confirm.
    fn confirm<'a>(&'a self, login: Login<'a>, admitted: Admitted) -> Answering<'a, ()> {
        let _ = (login, admitted);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Replaces a password, if `login` has the one until now.
    fn change_password<'a>(
        &'a self,
        login: Login<'a>,
        new_password: &'a Secret,
    ) -> Answering<'a, ()>;
}
