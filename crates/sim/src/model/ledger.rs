//! What the server and its ledger do: they let the rule decide, and are watched.

use super::{
    World,
    client::send,
    pocket::{Line, NOW, Pocket, Relative, Shown, connection_id, generation, policy},
    promise::Broken,
    rule::Rule,
    setting::{Shows, Writes},
    state::{Course, Flight, Party, State, THIEF, Why, Writing},
};
use handfast_core::session::{Presentation, Presented, Pushed, Refusal, SessionRecord};

/// Whether a presentation came to an answer with a token.
pub(super) const fn is_accepted(presented: Presented) -> bool {
    match presented {
        Presented::Advanced
        | Presented::AnsweredAgain
        | Presented::Replaced
        | Presented::RolledForward => true,
        Presented::Refused(_) | Presented::FromTheFuture => false,
    }
}

impl<R: Rule> World<R> {
    fn is_key_bound(&self) -> bool {
        self.setting.client.shows == Shows::Proof
    }

    /// Lets the rule decide, and looks at what it decided.
    pub(super) fn decide(
        &self,
        state: &State,
        line: Line,
        presented: (Relative, Shown),
    ) -> Result<(Pocket, Presented), Broken> {
        let (of, _) = presented;
        let before = state.record;
        let record = before.unpack(self.is_key_bound());
        let (record, outcome) = self.ask(&record, line, presented)?;
        let is_future = of > before.issued;
        if is_future != matches!(outcome, Presented::FromTheFuture | Presented::RolledForward) {
            return Err(Broken::DeadTokenAccepted);
        }
        if is_future && state.losses == 0 {
            return Err(Broken::FalseAlarm);
        }
        let may_be_accepted = if is_future {
            self.setting.ledger.roll_forward
        } else {
            of == before.issued || of == before.confirmed
        };
        if is_accepted(outcome) && !may_be_accepted {
            return Err(Broken::DeadTokenAccepted);
        }
        Ok((Pocket::pack(&record), outcome))
    }

    /// Lets the rule decide. What has ended may not go on, and who was accepted last is the owner.
    fn ask(
        &self,
        before: &SessionRecord,
        line: Line,
        (of, shown): (Relative, Shown),
    ) -> Result<(SessionRecord, Presented), Broken> {
        let presentation = Presentation {
            generation: generation(of),
            evidence: shown.evidence(of),
            connection: connection_id(line),
        };
        let policy = policy(self.setting.ledger.roll_forward);
        let (after, outcome) = self.rule.present(*before, &presentation, NOW, &policy);
        let accepted = is_accepted(outcome);
        if accepted && before.revoked.is_some() {
            return Err(Broken::CameBack);
        }
        let accepted_last = accepted.then_some(presentation.connection);
        if after.owner != accepted_last.or(before.owner) {
            return Err(Broken::WrongOwner);
        }
        Ok((after, outcome))
    }

    /// Stores a record. One that has ended must accept nothing more.
    pub(super) fn commit(&self, state: &mut State, record: Pocket) -> Result<(), Broken> {
        let before = state.record;
        if record == before {
            return Ok(());
        }
        let back = record.confirmed < before.confirmed || record.issued < before.issued;
        if back || record.confirmed > record.issued {
            return Err(Broken::WentBack);
        }
        state.record = record;
        state.before = (self.setting.ledger.losses > state.losses).then_some(before);
        if !record.revoked {
            return Ok(());
        }
        self.stays_revoked(state)?;
        if state.thief.is_none() {
            return Err(Broken::HonestRevoked);
        }
        state.course = Course::Over;
        Ok(())
    }

