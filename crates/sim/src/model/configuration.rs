//! The models that are checked, and what each of them shows.

use super::{
    promise::Broken,
    setting::{Copies, Pushes, Setting, UNCOUNTED},
};

/// A model with a name.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// What it shows.
    pub name: &'static str,
    /// Its bounds.
    pub setting: Setting,
}

const fn of(name: &'static str, setting: Setting) -> Configuration {
    Configuration { name, setting }
}

/// Honest clients with attempt keys.
pub const ATTEMPTS: &[Configuration] = &[
    of("one tab, 4 messages", Setting::attempts(1, 4)),
    of(
        "one tab, 3 messages, delivered twice",
        Setting::attempts(1, 3).repeating(),
    ),
    of("two tabs, 3 messages", Setting::attempts(2, 3)),
    of("three tabs, 2 messages", Setting::attempts(3, 2)),
];

/// Honest clients whose session is bound to a key.
pub const PROOFS: &[Configuration] = &[
    of(
        "one tab, 3 messages, delivered twice",
        Setting::proofs(1, 3).repeating(),
    ),
    of("two tabs, 2 messages", Setting::proofs(2, 2)),
];

/// Honest bare clients within what they are promised for.
pub const BARE: &[Configuration] = &[of("7 messages", Setting::bare(7))];

/// A ledger that loses the write that it committed last.
pub const LOSSES: &[Configuration] = &[
    of(
        "attempt keys, two tabs, 2 messages, refused",
        Setting::attempts(2, 2).losing(1, false),
    ),
    of(
        "attempt keys, one tab, 2 messages, rolled forward",
        Setting::attempts(1, 2).losing(2, true),
    ),
    of(
        "attempt keys, two tabs, 2 messages, rolled forward",
        Setting::attempts(2, 2).losing(1, true),
    ),
    of(
        "a key, one tab, 2 messages, refused",
        Setting::proofs(1, 2).losing(2, false),
    ),
    of(
        "a key, two tabs, 2 messages, rolled forward",
        Setting::proofs(2, 2).losing(2, true),
    ),
    of(
        "bare, 4 messages, refused",
        Setting::bare(4).losing(2, false),
    ),
    of(
        "bare, 3 messages, rolled forward",
        Setting::bare(3).losing(1, true),
    ),
];

/// A thief who copied the storage. It has to be found out after so many changes of hands if it acknowledges nothing, and
/// may not silence a client that has attempt keys in any case.
pub const THIEVES: &[Configuration] = &[
    of(
        "attempt keys, copied at rest, no pushes: 0 changes",
        Setting::attempts(1, 2)
            .pushing(Pushes::None)
            .stolen(Copies::AtRest, 0),
    ),
    of(
        "attempt keys, copied at rest, a push under way or not: 1 change",
        Setting::attempts(1, 2).stolen(Copies::Unpresented, 1),
    ),
    of(
        "attempt keys, copied at any time, no pushes: 3 changes",
        Setting::attempts(1, 2)
            .pushing(Pushes::None)
            .stolen(Copies::AnyTime, 3),
    ),
    of(
        "attempt keys, copied at any time, pushes that anyone asks for: 3 changes",
        Setting::attempts(1, 2)
            .pushing(Pushes::AnyoneAsks)
            .stolen(Copies::AnyTime, 3),
    ),
    of(
        "bare, copied at any time, no pushes: 2 changes",
        Setting::bare(3)
            .pushing(Pushes::None)
            .stolen(Copies::AnyTime, 2),
    ),
    of(
        "bare, copied at any time, pushes: 3 changes",
        Setting::bare(2).stolen(Copies::AnyTime, 3),
    ),
    of(
        "attempt keys, copied at rest, and the thief acknowledges: nobody is silenced",
        Setting::attempts(1, 2)
            .stolen(Copies::AtRest, UNCOUNTED)
            .acknowledging(false),
    ),
    of(
        "a key, copied at any time: nothing",
        Setting::proofs(1, 2).stolen(Copies::AnyTime, 0),
    ),
];

/// What takes too long for every change: the same with more under way.
pub const DEEP: &[Configuration] = &[
    of("attempt keys, one tab, 6 messages", Setting::attempts(1, 6)),
    of(
        "attempt keys, two tabs, 4 messages",
        Setting::attempts(2, 4),
    ),
    of(
        "attempt keys, three tabs, 3 messages",
        Setting::attempts(3, 3),
    ),
    of(
        "attempt keys, two tabs, 3 messages, delivered twice",
        Setting::attempts(2, 3).repeating(),
    ),
    of("a key, two tabs, 4 messages", Setting::proofs(2, 4)),
    of(
        "a key, two tabs, 3 messages, two writes lost",
        Setting::proofs(2, 3).losing(2, false),
    ),
    of(
        "attempt keys, two tabs, 3 messages, one write lost",
        Setting::attempts(2, 3).losing(1, false),
    ),
    of(
        "attempt keys, copied at any time, and the thief acknowledges: nobody is silenced",
        Setting::attempts(1, 2)
            .stolen(Copies::AnyTime, UNCOUNTED)
            .acknowledging(false),
    ),
    of(
        "attempt keys, two tabs, 3 messages, rolled forward",
        Setting::attempts(2, 3).losing(1, true),
    ),
    of(
        "attempt keys, 3 messages, copied at any time: 3 changes",
        Setting::attempts(1, 3).stolen(Copies::AnyTime, 3),
    ),
];

/// A history that breaks a promise where the rule, as it is, cannot keep it.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What happens.
    pub name: &'static str,
    /// The bounds of the model in which it happens.
    pub setting: Setting,
    /// The promise that it breaks.
    pub promise: &'static str,
}

/// The limits of the rule, each with the smallest model that shows it. `docs/PROOF.md` says what they come to.
pub const LIMITS: &[Limit] = &[
    Limit {
        name: "a copy at rest survives one change of hands where a push was stored and its acknowledgement lost",
        setting: Setting::attempts(1, 2).stolen(Copies::AtRest, 0).readable(),
        promise: Broken::TooManyChanges.promise(),
    },
    Limit {
        name: "a thief who acknowledges what is pushed to it is not found out after one change of hands",
        setting: Setting::attempts(1, 2)
            .stolen(Copies::AtRest, 1)
            .acknowledging(true)
            .readable(),
        promise: Broken::TooManyChanges.promise(),
    },
    Limit {
        name: "a thief who acknowledges what is pushed to it silences a bare client",
        setting: Setting::bare(2)
            .stolen(Copies::AtRest, UNCOUNTED)
            .acknowledging(false)
            .readable(),
        promise: Broken::SilentlyRefused.promise(),
    },
];
