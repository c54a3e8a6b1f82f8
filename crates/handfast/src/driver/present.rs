//! Presentations: a token is verified here, and decided on by the ledger.

use super::answer::{Asked, Asking, Caller, failed, too_many, unavailable};
use crate::{
    audit::{Audit, Event, Outcome, Record},
    node::Node,
    proof::{self, Occasion},
    token::VerifiedToken,
    trace::STEP,
};
use handfast_core::{
    connection::Reply,
    message::{InvalidReason, Secret},
    rate::Exceeded,
    session::{AttemptHash, ConnectionId, Evidence, Presentation, Presented, Refusal, SessionId},
    time::Now,
};
use handfast_ledger::{LedgerError, Present, PresentedSession, Receipt};
use std::{
    mem,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tracing::debug_span;

/// How long a presentation may take from its receipt to its commit, and the ledger for whatever else a client waits for.
/// With the rate at which a session may present, this bounds how far behind an honest presentation can come.
pub(crate) const PRESENTATION_DEADLINE: Duration = Duration::from_secs(10);

/// What a client shows to go on with a session.
pub(super) struct Shown {
    pub(super) token: Secret,
    pub(super) attempt: Option<AttemptHash>,
    pub(super) proof: Option<Secret>,
    /// The session that the connection is bound to.
    pub(super) bound: Option<SessionId>,
}

/// Verifies a token and hands it to the ledger.
pub(super) fn present(asking: &Asking<'_>, shown: &Shown) -> Result<Asked, Reply> {
    let Asking {
        node,
        caller,
        followed,
        now,
        ..
    } = *asking;
    let Shown { token, bound, .. } = shown;
    // It may have left a session just now, which is nothing to it any more.
    if bound.is_none() {
        caller.slot.leave();
    }
    if !node.audit.can_record() {
        return Err(unavailable());
    }
    let note = |token: Option<&VerifiedToken>, outcome| {
        note(&node.audit, caller.address, token, outcome);
    };
    let verified = debug_span!(target: STEP, "token.verify")
        .in_scope(|| node.tokens.verify(token.expose(), now.unix))
        .map_err(|refusal| {
            node.tally.refused(refusal);
            let outcome = Outcome::Decided(Presented::Refused(refusal));
            note(None, outcome);
            Reply::Refused(refusal)
        })?;
    let session = verified.session;
    // Of a connection that has a session it is known already.
    if bound.is_none() {
        followed.session(session);
    }
    if bound.is_some_and(|bound| bound != session) {
        note(Some(&verified), Outcome::OtherSession);
        return Err(Reply::Invalid(InvalidReason::OtherSession));
    }
    let taken = take_from_rate(node, session, None, now);
    let evidence = evidence(node, caller, shown);
    let taken = taken.or_else(|exceeded| match evidence {
        Evidence::Proof { .. } => take_from_rate(node, session, Some(caller.connection), now),
        Evidence::Attempt(_) | Evidence::Bare => Err(exceeded),
    });
    taken.map_err(|exceeded| {
        node.tally.presented_too_often();
        note(Some(&verified), Outcome::TooMany);
        too_many(exceeded)
    })?;
    caller.slot.bind(session);
    let presentation = Presentation {
        generation: verified.generation,
        evidence,
        connection: caller.connection,
    };
    let deadline = now.moment.after(PRESENTATION_DEADLINE);
    let origin = bound.is_none().then(|| caller.origin());
    let present = Present {
        session,
        presentation,
        origin,
        deadline,
    };
    Ok(Asked::Presentation {
        presenting: Presenting {
            token: verified,
            audit: node.audit.is_on().then(|| Arc::clone(&node.audit)),
            address: caller.address,
        },
        decision: Decision::Held(Some(present)),
        due: deadline,
    })
}

/// Takes one from how often a session may present: from what all share or, once whoever copied its token has used that
/// up, from what a connection has that shows a proof. So a copied token keeps no owner of a key out, and a proof by a key
/// that is made up is worth no more than the connections that one address may have.
fn take_from_rate(
    node: &Node,
    session: SessionId,
    connection: Option<ConnectionId>,
    now: Now,
) -> Result<(), Exceeded> {
    let rate = node.settings.current().rates.presentations_per_session;
    node.presentations
        .take((session, connection), rate, now.moment)
}

/// What the ledger is to decide. It is asked at the first poll: the driver has read all that the client sent by then, and
/// drops this if the client hung up behind its presentation, as one has that gave up on a node that was frozen.
pub(super) enum Decision {
    Held(Option<Present>),
    Asked(Receipt<PresentedSession>),
}

impl Decision {
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        node: &Node,
    ) -> Poll<Result<PresentedSession, LedgerError>> {
        if let Self::Held(held) = self
            && let Some(present) = held.take()
        {
            *self = Self::Asked(node.ledger.present(present));
        }
        match self {
            // It is never left without a receipt.
            Self::Held(_) => Poll::Ready(Err(LedgerError::Stopped)),
            Self::Asked(receipt) => Pin::new(receipt).poll(context),
        }
    }
}

