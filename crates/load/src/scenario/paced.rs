//! Open loop: operations start at a fixed rate, whether or not the server keeps up. It shows how long people wait.
//!
//! An operation's time runs from the instant at which it was due, not from when a client was free to start it or the
//! generator got round to it. Otherwise one long pause of the server would count as one slow operation, while it kept
//! hundreds waiting (Tene's "coordinated omission").

use super::{Operation, Site};
use crate::{
    clock,
    error::{Doing, Error},
    fleet::{Behaviour, Fleet, Outcome, Turn},
    meter::Cost,
    report::{Measurement, Round},
    wire::answer::Answer,
};
use std::{
    collections::VecDeque,
    num::NonZero,
    time::{Duration, Instant},
};

/// How many operations may be due and not started. A server that is further behind does not keep up.
const WAITING: usize = 100_000;
/// How long the last operations of a round may take.
const LAST: Duration = Duration::from_secs(10);

const MILLISECOND: Duration = Duration::from_millis(1);

/// What is told of the times of a round.
pub(crate) const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Repeats an operation at `rate` a second, with as many clients at once as it takes; gives percentiles of its time.
///
/// # Errors
/// What any client meets; [`Error::Overloaded`]; [`Error::TooSlow`].
pub(crate) fn rounds(
    fleet: &mut Fleet,
    site: &Site,
    rate: u32,
    name: &str,
    operation: impl Operation,
) -> Result<Vec<Measurement>, Error> {
    site.watch.say(format!("{name}, {rate} a second"));
    // What wakes this thread late adds to every time; by default Linux may take 50 µs.
    rustix::thread::set_current_timer_slack(NonZero::new(1))
        .doing(|| "asking for exact timers".to_owned())?;
    let mut paced = Paced {
        operation,
        due: vec![clock::now(); fleet.clients()],
        free: (0..fleet.clients()).collect(),
        waiting: VecDeque::new(),
        gap: Duration::from_secs(1) / rate.max(1),
        next: clock::now(),
        end: clock::now(),
        times: Vec::new(),
    };
    paced.round(fleet, site, site.pace.warm_up)?;
    let mut rounds = Vec::new();
    for _ in 0..site.pace.rounds {
        let mark = site.meter.mark()?;
        let times = paced.round(fleet, site, site.pace.round)?;
        rounds.push((times, site.meter.since(mark)?));
        site.watch.round_done();
    }
    let about = |percentile| format!("{name}, {rate} a second, {percentile}");
    Ok(PERCENTILES
        .iter()
        .map(|(label, share)| {
            Measurement::new(about(label), "ms", None, at_percentile(&rounds, *share))
        })
        .collect())
}

fn at_percentile(rounds: &[(Vec<Duration>, Cost)], share: f64) -> Vec<Round> {
    rounds
        .iter()
        .map(|(times, cost)| Round::of_times(times, share, MILLISECOND, *cost))
        .collect()
}

struct Paced<O> {
    operation: O,
    /// For each client: when what it does was due.
    due: Vec<Instant>,
    /// Clients that do nothing, the longest idle first.
    free: VecDeque<usize>,
    /// What is due and has no client yet, the oldest first.
    waiting: VecDeque<Instant>,
    gap: Duration,
    /// When the next operation is due.
    next: Instant,
    /// From when on none is due any more.
    end: Instant,
    times: Vec<Duration>,
}

impl<O: Operation> Paced<O> {
    /// One round to its last answer; gives the times, sorted.
    fn round(
        &mut self,
        fleet: &mut Fleet,
        site: &Site,
        length: Duration,
    ) -> Result<Vec<Duration>, Error> {
        self.next = clock::now();
        self.end = self.next + length;
        match fleet.run(self, self.end + LAST)? {
            Outcome::Done => {}
            Outcome::TimeOver => return Err(Error::TooSlow("the last answer of a round")),
        }
        let mut times = std::mem::take(&mut self.times);
        times.sort_unstable();
        if times.is_empty() {
            return Err(Error::NoAnswers);
        }
        site.watch.beat()?;
        Ok(times)
    }

    fn start_waiting(&mut self, fleet: &mut Fleet) -> Result<(), Error> {
        while let (Some(due), Some(client)) = (self.waiting.front(), self.free.front()) {
            let client = *client;
            self.due[client] = *due;
            self.waiting.pop_front();
            self.free.pop_front();
            self.operation.start(fleet, client)?;
        }
        Ok(())
    }
}

impl<O: Operation> Behaviour for Paced<O> {
    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        self.operation.opened(fleet, client)
    }

    fn answered(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        let now = clock::now();
        self.operation.answered(fleet, client, answer)?;
        self.times
            .push(now.saturating_duration_since(self.due[client]));
        self.free.push_back(client);
        self.start_waiting(fleet)
    }

    fn turn(&mut self, fleet: &mut Fleet, now: Instant) -> Result<Turn, Error> {
        while self.next <= now && self.next < self.end {
            self.waiting.push_back(self.next);
            self.next += self.gap;
        }
        if self.waiting.len() > WAITING {
            return Err(Error::Overloaded(self.waiting.len()));
        }
        self.start_waiting(fleet)?;
        if self.next < self.end {
            return Ok(Turn::WaitUntil(self.next));
        }
        let all_free = self.free.len() == fleet.clients();
        Ok(if all_free && self.waiting.is_empty() {
            Turn::Done
        } else {
            Turn::Wait
        })
    }
}
