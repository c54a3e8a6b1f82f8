//! A session that is revoked on one node while it hangs on another: how long its connection lives on.

use super::{
    REVOKED, Site,
    accounts::{Accounts, PASSWORD},
    refused,
};
use crate::{
    clock,
    error::{Doing, Error},
    fleet::{Behaviour, Fleet, Outcome, Turn},
    meter::Cost,
    report::{Aim, Measurement, Round},
    wire::{
        answer::{self, Answer},
        request,
    },
};
use std::{
    num::NonZero,
    time::{Duration, Instant},
};

/// Pairs of clients. Each has its session revoked again and again; together they keep the nodes awake, not busy.
const PAIRS: usize = 16;
const MILLISECOND: Duration = Duration::from_millis(1);
/// How long one pair waits between two revocations.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the last answer of a round may take.
const LAST: Duration = Duration::from_secs(30);

/// What is told of the times of a round.
const PERCENTILES: [(&str, f64); 2] = [("p50", 0.5), ("p99", 0.99)];

/// The times of some rounds of revocations.
#[derive(Debug)]
pub(crate) struct Revocations {
    rounds: Vec<(Vec<Duration>, Cost)>,
}

/// How long it takes from `Revoke` on one node to the close frame on another. The door leads clients 0, 2, 4… to the
/// one, and 1, 3, 5… to the other. `fanout` is by what way the one tells the other.
///
/// # Errors
/// What any client meets; [`Error::TooSlow`] where a connection was not closed.
pub(crate) fn latency(site: &Site, fanout: &str) -> Result<Revocations, Error> {
    site.watch.say(format!("revocation across nodes, {fanout}"));
    // What wakes this thread late adds to every time; by default Linux may take 50 µs.
    rustix::thread::set_current_timer_slack(NonZero::new(1))
        .doing(|| "asking for exact timers".to_owned())?;
    let mut fleet = Fleet::new(site.door.clone(), 2 * PAIRS, &site.watch)?;
    let mut revoking = Revoking {
        accounts: Accounts::new(),
        pairs: (0..PAIRS).map(|_| Pair::default()).collect(),
        frame: Vec::new(),
        times: Vec::new(),
        end: clock::now(),
    };
    for client in 0..fleet.clients() {
        fleet.open(client)?;
    }
    revoking.round(&mut fleet, site.pace.warm_up)?;
    let mut rounds = Vec::new();
    for _ in 0..site.pace.rounds {
        let mark = site.meter.mark()?;
        let times = revoking.round(&mut fleet, site.pace.round)?;
        rounds.push((times, site.meter.since(mark)?));
        site.watch.round_done();
    }
    Ok(Revocations { rounds })
}

impl Revocations {
    /// The time of each revocation, in no order.
    pub(crate) fn times(&self) -> Vec<Duration> {
        let times = self.rounds.iter().flat_map(|(times, _)| times);
        times.copied().collect()
    }

    /// The percentiles, of which the last one that is told shall be at most `aim_ms`.
    pub(crate) fn figures(&self, fanout: &str, aim_ms: f64) -> Vec<Measurement> {
        let measurement = |(label, share): (&str, f64)| {
            let rounds = self
                .rounds
                .iter()
                .map(|(times, cost)| Round::of_times(times, share, MILLISECOND, *cost));
            let aim = (label == "p99").then_some(Aim::AtMost(aim_ms));
            let name = format!("revoked on one node, closed on another, {fanout}, {label}");
            Measurement::new(name, "ms", aim, rounds.collect())
        };
        PERCENTILES.map(measurement).into()
    }
}

/// Two clients of one account.
#[derive(Debug, Default)]
struct Pair {
    /// Whether the one that revokes is logged in.
    is_ready: bool,
    /// The session of the other, while it has one that nobody revokes yet.
    session: Option<String>,
    /// When it was asked to be revoked.
    asked: Option<Instant>,
    /// Not before this is the next one revoked.
    due: Option<Instant>,
}

struct Revoking {
    accounts: Accounts,
    pairs: Vec<Pair>,
    frame: Vec<u8>,
    times: Vec<Duration>,
    end: Instant,
}

impl Revoking {
    /// One round to its last close; gives the times, sorted.
    fn round(&mut self, fleet: &mut Fleet, length: Duration) -> Result<Vec<Duration>, Error> {
        self.end = clock::now() + length;
        match fleet.run(self, self.end + LAST)? {
            Outcome::Done => {}
            Outcome::TimeOver => return Err(Error::TooSlow("closing a revoked session")),
        }
        let mut times = std::mem::take(&mut self.times);
        times.sort_unstable();
        if times.is_empty() {
            return Err(Error::NoAnswers);
        }
        Ok(times)
    }

    fn revoke(&mut self, fleet: &mut Fleet, number: usize, now: Instant) -> Result<(), Error> {
        let pair = &mut self.pairs[number];
        let is_due = pair.due.is_none_or(|due| due <= now);
        if !pair.is_ready || !is_due {
            return Ok(());
        }
        if let Some(session) = pair.session.take() {
            request::revoke(&mut self.frame, &session);
            pair.asked = Some(clock::now());
            fleet.send(2 * number, &self.frame)?;
        }
        Ok(())
    }

    fn is_waiting(&self) -> bool {
        self.pairs.iter().any(|pair| pair.asked.is_some())
    }
}

impl Behaviour for Revoking {
    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        let name = self.accounts.name((client / 2) as u64);
        request::login(&mut self.frame, name, PASSWORD);
        fleet.send(client, &self.frame)
    }

    fn answered(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        let pair = &mut self.pairs[client / 2];
        let revokes = client.is_multiple_of(2);
        match answer {
            Answer::Granted(_) if revokes => pair.is_ready = true,
            Answer::Granted(grant) => pair.session = grant.session().map(str::to_owned),
            Answer::Other(message) if revokes && answer::kind(message) == Some("Revoked") => {}
            // Two first logins to one account at the same time: the slower one makes no account, so it tries again.
            Answer::Other(message) if answer::kind(message) == Some("InvalidPassword") => {
                return self.opened(fleet, client);
            }
            Answer::Other(message) => return Err(refused("Revoke", message)),
        }
        Ok(())
    }

    fn closed(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        code: Option<u16>,
        reason: &[u8],
    ) -> Result<(), Error> {
        let now = clock::now();
        let pair = &mut self.pairs[client / 2];
        let (Some(asked), Some(REVOKED)) = (pair.asked.take(), code) else {
            return Err(Error::closed(code, reason));
        };
        self.times.push(now - asked);
        pair.due = Some(now + PAUSE);
        fleet.close(client);
        fleet.open(client)
    }

    fn turn(&mut self, fleet: &mut Fleet, now: Instant) -> Result<Turn, Error> {
        // A round that is shorter than its first revocation is over when that is.
        let is_over = now >= self.end && !self.times.is_empty();
        if is_over {
            let turn = if self.is_waiting() {
                Turn::Wait
            } else {
                Turn::Done
            };
            return Ok(turn);
        }
        for number in 0..self.pairs.len() {
            self.revoke(fleet, number, now)?;
        }
        let ready = self.pairs.iter().filter(|pair| pair.session.is_some());
        let due = ready.filter_map(|pair| pair.due).min();
        let end = (now < self.end).then_some(self.end);
        Ok(due
            .into_iter()
            .chain(end)
            .min()
            .map_or(Turn::Wait, Turn::WaitUntil))
    }
}
