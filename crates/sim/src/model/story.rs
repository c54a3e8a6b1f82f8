//! A history in words.

use super::{
    World,
    pocket::Shown,
    rule::Rule,
    state::{Course, Flight, State, THIEF, THIEFS_KEY},
    step::Step,
};
use std::fmt::Write as _;

/// Tells what happens in `history`, a line for each step. Generations have their real numbers.
pub(super) fn tell<R: Rule>(world: &World<R>, history: &[Step]) -> String {
    let mut told = String::new();
    let mut state = State::new(&world.setting);
    let mut confirmed = 0_i64;
    for (number, step) in (1..).zip(history) {
        let words = in_words(&state, *step, confirmed);
        let (next, moved) = world.after(&state, *step);
        confirmed += i64::from(moved);
        let issued = confirmed + i64::from(next.record.issued);
        let stored = confirmed + i64::from(next.kept.token);
        let outcome = match next.course {
            Course::Running => format!("c = {confirmed}, i = {issued}, stored {stored}"),
            Course::Over => "the session has ended".to_owned(),
            Course::Broken(broken) => format!("{broken:?}"),
        };
        // Writing to a string does not fail.
        writeln!(told, "{number:>3}. {words}: {outcome}").unwrap_or_default();
        state = next;
    }
    if let Err(broken) = world.recovers(&state) {
        let promise = super::promise::LIVENESS;
        writeln!(told, "     and then not: {promise} ({broken:?})").unwrap_or_default();
    }
    told
}

fn in_words(state: &State, step: Step, confirmed: i64) -> String {
    let flight = |index: usize| message(&state.flights[index], confirmed);
    match step {
        Step::Dial(tab) => format!("tab {tab} connects anew and presents what is stored"),
        Step::Refresh(tab) => format!("tab {tab} presents what is stored on its live connection"),
        Step::Crash(tab) => format!("tab {tab} crashes"),
        Step::Deliver(index) => format!("{} arrives", flight(index)),
        Step::DeliverUnheard(index) => {
            format!("{} arrives, its answer will not be heard", flight(index))
        }
        Step::DeliverCopy(index) => format!("{} arrives, and will once more", flight(index)),
        Step::Lose(index) => format!("{} is lost", flight(index)),
        Step::Beat(line) => format!("the beat of connection {} pushes", line_name(line)),
        Step::Pong => "the second pong".to_owned(),
        Step::Write => "the ledger writes what it decided".to_owned(),
        Step::LoseWrite => "the ledger loses its last write".to_owned(),
        Step::Steal => "the thief copies the storage".to_owned(),
        Step::ThiefPresents { generation, shown } => format!(
            "the thief presents {} {}",
            confirmed + i64::from(generation),
            with(shown)
        ),
        Step::ThiefAcknowledges => "the thief acknowledges what it was sent".to_owned(),
    }
}

fn message(flight: &Flight, confirmed: i64) -> String {
    let number = |generation: i8| confirmed + i64::from(generation);
    match *flight {
        Flight::Request {
            line,
            generation,
            shown,
        } => format!(
            "the presentation of {} {} from connection {}",
            number(generation),
            with(shown),
            line_name(line)
        ),
        Flight::Grant {
            tab,
            generation,
            answers,
        } => {
            let what = if answers { "answer" } else { "push" };
            format!("the {what} with {} to tab {tab}", number(generation))
        }
        Flight::Refused {
            tab,
            generation,
            refusal,
        } => format!(
            "the refusal ({refusal:?}) of {} to tab {tab}",
            number(generation)
        ),
        Flight::Ack { line, generation } => format!(
            "the acknowledgement of {} from connection {}",
            number(generation),
            line_name(line)
        ),
    }
}

fn with(shown: Shown) -> String {
    match shown {
        Shown::Bare => "bare".to_owned(),
        Shown::Proof => "with a proof".to_owned(),
        Shown::Attempt(THIEFS_KEY) => "with an attempt key of the thief's own".to_owned(),
        Shown::Attempt(key) => format!("with attempt key {key}"),
    }
}

fn line_name(line: u8) -> String {
    match line {
        THIEF => "of the thief".to_owned(),
        0..=2 => format!("of tab {line}"),
        left => format!("{left}, which its tab has left"),
    }
}
