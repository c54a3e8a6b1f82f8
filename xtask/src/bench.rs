//! `cargo xtask bench`: measures the program as it is shipped.

use std::process::Command;

use crate::failure::Failure;
use crate::process::Output;
use crate::steps::Shop;
use crate::tools::Tool;
use crate::workspace::Workspace;
use crate::{runner, tools};

/// Builds the server and the load generator, then lets the latter run the former. With `--wake` a browser is measured
/// instead: how long a page takes to be back.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    if let Some((_, rest)) = arguments
        .split_first()
        .filter(|(first, _)| *first == "--wake")
    {
        return wake(workspace, rest);
    }
    let tools = [tools::MAKE, tools::POSTGRESQL, tools::REDIS];
    runner::ensure(workspace, &tools, true)?;
    load(workspace, "bench", arguments)
}

/// Builds both, and lets the load generator attack a server while it measures how good clients fare.
pub(crate) fn hostile(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    runner::ensure(workspace, &[tools::MAKE], true)?;
    load(workspace, "hostile", arguments)
}

fn load(workspace: &Workspace, command: &str, arguments: &[String]) -> Result<(), Failure> {
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
    load.arg(command)
        .arg("--server")
        .arg(programs.join("handfast"))
        .args(arguments);
    shop.output.run(load.current_dir(&workspace.root))
}

fn wake(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let needed = [
        tools::MAKE,
        Tool::Node,
        tools::CHROMIUM,
        tools::E2E_PACKAGES,
    ];
    runner::ensure(workspace, &needed, true)?;
    let shop = Shop {
        workspace,
        output: Output::Shown,
    };
    let mut build = shop.command("cargo build --release --locked --package handfast-server")?;
    shop.output.run(&mut build)?;
    let mut node = shop.command("node bench/wake.js")?;
    node.args(arguments)
        .current_dir(workspace.root.join("e2e"))
        .env("HANDFAST_BIN", workspace.target.join("release/handfast"));
    shop.output.run(&mut node)
}
