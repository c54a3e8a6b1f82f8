//! The command line: one file for each command, which says what it prints and when it fails.
//!
//! Exit codes: 0 all is well; 1 a check failed or the work could not be done; 2 the command line
//! or the configuration is wrong, or what needs a person was asked where there is none.

mod args;
mod audit;
mod config;
mod desk;
mod doctor;
mod failure;
mod healthcheck;
mod keys;
mod ledger;
mod print;
mod prompt;
mod session;
mod table;
mod token;
mod user;

use crate::{
    config::{Environment, Loaded, Remedy as _, load},
    descriptors,
    serve::{self, ServeError, Watching},
    traces::Traces,
};
use args::{Cli, Command, ConfigCommand, KeysCommand, LedgerCommand, TokenCommand};
use clap::Parser as _;
use failure::{Failure, Outcome};
use handfast::clock::SystemClock;
use handfast_core::time::Clock as _;
use std::{ffi::OsString, io::Write, process::ExitCode};

/// Runs the command that `args` name, the program's own name first.
pub(crate) fn run(args: impl Iterator<Item = OsString>, environment: Environment) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and versions come this way too, and go to stdout. A closed pipe is no error.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match execute(cli, environment, &mut anstream::stdout().lock()) {
        Ok(outcome) => outcome.exit_code(),
        Err(failure) => {
            // When stderr is closed there is nobody left to tell.
            drop(print::failure(&mut anstream::stderr().lock(), &failure));
            failure.exit_code()
        }
    }
}

fn execute(cli: Cli, environment: Environment, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let loaded = load(cli.settings.flags(), environment)?;
    let now = SystemClock::start().now().unix;
    match cli.command.unwrap_or(Command::Serve { wait: false }) {
        Command::Serve { wait } => serve(loaded, wait, out),
        Command::Ledger(LedgerCommand::Migrate) => ledger::migrate(&loaded.config, out),
        Command::Ledger(LedgerCommand::Copy { to }) => {
            drop(crate::logging::start(&loaded.config.log, None));
            ledger::copy_to(&loaded.config, &to, out)
        }
        Command::Config(ConfigCommand::Show) => config::show(&loaded, out),
        Command::Config(ConfigCommand::Check) => config::check(&loaded, out),
        Command::Keys(KeysCommand::List { json }) => keys::list(&loaded.config, now, json, out),
        Command::Keys(KeysCommand::Rotate { activate_after }) => {
            keys::rotate(&loaded.config, now, activate_after, out)
        }
        Command::Token(TokenCommand::Inspect { token, json }) => {
            token::inspect(&loaded.config, token, now, json, out)
        }
        Command::User(command) => user::run(&loaded.config, command, out),
        Command::Session(command) => session::run(&loaded.config, command, now, out),
        Command::Healthcheck { ready } => healthcheck::run(&loaded.config, ready, out),
        Command::Audit(args) => audit::run(&loaded.config, &args, now, out),
        Command::Doctor { json } => doctor::run(&loaded, now, json, out),
    }
}

fn serve(loaded: Loaded, wait: bool, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let traces = Traces::start(&loaded.config).map_err(ServeError::from)?;
    let log = crate::logging::start(&loaded.config.log, traces.as_ref());
    for warning in &loaded.warnings {
        tracing::warn!(set = %warning.source, remedy = warning.what.remedy(), "{warning}");
    }
    if let Err(error) = descriptors::raise() {
        tracing::warn!(%error, "the limit on open files stays as it is");
    }
    let watching = Watching { log, traces };
    serve::run(loaded, watching, wait, out)?;
    Ok(Outcome::Fine)
}
