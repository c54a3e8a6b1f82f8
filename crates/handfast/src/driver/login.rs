//! Logins: who it is is verified here, and a session made for them.

use super::answer::{Caller, in_time, too_many, unavailable};
use crate::{
    address::block,
    audit::{Audit, Event, Record, Refused},
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

/// Answers a login, and has it counted and recorded, also where the client does not wait for the answer.
pub(super) async fn answer_login(
    node: Arc<Node>,
    caller: Caller,
    credentials: Credentials,
    register: bool,
) -> Reply {
    if !node.audit.can_record() {
        node.tally.login(LoginResult::Unavailable);
        return unavailable();
    }
    let mut attempt = Attempt {
        audit: Arc::clone(&node.audit),
        address: caller.address,
        verified: None,
    };
    let reply = login(&node, &caller, credentials, register, &mut attempt).await;
    node.tally.login(result(&reply));
    attempt.end(&reply, caller.agent.name());
    reply
}

/// What is recorded of a login. Dropping one that is being verified says that the client left.
struct Attempt {
    audit: Arc<Audit>,
    address: IpAddr,
    /// Whose password is being verified, and whether the session is to be bound to a key.
    verified: Option<(Box<str>, bool)>,
}

impl Attempt {
    fn end(mut self, reply: &Reply, agent: &str) {
        let (subject, key_bound) = self
            .verified
            .take()
            .map_or((None, false), |(subject, key_bound)| {
                (Some(subject), key_bound)
            });
        self.audit.note(|at| Record {
            at,
            event: match reply {
                Reply::LoggedIn { registered, .. } => Event::LoggedIn {
                    registered: *registered,
                    key_bound,
                    agent,
                },
                reply => Event::LoginRefused(refused(reply)),
            },
            subject: subject.as_deref(),
            session: granted(reply),
            address: Some(self.address),
        });
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some((subject, _)) = &self.verified else {
            return;
        };
        self.audit.note(|at| Record {
            at,
            event: Event::LoginRefused(Refused::Abandoned),
            subject: Some(subject),
            session: None,
            address: Some(self.address),
        });
    }
}

fn granted(reply: &Reply) -> Option<SessionId> {
    if let Reply::LoggedIn { grant, .. } = reply {
        return Some(grant.session);
    }
    None
}

fn result(reply: &Reply) -> LoginResult {
    match reply {
        Reply::LoggedIn {
            registered: false, ..
        } => LoginResult::Success,
        Reply::LoggedIn {
            registered: true, ..
        } => LoginResult::Registered,
        other => match refused(other) {
            Refused::InvalidPassword => LoginResult::InvalidPassword,
            Refused::Invalid(_) => LoginResult::Invalid,
            Refused::TooMany => LoginResult::TooMany,
            Refused::Unavailable | Refused::Abandoned => LoginResult::Unavailable,
        },
    }
}

/// Why a login, or another password, was refused by this reply.
pub(super) fn refused(reply: &Reply) -> Refused {
    match reply {
        Reply::InvalidPassword => Refused::InvalidPassword,
        Reply::Invalid(reason) => Refused::Invalid(*reason),
        Reply::TooManyRequests { .. } => Refused::TooMany,
        Reply::Unavailable { .. }
        | Reply::LoggedIn { .. }
        | Reply::Presented { .. }
        | Reply::Refused(_)
        | Reply::Pushed(_)
        | Reply::NotPushed(_)
        | Reply::Gone(_)
        | Reply::Ended
        | Reply::Sessions(_)
        | Reply::PasswordChanged => Refused::Unavailable,
    }
}

/// Verifies a login and begins a session.
async fn login(
    node: &Arc<Node>,
    caller: &Caller,
    credentials: Credentials,
    register: bool,
    attempt: &mut Attempt,
) -> Reply {
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
    let subject = match identify(node, &username, &password) {
        Ok(subject) => subject,
        Err(reason) => return Reply::Invalid(reason),
    };
    attempt.verified = Some((subject.clone(), key.is_some()));
    if let Err(exceeded) = admit_login(node, &subject, caller.address) {
        return too_many(exceeded);
    }
    let login = credentials::Login {
        subject: &subject,
        password: &password,
    };
    let admitted = if register {
        // Whoever is told that nothing was done sends the same again, and must not find the name taken by herself.
        if let Err(reply) = in_time(node.ledger.check()).await {
            return reply;
        }
        node.credentials.register(login).await
    } else {
        node.credentials.login(login).await
    };
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(refused) => return login_refused(node, &subject, caller.address, refused),
    };
    let grant = match begin_session(node, caller, &subject, key).await {
        Ok(grant) => grant,
        Err(reply) => return reply,
    };
    if let Err(refused) = node.credentials.confirm(login, admitted).await {
        // Nobody was given a token of it, so nothing depends on its end being stored.
        drop(node.ledger.revoke(withdrawn(grant.session, caller)));
        return login_refused(node, &subject, caller.address, refused);
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
        address: Some(caller.address_text()),
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
    caller.slot.bind(session);
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
        .take(block(address), rates.logins_per_address, now)?;
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
                block(address),
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
