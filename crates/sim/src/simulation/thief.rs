//! Thieves: somebody has a token, and presents it once.

use super::{
    agenda::{Event, Frame},
    ask::verify,
    check::Violation,
    fault::Fault,
    network::End,
    world::World,
};
use handfast_core::framing::Framing;

/// A token in the wrong hands.
#[derive(Debug)]
pub(super) struct Theft {
    token: String,
    pub(super) line: Option<u64>,
    /// Whether the token was dead for certain when it was presented.
    is_dead: bool,
}

/// How long after it was copied a token is presented at the latest, in milliseconds.
const PATIENCE_MS: u64 = 15 * 60_000;

impl World {
    /// Copies what a client keeps, to be presented later.
    pub(super) fn steal(&mut self, client: usize) -> bool {
        let stored = self.people[client].storage.token();
        let Some(token) = stored.map(|stored| stored.token.expose().to_owned()) else {
            return false;
        };
        let wait = self.dice.u64(..PATIENCE_MS);
        self.take_token(token, wait);
        true
    }

    /// Finds a token that a client had, and that is dead.
    pub(super) fn find_dead_token(&mut self, client: usize) -> bool {
        let tokens = self.people[client].tokens.iter();
        let is_dead = |token: &&String| {
            verify(token).is_some_and(|(session, of, _)| self.watch.is_dead(session, of))
        };
        let dead: Vec<&String> = tokens.filter(is_dead).collect();
        if dead.is_empty() {
            return false;
        }
        let token = dead[self.dice.usize(..dead.len())].clone();
        self.take_token(token, 0);
        true
    }

    fn take_token(&mut self, token: String, wait: u64) {
        self.thefts.push(Theft {
            token,
            line: None,
            is_dead: false,
        });
        self.schedule(wait, Event::Present(self.thefts.len() - 1));
    }

    pub(super) fn thief_dials(&mut self, theft: usize) {
        if !self.is_calm {
            let line = self.connect(End::Thief(theft));
            self.thefts[theft].line = Some(line);
        }
    }

    /// From now on the session belongs to two parties.
    pub(super) fn thief_presents(&mut self, theft: usize, line: u64) {
        let token = self.thefts[theft].token.clone();
        let Some((session, generation, _)) = verify(&token) else {
            return;
        };
        self.thefts[theft].is_dead = self.watch.is_dead(session, generation);
        self.watch.robbed(session);
        let attempt = if self.dice.bool() {
            format!(r#","attempt":"{:032x}""#, self.dice.u128(..))
        } else {
            String::new()
        };
        let json = format!(r#"{{"type":"RefreshToken","token":"{token}"{attempt}}}"#);
        self.send_to_server(line, Frame::Text(Framing::V1.write_message(json)));
    }

    /// The thief looks whether it is in, and leaves.
    pub(super) fn thief_hears(&mut self, theft: usize, frame: &Frame) {
        let Frame::Text(text) = frame else {
            return;
        };
        if text.contains(r#""type":"Success""#) {
            self.counts.break_ins += 1;
            if self.thefts[theft].is_dead
                && let Some((session, ..)) = verify(&self.thefts[theft].token)
            {
                self.watch.note(Violation::DeadTokenAccepted(session));
            }
        }
        if !text.contains(r#""type":"Hello""#) {
            self.thief_leaves(theft);
        }
    }

    pub(super) fn thief_leaves(&mut self, theft: usize) {
        if let Some(line) = self.thefts[theft].line.take() {
            self.hang_up(line);
        }
    }

    /// What a fault of thieves comes to; whether there was anything to take.
    pub(super) fn thief_strikes(&mut self, fault: Fault, client: usize) -> bool {
        if fault == Fault::Theft {
            self.steal(client)
        } else {
            self.find_dead_token(client)
        }
    }
}
