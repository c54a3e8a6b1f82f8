//! A node that dies with all its clients: how long until all of them are back on another.
//!
//! Clients do what the protocol asks of them after a connection broke (section 14): they wait a random part of a bound
//! that doubles with every close, connect again, and present their stored token. Their times run from the moment at
//! which the node was killed, so they hold the wait of the backoff as well as that for the server.

use super::{
    Site,
    accounts::{Accounts, Afterwards, log_in},
    refused,
};
use crate::{
    clock,
    error::Error,
    fleet::{Behaviour, Door, Fleet, Outcome, Turn},
    meter::Cost,
    report::{Measurement, Round},
    wire::{
        answer::{self, Answer},
        request,
    },
};
use handfast_core::{
    client::{Backoff, Entropy},
    close::{AfterClose, CloseCode},
};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

const SECOND: Duration = Duration::from_secs(1);
/// How long it may take until all are back.
const ALL_BACK: Duration = Duration::from_secs(120);
/// How long to wait where a server does not say.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What is told of the times of a round.
pub(crate) const SHARES: [(&str, f64); 3] = [("half", 0.5), ("99 %", 0.99), ("all", 1.0)];

/// One storm.
#[derive(Debug)]
pub(crate) struct Storm {
    /// When each client was back, counted from the end of the node; sorted.
    pub(crate) times: Vec<Duration>,
    cost: Cost,
}

/// Logs `clients` in by the site's door, lets `kill` end the node behind it, and sees all of them back by `refuge`.
/// `seed` throws the dice of the backoff.
///
/// # Errors
/// What any client meets; [`Error::TooSlow`] where not all come back; what `kill` meets.
pub(crate) fn weather(
    site: &Site,
    clients: usize,
    refuge: Door,
    seed: u64,
    kill: impl FnOnce() -> Result<(), Error>,
) -> Result<Storm, Error> {
    let mut fleet = Fleet::new(site.door.clone(), clients, &site.watch)?;
    let requests = log_in(&mut fleet, site, &mut Accounts::new(), Afterwards::Stay)?;
    site.watch
        .say(format!("a node dies with {clients} clients"));
    fleet.redirect(refuge);
    let mark = site.meter.mark()?;
    let mut returning = Returning {
        clients: requests.into_iter().map(Client::new).collect(),
        due: BinaryHeap::new(),
        dice: fastrand::Rng::with_seed(seed),
        begin: clock::now(),
        times: Vec::with_capacity(clients),
    };
    kill()?;
    let end = returning.begin + ALL_BACK;
    match fleet.run(&mut returning, end)? {
        Outcome::Done => {}
        Outcome::TimeOver => return Err(Error::TooSlow("coming back after a node's end")),
    }
    let mut times = returning.times;
    times.sort_unstable();
    site.watch.round_done();
    Ok(Storm {
        times,
        cost: site.meter.since(mark)?,
    })
}

/// What several storms of as many clients tell.
pub(crate) fn figures(storms: &[Storm], clients: usize) -> Vec<Measurement> {
    let figure = |(label, share): (&str, f64)| {
        let rounds = storms
            .iter()
            .map(|storm| Round::of_times(&storm.times, share, SECOND, storm.cost));
        let name = format!("storm of {clients} clients, {label} back");
        Measurement::new(name, "s", None, rounds.collect())
    };
    SHARES.map(figure).into()
}

/// A client of the node that ended.
#[derive(Debug)]
struct Client {
    /// How it presents its token, as a finished frame.
    request: Vec<u8>,
    backoff: Backoff,
    is_back: bool,
}

/// What a client does next when its time has come. The order is nobody's business but the heap's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Connect,
    /// Present again, on the connection that it has had since so many closes.
    Present(u32),
}

struct Returning {
    clients: Vec<Client>,
    /// What is due, the earliest on top.
    due: BinaryHeap<Reverse<(Instant, usize, Step)>>,
    dice: fastrand::Rng,
    /// When the node ended.
    begin: Instant,
    times: Vec<Duration>,
}

impl Client {
    fn new(request: Vec<u8>) -> Self {
        Self {
            request,
            backoff: Backoff::new(),
            is_back: false,
        }
    }
}

impl Returning {
    fn come_later(&mut self, fleet: &mut Fleet, client: usize) {
        fleet.close(client);
        let mut dice = [0; 16];
        self.dice.fill(&mut dice);
        let wait = self.clients[client].backoff.next(Entropy(dice));
        let due = (clock::now() + wait, client, Step::Connect);
        self.due.push(Reverse(due));
    }
}

impl Behaviour for Returning {
    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        fleet.send(client, &self.clients[client].request)
    }

    fn answered(
        &mut self,
        _fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        let now = clock::now();
        let state = &mut self.clients[client];
        match answer {
            Answer::Granted(grant) => {
                request::refresh_token(&mut state.request, grant.token);
                state.backoff.reset();
                if !state.is_back {
                    state.is_back = true;
                    self.times.push(now - self.begin);
                }
                Ok(())
            }
            Answer::Other(message) if is_for_later(message) => {
                let wait = answer::retry_after(message).unwrap_or(RETRY_AFTER);
                let step = Step::Present(state.backoff.closes());
                self.due.push(Reverse((now + wait, client, step)));
                Ok(())
            }
            Answer::Other(message) => Err(refused("RefreshToken", message)),
        }
    }

    fn closed(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        code: Option<u16>,
        reason: &[u8],
    ) -> Result<(), Error> {
        match CloseCode::after_number(code) {
            AfterClose::Reconnect | AfterClose::Resume => {
                self.come_later(fleet, client);
                Ok(())
            }
            AfterClose::Forget | AfterClose::Stay => Err(Error::closed(code, reason)),
        }
    }

    fn lost(&mut self, fleet: &mut Fleet, client: usize, _error: Error) -> Result<(), Error> {
        self.come_later(fleet, client);
        Ok(())
    }

    fn turn(&mut self, fleet: &mut Fleet, now: Instant) -> Result<Turn, Error> {
        if self.times.len() == self.clients.len() {
            return Ok(Turn::Done);
        }
        while let Some(&Reverse((due, client, step))) = self.due.peek() {
            if due > now {
                return Ok(Turn::WaitUntil(due));
            }
            self.due.pop();
            match step {
                Step::Connect => fleet.open(client)?,
                Step::Present(closes) => {
                    let state = &self.clients[client];
                    if state.backoff.closes() == closes {
                        fleet.send(client, &state.request)?;
                    }
                }
            }
        }
        Ok(Turn::Wait)
    }
}

/// Whether the same is to be presented again later.
fn is_for_later(message: &str) -> bool {
    matches!(
        answer::kind(message),
        Some("Unavailable" | "TooManyRequests")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_succeed_later_is_presented_again() {
        assert!(is_for_later(r#"{"type":"Unavailable","retry_after":2}"#));
        assert!(is_for_later(
            r#"{"type":"TooManyRequests","retry_after":2}"#
        ));
        assert!(!is_for_later(r#"{"type":"InvalidToken","reason":"stale"}"#));
    }
}
