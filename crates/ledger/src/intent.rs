//! What is asked of a ledger, and what it answers.

use handfast_core::{
    session::{
        ConnectionId, Presentation, Presented, RevocationReason, SessionId, SessionRecord,
        Thumbprint,
    },
    time::Moment,
};

/// A login: a session is to be made.
#[derive(Clone, Debug)]
pub struct Create {
    /// Its name, drawn from a cryptographic source.
    pub session: SessionId,
    /// Whose it is.
    pub subject: Box<str>,
    /// Where from, and by what.
    pub origin: Origin,
    /// The connection that logged in.
    pub owner: ConnectionId,
    /// The key that the session is bound to, if it is.
    pub key: Option<Thumbprint>,
    /// How many live sessions its subject may have, this one included. Beyond that the longest unseen ones are revoked
    /// with [`RevocationReason::Limit`] in the same transaction.
    pub sessions_max: Option<u32>,
}

/// Where a client is and what it calls itself: what its subject recognises a session by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The network address.
    pub address: Box<str>,
    /// The client's own description (the `User-Agent` header), cut to a bound by the caller.
    pub agent: Box<str>,
}

/// A verified token is presented.
#[derive(Clone, Debug)]
pub struct Present {
    /// The session that the token names.
    pub session: SessionId,
    /// Its generation, the evidence that came with it, and the connection that it came on.
    pub presentation: Presentation,
    /// Where from; stored only if the presenting connection becomes a new owner.
    pub origin: Option<Origin>,
    /// From this moment on it is not to be applied any more.
    pub deadline: Moment,
}

/// What a presentation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentedSession {
    /// The decision of the session rule.
    pub presented: Presented,
    /// The session's record after it; `None` where there is no such session.
    pub record: Option<SessionRecord>,
}

/// Sessions are to be ended for good.
#[derive(Clone, Debug)]
pub struct Revoke {
    /// Which ones.
    pub scope: Scope,
    /// Why.
    pub reason: RevocationReason,
    /// The connection that asked, so that it can be told from those that lose their session.
    pub by: Option<ConnectionId>,
    /// The network address that it was asked from, if it is known: for who keeps a record of it.
    pub address: Option<Box<str>>,
}

/// Which sessions a revocation means.
#[derive(Clone, Debug)]
pub enum Scope {
    /// One session.
    Session {
        /// Its name.
        session: SessionId,
        /// Where given, the session is meant only if it is this subject's.
        subject: Option<Box<str>>,
    },
    /// All sessions of a subject.
    Subject {
        /// The subject.
        subject: Box<str>,
        /// The one session of it that stays.
        except: Option<SessionId>,
    },
}

/// A session got another owner, or it ended. (A login is no change: it takes nothing from anybody.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The session.
    pub session: SessionId,
    /// Its owner after the change; of a session that ended, its last one.
    pub owner: Option<ConnectionId>,
    /// The owner that was superseded. `None` where the owner did not change.
    pub former_owner: Option<ConnectionId>,
    /// Why the session ended, if it did.
    pub revoked: Option<RevocationReason>,
    /// The connection that caused it, if one did.
    pub by: Option<ConnectionId>,
}

impl Change {
    /// Who loses the session by this, and has to hear of it: the owner of one that ended, unless it ended it itself, and
    /// a former owner.
    pub fn losers(&self) -> impl Iterator<Item = Ownership> + use<> {
        let session = self.session;
        let owner = self.ended().map(|(owner, _)| owner);
        let losers = [owner, self.superseded()].into_iter().flatten();
        losers.map(move |connection| Ownership {
            session,
            connection,
        })
    }

    /// The owner whose session ended, and why, unless it ended it itself.
    #[must_use]
    pub fn ended(&self) -> Option<(ConnectionId, RevocationReason)> {
        let owner = self.owner.filter(|owner| self.by != Some(*owner));
        owner.zip(self.revoked)
    }

    /// The former owner, where another connection took the session over.
    #[must_use]
    pub fn superseded(&self) -> Option<ConnectionId> {
        let is_another = |former: &ConnectionId| self.owner != Some(*former);
        self.former_owner.filter(is_another)
    }
}

/// The end of a session, which a decision of this ledger brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The session.
    pub session: SessionId,
    /// Whose it was.
    pub subject: Box<str>,
    /// Why it ended.
    pub reason: RevocationReason,
    /// Its last owner.
    pub owner: Option<ConnectionId>,
    /// The connection that caused it, if one did.
    pub by: Option<ConnectionId>,
    /// The network address that it was caused from, if it is known.
    pub address: Option<Box<str>>,
}

/// A connection that is taken for the owner of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ownership {
    /// The session.
    pub session: SessionId,
    /// The connection.
    pub connection: ConnectionId,
}

/// A place in the log of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(
    /// Counted by the backend, in whatever steps; it never shrinks.
    pub u64,
);

impl Cursor {
    /// The end of the log, wherever that is now: where a node that has no connections yet begins to read.
    pub const END: Self = Self(u64::MAX);
}

/// What the log of changes holds behind a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Where to read on.
    pub cursor: Cursor,
    /// The changes in the order of their commits, those that this ledger itself made included.
    pub changes: Vec<Change>,
    /// `false` where the cursor lies before what the log still keeps, or behind its end (a restored backup). What is
    /// missing cannot be told: every session that matters must be looked at, and [`Self::cursor`] is the log's end.
    pub complete: bool,
    /// Whether the log holds more behind [`Self::cursor`], which one answer was too small for.
    pub more: bool,
}

/// What one sweep did. It looks at a bounded part of the ledger, so a whole round takes several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many sessions were removed.
    pub sessions: usize,
    /// Whether a round through the whole ledger ended with this sweep; the next one begins another.
    pub round_complete: bool,
    /// Whether the log of changes holds more from before then, which the next sweep goes on to forget.
    pub log_is_long: bool,
}
