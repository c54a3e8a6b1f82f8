//! A small world around the rule: a ledger that holds one session, an honest client with one or two tabs on one
//! storage, a network that loses, delays, repeats and reorders, and a thief.
//!
//! It has no clock: whatever may happen next is a [`Move`], and any order of moves is a history. The same world is
//! searched exhaustively and walked at random.

mod client;
mod ledger;
mod thief;

use super::reference::KEY;
use handfast_core::{
    client::Storage,
    session::{
        AttemptHash, ConnectionId, Evidence, Generation, Refusal, SessionRecord, TokenPolicy,
        create,
    },
    time::Timestamp,
};
use std::{
    hash::{DefaultHasher, Hash, Hasher as _},
    time::Duration,
};
use thief::Thief;
pub(crate) use thief::ThiefShows;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const POLICY: TokenPolicy = TokenPolicy {
    lifetime: Duration::from_secs(7 * 24 * 3600),
    session_lifetime: Duration::from_secs(30 * 24 * 3600),
    roll_forward: false,
};
/// How often the confirmed generation may change while a presentation is under way. This is what the deadline of
/// presentations and the limit on them promise to the rule.
const CHANGES_WHILE_LATE: u64 = 7;

/// What an honest client shows beside its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shows {
    /// An attempt key.
    Attempt,
    /// Nothing. It acknowledges by its pongs, and keeps to what a bare client must keep to: what it sends and gets is
    /// in order, and it does one thing at a time.
    Nothing,
    /// A proof of its key.
    Proof,
}

/// What may happen in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Setting {
    pub(crate) shows: Shows,
    pub(crate) tabs: usize,
    pub(crate) pushes: bool,
    /// Whether the network itself may deliver a request twice.
    pub(crate) repeats: bool,
    pub(crate) thief: Option<Theft>,
    pub(crate) generations_max: u64,
    pub(crate) flights_max: usize,
}

/// When a thief may copy the storage, and what it does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Theft {
    /// Only while no attempt is in progress; else at any time.
    pub(crate) at_rest: bool,
    /// Whether it acknowledges the tokens that are pushed to it.
    pub(crate) acknowledges: bool,
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// A tab opens a new connection, leaving its old one, and presents the stored token.
    Dial(usize),
    /// A tab presents the stored token on the connection that it has.
    Refresh(usize),
    /// What is under way arrives.
    Deliver(usize),
    /// A request arrives, and will arrive again.
    DeliverCopy(usize),
    /// A request arrives, and its answer will be lost.
    DeliverUnheard(usize),
    /// What is under way is lost.
    Lose(usize),
    /// The owner's heartbeat: a new token is pushed, or an unconfirmed one sent again.
    Beat,
    /// The second pong of a bare client that has stored its token.
    Pong,
    /// The thief copies the storage.
    Steal,
    /// The thief presents one of its tokens.
    ThiefPresents {
        generation: Generation,
        shows: ThiefShows,
    },
    /// The thief says that it stored the issued token.
    ThiefAcknowledges,
}

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    HonestRevoked,
    HonestLockedOut,
    /// The session went on in the thief's hands, and the honest client was told no more than `stale`.
    SilentlyRefused,
    GenerationWentBack,
    WrongOwner,
    ThiefOfKeyBoundGotIn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Party {
    Honest,
    Thief,
}

