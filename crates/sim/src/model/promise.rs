//! What must hold in every state.

use super::{
    World,
    rule::Rule,
    state::{Course, State},
};
use stateright::Property;

/// A promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Broken {
    /// An honest client's presentation revoked the session, and there is no thief.
    HonestRevoked,
    /// An honest client was refused for good, and there is no thief.
    HonestLockedOut,
    /// An honest client was refused for good, and the session lives on in a thief's hands.
    SilentlyRefused,
    /// A thief was accepted on a session that is bound to a key.
    ThiefGotIn,
    /// The session lived through more changes of hands than it may.
    TooManyChanges,
    /// A generation was accepted that is neither the issued nor the confirmed one.
    DeadTokenAccepted,
    /// A session that had ended went on.
    CameBack,
    /// The owner is not who was accepted last, or was changed by what was not accepted.
    WrongOwner,
    /// The confirmed or the issued generation went back, or the confirmed one is ahead.
    WentBack,
    /// A generation was taken for one from the future, and the ledger had lost nothing.
    FalseAlarm,
}

impl State {
    fn is_broken(&self, broken: Broken) -> bool {
        self.course == Course::Broken(broken)
    }
}

impl Broken {
    /// The promise, in words.
    #[must_use]
    pub const fn promise(self) -> &'static str {
        match self {
            Self::HonestRevoked => "no honest client is revoked",
            Self::HonestLockedOut => "no honest client is locked out",
            Self::SilentlyRefused => {
                "no honest client is refused in silence while its session lives on"
            }
            Self::ThiefGotIn => "a thief without the key is never accepted",
            Self::TooManyChanges => "a thief is found out in time",
            Self::DeadTokenAccepted => "a dead token is never accepted",
            Self::CameBack => "what was revoked stays revoked",
            Self::WrongOwner => "the owner is who was accepted last",
            Self::WentBack => "generations never go back",
            Self::FalseAlarm => "nothing is taken for the future without a loss",
        }
    }
}

/// The promise of liveness, which is not a matter of one step.
pub const LIVENESS: &str = "on a good network every tab gets in within two presentations";

/// The promise that nothing that just happened broke.
macro_rules! promise {
    ($broken:ident) => {
        Property::always(Broken::$broken.promise(), |_, state: &State| {
            !state.is_broken(Broken::$broken)
        })
    };
}

/// Every promise as the checker takes it.
pub(super) fn properties<R: Rule>() -> Vec<Property<World<R>>> {
    vec![
        promise!(HonestRevoked),
        promise!(HonestLockedOut),
        promise!(SilentlyRefused),
        promise!(ThiefGotIn),
        promise!(TooManyChanges),
        promise!(DeadTokenAccepted),
        promise!(CameBack),
        promise!(WrongOwner),
        promise!(WentBack),
        promise!(FalseAlarm),
        Property::always(LIVENESS, |world: &World<R>, state| {
            world.recovers(state).is_ok()
        }),
    ]
}
