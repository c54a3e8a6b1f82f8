//! `cargo xtask bench`: measures the program as it is shipped.

use crate::failure::Failure;
use crate::process::Output;
use crate::steps::Shop;
use crate::workspace::Workspace;

/// Builds the server and the load generator, then lets the latter run the former.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let shop = Shop {
        workspace,
        output: Output::Shown,
    };
    let mut build = shop.command(
        "cargo build --release --locked --package handfast-server --package handfast-load",
    )?;
    shop.output.run(&mut build)?;
    let programs = workspace.target.join("release");
    let mut load = std::process::Command::new(programs.join("handfast-load"));
    load.arg("bench")
        .arg("--server")
        .arg(programs.join("handfast"))
        .args(arguments);
    shop.output.run(load.current_dir(&workspace.root))
}
