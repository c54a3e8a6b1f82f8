//! One state of a model: everything that the future depends on, and nothing else.

use super::{
    pocket::{Consumed, KeyNumber, Line, Pocket, Relative, Shown},
    promise::Broken,
    setting::{FLIGHTS_MAX, Setting, TABS_MAX},
};
use arrayvec::ArrayVec;
use handfast_core::session::Refusal;
use std::hash::{Hash, Hasher};

/// The connections of the tabs are 0 to 2; these are ones that a tab has left and messages still name.
pub(super) const LEFT: Line = 3;
/// The connection of a thief. It listens on all that it has, so one is enough.
pub(super) const THIEF: Line = 200;
/// A connection that nothing can come from any more.
pub(super) const GONE: Line = 201;
/// The attempt key that a thief makes itself, of every generation.
pub(super) const THIEFS_KEY: KeyNumber = 99;

/// A state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    /// Whether there is anything left to happen.
    pub course: Course,
    /// What the ledger holds.
    pub record: Pocket,
    /// What it held before its last write, where that may be lost.
    pub before: Option<Pocket>,
    /// How many writes were lost.
    pub losses: u8,
    /// What a mistaken ledger is about to write.
    pub writing: Option<Writing>,
    /// What the honest client keeps.
    pub kept: Kept,
    /// Its tabs.
    pub tabs: [Tab; TABS_MAX],
    /// What is under way.
    pub flights: ArrayVec<Flight, FLIGHTS_MAX>,
    /// The thief, once it has copied the storage.
    pub thief: Option<Thief>,
}

/// Whether there is anything left to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Course {
    /// There is.
    Running,
    /// The session has ended as it should.
    Over,
    /// A promise is broken.
    Broken(Broken),
}

/// What the honest client keeps in its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kept {
    /// The token's generation.
    pub token: Relative,
    /// The attempt key for it.
    pub key: Option<KeyNumber>,
    /// Whether it was presented, or is about to be.
    pub tried: bool,
}

/// A tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tab {
    /// Whether it has a connection, and waits for an answer on it.
    pub link: Link,
    /// Whether it presented the stored token once more under a new attempt key.
    pub renewed: bool,
    /// The attempt key of a client that keeps it in memory only, by mistake.
    pub key: Option<(Relative, KeyNumber)>,
}

/// A tab's connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// None.
    #[default]
    Away,
    /// Nothing was asked on it that is not answered.
    Quiet,
    /// It waits for the answer to a presentation.
    Asked,
}

/// A message under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flight {
    /// A token is presented.
    Request {
        /// On which connection.
        line: Line,
        /// Its generation.
        generation: Relative,
        /// What comes with it.
        shown: Shown,
    },
    /// A token is sent to a tab, on its connection.
    Grant {
        /// To which tab.
        tab: u8,
        /// Its generation.
        generation: Relative,
        /// Whether it answers a presentation.
        answers: bool,
    },
    /// A presentation was refused.
    Refused {
        /// To which tab.
        tab: u8,
        /// The generation that it presented.
        generation: Relative,
        /// Why.
        refusal: Why,
    },
    /// A token is acknowledged.
    Ack {
        /// On which connection.
        line: Line,
        /// Its generation.
        generation: Relative,
    },
}

/// Messages are hashed more often than most, so one takes half a word.
impl Hash for Flight {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let (kind, whose, generation, more) = match *self {
            Self::Request {
                line,
                generation,
                shown,
            } => (0, line, generation, shown.byte()),
            Self::Grant {
                tab,
                generation,
                answers,
            } => (1, tab, generation, u8::from(answers)),
            Self::Refused {
                tab,
                generation,
                refusal,
            } => (2, tab, generation, refusal as u8),
            Self::Ack { line, generation } => (3, line, generation, 0),
        };
        let bytes = [kind, whose, generation.cast_unsigned(), more];
        hasher.write_u32(u32::from_le_bytes(bytes));
    }
}

/// Why a presentation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Something newer was issued.
    Stale,
    /// The ledger never issued it.
    Unknown,
    /// It will not be accepted under any circumstances.
    Other,
}

impl From<Refusal> for Why {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Stale => Self::Stale,
            Refusal::Unknown => Self::Unknown,
            Refusal::Malformed
            | Refusal::Expired
            | Refusal::Reused
            | Refusal::Revoked
            | Refusal::ProofRequired => Self::Other,
        }
    }
}

/// A decision that is not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Writing {
    /// What will be written.
    pub record: Pocket,
    /// What will be answered, if it is heard.
    pub answer: Option<Flight>,
}

/// A thief and what it has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thief {
    /// Its newest tokens, the newest last.
    pub tokens: ArrayVec<Relative, TOKENS_MAX>,
    /// The attempt key that was stored beside the copied token.
    pub copied: Option<(Relative, KeyNumber)>,
    /// Whether it was authenticated once.
    pub got_in: bool,
    /// Who was accepted last.
    pub last: Option<Party>,
    /// How often hands changed.
    pub changes: u8,
}

