//! The session rule: what becomes of a session when a token is presented, pushed, acknowledged or revoked.
//!
//! Every function here takes a record and returns the next one; a ledger stores it, or stores nothing where the
//! record came back unchanged. There is no other place that changes a record, in any language.
//!
//! The rule's reasons are in `spec/protocol.md`, section "The session rule".

use super::{
    AttemptHash, ConnectionId, Consumption, Generation, History, Revocation, RevocationReason,
    SessionRecord, Thumbprint,
};
use crate::time::Timestamp;
use core::{fmt, time::Duration};

/// How long tokens and sessions live, and what an operator decided about a ledger that lost writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    /// How long a client may be away: the lifetime of one token.
    pub lifetime: Duration,
    /// How long a session may last, however often it is rotated.
    pub session_lifetime: Duration,
    /// Accept a validly signed generation from the future, which only a ledger that lost writes can cause.
    pub roll_forward: bool,
}

/// What a client showed beside its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// Nothing.
    Bare,
    /// An attempt key, made and stored before this generation was first presented.
    Attempt(AttemptHash),
    /// A verified proof of a key.
    Proof {
        /// Which key. Only the session's own counts.
        key: Thumbprint,
        /// The attempt key beside it, which counts where the session has no key.
        attempt: Option<AttemptHash>,
    },
}

impl Evidence {
    const fn consumption(self) -> Consumption {
        match self {
            Self::Bare => Consumption::Bare,
            Self::Attempt(hash) => Consumption::Attempt(hash),
            Self::Proof { .. } => Consumption::Proof,
        }
    }

    /// What this comes to for a session that is bound to `key`, or to none; `None` if it is not enough.
    fn before(self, key: Option<Thumbprint>) -> Option<Self> {
        match (key, self) {
            (Some(bound), Self::Proof { key, .. }) => (key == bound).then_some(self),
            (Some(_), Self::Bare | Self::Attempt(_)) => None,
            (None, Self::Proof { attempt, .. }) => Some(attempt.map_or(Self::Bare, Self::Attempt)),
            (None, Self::Bare | Self::Attempt(_)) => Some(self),
        }
    }
}

/// A verified token, shown by a connection to go on with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// The token's generation.
    pub generation: Generation,
    /// What came with it.
    pub evidence: Evidence,
    /// The connection that becomes the owner if it is accepted.
    pub connection: ConnectionId,
}

/// Why a presentation was refused, as `InvalidToken` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It is no token of this server: not a JWT, wrongly signed, or for somebody else.
    Malformed,
    /// Its time, or its session's, is over.
    Expired,
    /// A newer generation exists, and this one was not misused: nothing changed.
    Stale,
    /// It was consumed by somebody else: the session is revoked by this very presentation.
    Reused,
    /// Its session was revoked before.
    Revoked,
    /// The ledger has no such session, or never issued this generation.
    Unknown,
    /// Its session is bound to a key, and no proof of that key came with it.
    ProofRequired,
}

impl Refusal {
    /// Every refusal, in the order of the protocol document.
    pub const ALL: [Self; 7] = [
        Self::Malformed,
        Self::Expired,
        Self::Stale,
        Self::Reused,
        Self::Revoked,
        Self::Unknown,
        Self::ProofRequired,
    ];

    /// The refusal as it stands in `InvalidToken`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Expired => "expired",
            Self::Stale => "stale",
            Self::Reused => "reused",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
            Self::ProofRequired => "proof_required",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|refusal| refusal.as_str() == text)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a presentation came to. Where it was accepted, the token to answer with is the record's issued generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The issued generation is confirmed, and the next one issued.
    Advanced,
    /// The issued generation is answered again: the answer before this one was lost.
    AnsweredAgain,
    /// A bare client lost an answer: another generation is issued, and the lost one is void.
    Replaced,
    /// A generation from the future, accepted because the operator said so.
    RolledForward,
    /// Refused. [`Refusal::Reused`] has ended the session; [`Refusal::Stale`] may have noted the attempt key.
    Refused(Refusal),
    /// A generation from the future: the ledger lost writes. Refused as [`Refusal::Unknown`], and an alarm.
    FromTheFuture,
}

impl Presented {
    /// The outcome as a word; of a refusal, the refusal's.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Advanced => "advanced",
            Self::AnsweredAgain => "answered_again",
            Self::Replaced => "replaced",
            Self::RolledForward => "rolled_forward",
            Self::Refused(refusal) => refusal.as_str(),
            Self::FromTheFuture => "from_the_future",
        }
    }
}

