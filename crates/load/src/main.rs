//! `handfast-load` puts load on a handfast server and reports what it does under it, and at what cost.
//!
//! `handfast-load bench` starts the server itself and measures everything; the other commands put one kind of load on
//! a server that runs already.

mod alone;
mod bare;
mod bench;
mod cli;
mod clock;
mod error;
mod flame;
mod fleet;
mod hostile;
mod meter;
mod report;
mod scale;
mod scenario;
mod server;
mod target;
mod watch;
mod wire;

use clap::Parser as _;
use cli::{Cli, Command};
use error::Error;
use report::{Machine, Report};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("\x1b[1;31merror:\x1b[0m {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Error> {
    let measurements = match cli.command {
        Command::Bench(options) => bench::run(&options)?,
        Command::Flame(options) => flame::run(&options)?,
        Command::Hostile(options) => hostile::run(&options)?,
        Command::Resume(options) => alone::resume(&options)?,
        Command::Refresh(options) => alone::refresh(&options)?,
        Command::Login(options) => alone::login(&options)?,
        Command::Idle(options) => alone::idle(&options)?,
        Command::Scale(options) => scale::run(&options)?,
        Command::Crowd(options) => return scale::crowd::run(&options),
        Command::Bare => return bare::run(),
    };
    let machine = Machine::here();
    let report = Report {
        machine: &machine,
        measurements: measurements.iter().collect(),
    };
    report.print();
    match &cli.json {
        Some(file) => report.write_json(file),
        None => Ok(()),
    }
}