/// A presentation by a tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Asked {
    tab: usize,
    connection: u64,
    generation: Generation,
    evidence: Evidence,
    /// Whether this is the second attempt, after a `stale` for the newest token that there is.
    renewed: bool,
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Flight {
    Request {
        asked: Asked,
        confirmed_when_sent: Generation,
    },
    /// A token, on the connection that the tab has.
    Grant {
        tab: usize,
        generation: Generation,
        is_answer: bool,
    },
    Refusal {
        asked: Asked,
        refusal: Refusal,
    },
    Ack {
        connection: u64,
        generation: Generation,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    setting: Setting,
    pub(crate) record: SessionRecord,
    storage: Storage,
    /// How many attempt keys were made for the stored generation.
    keys_made: u8,
    /// The attempt key that the storage keeps for it.
    kept_key: Option<AttemptHash>,
    /// The connection of each tab.
    tabs: Vec<Option<u64>>,
    flights: Vec<Flight>,
    thief: Option<Thief>,
    last_hands: Option<Party>,
    /// How often, since the theft, the session was handed to somebody else than the time before.
    pub(crate) changes_of_hands: u8,
}

impl World {
    /// A world in which the first tab has just logged in.
    pub(crate) fn new(setting: Setting) -> Self {
        let key = (setting.shows == Shows::Proof).then_some(KEY);
        let mut storage = Storage::default();
        storage.begin(client::token(Generation::FIRST));
        let mut tabs = vec![None; setting.tabs];
        tabs[0] = Some(0);
        Self {
            setting,
            record: create(connection_id(0), key, NOW, &POLICY),
            storage,
            keys_made: 0,
            kept_key: None,
            tabs,
            flights: Vec::new(),
            thief: None,
            last_hands: None,
            changes_of_hands: 0,
        }
    }

    /// Everything that may happen next.
    pub(crate) fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        let generations = self.record.issued.number();
        if self.record.revoked.is_some() || generations >= self.setting.generations_max {
            return moves;
        }
        let room = self.flights.len() < self.setting.flights_max;
        for tab in 0..self.tabs.len() {
            let may_ask = room && self.storage.token().is_some();
            if may_ask && !self.will_be_answered(tab) {
                moves.push(Move::Dial(tab));
            }
            if may_ask && self.tabs[tab].is_some() && !self.must_wait(tab) {
                moves.push(Move::Refresh(tab));
            }
        }
        for index in 0..self.flights.len() {
            self.moves_of_flight(index, room, &mut moves);
        }
        if self.setting.pushes && room && !self.would_cross() {
            moves.push(Move::Beat);
        }
        if self.may_pong() {
            moves.push(Move::Pong);
        }
        self.moves_of_thief(&mut moves);
        moves
    }

    fn moves_of_flight(&self, index: usize, room: bool, moves: &mut Vec<Move>) {
        let flight = &self.flights[index];
        let is_request = matches!(flight, Flight::Request { .. });
        let to_tab = match flight {
            Flight::Request { asked, .. } | Flight::Refusal { asked, .. } => Some(asked.tab),
            Flight::Grant { tab, .. } => Some(*tab),
            Flight::Ack { .. } => None,
        };
        if !to_tab.is_some_and(|tab| self.will_be_answered(tab)) {
            moves.push(Move::Lose(index));
        }
        if self.is_too_late(flight) || self.is_out_of_order(index) {
            return;
        }
        moves.push(Move::Deliver(index));
        if self.counts_hands() && is_request {
            moves.push(Move::DeliverUnheard(index));
        }
        if self.setting.repeats && room && is_request {
            moves.push(Move::DeliverCopy(index));
        }
    }

    /// Where changes of hands are counted, it is settled when a request is served whether its answer will be heard:
    /// the session is in nobody's hands who does not hear of it.
    const fn counts_hands(&self) -> bool {
        self.setting.thief.is_some()
    }

    /// A presentation so late that its deadline has dropped it.
    fn is_too_late(&self, flight: &Flight) -> bool {
        match flight {
            Flight::Request {
                confirmed_when_sent,
                ..
            } => {
                let changes = self.record.confirmed.ahead_of(*confirmed_when_sent);
                changes.is_some_and(|changes| changes > CHANGES_WHILE_LATE)
            }
            Flight::Grant { .. } | Flight::Refusal { .. } | Flight::Ack { .. } => false,
        }
    }

    /// What a bare client gets on one connection, it gets in order.
    fn is_out_of_order(&self, index: usize) -> bool {
        let to_client =
            |flight: &Flight| matches!(flight, Flight::Grant { .. } | Flight::Refusal { .. });
        self.setting.shows == Shows::Nothing
            && to_client(&self.flights[index])
            && self.flights[..index].iter().any(to_client)
    }

    /// Makes a move.
    ///
    /// # Errors
    /// The promise that it broke.
    pub(crate) fn make(&mut self, step: Move) -> Result<(), Broken> {
        let before = (self.record.confirmed, self.record.issued);
        match step {
            Move::Dial(tab) => self.dial(tab),
            Move::Refresh(tab) => self.present(tab, false),
            Move::Deliver(index) => {
                let flight = self.flights.remove(index);
                self.arrive(index, flight, true)?;
            }
            Move::DeliverUnheard(index) => {
                let flight = self.flights.remove(index);
                self.arrive(index, flight, false)?;
            }
            Move::DeliverCopy(index) => self.arrive(0, self.flights[index], true)?,
            Move::Lose(index) => self.lose(index),
            Move::Beat => self.beat(),
            Move::Pong => self.acknowledge(self.record.issued, self.record.owner),
            Move::Steal => self.steal(),
            Move::ThiefPresents { generation, shows } => self.thief_presents(generation, shows)?,
            Move::ThiefAcknowledges => self.thief_acknowledges(),
        }
        let after = (self.record.confirmed, self.record.issued);
        if after.0 < before.0 || after.1 < before.1 || after.0 > after.1 {
            return Err(Broken::GenerationWentBack);
        }
        Ok(())
    }

    fn arrive(&mut self, index: usize, flight: Flight, heard: bool) -> Result<(), Broken> {
        match flight {
            Flight::Request { asked, .. } => {
                if self.setting.shows == Shows::Nothing {
                    self.forget_requests_before(index);
                }
                self.serve(&asked, heard)
            }
            Flight::Grant {
                tab, generation, ..
            } => self.store(tab, generation),
            Flight::Refusal { asked, refusal } => self.refused(&asked, refusal),
            Flight::Ack {
                connection,
                generation,
            } => {
                self.acknowledge(generation, Some(connection_id(connection)));
                Ok(())
            }
        }
    }

    /// A bare client's messages arrive in order, or not at all.
    fn forget_requests_before(&mut self, index: usize) {
        let mut place = 0;
        self.flights.retain(|flight| {
            let older = place < index && matches!(flight, Flight::Request { .. });
            place += 1;
            !older
        });
    }

    fn send(&mut self, flight: Flight) {
        // The same twice brings nothing that one that is late does not.
        if !self.flights.contains(&flight) {
            self.flights.push(flight);
        }
    }

    /// A number that equal worlds share and, for all that a search will meet, different ones do not.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut flights: Vec<_> = self.flights.iter().map(hash_of).collect();
        if self.setting.shows != Shows::Nothing {
            // The network keeps no order.
            flights.sort_unstable();
        }
        let stored = self.storage.token().map(|stored| stored.generation);
        let client = (stored, self.kept_key, self.keys_made, &self.tabs, flights);
        let hands = (self.last_hands, self.changes_of_hands);
        hash_of(&(self.record, client, &self.thief, hands))
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

const fn connection_id(number: u64) -> ConnectionId {
    ConnectionId { node: 1, number }
}

fn attempt_hash(key: &str, generation: Generation) -> AttemptHash {
    AttemptHash::of(&format!("{key} for {generation}"))
}
