//! `cargo xtask cluster`: several real nodes, for as long as it takes.

use crate::failure::Failure;
use crate::process::Output;
use crate::steps::Shop;
use crate::workspace::Workspace;
use crate::{runner, tools};

/// How many browsers, how often everything fails, and the seed; the tests know what is meant where nothing is said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) clients: Option<u32>,
    pub(crate) rounds: Option<u32>,
    pub(crate) seed: Option<u32>,
}

/// Builds for release, and runs the tests of nodes that the ordinary run leaves out.
pub(crate) fn run(workspace: &Workspace, size: &Size) -> Result<(), Failure> {
    runner::ensure(workspace, tools::CLUSTER, true)?;
    let shop = Shop {
        workspace,
        output: Output::Shown,
    };
    let mut tests = shop.command(
        "cargo test --release --locked --package handfast-server --test cluster -- \
         --ignored --nocapture --test-threads 1",
    )?;
    let variables = [
        ("HANDFAST_CLUSTER_CLIENTS", size.clients),
        ("HANDFAST_CLUSTER_ROUNDS", size.rounds),
        ("HANDFAST_CLUSTER_SEED", size.seed),
    ];
    for (name, value) in variables {
        if let Some(value) = value {
            tests.env(name, value.to_string());
        }
    }
    shop.output.run(&mut tests)
}