/// What a push came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The next generation is issued.
    Issued,
    /// The generation pushed before is not confirmed yet: nothing changed.
    Unconfirmed,
    /// Another connection owns the session: nothing changed.
    NotOwner,
    /// The session has ended: nothing changed.
    Ended,
}

/// What an acknowledgement came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// The issued generation is confirmed.
    Confirmed,
    /// It was confirmed already, is not the issued one, or came from elsewhere: nothing changed.
    Ignored,
}

/// The record of a session that a login makes: generation 0, issued and confirmed.
#[must_use]
pub fn create(
    owner: ConnectionId,
    key: Option<Thumbprint>,
    now: Timestamp,
    policy: &TokenPolicy,
) -> SessionRecord {
    let expires_at = now.after(policy.session_lifetime);
    SessionRecord {
        confirmed: Generation::FIRST,
        issued: Generation::FIRST,
        history: History::new(),
        token_issued_at: now,
        token_expires_at: now.after(policy.lifetime).min(expires_at),
        owner: Some(owner),
        created_at: now,
        last_seen_at: now,
        expires_at,
        revoked: None,
        key,
    }
}

/// Decides on a presentation.
#[must_use]
pub fn present(
    record: SessionRecord,
    presentation: &Presentation,
    now: Timestamp,
    policy: &TokenPolicy,
) -> (SessionRecord, Presented) {
    let Presentation {
        generation,
        evidence,
        connection,
    } = *presentation;
    let evidence = evidence.before(record.key);
    let presented = bar(&record, now).map_or_else(
        || judge(&record, presentation, evidence, policy),
        Presented::Refused,
    );
    let consumption = evidence.map_or(Consumption::Nothing, Evidence::consumption);
    let record = match presented {
        Presented::Advanced => record
            .confirm(generation, consumption)
            .issue(now, policy)
            .take_ownership(connection, now),
        Presented::AnsweredAgain => record
            .consume_confirmed(consumption)
            .take_ownership(connection, now),
        Presented::Replaced => record
            .consume_confirmed(consumption)
            .issue(now, policy)
            .take_ownership(connection, now),
        Presented::RolledForward => record
            .roll_forward(generation)
            .consume_confirmed(consumption)
            .issue(now, policy)
            .take_ownership(connection, now),
        Presented::Refused(Refusal::Reused) => revoke(record, RevocationReason::Reused, now),
        Presented::Refused(Refusal::Stale) => record.note(generation, evidence),
        Presented::Refused(_) | Presented::FromTheFuture => record,
    };
    (record, presented)
}

/// Issues the next generation to the owner, unasked: only where the one before it is confirmed (stop and wait).
#[must_use]
pub fn push(
    record: SessionRecord,
    connection: ConnectionId,
    now: Timestamp,
    policy: &TokenPolicy,
) -> (SessionRecord, Pushed) {
    if !record.is_live(now) {
        (record, Pushed::Ended)
    } else if record.owner != Some(connection) {
        (record, Pushed::NotOwner)
    } else if record.issued != record.confirmed {
        (record, Pushed::Unconfirmed)
    } else {
        (
            record.issue(now, policy).take_ownership(connection, now),
            Pushed::Issued,
        )
    }
}

/// Takes the owner's word that the issued generation is stored.
#[must_use]
pub fn acknowledge(
    record: SessionRecord,
    generation: Generation,
    connection: ConnectionId,
    now: Timestamp,
) -> (SessionRecord, Acknowledged) {
    let news = record.confirmed < record.issued && generation == record.issued;
    if record.is_live(now) && record.owner == Some(connection) && news {
        let record = record
            .confirm(generation, Consumption::Nothing)
            .take_ownership(connection, now);
        (record, Acknowledged::Confirmed)
    } else {
        (record, Acknowledged::Ignored)
    }
}

/// Ends a session for good. A session that has ended keeps its first reason.
#[must_use]
pub fn revoke(record: SessionRecord, reason: RevocationReason, now: Timestamp) -> SessionRecord {
    let revoked = record.revoked.or(Some(Revocation { reason, at: now }));
    SessionRecord { revoked, ..record }
}

/// The table of the session rule, without what follows from it.
fn judge(
    record: &SessionRecord,
    presentation: &Presentation,
    evidence: Option<Evidence>,
    policy: &TokenPolicy,
) -> Presented {
    let generation = presentation.generation;
    let Some(evidence) = evidence else {
        return Presented::Refused(Refusal::ProofRequired);
    };
    if generation > record.issued {
        if policy.roll_forward {
            Presented::RolledForward
        } else {
            Presented::FromTheFuture
        }
    } else if generation == record.issued {
        Presented::Advanced
    } else if generation == record.confirmed {
        let is_owner = record.owner == Some(presentation.connection);
        judge_confirmed(record.history.of_confirmed(), evidence, is_owner)
    } else {
        judge_older(record, generation, evidence)
    }
}

