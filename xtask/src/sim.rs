//! `cargo xtask model` and `cargo xtask simulate`: check what handfast promises.

use std::process::Command;

use crate::failure::Failure;
use crate::process::Output;
use crate::steps::Shop;
use crate::workspace::Workspace;
use crate::{runner, tools};

/// Builds `handfast-sim` for release and lets it do `command`.
pub(crate) fn run(
    workspace: &Workspace,
    command: &str,
    arguments: &[String],
) -> Result<(), Failure> {
    runner::ensure(workspace, &[tools::MAKE], true)?;
    let shop = Shop {
        workspace,
        output: Output::Shown,
    };
    let mut build = shop.command("cargo build --release --locked --package handfast-sim")?;
    shop.output.run(&mut build)?;
    let mut sim = Command::new(workspace.target.join("release/handfast-sim"));
    sim.arg(command).args(arguments);
    shop.output.run(sim.current_dir(&workspace.root))
}
