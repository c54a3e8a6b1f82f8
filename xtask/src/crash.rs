//! `cargo xtask crash`: the program, killed again and again while it is used.

use crate::failure::Failure;
use crate::process::Output;
use crate::steps::Shop;
use crate::workspace::Workspace;
use crate::{runner, tools};

/// How often on each ledger, and the seed; the test knows what is meant where nothing is said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cycles {
    pub(crate) cycles: Option<u32>,
    pub(crate) seed: Option<u32>,
}

/// Builds for release, and runs the test that the ordinary run leaves out.
pub(crate) fn run(workspace: &Workspace, cycles: &Cycles) -> Result<(), Failure> {
    runner::ensure(workspace, &[tools::MAKE, tools::POSTGRESQL], true)?;
    let shop = Shop {
        workspace,
        output: Output::Shown,
    };
    let mut tests = shop.command(
        "cargo test --release --locked --package handfast-server --test serving -- \
         --ignored --nocapture crash::",
    )?;
    let variables = [
        ("HANDFAST_CRASH_CYCLES", cycles.cycles),
        ("HANDFAST_CRASH_SEED", cycles.seed),
    ];
    for (name, value) in variables {
        if let Some(value) = value {
            tests.env(name, value.to_string());
        }
    }
    shop.output.run(&mut tests)
}
