//! What the honest client does, on the real storage.

use super::super::reference::PROOF;
use super::{Asked, Broken, Flight, Move, NOW, Shows, World, attempt_hash, connection_id};
use handfast_core::{
    client::Stored,
    message::Secret,
    session::{AttemptHash, Evidence, Generation, Refusal},
};

const SESSION: &str = "the session";
/// How many different attempt keys a client makes for one generation.
const KEYS_MAX: u8 = 3;

pub(super) fn token(generation: Generation) -> Stored {
    Stored {
        session: SESSION.into(),
        generation,
        token: Secret::new("a token"),
        expires_at: NOW,
        refresh_at: NOW,
    }
}

impl World {
    /// Whether an answer is under way that will be heard.
    pub(super) fn will_be_answered(&self, tab: usize) -> bool {
        let is_answer = |flight: &Flight| matches!(flight, Flight::Grant { tab: of, is_answer, .. } if *is_answer && *of == tab);
        self.counts_hands() && self.flights.iter().any(is_answer)
    }

    /// Whether a client that does one thing at a time asks nothing now: it waits for something on its connection.
    pub(super) fn must_wait(&self, tab: usize) -> bool {
        let bare = self.setting.shows == Shows::Nothing;
        (bare || self.counts_hands())
            && self.flights.iter().any(|flight| match flight {
                Flight::Grant {
                    tab: of, is_answer, ..
                } => *of == tab && (bare || *is_answer),
                Flight::Refusal { asked, .. } => asked.tab == tab,
                Flight::Request { asked, .. } => self.tabs[tab] == Some(asked.connection),
                Flight::Ack { .. } => false,
            })
    }

    /// Whether a push would cross a presentation of a bare client on the same connection. A bare client that presents
    /// on a live connection may have to log in again after that, if the connection then breaks.
    pub(super) fn would_cross(&self) -> bool {
        self.setting.shows == Shows::Nothing
            && self.flights.iter().any(|flight| match flight {
                Flight::Request { asked, .. } => {
                    Some(connection_id(asked.connection)) == self.record.owner
                }
                Flight::Grant { .. } | Flight::Refusal { .. } | Flight::Ack { .. } => false,
            })
    }

    /// The second pong of a bare client says that everything sent before is stored.
    pub(super) fn may_pong(&self) -> bool {
        let stored = self.storage.token().map(|stored| stored.generation);
        self.setting.shows == Shows::Nothing
            && stored == Some(self.record.issued)
            && self.record.confirmed < self.record.issued
            && self.tabs[0].map(connection_id) == self.record.owner
            && !self.must_wait(0)
    }

    pub(super) fn lose(&mut self, index: usize) {
        let tab = match self.flights.remove(index) {
            Flight::Request { asked, .. } if self.tabs[asked.tab] == Some(asked.connection) => {
                asked.tab
            }
            Flight::Refusal { asked, .. } => asked.tab,
            Flight::Grant { tab, .. } => tab,
            Flight::Request { .. } | Flight::Ack { .. } => return,
        };
        if self.setting.shows == Shows::Nothing {
            // In order means that what comes after something lost is lost as well.
            self.leave(tab);
        }
    }

    /// What is under way to the connection that the tab leaves will not be heard.
    fn leave(&mut self, tab: usize) {
        self.flights.retain(|flight| match flight {
            Flight::Grant { tab: of, .. } => *of != tab,
            Flight::Refusal { asked, .. } => asked.tab != tab,
            Flight::Request { .. } | Flight::Ack { .. } => true,
        });
        self.tabs[tab] = None;
    }

    pub(super) fn dial(&mut self, tab: usize) {
        self.leave(tab);
        self.tabs[tab] = (0..).find(|number| !self.is_in_use(*number));
        self.present(tab, false);
    }

    /// Numbers are used again once nothing remembers them, so that equal worlds look alike.
    fn is_in_use(&self, number: u64) -> bool {
        self.tabs.contains(&Some(number))
            || self.record.owner == Some(connection_id(number))
            || self.flights.iter().any(|flight| match flight {
                Flight::Request { asked, .. } => asked.connection == number,
                Flight::Ack { connection, .. } => *connection == number,
                Flight::Grant { .. } | Flight::Refusal { .. } => false,
            })
    }

