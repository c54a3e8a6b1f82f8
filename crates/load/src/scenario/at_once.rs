//! Closed loop: every client starts again as soon as it has its answer. It shows how much a server can do.

use super::{Operation, Site};
use crate::{
    clock,
    error::Error,
    fleet::{Behaviour, Fleet},
    report::Round,
    wire::answer::Answer,
};

/// Repeats an operation with all clients of the fleet at once; gives how many were done a second in each round.
///
/// # Errors
/// What any client meets; [`Error::NoAnswers`].
pub(crate) fn rounds(
    fleet: &mut Fleet,
    site: &Site,
    operation: impl Operation,
) -> Result<Vec<Round>, Error> {
    let mut repeating = AtOnce { operation, done: 0 };
    for client in 0..fleet.clients() {
        repeating.operation.start(fleet, client)?;
    }
    fleet.run(&mut repeating, clock::now() + site.pace.warm_up)?;
    let mut rounds = Vec::new();
    for _ in 0..site.pace.rounds {
        let before = repeating.done;
        let mark = site.meter.mark()?;
        fleet.run(&mut repeating, clock::now() + site.pace.round)?;
        let cost = site.meter.since(mark)?;
        let operations = repeating.done - before;
        if operations == 0 {
            return Err(Error::NoAnswers);
        }
        rounds.push(Round::throughput(operations, cost));
        site.watch.round_done();
    }
    Ok(rounds)
}

struct AtOnce<O> {
    operation: O,
    done: u64,
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
}