/// How many of its newest tokens a thief keeps.
pub const TOKENS_MAX: usize = 4;

/// Who presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The client that logged in.
    Honest,
    /// Somebody who copied its storage.
    Thief,
}

impl State {
    /// The state after a login on the first tab, whose answer arrived.
    pub(super) fn new(setting: &Setting) -> Self {
        let mut tabs = [Tab::default(); TABS_MAX];
        tabs[0].link = Link::Quiet;
        let on_arrival = setting.client.habit == super::setting::Habit::OnArrival;
        Self {
            course: Course::Running,
            record: Pocket::new(0),
            before: None,
            losses: 0,
            writing: None,
            kept: Kept {
                token: 0,
                key: on_arrival.then_some(0),
                tried: false,
            },
            tabs,
            flights: ArrayVec::new(),
            thief: None,
        }
    }

    /// The state in which nothing happens any more.
    pub(super) fn ended(course: Course, setting: &Setting) -> Self {
        Self {
            course,
            ..Self::new(setting)
        }
    }

    /// Every record that the state holds.
    pub(super) fn records(&mut self) -> impl Iterator<Item = &mut Pocket> {
        let writing = self.writing.as_mut().map(|writing| &mut writing.record);
        [Some(&mut self.record), self.before.as_mut(), writing]
            .into_iter()
            .flatten()
    }

    /// The tabs that have a connection.
    pub(super) fn open(&self, tab: u8) -> bool {
        self.tabs[usize::from(tab)].link != Link::Away
    }

    /// An attempt key of `generation` that nobody has.
    pub(super) fn fresh_key(&self, generation: Relative) -> KeyNumber {
        let writing = self.writing.as_ref().map(|writing| &writing.record);
        let records = [Some(&self.record), self.before.as_ref(), writing];
        let noted =
            records
                .into_iter()
                .flatten()
                .filter_map(|record| match record.consumed(generation) {
                    Consumed::Attempt(key) => Some((generation, key)),
                    Consumed::Nothing
                    | Consumed::Bare
                    | Consumed::Proof
                    | Consumed::SomethingElse => None,
                });
        let of_generation = self
            .holders()
            .chain(noted)
            .filter(|(of, key)| *of == generation && *key != THIEFS_KEY);
        let taken = of_generation.fold(0_u32, |taken, (_, key)| taken | 1 << key);
        // There are fewer keys than bits: one of a message, a tab, a record or a copy each.
        u8::try_from(taken.trailing_ones()).unwrap_or(u8::MAX)
    }

    /// Every attempt key that somebody could present, with its generation.
    pub(super) fn holders(&self) -> impl Iterator<Item = (Relative, KeyNumber)> {
        let kept = self.kept.key.map(|key| (self.kept.token, key));
        let in_memory = self.tabs.iter().filter_map(|tab| tab.key);
        let copied = self.thief.as_ref().and_then(|thief| thief.copied);
        let requests = self.flights.iter().filter_map(|flight| match flight {
            Flight::Request {
                generation,
                shown: Shown::Attempt(key),
                ..
            } => Some((*generation, *key)),
            Flight::Request { .. }
            | Flight::Grant { .. }
            | Flight::Refused { .. }
            | Flight::Ack { .. } => None,
        });
        kept.into_iter()
            .chain(in_memory)
            .chain(copied)
            .chain(requests)
    }
}

impl Flight {
    /// The generation that it is about.
    pub(super) fn generation_mut(&mut self) -> &mut Relative {
        match self {
            Self::Request { generation, .. }
            | Self::Grant { generation, .. }
            | Self::Refused { generation, .. }
            | Self::Ack { generation, .. } => generation,
        }
    }

    /// The connection that it comes from, where it comes from a client.
    pub(super) fn line_mut(&mut self) -> Option<&mut Line> {
        match self {
            Self::Request { line, .. } | Self::Ack { line, .. } => Some(line),
            Self::Grant { .. } | Self::Refused { .. } => None,
        }
    }

    /// The connection that it comes from, where it comes from a client.
    pub(super) fn line(mut self) -> Option<Line> {
        self.line_mut().copied()
    }

    /// The tab that it goes to, where it goes to a client.
    pub(super) fn tab_mut(&mut self) -> Option<&mut u8> {
        match self {
            Self::Grant { tab, .. } | Self::Refused { tab, .. } => Some(tab),
            Self::Request { .. } | Self::Ack { .. } => None,
        }
    }

    /// The tab that it goes to, where it goes to a client.
    pub(super) fn tab(mut self) -> Option<u8> {
        self.tab_mut().copied()
    }
}
