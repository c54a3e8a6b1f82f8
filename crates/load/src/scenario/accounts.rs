//! Accounts for the clients of a run, and logging all of them in.

use super::{Site, granted};
use crate::{
    clock,
    error::Error,
    fleet::{Behaviour, Fleet, Outcome, Turn},
    wire::{answer::Answer, request},
};
use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

/// The password of every account.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// How many clients log in at the same time: enough to keep a server busy, few enough for its limits.
const AT_ONCE: usize = 32;
/// How long a client may take to log in, when Argon2 is not turned down.
const LOGIN: Duration = Duration::from_secs(2);
/// How long logging in may take at least.
const LOGIN_ALL_MIN: Duration = Duration::from_secs(30);

/// The names of a run's accounts. No two runs share one, so that a server may be measured again.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    name: String,
    prefix: usize,
}

impl Accounts {
    /// Names that no other run has.
    pub(crate) fn new() -> Self {
        let name = format!("load-{:x}-{:x}-", clock::unix_seconds(), std::process::id());
        let prefix = name.len();
        Self { name, prefix }
    }

    /// The name of an account.
    pub(crate) fn name(&mut self, number: u64) -> &str {
        self.name.truncate(self.prefix);
        // Writing to a string cannot fail.
        write!(self.name, "{number}").ok();
        &self.name
    }
}

/// Whether a client keeps its connection once it is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// It does.
    Stay,
    /// It closes it and keeps its token only.
    Leave,
}

/// Logs in every client of the fleet with an account of its own, which the server makes. Gives each client's next
/// `RefreshToken`, as a finished frame.
///
/// # Errors
/// What any client meets; [`Error::TooSlow`].
pub(crate) fn log_in(
    fleet: &mut Fleet,
    site: &Site,
    accounts: &mut Accounts,
    afterwards: Afterwards,
) -> Result<Vec<Vec<u8>>, Error> {
    let clients = fleet.clients();
    let all = LOGIN.saturating_mul(u32::try_from(clients / AT_ONCE).unwrap_or(u32::MAX));
    let mut logging_in = LoggingIn {
        site,
        accounts,
        afterwards,
        requests: vec![Vec::new(); clients],
        started: 0,
        done: 0,
        frame: Vec::new(),
    };
    match fleet.run(&mut logging_in, clock::now() + all.max(LOGIN_ALL_MIN))? {
        Outcome::Done => Ok(logging_in.requests),
        Outcome::TimeOver => Err(Error::TooSlow("logging the clients in")),
    }
}

struct LoggingIn<'a> {
    site: &'a Site,
    accounts: &'a mut Accounts,
    afterwards: Afterwards,
    requests: Vec<Vec<u8>>,
    started: usize,
    done: usize,
    frame: Vec<u8>,
}

impl Behaviour for LoggingIn<'_> {
    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        request::login(&mut self.frame, self.accounts.name(client as u64), PASSWORD);
        fleet.send(client, &self.frame)
    }

    fn answered(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        let token = granted("Login", answer)?;
        request::refresh_token(&mut self.requests[client], token);
        self.done += 1;
        if self.afterwards == Afterwards::Leave {
            fleet.close(client);
        }
        Ok(())
    }

    fn turn(&mut self, fleet: &mut Fleet, _now: Instant) -> Result<Turn, Error> {
        let clients = fleet.clients();
        if self.done == clients {
            return Ok(Turn::Done);
        }
        while self.started < clients && self.started - self.done < AT_ONCE {
            fleet.open(self.started)?;
            self.started += 1;
            if self.started.is_multiple_of(500) {
                self.site
                    .watch
                    .say(format!("logging in: {} of {clients}", self.started));
            }
        }
        Ok(Turn::Wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_in_their_number_only_and_fit_into_a_username() {
        let mut accounts = Accounts::new();
        let first = accounts.name(1).to_owned();
        let last = accounts.name(u64::MAX).to_owned();
        assert_eq!(accounts.name(1), first);
        assert_ne!(first, last);
        assert!(last.len() <= handfast_core::limits::USERNAME_CHARS);
    }
}
