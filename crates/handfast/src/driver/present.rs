//! Presentations: a token is verified here, and decided on by the ledger.

use super::answer::{Answering, Caller, too_many, unavailable};
use crate::{
    audit::{Event, Outcome, Record},
    node::Node,
    proof::{self, Occasion},
    token::VerifiedToken,
};
use handfast_core::{
    connection::Reply,
    message::{InvalidReason, Secret},
    session::{AttemptHash, Evidence, Presentation, Presented, Refusal, SessionId},
    time::Now,
};
use handfast_ledger::{Present, PresentedSession};
use std::{mem, time::Duration};

/// How long a presentation may take from its receipt to its commit, and the ledger for whatever else a client waits for. With the rate at which a session may present, this
/// bounds how far behind an honest presentation can come.
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
pub(super) fn present(
    node: &Node,
    caller: &Caller,
    shown: &Shown,
    now: Now,
) -> Result<Answering, Reply> {
    let Shown { token, bound, .. } = shown;
    if !node.audit.can_record() {
        return Err(unavailable());
    }
    let verified = node
        .tokens
        .verify(token.expose(), now.unix)
        .map_err(|refusal| {
            node.tally.refused(refusal);
            let outcome = Outcome::Decided(Presented::Refused(refusal));
            note(node, caller, None, outcome);
            Reply::Refused(refusal)
        })?;
    let session = verified.session;
    if bound.is_some_and(|bound| bound != session) {
        note(node, caller, Some(&verified), Outcome::OtherSession);
        return Err(Reply::Invalid(InvalidReason::OtherSession));
    }
    let rate = node.settings.current().rates.presentations_per_session;
    node.presentations
        .take(session, rate, now.moment)
        .map_err(|exceeded| {
            node.tally.presented_too_often();
            note(node, caller, Some(&verified), Outcome::TooMany);
            too_many(exceeded)
        })?;
    caller.slot.bind(Some(session));
    let presentation = Presentation {
        generation: verified.generation,
        evidence: evidence(node, caller, shown),
        connection: caller.connection,
    };
    let deadline = now.moment.after(PRESENTATION_DEADLINE);
    let origin = bound.is_none().then(|| caller.origin());
    let receipt = node.ledger.present(Present {
        session,
        presentation,
        origin,
        deadline,
    });
    Ok(Answering::Presentation {
        token: verified,
        receipt,
        due: deadline,
    })
}

/// Has a presentation recorded, of one of our tokens or of something else.
pub(super) fn note(node: &Node, caller: &Caller, token: Option<&VerifiedToken>, outcome: Outcome) {
    node.audit.note(|at| Record {
        at,
        event: Event::Presented {
            outcome,
            generation: token.map(|token| token.generation),
        },
        subject: token.map(|token| &*token.subject),
        session: token.map(|token| token.session),
        address: Some(caller.address),
    });
}

/// What the ledger's decision on `token` is for the machine, which takes the subject out of it.
pub(super) fn presented(
    node: &Node,
    token: &mut VerifiedToken,
    decided: &PresentedSession,
) -> Reply {
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
