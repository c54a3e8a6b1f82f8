//! Clients of one node that revoke sessions which hang on the others.

use super::crowds::Watched;
use crate::{
    clock,
    error::Error,
    fleet::{Behaviour, Door, Fleet, Outcome, Turn},
    scenario::{accounts::PASSWORD, refused},
    target::Target,
    watch::Watch,
    wire::{
        answer::{self, Answer},
        request,
    },
};
use std::time::{Duration, Instant};

/// How many log in at the same time.
const AT_ONCE: usize = 32;

/// Clients that are logged in, one for each session that is to be revoked.
pub(super) struct Revokers<'a> {
    fleet: Fleet,
    revoking: Revoking<'a>,
}

impl<'a> Revokers<'a> {
    /// Logs in, on `node`, a client of the account of each of `watched`.
    ///
    /// # Errors
    /// What any client meets; [`Error::TooSlow`].
    pub(super) fn log_in(
        node: &Target,
        watched: &'a [Watched],
        watch: &Watch,
        at_most: Duration,
    ) -> Result<Self, Error> {
        let mut fleet = Fleet::new(Door::new(node), watched.len(), watch)?;
        let mut revoking = Revoking {
            watched,
            started: 0,
            logged_in: 0,
            revoked: 0,
            is_revoking: false,
            asked: vec![0; watched.len()],
            frame: Vec::new(),
        };
        match fleet.run(&mut revoking, clock::now() + at_most)? {
            Outcome::Done => Ok(Self { fleet, revoking }),
            Outcome::TimeOver => Err(Error::TooSlow("logging in those who revoke")),
        }
    }

    /// Revokes all of them at once; tells when each was asked for, in nanoseconds.
    ///
    /// # Errors
    /// What any client meets; [`Error::TooSlow`].
    pub(super) fn revoke(&mut self, at_most: Duration) -> Result<Vec<(&'a str, u64)>, Error> {
        let Self { fleet, revoking } = self;
        for (client, watched) in revoking.watched.iter().enumerate() {
            request::revoke(&mut revoking.frame, &watched.session);
            revoking.asked[client] = clock::monotonic_nanos();
            fleet.send(client, &revoking.frame)?;
        }
        revoking.is_revoking = true;
        match fleet.run(revoking, clock::now() + at_most)? {
            Outcome::Done => {}
            Outcome::TimeOver => return Err(Error::TooSlow("revoking")),
        }
        let sessions = revoking.watched.iter().map(|it| it.session.as_str());
        Ok(sessions.zip(revoking.asked.iter().copied()).collect())
    }
}

struct Revoking<'a> {
    watched: &'a [Watched],
    started: usize,
    logged_in: usize,
    revoked: usize,
    is_revoking: bool,
    /// When each asked for the end of its session.
    asked: Vec<u64>,
    frame: Vec<u8>,
}

impl Behaviour for Revoking<'_> {
    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        request::login(&mut self.frame, &self.watched[client].name, PASSWORD);
        fleet.send(client, &self.frame)
    }

    fn answered(
        &mut self,
        _fleet: &mut Fleet,
        _client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        match answer {
            Answer::Granted(_) if !self.is_revoking => self.logged_in += 1,
            // A push.
            Answer::Granted(_) => {}
            Answer::Other(message) if answer::kind(message) == Some("Revoked") => self.revoked += 1,
            Answer::Other(message) => return Err(refused("Login or Revoke", message)),
        }
        Ok(())
    }

    fn turn(&mut self, fleet: &mut Fleet, _now: Instant) -> Result<Turn, Error> {
        let all = self.watched.len();
        let is_done = if self.is_revoking {
            self.revoked == all
        } else {
            self.logged_in == all
        };
        if is_done {
            return Ok(Turn::Done);
        }
        while self.started < all && self.started - self.logged_in < AT_ONCE {
            fleet.open(self.started)?;
            self.started += 1;
        }
        Ok(Turn::Wait)
    }
}
