//! Mistakes in the rule, each of which the checker has to find.
//!
//! They wrap core's functions from outside, so that nothing of them is ever shipped.

use super::rule::Rule;
use handfast_core::{
    session::{
        self, Acknowledged, ConnectionId, Consumption, Evidence, Generation, History, Presentation,
        Presented, Pushed, REMEMBERED_GENERATIONS, Refusal, RevocationReason, SessionRecord,
        TokenPolicy,
    },
    time::Timestamp,
};

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// None: the mistake is the client's or the ledger's, and stands in the setting.
    OfTheSetting,
    /// Issues anew for a repeated presentation whatever comes with it, and revokes for the first answer.
    ReissuesWithoutAttemptKeys,
    /// Answers a bare client's repeated presentation with the same generation.
    AnswersBareAgain,
    /// Pushes to whoever asks.
    PushesToAnyone,
    /// Pushes a second generation while the first is unconfirmed.
    PushesUnconfirmed,
    /// Takes a generation that a push replaced for a stolen one.
    ReplacedIsStolen,
    /// Takes a void generation for one that a push replaced.
    VoidIsReplaced,
    /// Answers an attempt key other than the one that consumed the generation.
    AnyAttemptKeyWillDo,
    /// Notes no attempt key where a pushed generation was not stored.
    FirstPresentationIsNotNoted,
    /// Notes no attempt key where a presentation is late.
    LateIsNotNoted,
    /// Voids a push for the bare owner to whom it is under way.
    VoidsWhatIsUnderWay,
    /// Takes what the ledger lost for consumed by whoever presents a generation from the future.
    LostIsThePresenters,
    /// Remembers seven generations.
    RemembersSeven,
    /// Reads what consumed the generation before the presented one.
    ReadsOneBehind,
    /// Reads what consumed the generation after the presented one.
    ReadsOneAhead,
    /// Moves the history on by one too many.
    ShiftsOneTooMany,
    /// Does not move the history on where a push is acknowledged.
    AcknowledgesWithoutShift,
    /// Takes an acknowledgement from a connection that is not the owner.
    AcknowledgedByAnyone,
    /// Takes an acknowledgement of any generation.
    AcknowledgesAnyGeneration,
    /// Leaves the owner as it was where it answers again.
    KeepsFormerOwner,
    /// Answers a proof of an older generation.
    AnswersOlderProofs,
    /// Asks no proof of whoever has an attempt key.
    ProofIsOptional,
    /// Refuses a copied token without revoking the session.
    RefusesWithoutRevoking,
    /// Accepts a session that was revoked.
    RevocationIsForgotten,
    /// Rolls forward where the operator did not ask for it.
    AlwaysRollsForward,
}

impl Rule for Mutant {
    fn present(
        &self,
        record: SessionRecord,
        presentation: &Presentation,
        now: Timestamp,
        policy: &TokenPolicy,
    ) -> (SessionRecord, Presented) {
        let shown = self.sees_evidence(&record, *presentation);
        let policy = &TokenPolicy {
            roll_forward: policy.roll_forward || *self == Self::AlwaysRollsForward,
            ..*policy
        };
        let seen = self.sees_record(record, &shown);
        let (after, presented) = session::present(seen, &shown, now, policy);
        let after = self.notes(record, after, presented);
        self.answers((record, after), presented, &shown)
    }

    fn push(
        &self,
        record: SessionRecord,
        connection: ConnectionId,
        now: Timestamp,
        policy: &TokenPolicy,
    ) -> (SessionRecord, Pushed) {
        let owner = record.owner;
        match self {
            Self::PushesToAnyone => {
                let owned = SessionRecord {
                    owner: Some(connection),
                    ..record
                };
                let (after, pushed) = session::push(owned, connection, now, policy);
                (SessionRecord { owner, ..after }, pushed)
            }
            Self::PushesUnconfirmed => {
                let issued = record.issued;
                let settled = SessionRecord {
                    issued: record.confirmed,
                    ..record
                };
                let (after, pushed) = session::push(settled, connection, now, policy);
                let issued = if pushed == Pushed::Issued {
                    issued.next()
                } else {
                    issued
                };
                (SessionRecord { issued, ..after }, pushed)
            }
            _ => session::push(record, connection, now, policy),
        }
    }

    fn acknowledge(
        &self,
        record: SessionRecord,
        generation: Generation,
        connection: ConnectionId,
        now: Timestamp,
    ) -> (SessionRecord, Acknowledged) {
        let owner = record.owner;
        match self {
            Self::AcknowledgedByAnyone => {
                let owned = SessionRecord {
                    owner: Some(connection),
                    ..record
                };
                let (after, outcome) = session::acknowledge(owned, generation, connection, now);
                (SessionRecord { owner, ..after }, outcome)
            }
            Self::AcknowledgesAnyGeneration => {
                session::acknowledge(record, record.issued, connection, now)
            }
            Self::AcknowledgesWithoutShift => {
                let (after, outcome) = session::acknowledge(record, generation, connection, now);
                let history = record.history.with_confirmed(Consumption::Nothing);
                match outcome {
                    Acknowledged::Confirmed => (SessionRecord { history, ..after }, outcome),
                    Acknowledged::Ignored => (after, outcome),
                }
            }
            _ => session::acknowledge(record, generation, connection, now),
        }
    }
}