    /// Sends the stored token, with what the client shows beside it.
    pub(super) fn present(&mut self, tab: usize, renewed: bool) {
        let (Some(connection), Some(stored)) = (self.tabs[tab], self.storage.token()) else {
            return;
        };
        let generation = stored.generation;
        let evidence = match self.setting.shows {
            Shows::Attempt => Evidence::Attempt(self.attempt_key(generation, renewed)),
            Shows::Nothing => Evidence::Bare,
            Shows::Proof => PROOF,
        };
        let asked = Asked {
            tab,
            connection,
            generation,
            evidence,
            renewed,
        };
        self.send(Flight::Request {
            asked,
            confirmed_when_sent: self.record.confirmed,
        });
    }

    fn attempt_key(&mut self, generation: Generation, renewed: bool) -> AttemptHash {
        let mut entropy = [0; 16];
        entropy[0] = self.keys_made;
        let key = if renewed {
            self.storage.renew_attempt_key(entropy)
        } else {
            self.storage.attempt_key(entropy)
        };
        let hash = attempt_hash(key.expect("a token is stored").expose(), generation);
        if self.kept_key != Some(hash) {
            // Who is refused for ever makes keys for ever; a search must end.
            self.keys_made = KEYS_MAX.min(self.keys_made + 1);
            self.kept_key = Some(hash);
        }
        hash
    }

    /// A token arrives.
    pub(super) fn store(&mut self, tab: usize, generation: Generation) -> Result<(), Broken> {
        let before = self.storage.token().map(|stored| stored.generation);
        let is_kept = self.storage.offer(token(generation));
        let after = self.storage.token().map(|stored| stored.generation);
        if after < before {
            return Err(Broken::GenerationWentBack);
        }
        if after > before {
            self.keys_made = 0;
            self.kept_key = None;
        }
        if let Some(connection) = self.tabs[tab]
            && is_kept
            && self.setting.shows != Shows::Nothing
        {
            self.send(Flight::Ack {
                connection,
                generation,
            });
        }
        Ok(())
    }

    /// A refusal arrives: the client goes on where there is something to go on with, or gives up.
    pub(super) fn refused(&mut self, asked: &Asked, refusal: Refusal) -> Result<(), Broken> {
        let newest = self.storage.token().map(|stored| stored.generation);
        let stale = refusal == Refusal::Stale;
        if stale && newest > Some(asked.generation) {
            self.present(asked.tab, false);
            return Ok(());
        }
        if stale && !asked.renewed && self.setting.shows == Shows::Attempt {
            self.present(asked.tab, true);
            return Ok(());
        }
        self.storage.forget(SESSION);
        self.kept_key = None;
        if self.thief.is_none() {
            Err(Broken::HonestLockedOut)
        } else if self.record.revoked.is_none() {
            Err(Broken::SilentlyRefused)
        } else {
            Ok(())
        }
    }

    /// Lets the network be good from now on: every tab that has a token must get in, unless a thief was found out.
    ///
    /// # Errors
    /// The promise that is broken where one does not.
    pub(crate) fn recovers(&self) -> Result<(), Broken> {
        if self.storage.token().is_none() {
            return Ok(());
        }
        for tab in 0..self.tabs.len() {
            let mut world = self.clone();
            world.flights.clear();
            world.make(Move::Dial(tab))?;
            // A request and its answer, and both once more where `stale` leads to another attempt.
            for _ in 0..4 {
                if !matches!(world.flights.first(), None | Some(Flight::Ack { .. })) {
                    world.make(Move::Deliver(0))?;
                }
            }
            let is_in = world.tabs[tab].map(connection_id) == world.record.owner;
            if !is_in && world.record.revoked.is_none() {
                return Err(Broken::HonestLockedOut);
            }
        }
        Ok(())
    }
}
