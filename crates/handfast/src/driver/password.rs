//! Changing a password.

use super::{
    answer::{Caller, failed, in_time, too_many},
    login::{admit_login, login_refused},
};
use crate::{credentials, node::Node};
use handfast_core::{
    connection::Reply,
    message::Secret,
    session::{RevocationReason, SessionId},
};
use handfast_ledger::{Revoke, Scope};
use std::sync::Arc;

/// The wish to have another password.
pub(super) struct PasswordChange {
    pub(super) subject: Box<str>,
    /// The session that stays.
    pub(super) session: SessionId,
    pub(super) old_password: Secret,
    pub(super) new_password: Secret,
}

/// Changes a password, and ends every session of the subject but the one of this connection.
pub(super) async fn change_password(
    node: Arc<Node>,
    caller: Caller,
    change: PasswordChange,
) -> Reply {
    let PasswordChange {
        subject,
        session,
        old_password,
        new_password,
    } = change;
    if let Err(exceeded) = admit_login(&node, &subject, caller.address) {
        return too_many(exceeded);
    }
    // Accounts and sessions are not one transaction. A ledger that works now will most likely end the other sessions
    // in a moment; with one that does not, the password stays as it is.
    if let Err(reply) = in_time(node.ledger.check()).await {
        return reply;
    }
    let login = credentials::Login {
        subject: &subject,
        password: &old_password,
    };
    let changed = node.credentials.change_password(login, &new_password).await;
    if let Err(refused) = changed {
        return login_refused(&node, &subject, caller.address, refused);
    }
    let revoke = Revoke {
        scope: Scope::Subject {
            subject,
            except: Some(session),
        },
        reason: RevocationReason::PasswordChanged,
        by: Some(caller.connection),
    };
    match node.ledger.revoke(revoke).await {
        Ok(_) => Reply::PasswordChanged,
        Err(error) => failed(&error),
    }
}