    fn stays_revoked(&self, state: &State) -> Result<(), Broken> {
        let record = state.record.unpack(self.is_key_bound());
        for of in [state.record.confirmed, state.record.issued] {
            for shown in [Shown::Bare, Shown::Proof, Shown::Attempt(0)] {
                let (_, outcome) = self.ask(&record, THIEF, (of, shown))?;
                if outcome != Presented::Refused(Refusal::Revoked) {
                    return Err(Broken::CameBack);
                }
            }
        }
        let owner = connection_id(state.record.owner);
        let (_, pushed) = self.rule.push(record, owner, NOW, &policy(false));
        if pushed == Pushed::Issued {
            return Err(Broken::CameBack);
        }
        Ok(())
    }

    /// Decides on an honest presentation, and answers it if somebody will hear that.
    pub(super) fn serve(
        &self,
        state: &mut State,
        line: Line,
        presented: (Relative, Shown),
        answered_to: Option<u8>,
    ) -> Result<(), Broken> {
        let (record, outcome) = self.decide(state, line, presented)?;
        let answer = answered_to.map(|tab| match outcome {
            Presented::Refused(refusal) => Flight::Refused {
                tab,
                generation: presented.0,
                refusal: Why::from(refusal),
            },
            Presented::FromTheFuture => Flight::Refused {
                tab,
                generation: presented.0,
                refusal: Why::Unknown,
            },
            Presented::Advanced
            | Presented::AnsweredAgain
            | Presented::Replaced
            | Presented::RolledForward => Flight::Grant {
                tab,
                generation: record.issued,
                answers: true,
            },
        });
        if is_accepted(outcome) && answered_to.is_some() {
            self.changes_hands(state, Party::Honest)?;
        }
        match self.setting.ledger.writes {
            Writes::Atomically => {
                self.commit(state, record)?;
                answer.into_iter().for_each(|answer| send(state, answer));
            }
            Writes::WithoutComparing => state.writing = Some(Writing { record, answer }),
        }
        Ok(())
    }

    /// A mistaken ledger writes what it decided.
    pub(super) fn write(&self, state: &mut State) -> Result<(), Broken> {
        let Some(Writing { record, answer }) = state.writing.take() else {
            return Ok(());
        };
        self.commit(state, record)?;
        // Who has left meanwhile hears no answer.
        let heard = answer.filter(|answer| answer.tab().is_some_and(|tab| state.open(tab)));
        heard.into_iter().for_each(|answer| send(state, answer));
        Ok(())
    }

    /// The ledger forgets its last write.
    pub(super) fn lose_write(&self, state: &mut State) {
        if let Some(before) = state.before.take() {
            state.record = before;
            state.losses += 1;
        }
    }

    /// Pushes to the owner, or sends an unconfirmed push again. Whether the owner is still there, a server cannot know.
    pub(super) fn beat(&self, state: &mut State, line: Line) -> Result<(), Broken> {
        let record = state.record.unpack(self.is_key_bound());
        let owner = connection_id(line);
        let (record, pushed) = self.rule.push(record, owner, NOW, &policy(false));
        let record = Pocket::pack(&record);
        if record.owner != state.record.owner {
            return Err(Broken::WrongOwner);
        }
        self.commit(state, record)?;
        match pushed {
            Pushed::Issued | Pushed::Unconfirmed => {}
            Pushed::NotOwner | Pushed::Ended => return Ok(()),
        }
        if let Some(tab) = self.tab_of(line) {
            let generation = record.issued;
            send(
                state,
                Flight::Grant {
                    tab,
                    generation,
                    answers: false,
                },
            );
        } else if line == THIEF {
            self.thief_gets(state, record.issued);
        }
        Ok(())
    }

    pub(super) fn acknowledge(
        &self,
        state: &mut State,
        line: Line,
        of: Relative,
    ) -> Result<(), Broken> {
        let record = state.record.unpack(self.is_key_bound());
        let connection = connection_id(line);
        let acknowledged = self
            .rule
            .acknowledge(record, generation(of), connection, NOW);
        let record = Pocket::pack(&acknowledged.0);
        if record.owner != state.record.owner {
            return Err(Broken::WrongOwner);
        }
        self.commit(state, record)
    }
}
