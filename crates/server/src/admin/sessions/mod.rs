//! Sessions, whoever's they are.

pub(super) mod list;
pub(super) mod revoke;
pub(super) mod show;

use handfast::{Revocation, SessionStatus};
use serde::Serialize;
use utoipa::ToSchema;

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionBody {
    /// Its name.
    #[schema(example = "bN2i8sVfQ3iPp0mV2yqS7w")]
    session: String,
    /// Whose it is.
    subject: String,
    /// When it was made, in Unix seconds.
    created_at: u64,
    /// When its client last showed that it is there, in Unix seconds.
    last_seen_at: u64,
    /// When it ends if its client does not come back, in Unix seconds.
    expires_at: u64,
    /// Whether it has a connection on this node.
    online: bool,
    /// The address that it was last presented from.
    address: String,
    /// What its client calls itself.
    agent: String,
    /// Whether it is bound to a key, so that a copied token opens nothing.
    key_bound: bool,
    /// Its end, if it was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    revoked: Option<RevokedBody>,
}

/// The end of a session.
#[derive(Serialize, ToSchema)]
#[schema(as = Revocation)]
pub(super) struct RevokedBody {
    /// Why: `logout`, `reused`, `admin`, `password_changed` or `limit`.
    reason: &'static str,
    /// When, in Unix seconds.
    at: u64,
}

/// How many sessions were ended.
#[derive(Serialize, ToSchema)]
pub(super) struct Ended {
    /// Those that were live until now.
    pub(super) revoked: usize,
}

impl From<Revocation> for RevokedBody {
    fn from(revocation: Revocation) -> Self {
        Self {
            reason: revocation.reason.as_str(),
            at: revocation.at.as_unix(),
        }
    }
}

impl From<SessionStatus> for SessionBody {
    fn from(status: SessionStatus) -> Self {
        Self {
            session: status.session.to_text(),
            subject: status.subject.into(),
            created_at: status.created_at.as_unix(),
            last_seen_at: status.last_seen_at.as_unix(),
            expires_at: status.expires_at.as_unix(),
            online: status.online,
            address: status.address.into(),
            agent: status.agent.into(),
            key_bound: status.key.is_some(),
            revoked: status.revoked.map(Into::into),
        }
    }
}
