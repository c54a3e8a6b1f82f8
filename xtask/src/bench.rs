//! `cargo xtask bench`: measures the program as it is shipped.

use std::process::Command;

use crate::failure::Failure;
use crate::process::Output;
use crate::steps::Shop;
use crate::workspace::Workspace;
use crate::{runner, tools};

/// Builds the server and the load generator, then lets the latter run the former.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    runner::ensure(workspace, &[tools::MAKE], true)?;
    let shop = Shop {
        workspace,
        output: Output::Shown,
    };
    let mut build = shop.command(
        "cargo build --release --locked --package handfast-server --package handfast-load",
    )?;
    shop.output.run(&mut build)?;
    let programs = workspace.target.join("release");
    let mut load = Command::new(programs.join("handfast-load"));
    load.arg("bench")
        .arg("--server")
        .arg(programs.join("handfast"))
        .args(arguments);
    shop.output.run(load.current_dir(&workspace.root))
}
