//! What may happen in a model, and within which bounds.

/// A model's bounds. Generations, presentations, pushes, retries and crashes are not bounded; what is, stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The honest client.
    pub client: Client,
    /// The network between it and the server.
    pub network: Network,
    /// Who is pushed to.
    pub pushes: Pushes,
    /// What the ledger does to writes.
    pub ledger: Ledger,
    /// The second party, where there is one.
    pub thief: Option<Theft>,
    /// Whether tabs may change names, which makes states fewer and histories unreadable.
    pub tabs_alike: bool,
}

/// The honest client: tabs that share one storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// What it shows beside its token.
    pub shows: Shows,
    /// How many tabs, at most [`TABS_MAX`].
    pub tabs: u8,
    /// When it makes attempt keys, and where it keeps them.
    pub habit: Habit,
}

/// The most tabs that a model has.
pub const TABS_MAX: usize = 3;
/// The most messages under way that a model has.
pub const FLIGHTS_MAX: usize = 8;
/// How far the issued generation may be ahead of the confirmed one: how many answers in a row a bare client may lose.
pub const AHEAD_MAX: i8 = 4;
/// How many generations late a request may be served. The deadline of a presentation and the rate of presentations see
/// to that in a server; the protocol document says why.
pub const LATE_MAX: i8 = 7;

/// What an honest client shows beside its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// An attempt key.
    Attempt,
    /// Nothing. Its pongs acknowledge, what it sends and gets is in order, and one tab at a time presents.
    Bare,
    /// A proof of its key.
    Proof,
}

/// What an honest client does with attempt keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Makes one when it first presents a generation, and stores it before it is sent.
    WhenNeeded,
    /// A mistake: makes one when the token arrives.
    OnArrival,
    /// A mistake: keeps it in memory only.
    InMemory,
}

/// The network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// How many messages may be under way, at most [`FLIGHTS_MAX`].
    pub flights: usize,
    /// Whether it delivers messages twice of its own accord.
    pub repeats: bool,
}

/// Who is pushed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushes {
    /// Nobody.
    None,
    /// The owner.
    ToOwner,
    /// Whoever was authenticated once asks for a push, and the rule has to refuse.
    AnyoneAsks,
}

/// The ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// How often it loses the write that it committed last.
    pub losses: u8,
    /// Whether generations from the future are accepted.
    pub roll_forward: bool,
    /// How it writes.
    pub writes: Writes,
}

/// How a ledger writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Reading, deciding and writing are one step.
    Atomically,
    /// A mistake: it writes what it decided on what it read, whatever happened in between.
    WithoutComparing,
}

/// A thief.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theft {
    /// When it copies the storage.
    pub copies: Copies,
    /// Whether it acknowledges what is pushed to it.
    pub acknowledges: bool,
    /// How many changes of hands the session may live through; where that is [`UNCOUNTED`], they are not counted.
    pub changes_max: u8,
    /// Whether the honest client may be refused for good while the session lives on in the thief's hands.
    pub may_silence: bool,
}

/// As many changes of hands as come about.
pub const UNCOUNTED: u8 = u8::MAX;

/// When a thief copies the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// While the stored token was never presented and nothing newer was issued.
    AtRest,
    /// While the stored token was never presented; a push may be under way.
    Unpresented,
    /// At any moment.
    AnyTime,
    /// At any moment and again and again.
    AgainAndAgain,
}

impl Setting {
    /// One tab with attempt keys and `flights` messages under way, on a good ledger, with pushes and without a thief.
    #[must_use]
    pub const fn attempts(tabs: u8, flights: usize) -> Self {
        Self {
            client: Client {
                shows: Shows::Attempt,
                tabs,
                habit: Habit::WhenNeeded,
            },
            network: Network {
                flights,
                repeats: false,
            },
            pushes: Pushes::ToOwner,
            ledger: Ledger {
                losses: 0,
                roll_forward: false,
                writes: Writes::Atomically,
            },
            thief: None,
            tabs_alike: true,
        }
    }

    /// The same, bound to a key.
    #[must_use]
    pub const fn proofs(tabs: u8, flights: usize) -> Self {
        Self::attempts(tabs, flights).showing(Shows::Proof)
    }

    /// One bare client within what it is promised for.
    #[must_use]
    pub const fn bare(flights: usize) -> Self {
        Self::attempts(1, flights).showing(Shows::Bare)
    }

    const fn showing(mut self, shows: Shows) -> Self {
        self.client.shows = shows;
        self
    }

    /// With a client of another habit.
    #[must_use]
    pub const fn with_habit(mut self, habit: Habit) -> Self {
        self.client.habit = habit;
        self
    }

    /// With pushes to others.
    #[must_use]
    pub const fn pushing(mut self, pushes: Pushes) -> Self {
        self.pushes = pushes;
        self
    }

    /// With a network that delivers twice.
    #[must_use]
    pub const fn repeating(mut self) -> Self {
        self.network.repeats = true;
        self
    }

    /// With a ledger that loses its last write, so many times.
    #[must_use]
    pub const fn losing(mut self, losses: u8, roll_forward: bool) -> Self {
        self.ledger.losses = losses;
        self.ledger.roll_forward = roll_forward;
        self
    }

    /// With a ledger that writes otherwise.
    #[must_use]
    pub const fn writing(mut self, writes: Writes) -> Self {
        self.ledger.writes = writes;
        self
    }

    /// With a thief who is found out after `changes_max` changes of hands, and acknowledges nothing.
    #[must_use]
    pub const fn stolen(mut self, copies: Copies, changes_max: u8) -> Self {
        self.thief = Some(Theft {
            copies,
            acknowledges: false,
            changes_max,
            may_silence: false,
        });
        self
    }

    /// With a thief who acknowledges as well, and may silence the honest client by that if `may_silence`.
    #[must_use]
    pub const fn acknowledging(mut self, may_silence: bool) -> Self {
        if let Some(theft) = &mut self.thief {
            theft.acknowledges = true;
            theft.may_silence = may_silence;
        }
        self
    }

    /// With tabs that keep their names, for a history that somebody reads.
    #[must_use]
    pub const fn readable(mut self) -> Self {
        self.tabs_alike = false;
        self
    }

    /// Whether changes of hands are counted: where a thief could get in at all.
    ///
    /// There it is settled when a request is served whether its answer will be heard, because the session is in nobody's
    /// hands who does not hear of it.
    pub(super) fn counts_hands(&self) -> bool {
        self.thief.is_some() && self.client.shows != Shows::Proof
    }
}
