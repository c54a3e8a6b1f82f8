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

/// The promise, as it is printed, with what would break it. Liveness, the last one, is not a matter of one step.
macro_rules! promise {
    ($name:expr, $broken:ident) => {
        Property::always($name, |_, state: &State| !state.is_broken(Broken::$broken))
    };
}

/// The name of the promise of liveness.
pub const LIVENESS: &str = "on a good network every tab gets in within two presentations";

/// The name of the promise that a thief does not follow for long.
pub const TIMELY: &str = "a thief is found out in time";

/// Every promise as the checker takes it.
pub(super) fn properties<R: Rule>() -> Vec<Property<World<R>>> {
    vec![
        promise!("no honest client is revoked", HonestRevoked),
        promise!("no honest client is locked out", HonestLockedOut),
        promise!(
            "no honest client is refused in silence while its session lives on",
            SilentlyRefused
        ),
        promise!("a thief without the key is never accepted", ThiefGotIn),
        promise!(TIMELY, TooManyChanges),
        promise!("a dead token is never accepted", DeadTokenAccepted),
        promise!("what was revoked stays revoked", CameBack),
        promise!("the owner is who was accepted last", WrongOwner),
        promise!("generations never go back", WentBack),
        promise!("nothing is taken for the future without a loss", FalseAlarm),
        Property::always(LIVENESS, |world: &World<R>, state| {
            world.recovers(state).is_ok()
        }),
    ]
}
