//! `cargo xtask model` and `cargo xtask simulate`: check what handfast promises.

use std::process::Command;

use crate::failure::Failure;
use crate::steps::Shop;
use crate::tools;
use crate::workspace::Workspace;

/// Builds `handfast-sim` for release and lets it do `command`.
pub(crate) fn run(
    workspace: &Workspace,
    command: &str,
    arguments: &[String],
) -> Result<(), Failure> {
    let shop = Shop::set_up(workspace, &[tools::MAKE])?;
    shop.run("cargo build --release --locked --package handfast-sim")?;
    let mut sim = Command::new(workspace.target.join("release/handfast-sim"));
    sim.arg(command).args(arguments);
    shop.output.run(sim.current_dir(&workspace.root))
}
