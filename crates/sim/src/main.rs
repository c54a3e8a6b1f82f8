//! The command that `cargo xtask model` runs.

use clap::Parser as _;
use handfast_sim::cli::{self, Arguments};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(&Arguments::parse())
}