/// A presentation that the ledger decides on. Dropping it has it recorded that nobody waited for the decision, which may
/// have been made all the same.
pub(super) struct Presenting {
    token: VerifiedToken,
    /// Where its outcome is to be recorded, until that is done.
    audit: Option<Arc<Audit>>,
    address: IpAddr,
}

impl Presenting {
    /// What the ledger's answer is for the machine. It is asked once.
    pub(super) fn decided(
        &mut self,
        node: &Node,
        decided: Result<PresentedSession, LedgerError>,
    ) -> Reply {
        let outcome = decided.as_ref().map_or(Outcome::Unavailable, |decided| {
            Outcome::Decided(decided.presented)
        });
        self.note(outcome);
        decided.map_or_else(
            |error| failed(&error),
            |decided| presented(node, &mut self.token, &decided),
        )
    }

    fn note(&mut self, outcome: Outcome) {
        if let Some(audit) = self.audit.take() {
            note(&audit, self.address, Some(&self.token), outcome);
        }
    }
}

impl Drop for Presenting {
    fn drop(&mut self) {
        self.note(Outcome::Abandoned);
    }
}

/// Has a presentation recorded, of one of our tokens or of something else.
fn note(audit: &Audit, address: IpAddr, token: Option<&VerifiedToken>, outcome: Outcome) {
    audit.note(|at| Record {
        at,
        event: Event::Presented {
            outcome,
            generation: token.map(|token| token.generation),
        },
        subject: token.map(|token| &*token.subject),
        session: token.map(|token| token.session),
        address: Some(address),
    });
}

/// What the ledger's decision on `token` is for the machine, which takes the subject out of it.
fn presented(node: &Node, token: &mut VerifiedToken, decided: &PresentedSession) -> Reply {
    match (decided.presented, &decided.record) {
        (
            Presented::Advanced
            | Presented::AnsweredAgain
            | Presented::Replaced
            | Presented::RolledForward,
            Some(record),
        ) => Reply::Presented {
            subject: mem::take(&mut token.subject),
            grant: node.grant(token.session, record),
        },
        (Presented::Refused(refusal), _) => Reply::Refused(refusal),
        (
            Presented::FromTheFuture
            | Presented::Advanced
            | Presented::AnsweredAgain
            | Presented::Replaced
            | Presented::RolledForward,
            _,
        ) => Reply::Refused(Refusal::Unknown),
    }
}

/// What comes with a token. A proof that proves nothing is none.
fn evidence(node: &Node, caller: &Caller, shown: &Shown) -> Evidence {
    let occasion = Occasion {
        token: shown.token.expose(),
        nonces: &node.nonces,
        connection: caller.connection.number,
    };
    let proof = shown.proof.as_ref();
    let proven = proof.and_then(|proof| proof::verify(proof.expose(), occasion));
    match (proven, shown.attempt) {
        (Some(key), attempt) => Evidence::Proof { key, attempt },
        (None, Some(attempt)) => Evidence::Attempt(attempt),
        (None, None) => Evidence::Bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit::Auditor, clock::SystemClock};
    use handfast_core::{session::Generation, time::Timestamp};
    use std::{net::Ipv4Addr, sync::Mutex};

    #[derive(Default)]
    struct Outcomes(Mutex<Vec<Outcome>>);

    impl Auditor for Outcomes {
        fn record(&self, record: &Record<'_>) {
            let Event::Presented { outcome, .. } = record.event else {
                panic!("{record:?}");
            };
            self.0.lock().unwrap().push(outcome);
        }
    }

    fn presenting(outcomes: &Arc<Outcomes>) -> Presenting {
        let auditor: Arc<dyn Auditor> = Arc::clone(outcomes) as _;
        Presenting {
            token: VerifiedToken {
                subject: "ada".into(),
                session: SessionId::from_bytes([1; 16]),
                generation: Generation::FIRST,
                issued_at: Timestamp::from_unix(0),
                expires_at: Timestamp::from_unix(1),
            },
            audit: Some(Arc::new(Audit::new(
                Some(auditor),
                Arc::new(SystemClock::start()),
            ))),
            address: Ipv4Addr::LOCALHOST.into(),
        }
    }

    #[test]
    fn whoever_hangs_up_before_the_decision_is_recorded_and_whoever_waited_only_once() {
        let outcomes = Arc::<Outcomes>::default();
        drop(presenting(&outcomes));
        let mut waited = presenting(&outcomes);
        let advanced = Outcome::Decided(Presented::Advanced);
        waited.note(advanced);
        drop(waited);
        assert_eq!(*outcomes.0.lock().unwrap(), [Outcome::Abandoned, advanced]);
    }
}
