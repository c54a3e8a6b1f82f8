//! The project's own commands: `cargo xtask` lists them.
//!
//! `test` is the one that CI runs and that a change has to pass. Everything it needs beyond Rust it installs by itself,
//! and says so.

mod args;
mod autobahn;
mod bench;
mod deploy;
mod failure;
mod flame;
mod fuzz;
mod generate;
mod image;
mod long;
mod no_std;
mod process;
mod report;
mod runner;
mod set_up;
mod sim;
mod steps;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use args::Command;
use failure::Failure;
use workspace::Workspace;

fn main() -> ExitCode {
    let outcome = args::parse(std::env::args().skip(1)).and_then(run);
    outcome.unwrap_or_else(|failure| {
        report::failed(&failure);
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    let workspace = Workspace::here()?;
    match command {
        Command::Help => args::print_help(),
        Command::List => runner::print_list(),
        Command::Test(selection) => return runner::test(&workspace, &selection),
        Command::Generate(mode) => generate::run(&workspace, mode)?,
        Command::Tidy => tidy::check(&workspace)?,
        Command::Advisories => runner::advisories(&workspace)?,
        Command::Autobahn(wstest) => autobahn::run(&workspace, &wstest)?,
        Command::Bench(arguments) => bench::run(&workspace, &arguments)?,
        Command::Cluster(size) => long::cluster(&workspace, &size)?,
        Command::Crash(cycles) => long::crash(&workspace, &cycles)?,
        Command::Flame(folder) => flame::run(&workspace, folder)?,
        Command::Fuzz(campaign) => fuzz::run(&workspace, &campaign)?,
        Command::Scale(arguments) => bench::scale(&workspace, &arguments)?,
        Command::Hostile(arguments) => bench::hostile(&workspace, &arguments)?,
        Command::Model(arguments) => sim::run(&workspace, "model", &arguments)?,
        Command::Simulate(arguments) => sim::run(&workspace, "simulate", &arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}
