//! Sessions, whoever's they are.

use crate::{Handfast, node::Node};
use handfast_core::{
    session::{Revocation, RevocationReason, Session, SessionId, Thumbprint},
    time::Timestamp,
};
use handfast_ledger::{LedgerError, Revoke, Scope};

/// A session as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStatus {
    /// Its name.
    pub session: SessionId,
    /// Whose it is.
    pub subject: Box<str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its client last showed that it is there.
    pub last_seen_at: Timestamp,
    /// When it ends if its client does not come back: the end of its newest token, or of itself.
    pub expires_at: Timestamp,
    /// Whether the connection that owns it is on this node.
    pub online: bool,
    /// The address that it was last presented from.
    pub address: Box<str>,
    /// What its client calls itself.
    pub agent: Box<str>,
    /// The key that it is bound to, if it is.
    pub key: Option<Thumbprint>,
    /// Its end, if it was revoked.
    pub revoked: Option<Revocation>,
}

/// What came of revoking one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// It was live and is not any more.
    Revoked,
    /// It was revoked before.
    WasRevoked,
    /// There is no such session, or none any more.
    Unknown,
}

impl SessionStatus {
    pub(super) fn of(node: &Node, session: Session) -> Self {
        let Session {
            session,
            subject,
            address,
            agent,
            record,
        } = session;
        let owner = record.owner.filter(|_| record.revoked.is_none());
        let online = owner.is_some_and(|owner| node.hub.owns(owner, session));
        Self {
            session,
            subject,
            created_at: record.created_at,
            last_seen_at: if online {
                node.clock.now().unix
            } else {
                record.last_seen_at
            },
            expires_at: record.expires_at.min(record.token_expires_at),
            online,
            address,
            agent,
            key: record.key,
            revoked: record.revoked,
        }
    }
}

impl Handfast {
    /// The live sessions of a subject, newest seen first, at most [`LIST_SESSIONS`](handfast_ledger::LIST_SESSIONS) of
    /// them. A subject is a user name in [canonical form](crate::username::Username).
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot answer.
    pub async fn sessions_of(&self, subject: &str) -> Result<Vec<SessionStatus>, LedgerError> {
        let sessions = self.node.ledger.list(subject).await?;
        let sessions = sessions.into_iter();
        Ok(sessions
            .map(|session| SessionStatus::of(&self.node, session))
            .collect())
    }

    /// One session, whether it is live or has ended; `None` if there is none, or has not been for a day.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot answer.
    pub async fn session(&self, session: SessionId) -> Result<Option<SessionStatus>, LedgerError> {
        let session = self.node.ledger.session(session).await?;
        Ok(session.map(|session| SessionStatus::of(&self.node, session)))
    }

    /// Ends a session for good: its tokens are dead on every node, and its connection is closed with 4403 `admin`.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot answer; then nothing happened.
    pub async fn revoke(&self, session: SessionId) -> Result<SessionEnd, LedgerError> {
        let scope = Scope::Session {
            session,
            subject: None,
        };
        if !self.end(scope, RevocationReason::Admin).await?.is_empty() {
            return Ok(SessionEnd::Revoked);
        }
        Ok(match self.node.ledger.session(session).await? {
            Some(_) => SessionEnd::WasRevoked,
            None => SessionEnd::Unknown,
        })
    }

    /// Ends all sessions of a subject, as [`Self::revoke`] does, and says which.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot answer; then nothing happened.
    pub async fn revoke_all(&self, subject: &str) -> Result<Vec<SessionId>, LedgerError> {
        self.end_all(subject, RevocationReason::Admin).await
    }

    pub(super) async fn end_all(
        &self,
        subject: &str,
        reason: RevocationReason,
    ) -> Result<Vec<SessionId>, LedgerError> {
        let scope = Scope::Subject {
            subject: subject.into(),
            except: None,
        };
        self.end(scope, reason).await
    }

    async fn end(
        &self,
        scope: Scope,
        reason: RevocationReason,
    ) -> Result<Vec<SessionId>, LedgerError> {
        let revoke = Revoke {
            scope,
            reason,
            by: None,
            address: None,
        };
        self.node.ledger.revoke(revoke).await
    }
}
