//! Changing a password.

use super::{
    answer::{Caller, failed, in_time, too_many, unavailable},
    login::{admit_login, login_refused, refused},
};
use crate::{
    audit::{Event, Record},
    credentials,
    node::Node,
};
use handfast_core::{
    connection::Reply,
    message::Secret,
    session::{RevocationReason, SessionId},
};
use handfast_ledger::{LedgerError, Revoke, Scope};
use std::{mem, sync::Arc, time::Duration};

/// How long to wait for a ledger that failed before it is asked again.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// The wish to have another password.
pub(super) struct PasswordChange {
    pub(super) subject: Box<str>,
    /// The session that stays.
    pub(super) session: SessionId,
    pub(super) old_password: Secret,
    pub(super) new_password: Secret,
}

/// Changes a password. It begins at once and is brought to its end, whoever stops waiting: the other sessions must not
/// outlive the old password.
pub(super) fn answer_change(
    node: Arc<Node>,
    caller: Caller,
    change: PasswordChange,
) -> impl Future<Output = Reply> + Send {
    let changing = if node.audit.can_record() {
        let change = change_password(Arc::clone(&node), caller, change);
        node.changes.begin(change)
    } else {
        None
    };
    async move {
        let Some(changing) = changing else {
            return unavailable();
        };
        changing.await.unwrap_or_else(|_| unavailable())
    }
}

/// Changes a password, and ends every session of the subject but the one of this connection.
async fn change_password(node: Arc<Node>, caller: Caller, change: PasswordChange) -> Reply {
    let replaced = replace_password(&node, &caller, &change).await;
    let (subject, session) = (change.subject, change.session);
    node.audit.note(|at| Record {
        at,
        event: match &replaced {
            Ok(()) => Event::PasswordChanged,
            Err(reply) => Event::PasswordRefused(refused(reply)),
        },
        subject: Some(&subject),
        session: Some(session),
        address: Some(caller.address),
    });
    if let Err(reply) = replaced {
        return reply;
    }
    let revoke = Revoke {
        scope: Scope::Subject {
            subject,
            except: Some(session),
        },
        reason: RevocationReason::PasswordChanged,
        by: Some(caller.connection),
        address: Some(caller.address_text()),
    };
    match end_others(node, revoke).await {
        Ok(()) => Reply::PasswordChanged,
        Err(error) => failed(&error),
    }
}

/// Ends the other sessions, however often that has to be tried while the node is there: the client could not ask for it
/// again, for the password that it would ask with is not the old one any more.
async fn end_others(node: Arc<Node>, revoke: Revoke) -> Result<(), LedgerError> {
    let waiting = Arc::downgrade(&node);
    let mut node = Some(node);
    let mut is_told = false;
    while let Some(there) = node.take() {
        let error = match there.ledger.revoke(revoke.clone()).await {
            Ok(_) => return Ok(()),
            Err(LedgerError::Stopped) => break,
            Err(error) => error,
        };
        if !mem::replace(&mut is_told, true) {
            tracing::error!(%error, "a password was changed, and the other sessions are not ended yet");
        }
        drop(there);
        tokio::time::sleep(BETWEEN_TRIES).await;
        node = waiting.upgrade();
    }
    Err(LedgerError::Stopped)
}

async fn replace_password(
    node: &Node,
    caller: &Caller,
    change: &PasswordChange,
) -> Result<(), Reply> {
    let subject = &*change.subject;
    admit_login(node, subject, caller.address).map_err(too_many)?;
    // Accounts and sessions are not one transaction. A ledger that works now will most likely end the other sessions
    // in a moment; with one that does not, the password stays as it is, and the client hears so at once.
    in_time(node.ledger.check()).await?;
    let login = credentials::Login {
        subject,
        password: &change.old_password,
    };
    let changed = node
        .credentials
        .change_password(login, &change.new_password)
        .await;
    changed.map_err(|refused| login_refused(node, subject, caller.address, refused))
}
