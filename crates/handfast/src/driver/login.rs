//! Logins: who it is is verified here, and a session made for them.

use super::answer::{Caller, in_time, too_many, unavailable};
use crate::{
    counts::LoginResult,
    credentials::{self, LoginRefused},
    node::Node,
    proof::{KeyRefused, PublicKey},
    random,
    username::Username,
};
use handfast_core::{
    connection::Reply,
    message::{Credentials, Grant, InvalidReason, Secret},
    rate::Exceeded,
    session::{RevocationReason, SessionId, Thumbprint},
};
use handfast_ledger::{Create, Revoke, Scope};
use std::{net::IpAddr, sync::Arc};

/// How much more a failed login costs than one that succeeds.
const FAILED_LOGIN_COST: u32 = 1;

pub(super) async fn counted_login(
    node: Arc<Node>,
    caller: Caller,
    credentials: Credentials,
    register: bool,
) -> Reply {
    let reply = login(Arc::clone(&node), caller, credentials, register).await;
    let result = match &reply {
        Reply::LoggedIn {
            registered: false, ..
        } => LoginResult::Success,
        Reply::LoggedIn {
            registered: true, ..
        } => LoginResult::Registered,
        Reply::InvalidPassword => LoginResult::InvalidPassword,
        Reply::Invalid(_) => LoginResult::Invalid,
        Reply::TooManyRequests { .. } => LoginResult::TooMany,
        Reply::Unavailable { .. }
        | Reply::Presented { .. }
        | Reply::Refused(_)
        | Reply::Pushed(_)
        | Reply::NotPushed(_)
        | Reply::Gone(_)
        | Reply::Ended
        | Reply::Sessions(_)
        | Reply::PasswordChanged => LoginResult::Unavailable,
    };
    node.tally.login(result);
    reply
}

/// Verifies a login and begins a session.
async fn login(node: Arc<Node>, caller: Caller, credentials: Credentials, register: bool) -> Reply {
    let Credentials {
        username,
        password,
        key,
    } = credentials;
    let key = match key.as_deref().map(PublicKey::parse).transpose() {
        Ok(key) => key.map(|key| key.thumbprint()),
        Err(KeyRefused::Unsupported) => return Reply::Invalid(InvalidReason::KeyUnsupported),
        Err(KeyRefused::Invalid) => return Reply::Invalid(InvalidReason::KeyInvalid),
    };
    let subject = match identify(&node, &username, &password) {
        Ok(subject) => subject,
        Err(reason) => return Reply::Invalid(reason),
    };
    if let Err(exceeded) = admit_login(&node, &subject, caller.address) {
        return too_many(exceeded);
    }
    let login = credentials::Login {
        subject: &subject,
        password: &password,
    };
    let admitted = if register {
        node.credentials.register(login).await
    } else {
        node.credentials.login(login).await
    };
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(refused) => return login_refused(&node, &subject, caller.address, refused),
    };
    let grant = match begin_session(&node, &caller, &subject, key).await {
        Ok(grant) => grant,
        Err(reply) => return reply,
    };
    if let Err(refused) = node.credentials.confirm(login, admitted).await {
        // Nobody was given a token of it, so nothing depends on its end being stored.
        drop(node.ledger.revoke(withdrawn(grant.session, &caller)));
        return login_refused(&node, &subject, caller.address, refused);
    }
    Reply::LoggedIn {
        subject,
        grant,
        registered: admitted.registered,
    }
}

/// The end of a session whose login was not confirmed.
fn withdrawn(session: SessionId, caller: &Caller) -> Revoke {
    Revoke {
        scope: Scope::Session {
            session,
            subject: None,
        },
        reason: RevocationReason::Admin,
        by: Some(caller.connection),
    }
}

/// The subject that a login is for, if name and password keep to their bounds.
fn identify(node: &Node, username: &str, password: &Secret) -> Result<Box<str>, InvalidReason> {
    let limits = node.settings.current().logins;
    if password.expose().len() > limits.password_bytes {
        return Err(InvalidReason::PasswordTooLong);
    }
    let username = Username::parse(username).map_err(|_| InvalidReason::UsernameInvalid)?;
    if username.as_str().chars().count() > limits.username_chars {
        return Err(InvalidReason::UsernameInvalid);
    }
    Ok(username.into())
}

async fn begin_session(
    node: &Node,
    caller: &Caller,
    subject: &str,
    key: Option<Thumbprint>,
) -> Result<Grant, Reply> {
    let session = random::session_id();
    caller.slot.bind(Some(session));
    let created = node.ledger.create(Create {
        session,
        subject: subject.into(),
        origin: caller.origin(),
        owner: caller.connection,
        key,
        sessions_max: node.settings.current().sessions_per_subject,
    });
    let record = in_time(created).await?;
    Ok(node.grant(session, &record))
}

/// Takes a login out of the rates of its account and its address.
pub(super) fn admit_login(node: &Node, subject: &str, address: IpAddr) -> Result<(), Exceeded> {
    let now = node.clock.now().moment;
    let rates = node.settings.current().rates;
    node.logins_by_address
        .take(address, rates.logins_per_address, now)?;
    node.logins_by_account
        .take(subject.into(), rates.logins_per_account, now)
}

pub(super) fn login_refused(
    node: &Node,
    subject: &str,
    address: IpAddr,
    refused: LoginRefused,
) -> Reply {
    match refused {
        LoginRefused::InvalidPassword => {
            let now = node.clock.now().moment;
            let rates = node.settings.current().rates;
            node.logins_by_address.charge(
                address,
                rates.logins_per_address,
                FAILED_LOGIN_COST,
                now,
            );
            node.logins_by_account.charge(
                subject.into(),
                rates.logins_per_account,
                FAILED_LOGIN_COST,
                now,
            );
            Reply::InvalidPassword
        }
        LoginRefused::Invalid(reason) => Reply::Invalid(reason),
        LoginRefused::TooMany { retry_after } => too_many(Exceeded { retry_after }),
        LoginRefused::Unavailable => unavailable(),
    }
}
