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
use handfast_ledger::{Revoke, Scope};
use std::sync::Arc;
use tracing::Instrument as _;

/// The wish to have another password.
pub(super) struct PasswordChange {
    pub(super) subject: Box<str>,
    /// The session that stays.
    pub(super) session: SessionId,
    pub(super) old_password: Secret,
    pub(super) new_password: Secret,
}

/// Changes a password. What has begun is brought to its end, whoever stops waiting: the other sessions must not outlive
/// the old password.
pub(super) async fn answer_change(
    node: Arc<Node>,
    caller: Caller,
    change: PasswordChange,
) -> Reply {
    if !node.audit.can_record() {
        return unavailable();
    }
    let changing = tokio::spawn(change_password(node, caller, change).in_current_span());
    changing.await.unwrap_or_else(|_| unavailable())
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
    match node.ledger.revoke(revoke).await {
        Ok(_) => Reply::PasswordChanged,
        Err(error) => failed(&error),
    }
}

async fn replace_password(
    node: &Node,
    caller: &Caller,
    change: &PasswordChange,
) -> Result<(), Reply> {
    let subject = &*change.subject;
    admit_login(node, subject, caller.address).map_err(too_many)?;
    // Accounts and sessions are not one transaction. A ledger that works now will most likely end the other sessions
    // in a moment; with one that does not, the password stays as it is.
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
