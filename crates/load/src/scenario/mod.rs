//! What is measured: one module a scenario, and the two ways to repeat an operation.

pub(crate) mod accounts;
pub(crate) mod at_once;
pub(crate) mod idle;
pub(crate) mod login;
pub(crate) mod paced;
pub(crate) mod refresh;
pub(crate) mod resume;
pub(crate) mod revoke;
mod scrape;
pub(crate) mod storm;

use crate::{
    error::Error,
    fleet::{Door, Fleet},
    meter::Meter,
    watch::Watch,
    wire::answer::Answer,
};
use handfast_core::close::CloseCode;
use std::{net::SocketAddr, time::Duration};

/// The close code of a connection whose session was revoked.
pub(crate) const REVOKED: u16 = CloseCode::Revoked.number();

/// Where and how long to measure.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The way to the server.
    pub(crate) door: Door,
    /// Where its metrics are, if that is known.
    pub(crate) operators: Option<SocketAddr>,
    /// Reads what it costs.
    pub(crate) meter: Meter,
    /// Looks after the run.
    pub(crate) watch: Watch,
    /// How long.
    pub(crate) pace: Pace,
}

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How many rounds.
    pub(crate) rounds: u32,
    /// How long each round is.
    pub(crate) round: Duration,
    /// How long nothing counts, so that caches fill and processors wake.
    pub(crate) warm_up: Duration,
}

/// Something that a client asks of the server over and over.
pub(crate) trait Operation {
    /// Begins it.
    fn start(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error>;

    /// The connection that [`Operation::start`] asked for is open.
    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error>;

    /// The answer is there, which ends it: the client may start again.
    fn answered(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error>;
}

impl<O: Operation> Operation for &mut O {
    fn start(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        (**self).start(fleet, client)
    }

    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        (**self).opened(fleet, client)
    }

    fn answered(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        (**self).answered(fleet, client, answer)
    }
}

/// The token of an answer that must hold one.
pub(crate) fn granted<'a>(request: &'static str, answer: Answer<'a>) -> Result<&'a str, Error> {
    match answer {
        Answer::Granted(grant) => Ok(grant.token),
        Answer::Other(message) => Err(refused(request, message)),
    }
}

/// That `message` is not what `request` should be answered with.
pub(crate) fn refused(request: &'static str, message: &str) -> Error {
    Error::Refused {
        request,
        answer: message.chars().take(200).collect(),
    }
}
