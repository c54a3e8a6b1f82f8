//! One running node: what its connections share.

use crate::{
    address::Addresses,
    alarm::Alarms,
    audit::Audit,
    changes::Changes,
    cookie::UsedTickets,
    counts::Tally,
    credentials::{AccountCredentials, Credentials},
    hub::Hub,
    limiter::Limiter,
    proof::Nonces,
    ready::Readiness,
    session::Application,
    settings::LiveSettings,
    token::TokenIssuer,
};
use handfast_core::{
    message::Grant,
    session::{ConnectionId, SessionId, SessionRecord},
    time::{Clock, Moment},
};
use handfast_ledger::{Ledger, fanout::Publisher};
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

/// How fine wake-ups are. Connections whose beats fall into one such step are woken together, which costs the node
/// one turn of its timer instead of one for each.
const WAKE_STEPS_PER_BEAT: u32 = 64;
/// The longest step.
const WAKE_STEP_MAX: Duration = Duration::from_millis(250);

/// What all connections of a node share.
pub(crate) struct Node {
    pub(crate) settings: LiveSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) alarms: Arc<Alarms>,
    pub(crate) ledger: Ledger,
    /// How other nodes are told, where there are others.
    pub(crate) fanout: Option<Arc<Publisher>>,
    pub(crate) tokens: Arc<TokenIssuer>,
    pub(crate) nonces: Nonces,
    pub(crate) tally: Tally,
    pub(crate) audit: Arc<Audit>,
    pub(crate) credentials: Arc<dyn Credentials>,
    /// The same, where they are the built-in accounts.
    pub(crate) accounts: Option<Arc<AccountCredentials>>,
    pub(crate) application: Application,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) logins_by_account: Limiter<Box<str>>,
    pub(crate) logins_by_address: Limiter<IpAddr>,
    /// Those of one session by all, and beyond that those with a proof by each connection.
    pub(crate) presentations: Limiter<(SessionId, Option<ConnectionId>)>,
    /// Tickets that are exchanged, which one session may do as often as it may present.
    pub(crate) exchanges: Limiter<SessionId>,
    pub(crate) used_tickets: UsedTickets,
    pub(crate) readiness: Readiness,
    pub(crate) changes: Changes,
}

impl Node {
    /// What a client is told of the token that the record has issued last.
    pub(crate) fn grant(&self, session: SessionId, record: &SessionRecord) -> Grant {
        let refresh_after = self.settings.current().connection.refresh_after;
        let refresh_at = record.token_issued_at.after(refresh_after);
        Grant {
            session,
            generation: record.issued,
            issued_at: record.token_issued_at,
            expires_at: record.token_expires_at,
            refresh_at: refresh_at.min(record.token_expires_at),
        }
    }

    /// The first moment from `deadline` on at which connections are woken.
    pub(crate) fn wake_moment(&self, deadline: Moment) -> Moment {
        let beat = self.settings.current().connection.heartbeat_interval;
        let step = (beat / WAKE_STEPS_PER_BEAT).min(WAKE_STEP_MAX);
        let step_ms = u64::try_from(step.as_millis()).unwrap_or(1).max(1);
        Moment::from_millis(
            deadline
                .as_millis()
                .div_ceil(step_ms)
                .saturating_mul(step_ms),
        )
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("settings", &*self.settings.current())
            .finish_non_exhaustive()
    }
}
