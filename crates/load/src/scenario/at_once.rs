//! Closed loop: every client starts again as soon as it has its answer. It shows how much a server can do.

use super::{Operation, Site};
use crate::{
    clock,
    error::Error,
    fleet::{Behaviour, Fleet, Outcome, Turn},
    report::Round,
    wire::answer::Answer,
};
use std::time::{Duration, Instant};

/// How much longer a round may take where not one answer came in its time.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// Repeats an operation with all clients of the fleet at once; gives how many were done a second in each round.
///
/// # Errors
/// What any client meets; [`Error::NoAnswers`].
pub(crate) fn rounds(
    fleet: &mut Fleet,
    site: &Site,
    operation: impl Operation,
) -> Result<Vec<Round>, Error> {
    let mut repeating = AtOnce {
        operation,
        done: 0,
        end: clock::now(),
    };
    for client in 0..fleet.clients() {
        repeating.operation.start(fleet, client)?;
    }
    repeating.round(fleet, site.pace.warm_up)?;
    let mut rounds = Vec::new();
    for _ in 0..site.pace.rounds {
        let mark = site.meter.mark()?;
        let done = repeating.round(fleet, site.pace.round)?;
        rounds.push(Round::throughput(done, site.meter.since(mark)?));
        site.watch.round_done();
    }
    Ok(rounds)
}

struct AtOnce<O> {
    operation: O,
    /// How many were done in this round.
    done: u64,
    /// When this round ends.
    end: Instant,
}

impl<O: Operation> AtOnce<O> {
    /// One round; gives how many were done. What is not done at its end is the next round's.
    fn round(&mut self, fleet: &mut Fleet, length: Duration) -> Result<u64, Error> {
        self.done = 0;
        self.end = clock::now() + length;
        match fleet.run(self, self.end + FIRST_ANSWER)? {
            Outcome::Done => Ok(self.done),
            Outcome::TimeOver => Err(Error::NoAnswers),
        }
    }
}

impl<O: Operation> Behaviour for AtOnce<O> {
    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        self.operation.opened(fleet, client)
    }

    fn answered(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        self.operation.answered(fleet, client, answer)?;
        self.done += 1;
        self.operation.start(fleet, client)
    }

    fn turn(&mut self, _fleet: &mut Fleet, now: Instant) -> Result<Turn, Error> {
        Ok(if now < self.end {
            Turn::WaitUntil(self.end)
        } else if self.done == 0 {
            Turn::Wait
        } else {
            Turn::Done
        })
    }
}
