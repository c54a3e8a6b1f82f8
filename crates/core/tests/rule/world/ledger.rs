//! What the server does: it lets the rule decide, and watches it.

use super::{Asked, Broken, Flight, NOW, POLICY, Party, World, connection_id};
use handfast_core::session::{
    ConnectionId, Generation, Presentation, Presented, Pushed, Refusal, acknowledge, present, push,
};

impl World {
    pub(super) fn decide(
        &mut self,
        party: Party,
        presentation: &Presentation,
        heard: bool,
    ) -> Result<Presented, Broken> {
        let (record, presented) = present(self.record, presentation, NOW, &POLICY);
        let accepted = match presented {
            Presented::Advanced | Presented::AnsweredAgain | Presented::Replaced => true,
            Presented::RolledForward | Presented::FromTheFuture | Presented::Refused(_) => false,
        };
        let owner = if accepted {
            Some(presentation.connection)
        } else {
            self.record.owner
        };
        if record.owner != owner {
            return Err(Broken::WrongOwner);
        }
        self.record = record;
        if presented == Presented::Refused(Refusal::Reused) && self.thief.is_none() {
            return Err(Broken::HonestRevoked);
        }
        if accepted && heard && self.thief.is_some() {
            let changed = self.last_hands.is_some_and(|last| last != party);
            self.changes_of_hands += u8::from(changed);
            self.last_hands = Some(party);
        }
        Ok(presented)
    }

    /// Decides on a tab's presentation, and answers it if the tab still has that connection.
    pub(super) fn serve(&mut self, asked: &Asked, heard: bool) -> Result<(), Broken> {
        let presentation = Presentation {
            generation: asked.generation,
            evidence: asked.evidence,
            connection: connection_id(asked.connection),
        };
        let heard = heard && self.tabs[asked.tab] == Some(asked.connection);
        let presented = self.decide(Party::Honest, &presentation, heard)?;
        let flight = match presented {
            Presented::Refused(refusal) => Flight::Refusal {
                asked: *asked,
                refusal,
            },
            Presented::FromTheFuture => Flight::Refusal {
                asked: *asked,
                refusal: Refusal::Unknown,
            },
            Presented::Advanced
            | Presented::AnsweredAgain
            | Presented::Replaced
            | Presented::RolledForward => Flight::Grant {
                tab: asked.tab,
                generation: self.record.issued,
                is_answer: true,
            },
        };
        if heard {
            self.send(flight);
        }
        Ok(())
    }

    /// Pushes to the owner, or sends an unconfirmed push again. Whether the owner is still there, a server cannot know.
    pub(super) fn beat(&mut self) {
        let Some(owner) = self.record.owner else {
            return;
        };
        let (record, pushed) = push(self.record, owner, NOW, &POLICY);
        self.record = record;
        if !matches!(pushed, Pushed::Issued | Pushed::Unconfirmed) {
            return;
        }
        let generation = self.record.issued;
        let mut connections = self.tabs.iter().map(|tab| tab.map(connection_id));
        match connections.position(|connection| connection == Some(owner)) {
            Some(tab) => self.send(Flight::Grant {
                tab,
                generation,
                is_answer: false,
            }),
            None => self.push_to_thief(owner, generation),
        }
    }

    pub(super) fn acknowledge(&mut self, generation: Generation, by: Option<ConnectionId>) {
        if let Some(by) = by {
            self.record = acknowledge(self.record, generation, by, NOW).0;
        }
    }
}