/// What is refused whichever generation it is, and whatever comes with it.
fn bar(record: &SessionRecord, now: Timestamp) -> Option<Refusal> {
    if record.revoked.is_some() {
        Some(Refusal::Revoked)
    } else if now >= record.expires_at {
        Some(Refusal::Expired)
    } else {
        None
    }
}

/// The column `g = c < i`: the client may not have got the issued generation.
///
/// Where nothing consumed the confirmed one, the issued one was pushed to the owner. A bare owner that presents meanwhile
/// is told what is on its way to it already; to void that would only hit a client that gets no more than the push.
fn judge_confirmed(consumed_by: Consumption, evidence: Evidence, is_owner: bool) -> Presented {
    match (evidence, consumed_by) {
        (Evidence::Bare, Consumption::Nothing) if is_owner => Presented::AnsweredAgain,
        (Evidence::Proof { .. }, _) | (Evidence::Attempt(_), Consumption::Nothing) => {
            Presented::AnsweredAgain
        }
        (Evidence::Attempt(attempt), Consumption::Attempt(first)) if attempt == first => {
            Presented::AnsweredAgain
        }
        (Evidence::Bare, Consumption::Nothing | Consumption::Bare) => Presented::Replaced,
        (
            Evidence::Attempt(_) | Evidence::Bare,
            Consumption::Bare
            | Consumption::Attempt(_)
            | Consumption::Proof
            | Consumption::SomethingElse,
        ) => Presented::Refused(Refusal::Reused),
    }
}

/// The column `c < g < i, or g < c`: the client, or who copied it, is behind.
fn judge_older(record: &SessionRecord, generation: Generation, evidence: Evidence) -> Presented {
    let refusal = match (evidence, record.history.of(generation, record.confirmed)) {
        (Evidence::Proof { .. }, _)
        | (Evidence::Attempt(_) | Evidence::Bare, Consumption::Nothing) => Refusal::Stale,
        (Evidence::Attempt(attempt), Consumption::Attempt(first)) if attempt == first => {
            Refusal::Stale
        }
        (
            Evidence::Attempt(_) | Evidence::Bare,
            Consumption::Bare
            | Consumption::Attempt(_)
            | Consumption::Proof
            | Consumption::SomethingElse,
        ) => Refusal::Reused,
    };
    Presented::Refused(refusal)
}

/// The steps that the rule is made of. None is offered outside it.
impl SessionRecord {
    /// The client holds `generation`, which is not behind the confirmed one; what was passed over is void.
    fn confirm(self, generation: Generation, consumption: Consumption) -> Self {
        let steps = generation.ahead_of(self.confirmed).unwrap_or(0);
        let history = self
            .history
            .advanced(steps, Consumption::SomethingElse, consumption);
        Self {
            confirmed: generation,
            history,
            ..self
        }
    }

    fn consume_confirmed(self, consumption: Consumption) -> Self {
        Self {
            history: self.history.with_confirmed(consumption),
            ..self
        }
    }

    /// The generation after the issued one is handed out.
    fn issue(self, now: Timestamp, policy: &TokenPolicy) -> Self {
        Self {
            issued: self.issued.next(),
            token_issued_at: now,
            token_expires_at: now.after(policy.lifetime).min(self.expires_at),
            ..self
        }
    }

    fn take_ownership(self, connection: ConnectionId, now: Timestamp) -> Self {
        Self {
            owner: Some(connection),
            last_seen_at: self.last_seen_at.max(now),
            ..self
        }
    }

    /// Notes the attempt key of a presentation that is late, where nothing else is known of its generation. The client
    /// has one key for a generation, so another one is another party's; or it is this client's, which finds that
    /// somebody else is ahead.
    fn note(self, generation: Generation, evidence: Option<Evidence>) -> Self {
        let history = match evidence {
            Some(Evidence::Attempt(attempt)) => {
                self.history
                    .noting(generation, self.confirmed, Consumption::Attempt(attempt))
            }
            Some(Evidence::Bare | Evidence::Proof { .. }) | None => self.history,
        };
        Self { history, ..self }
    }

    /// Catches up with a generation that the ledger lost. By what those before it were consumed, it has forgotten.
    fn roll_forward(self, generation: Generation) -> Self {
        let known = self.confirm(self.issued, Consumption::Nothing);
        let steps = generation.ahead_of(known.confirmed).unwrap_or(0);
        let nothing = Consumption::Nothing;
        Self {
            confirmed: generation,
            issued: generation,
            history: known.history.advanced(steps, nothing, nothing),
            ..known
        }
    }
}
