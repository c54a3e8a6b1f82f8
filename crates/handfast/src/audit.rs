//! The record of who logged in, came back, was refused and was ended: for who has to be able to tell later.
//!
//! What is recorded happens either way, and is decided elsewhere; whoever keeps the record is an [`Auditor`]. Without
//! one, recording costs a branch.

use crate::{address::block, limiter::Limiter};
use handfast_core::{
    message::InvalidReason,
    rate::Rate,
    session::{Generation, Presented, RevocationReason, SessionId},
    time::{Clock, Timestamp},
};
use handfast_ledger::Ended;
use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How many of the refusals that cost nobody anything are recorded of one address, so that nobody can fill a disk with
/// them. The others are counted.
const CHEAP_PER_ADDRESS: Rate = Rate {
    count: 60,
    window: Duration::from_secs(60),
};

/// Whoever keeps the record.
///
/// ```
/// use handfast::audit::{Auditor, Record};
///
/// #[derive(Debug)]
/// struct Lines;
///
/// impl Auditor for Lines {
///     fn record(&self, record: &Record<'_>) {
///         tracing::info!(event = record.event.name(), subject = record.subject);
///     }
/// }
/// ```
pub trait Auditor: Send + Sync + 'static {
    /// Takes what happened. It is called where that happens, by every thread, also by the one that answers for the
    /// ledger: it must not wait.
    fn record(&self, record: &Record<'_>);

    /// Whether what happens next can be recorded. Where it cannot, no login, no presentation and no change of a password
    /// is taken: clients are answered `Unavailable`. Nobody is ever kept from logging out or from being revoked.
    fn can_record(&self) -> bool {
        true
    }
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event<'a>,
    /// To whom, as far as that is known: the user name in canonical form. Of a login that was refused, whom the client
    /// says to be.
    pub subject: Option<&'a str>,
    /// To which session.
    pub session: Option<SessionId>,
    /// From which network address it was caused.
    pub address: Option<IpAddr>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A login made a session.
    LoggedIn {
        /// Whether it made the account too.
        registered: bool,
        /// Whether the session is bound to a key.
        key_bound: bool,
        /// What the client calls itself.
        agent: &'a str,
    },
    /// A login or a registration made nothing.
    LoginRefused(Refused),
    /// A token was presented.
    Presented {
        /// What that came to.
        outcome: Outcome,
        /// The token's number, where it is one of ours.
        generation: Option<Generation>,
    },
    /// The subject has another password. Its other sessions are ended, each with a record of its own.
    PasswordChanged,
    /// The subject asked for another password in vain.
    PasswordRefused(Refused),
    /// A session was ended.
    Revoked {
        /// Why.
        reason: RevocationReason,
        /// By whom.
        by: By,
    },
}

/// Why a login or another password was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No such account, not its password, or it may not log in.
    InvalidPassword,
    /// The name, the password or the key cannot be, or the name is taken.
    Invalid(InvalidReason),
    /// A rate was exceeded, or too many passwords waited to be hashed.
    TooMany,
    /// It could not be told then.
    Unavailable,
    /// The client left before it was answered. It got no token; an account may have been made.
    Abandoned,
}

/// What a presentation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was decided by what the token says, or by the session rule.
    Decided(Presented),
    /// It came too soon after others.
    TooMany,
    /// It is a token of another session than the connection's.
    OtherSession,
    /// It could not be told then.
    Unavailable,
    /// Nobody waited for the answer any more: the client had left, or the ledger took too long. It may have decided all
    /// the same.
    Abandoned,
}

/// Who ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Its own connection.
    Itself,
    /// Another connection of its subject.
    Device,
    /// An operator, or the program that embeds handfast.
    Operator,
    /// The session rule, which found that two parties hold it; or a login whose account was changed meanwhile.
    Rule,
    /// The limit on sessions of a subject.
    Limit,
}

impl Event<'_> {
    /// The event as a word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LoggedIn {
                registered: false, ..
            } => "logged_in",
            Self::LoggedIn {
                registered: true, ..
            } => "registered",
            Self::LoginRefused(_) => "login_refused",
            Self::Presented { .. } => "presented",
            Self::PasswordChanged => "password_changed",
            Self::PasswordRefused(_) => "password_refused",
            Self::Revoked { .. } => "revoked",
        }
    }

    /// Whether anybody can bring it about as often as they like: no password was hashed and no session looked at.
    const fn is_cheap(&self) -> bool {
        match self {
            Self::LoginRefused(refused) | Self::PasswordRefused(refused) => match refused {
                Refused::Invalid(_) | Refused::TooMany | Refused::Unavailable => true,
                Refused::InvalidPassword | Refused::Abandoned => false,
            },
            // One that is none of our tokens.
            Self::Presented {
                generation: None, ..
            } => true,
            Self::Presented { outcome, .. } => match outcome {
                // As often as a session may present.
                Outcome::Decided(_) | Outcome::Unavailable | Outcome::Abandoned => false,
                Outcome::TooMany | Outcome::OtherSession => true,
            },
            Self::LoggedIn { .. } | Self::PasswordChanged | Self::Revoked { .. } => false,
        }
    }
}

