//! What a round costs, and whom.

use crate::{
    clock,
    error::Error,
    server::usage::{self, Memory},
};
use rustix::process::Pid;
use std::time::{Duration, Instant};

/// Reads what the server, this process and the machine have used so far.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    /// Its processes, one for each node; empty where they are not known.
    server: Vec<Pid>,
}

/// A reading, to which a later one is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    at: Instant,
    server: Duration,
    load: Duration,
    machine: Duration,
}

/// What was used between two readings.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(crate) struct Cost {
    /// The time between them.
    pub(crate) seconds: f64,
    /// Processor time of the server; none where its process is not known.
    pub(crate) server_cpu_seconds: Option<f64>,
    /// Processor time of this program.
    pub(crate) load_cpu_seconds: f64,
    /// Processor time of everything else on the machine: the more, the less the figures are worth. None where the
    /// server's process is not known.
    pub(crate) others_cpu_seconds: Option<f64>,
    /// The server's memory at the end.
    pub(crate) server_memory: Option<Memory>,
}

impl Meter {
    /// A meter of this program and of the server's processes, as far as they are known.
    pub(crate) fn new(server: impl IntoIterator<Item = Pid>) -> Self {
        Self {
            server: server.into_iter().collect(),
        }
    }

    /// The server's memory now.
    pub(crate) fn memory(&self) -> Result<Option<Memory>, Error> {
        let mut total = None;
        for &process in &self.server {
            let memory = usage::memory(process)?;
            *total.get_or_insert_default() += memory;
        }
        Ok(total)
    }

    fn server_cpu_time(&self) -> Result<Duration, Error> {
        let times = self.server.iter().map(|&process| usage::cpu_time(process));
        times.sum()
    }

    /// Reads.
    pub(crate) fn mark(&self) -> Result<Mark, Error> {
        Ok(Mark {
            at: clock::now(),
            server: self.server_cpu_time()?,
            load: clock::own_cpu_time(),
            machine: usage::machine_busy_time()?,
        })
    }

    /// Reads again, and compares.
    pub(crate) fn since(&self, start: Mark) -> Result<Cost, Error> {
        let end = self.mark()?;
        let server = end.server.saturating_sub(start.server);
        let load = end.load.saturating_sub(start.load);
        let machine = end.machine.saturating_sub(start.machine);
        let others = machine.saturating_sub(server + load);
        let where_known = |time: Duration| (!self.server.is_empty()).then_some(time.as_secs_f64());
        Ok(Cost {
            seconds: (end.at - start.at).as_secs_f64(),
            server_cpu_seconds: where_known(server),
            load_cpu_seconds: load.as_secs_f64(),
            others_cpu_seconds: where_known(others),
            server_memory: self.memory()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_of_an_unknown_server_still_reads_this_program() {
        let meter = Meter::new(None);
        let cost = meter.since(meter.mark().unwrap()).unwrap();
        assert_eq!(cost.server_cpu_seconds, None);
        assert_eq!(cost.server_memory, None);
        assert!(cost.load_cpu_seconds >= 0.0);
    }
}
