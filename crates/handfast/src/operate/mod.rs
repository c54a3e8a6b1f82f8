//! What an operator, or the program that embeds handfast, may look at and do, beside what clients ask for themselves.

mod accounts;
mod introspect;
mod sessions;

pub use accounts::{AccountError, AccountStatus, AccountsDesk};
pub use introspect::Introspection;
pub use sessions::{SessionEnd, SessionStatus};