impl Refused {
    /// The reason as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidPassword => "invalid_password",
            Self::Invalid(reason) => reason.as_str(),
            Self::TooMany => "too_many",
            Self::Unavailable => "unavailable",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Outcome {
    /// The outcome as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decided(presented) => presented.as_str(),
            Self::TooMany => "too_many",
            Self::OtherSession => InvalidReason::OtherSession.as_str(),
            Self::Unavailable => "unavailable",
            Self::Abandoned => "abandoned",
        }
    }
}

impl By {
    /// Who, as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Itself => "self",
            Self::Device => "device",
            Self::Operator => "operator",
            Self::Rule => "rule",
            Self::Limit => "limit",
        }
    }

    fn of(ended: &Ended) -> Self {
        match (ended.reason, ended.by) {
            (RevocationReason::Reused, _) | (RevocationReason::Admin, Some(_)) => Self::Rule,
            (RevocationReason::Limit, _) => Self::Limit,
            (
                RevocationReason::Logout
                | RevocationReason::Admin
                | RevocationReason::PasswordChanged,
                None,
            ) => Self::Operator,
            (RevocationReason::Logout | RevocationReason::PasswordChanged, by) => {
                if by == ended.owner {
                    Self::Itself
                } else {
                    Self::Device
                }
            }
        }
    }
}

/// The node's way to its auditor, if it has one.
pub(crate) struct Audit {
    auditor: Option<Arc<dyn Auditor>>,
    clock: Arc<dyn Clock>,
    cheap: Limiter<IpAddr>,
    left_out: AtomicU64,
}

impl Audit {
    pub(crate) fn new(auditor: Option<Arc<dyn Auditor>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            auditor,
            clock,
            cheap: Limiter::new(),
            left_out: AtomicU64::new(0),
        }
    }

    /// Whether somebody keeps records.
    pub(crate) fn is_on(&self) -> bool {
        self.auditor.is_some()
    }

    /// Whether what happens next can be recorded, or need not be.
    pub(crate) fn can_record(&self) -> bool {
        self.auditor.as_ref().is_none_or(|it| it.can_record())
    }

    /// Has it recorded what happened, which is put together only where somebody keeps records.
    pub(crate) fn note<'a>(&self, happened: impl FnOnce(Timestamp) -> Record<'a>) {
        let Some(auditor) = &self.auditor else { return };
        let now = self.clock.now();
        let record = happened(now.unix);
        if record.event.is_cheap()
            && let Some(address) = record.address
            && self
                .cheap
                .take(block(address), Some(CHEAP_PER_ADDRESS), now.moment)
                .is_err()
        {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        auditor.record(&record);
    }

    /// Has the end of a session recorded.
    pub(crate) fn ended(&self, ended: &Ended) {
        self.note(|at| Record {
            at,
            event: Event::Revoked {
                reason: ended.reason,
                by: By::of(ended),
            },
            subject: Some(&ended.subject),
            session: Some(ended.session),
            address: ended.address.as_deref().and_then(|it| it.parse().ok()),
        });
    }

    /// How many refusals were not recorded, because their address had caused too many.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("is_on", &self.is_on())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handfast_core::session::ConnectionId;
    use std::net::Ipv6Addr;

    struct Nobody;

    impl Auditor for Nobody {
        fn record(&self, _: &Record<'_>) {}
    }

    #[test]
    fn a_network_of_ipv6_has_no_more_refusals_recorded_than_an_address() {
        let clock = Arc::new(crate::clock::SystemClock::start());
        let audit = Audit::new(Some(Arc::new(Nobody)), clock);
        for host in 0..=CHEAP_PER_ADDRESS.count {
            let address = Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | u128::from(host));
            audit.note(|at| Record {
                at,
                event: Event::LoginRefused(Refused::TooMany),
                subject: None,
                session: None,
                address: Some(address.into()),
            });
        }
        assert_eq!(audit.left_out(), 1);
    }

    fn by(reason: RevocationReason, owner: Option<u64>, by: Option<u64>) -> By {
        let connection = |number| ConnectionId { node: 1, number };
        By::of(&Ended {
            session: SessionId::from_bytes([1; 16]),
            subject: "ada".into(),
            reason,
            owner: owner.map(connection),
            by: by.map(connection),
            address: None,
        })
    }

    #[test]
    fn who_ended_a_session_follows_from_why_and_from_where() {
        use RevocationReason::{Admin, Limit, Logout, PasswordChanged, Reused};
        for (reason, caused_by, who) in [
            (Logout, Some(1), By::Itself),
            (Logout, Some(2), By::Device),
            (PasswordChanged, Some(2), By::Device),
            (PasswordChanged, None, By::Operator),
            (Admin, None, By::Operator),
            (Admin, Some(1), By::Rule),
            (Reused, Some(2), By::Rule),
            (Limit, Some(2), By::Limit),
        ] {
            assert_eq!(by(reason, Some(1), caused_by), who, "{reason}");
        }
    }
}
