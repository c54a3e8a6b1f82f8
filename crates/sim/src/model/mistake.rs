//! Mistakes that the checker has to find, each with a model in which it shows.

use super::{
    mutant::Mutant,
    setting::{Copies, Habit, Pushes, Setting, UNCOUNTED, Writes},
};

/// A mistake, and a model in which it shows.
#[derive(Clone, Copy, Debug)]
pub struct Seeded {
    /// What the mistake is.
    pub name: &'static str,
    /// The mistaken rule.
    pub rule: Mutant,
    /// The model.
    pub setting: Setting,
}

/// One tab with attempt keys.
const ATTEMPTS: Setting = Setting::attempts(1, 2).readable();
/// Its storage is copied while no attempt is in progress, and nobody is pushed to.
const COPIED_AT_REST: Setting = ATTEMPTS.pushing(Pushes::None).stolen(Copies::AtRest, 0);
/// Its storage is copied at any time.
const COPIED: Setting = ATTEMPTS.stolen(Copies::AnyTime, 3);
/// One bare client.
const BARE: Setting = Setting::bare(2).readable();
/// Its token is copied.
const BARE_COPIED: Setting = BARE.stolen(Copies::AnyTime, 3);
/// One tab with a key.
const PROOFS: Setting = Setting::proofs(1, 2).readable();

const fn seed(name: &'static str, rule: Mutant, setting: Setting) -> Seeded {
    Seeded {
        name,
        rule,
        setting,
    }
}

/// Every seeded mistake.
pub const SEEDED: &[Seeded] = &[
    seed(
        "reissuing without attempt keys",
        Mutant::ReissuesWithoutAttemptKeys,
        ATTEMPTS,
    ),
    seed(
        "answering a bare token again",
        Mutant::AnswersBareAgain,
        BARE_COPIED,
    ),
    seed(
        "pushing to a connection that is not the owner",
        Mutant::PushesToAnyone,
        COPIED.pushing(Pushes::AnyoneAsks),
    ),
    seed(
        "pushing again before the push is confirmed",
        Mutant::PushesUnconfirmed,
        ATTEMPTS,
    ),
    seed(
        "taking a replaced generation for a stolen one",
        Mutant::ReplacedIsStolen,
        ATTEMPTS,
    ),
    seed(
        "taking a void generation for a replaced one",
        Mutant::VoidIsReplaced,
        BARE_COPIED,
    ),
    seed(
        "answering whatever attempt key comes",
        Mutant::AnyAttemptKeyWillDo,
        COPIED_AT_REST,
    ),
    seed(
        "not noting the first presentation of a pushed generation's predecessor",
        Mutant::FirstPresentationIsNotNoted,
        COPIED,
    ),
    seed(
        "not noting a late presentation",
        Mutant::LateIsNotNoted,
        ATTEMPTS
            .stolen(Copies::AtRest, UNCOUNTED)
            .acknowledging(false),
    ),
    seed(
        "voiding a push for the bare owner to whom it is under way",
        Mutant::VoidsWhatIsUnderWay,
        BARE,
    ),
    seed(
        "taking what the ledger lost for consumed by the presenter",
        Mutant::LostIsThePresenters,
        ATTEMPTS.losing(1, true),
    ),
    seed(
        "remembering seven generations",
        Mutant::RemembersSeven,
        ATTEMPTS,
    ),
    seed(
        "reading the history one generation behind",
        Mutant::ReadsOneBehind,
        ATTEMPTS,
    ),
    seed(
        "reading the history one generation ahead",
        Mutant::ReadsOneAhead,
        ATTEMPTS,
    ),
    seed(
        "moving the history on by one too many",
        Mutant::ShiftsOneTooMany,
        ATTEMPTS,
    ),
    seed(
        "acknowledging without moving the history on",
        Mutant::AcknowledgesWithoutShift,
        ATTEMPTS,
    ),
    seed(
        "taking an acknowledgement from anyone",
        Mutant::AcknowledgedByAnyone,
        COPIED,
    ),
    seed(
        "taking an acknowledgement of any generation",
        Mutant::AcknowledgesAnyGeneration,
        ATTEMPTS,
    ),
    seed(
        "leaving the former owner where it answers again",
        Mutant::KeepsFormerOwner,
        ATTEMPTS,
    ),
    seed(
        "answering a proof of an older generation",
        Mutant::AnswersOlderProofs,
        PROOFS,
    ),
    seed(
        "asking no proof of who has an attempt key",
        Mutant::ProofIsOptional,
        PROOFS.stolen(Copies::AnyTime, 0),
    ),
    seed(
        "refusing a copied token without revoking",
        Mutant::RefusesWithoutRevoking,
        COPIED_AT_REST,
    ),
    seed(
        "forgetting that a session was revoked",
        Mutant::RevocationIsForgotten,
        COPIED_AT_REST,
    ),
    seed(
        "rolling forward unasked",
        Mutant::AlwaysRollsForward,
        ATTEMPTS.losing(1, false),
    ),
    seed(
        "making the attempt key when the token arrives",
        Mutant::OfTheSetting,
        COPIED_AT_REST.with_habit(Habit::OnArrival),
    ),
    seed(
        "keeping the attempt key in memory only",
        Mutant::OfTheSetting,
        ATTEMPTS.with_habit(Habit::InMemory),
    ),
    seed(
        "writing without comparing",
        Mutant::OfTheSetting,
        ATTEMPTS.writing(Writes::WithoutComparing),
    ),
];
