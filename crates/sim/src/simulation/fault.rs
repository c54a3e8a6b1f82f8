//! What goes wrong, and how often it did.

/// Which faults a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Whether anything fails at all.
    pub any: bool,
    /// Whether tokens are stolen, and dead ones presented.
    pub thieves: bool,
    /// Whether the ledger loses what it had said was stored, which no ledger may.
    pub lost_writes: bool,
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Fault {
    /// A connection breaks, and both sides notice.
    Disconnect,
    /// A connection breaks, and neither side notices.
    HalfOpen,
    /// What a client sends is late, and maybe the client is gone by then.
    SlowToServer,
    /// What a server sends is late.
    SlowToClient,
    /// A tab dies before it stores what it got.
    CrashBeforeStoring,
    /// A tab dies after it stored, and before it sends.
    CrashAfterStoring,
    /// A second tab of a client is opened, or the one that stayed away comes back, or a person presents once more.
    OtherTab,
    /// A person logs out.
    Logout,
    /// A client is away for hours or days.
    Absence,
    /// A node dies, and starts again.
    NodeCrash,
    /// A node does nothing for a while, and then goes on.
    NodeFreeze,
    /// A node goes away in peace, and another comes.
    NodeDrain,
    /// A node's wall clock is set.
    ClockSet,
    /// The ledger refuses everything for a while.
    LedgerDown,
    /// The ledger decides nothing for a while.
    LedgerStall,
    /// What was decided is committed, and nobody can tell that it is.
    CommitInDoubt,
    /// A flush fails, so that a node's ledger stops, until somebody starts the node again.
    FlushFails,
    /// The power is cut between a commit and its flush: every node dies, and part of what was committed is gone.
    PowerCut,
    /// A presentation is decided although its connection is gone.
    DecidedLate,
    /// The fan-out of a change is lost.
    FanOutLost,
    /// The fan-out of a change is late, so that others overtake it.
    FanOutLate,
    /// A token is copied, and presented some time later.
    Theft,
    /// A dead token is presented.
    DeadToken,
    /// The ledger loses what it committed and flushed in the last minutes.
    LostWrites,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 24] = [
        Self::Disconnect,
        Self::HalfOpen,
        Self::SlowToServer,
        Self::SlowToClient,
        Self::CrashBeforeStoring,
        Self::CrashAfterStoring,
        Self::OtherTab,
        Self::Logout,
        Self::Absence,
        Self::NodeCrash,
        Self::NodeFreeze,
        Self::NodeDrain,
        Self::ClockSet,
        Self::LedgerDown,
        Self::LedgerStall,
        Self::CommitInDoubt,
        Self::FlushFails,
        Self::PowerCut,
        Self::DecidedLate,
        Self::FanOutLost,
        Self::FanOutLate,
        Self::Theft,
        Self::DeadToken,
        Self::LostWrites,
    ];

    /// What it is called in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disconnect => "a connection breaks",
            Self::HalfOpen => "a connection breaks unnoticed",
            Self::SlowToServer => "what a client sends is late",
            Self::SlowToClient => "what a server sends is late",
            Self::CrashBeforeStoring => "a tab dies before it stores",
            Self::CrashAfterStoring => "a tab dies after it stored",
            Self::OtherTab => "another tab presents",
            Self::Logout => "a person logs out",
            Self::Absence => "a client is away for hours or days",
            Self::NodeCrash => "a node dies",
            Self::NodeFreeze => "a node freezes",
            Self::NodeDrain => "a node drains",
            Self::ClockSet => "a node's clock is set",
            Self::LedgerDown => "the ledger is down",
            Self::LedgerStall => "the ledger stalls",
            Self::CommitInDoubt => "a commit is in doubt",
            Self::FlushFails => "a flush fails",
            Self::PowerCut => "the power is cut before a flush",
            Self::DecidedLate => "a presentation is decided late",
            Self::FanOutLost => "fan-out is lost",
            Self::FanOutLate => "fan-out is late",
            Self::Theft => "a token is stolen",
            Self::DeadToken => "a dead token is presented",
            Self::LostWrites => "the ledger loses writes",
        }
    }
}

/// How often each fault happened, and what else did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    faults: [u64; Fault::ALL.len()],
    /// How many events there were.
    pub events: u64,
    /// How many logins there were.
    pub logins: u64,
    /// How many presentations were accepted.
    pub presentations: u64,
    /// How many tokens were pushed.
    pub pushes: u64,
    /// How many sessions were ended as stolen.
    pub robbed: u64,
    /// How often a thief got in.
    pub break_ins: u64,
    /// How often all was well again, and everybody looked at.
    pub calms: u64,
    /// How many clients were told that another connection has their session, and stayed away until a person looked.
    pub stayed_away: u64,
    /// How often a client was told so and came back by itself, because that may have come of a presentation of its own that
    /// was never answered.
    pub echoes: u64,
}

impl Counts {
    /// How often `fault` happened.
    #[must_use]
    pub const fn of(&self, fault: Fault) -> u64 {
        self.faults[fault as usize]
    }

    pub(super) const fn note(&mut self, fault: Fault) {
        self.faults[fault as usize] += 1;
    }

    /// Adds what happened in another run.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.faults.iter_mut().zip(other.faults) {
            *sum += count;
        }
        self.events += other.events;
        self.logins += other.logins;
        self.presentations += other.presentations;
        self.pushes += other.pushes;
        self.robbed += other.robbed;
        self.break_ins += other.break_ins;
        self.calms += other.calms;
        self.stayed_away += other.stayed_away;
        self.echoes += other.echoes;
    }
}

/// A mistake in what joins the parts, which the checks have to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Nodes do not look at attempt keys.
    ForgetsAttemptKeys,
    /// Nodes hear of nothing that others committed.
    HearsNothing,
    /// The ledger loses what it committed, and nobody may know.
    LosesInSilence,
    /// Flushes say that they are done, and do nothing.
    FlushLies,
    /// A node says that a session is ended, and does not end it.
    EndsNothing,
    /// A node takes an old token for the newest that it knows of.
    TakesOldForNew,
    /// Clients send before they store.
    SendsBeforeStoring,
}
