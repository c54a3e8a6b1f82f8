//! Tests that the ordinary run leaves out, for as long as one likes: `cargo xtask cluster` and `crash`.

use crate::failure::Failure;
use crate::steps::Shop;
use crate::tools;
use crate::workspace::Workspace;

/// How many browsers, how often everything fails, and the seed; the tests know what is meant where nothing is said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) clients: Option<u32>,
    pub(crate) rounds: Option<u32>,
    pub(crate) seed: Option<u32>,
}

/// How often on each ledger, and the seed; the test knows what is meant where nothing is said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cycles {
    pub(crate) cycles: Option<u32>,
    pub(crate) seed: Option<u32>,
}

/// Several real nodes, which fail, with their database and their network, under thousands of clients.
pub(crate) fn cluster(workspace: &Workspace, size: &Size) -> Result<(), Failure> {
    let shop = Shop::set_up(workspace, tools::CLUSTER)?;
    let variables = [
        ("HANDFAST_CLUSTER_CLIENTS", size.clients),
        ("HANDFAST_CLUSTER_ROUNDS", size.rounds),
        ("HANDFAST_CLUSTER_SEED", size.seed),
    ];
    tests(&shop, "--test cluster -- --test-threads 1", &variables)
}

/// The program, killed again and again while it is used.
pub(crate) fn crash(workspace: &Workspace, cycles: &Cycles) -> Result<(), Failure> {
    let shop = Shop::set_up(workspace, &[tools::MAKE, tools::POSTGRESQL])?;
    let variables = [
        ("HANDFAST_CRASH_CYCLES", cycles.cycles),
        ("HANDFAST_CRASH_SEED", cycles.seed),
    ];
    tests(&shop, "--test serving -- crash::", &variables)
}

/// Builds for release, and runs the chosen ones of the server's ignored tests.
fn tests(shop: &Shop<'_>, which: &str, variables: &[(&str, Option<u32>)]) -> Result<(), Failure> {
    let mut tests = shop.command(&format!(
        "cargo test --release --locked --package handfast-server {which} --ignored --nocapture"
    ))?;
    for (name, value) in variables {
        if let Some(value) = value {
            tests.env(name, value.to_string());
        }
    }
    shop.output.run(&mut tests)
}