impl Mutant {
    /// The presentation as the mistaken rule reads it.
    fn sees_evidence(self, record: &SessionRecord, mut shown: Presentation) -> Presentation {
        let first = record.history.of(shown.generation, record.confirmed);
        match (self, shown.evidence, first) {
            (Self::ReissuesWithoutAttemptKeys, Evidence::Attempt(_), _) => {
                shown.evidence = Evidence::Bare;
            }
            (Self::AnyAttemptKeyWillDo, Evidence::Attempt(_), Consumption::Attempt(first)) => {
                shown.evidence = Evidence::Attempt(first);
            }
            _ => {}
        }
        shown
    }

    /// The record as the mistaken rule reads it.
    fn sees_record(self, mut record: SessionRecord, shown: &Presentation) -> SessionRecord {
        let generation = shown.generation;
        let is_older = generation < record.confirmed;
        let mut remembered = *record.history.remembered();
        match self {
            Self::RevocationIsForgotten => record.revoked = None,
            Self::ProofIsOptional if matches!(shown.evidence, Evidence::Attempt(_)) => {
                record.key = None;
            }
            Self::ReplacedIsStolen => {
                for entry in remembered.iter_mut().skip(1) {
                    if *entry == Consumption::Nothing {
                        *entry = Consumption::SomethingElse;
                    }
                }
            }
            Self::VoidIsReplaced => {
                for entry in remembered.iter_mut().skip(1) {
                    if *entry == Consumption::SomethingElse {
                        *entry = Consumption::Nothing;
                    }
                }
            }
            Self::RemembersSeven => {
                remembered[REMEMBERED_GENERATIONS - 1] = Consumption::SomethingElse;
            }
            Self::VoidsWhatIsUnderWay
                if shown.evidence == Evidence::Bare
                    && (record.confirmed..record.issued).contains(&generation)
                    && record.history.of_confirmed() == Consumption::Nothing =>
            {
                record.owner = None;
            }
            Self::ReadsOneBehind if is_older => remembered.rotate_left(1),
            Self::ReadsOneAhead if is_older => remembered.rotate_right(1),
            _ => {}
        }
        record.history = History::from_remembered(remembered);
        record
    }

    /// What the mistaken rule notes of what consumed which generation, where core would store `after` for `before`.
    fn notes(
        self,
        before: SessionRecord,
        after: SessionRecord,
        presented: Presented,
    ) -> SessionRecord {
        let history = match (self, presented) {
            (Self::FirstPresentationIsNotNoted, Presented::AnsweredAgain)
            | (Self::LateIsNotNoted, Presented::Refused(Refusal::Stale)) => before.history,
            (Self::LostIsThePresenters, Presented::RolledForward) => {
                let presenters = after.history.of_confirmed();
                let steps = after.confirmed.ahead_of(before.confirmed).unwrap_or(0);
                let known = if before.confirmed == before.issued {
                    before.history.with_confirmed(presenters)
                } else {
                    before.history
                };
                known.advanced(steps, presenters, presenters)
            }
            _ => after.history,
        };
        SessionRecord { history, ..after }
    }

    /// What the mistaken rule answers and stores, where core would store `after` for `before`.
    fn answers(
        self,
        (before, after): (SessionRecord, SessionRecord),
        presented: Presented,
        shown: &Presentation,
    ) -> (SessionRecord, Presented) {
        let generation = shown.generation;
        let is_void = before.confirmed < generation && generation < before.issued;
        let refused = |refusal| (before, Presented::Refused(refusal));
        match (self, presented) {
            (Self::AnswersBareAgain, Presented::Replaced) => {
                let issued = before.issued;
                (SessionRecord { issued, ..after }, Presented::AnsweredAgain)
            }
            (Self::KeepsFormerOwner, Presented::AnsweredAgain) => {
                let owner = before.owner;
                (SessionRecord { owner, ..after }, presented)
            }
            (Self::AnswersOlderProofs, Presented::Refused(Refusal::Stale))
                if matches!(shown.evidence, Evidence::Proof { .. }) =>
            {
                let owner = Some(shown.connection);
                (SessionRecord { owner, ..before }, Presented::AnsweredAgain)
            }
            (Self::VoidIsReplaced, Presented::Refused(Refusal::Reused)) if is_void => {
                refused(Refusal::Stale)
            }
            (Self::RefusesWithoutRevoking, Presented::Refused(Refusal::Reused)) => {
                refused(Refusal::Reused)
            }
            (Self::ShiftsOneTooMany, Presented::Advanced) => {
                let consumed = after.history.of_confirmed();
                let steps = generation.ahead_of(before.confirmed).unwrap_or(0) + 1;
                let history = before
                    .history
                    .advanced(steps, Consumption::SomethingElse, consumed);
                (SessionRecord { history, ..after }, presented)
            }
            (
                Self::ReplacedIsStolen
                | Self::VoidIsReplaced
                | Self::RemembersSeven
                | Self::ReadsOneBehind
                | Self::ReadsOneAhead
                | Self::ProofIsOptional,
                _,
            ) => restored((before, after), presented),
            _ => (after, presented),
        }
    }
}

/// Core decided on a record that was made up for it: what it only read stays as it was.
fn restored(
    (before, after): (SessionRecord, SessionRecord),
    presented: Presented,
) -> (SessionRecord, Presented) {
    let key = before.key;
    match presented {
        Presented::Refused(Refusal::Reused) => (
            session::revoke(before, RevocationReason::Reused, after.created_at),
            presented,
        ),
        Presented::Refused(_) | Presented::FromTheFuture => (before, presented),
        Presented::Advanced
        | Presented::AnsweredAgain
        | Presented::Replaced
        | Presented::RolledForward => (SessionRecord { key, ..after }, presented),
    }
}
