//! The program as it is shipped, measured: `cargo xtask bench`, `hostile` and `scale`.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::steps::Shop;
use crate::tools::{self, Tool};
use crate::workspace::Workspace;

/// A network of its own is faster than the machine's, which tracks connections, and leaves the machine's settings
/// alone. One in another takes the size of its table of connections from it.
const OUTER: &str = r#"
echo 2097152 > /proc/sys/net/ipv4/tcp_child_ehash_entries
exec unshare --net -- sh -e -c "$@"
"#;
const INNER: &str = r#"
ip link set lo up
echo 65535 > /proc/sys/net/core/somaxconn
echo 65535 > /proc/sys/net/ipv4/tcp_max_syn_backlog
echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range
exec "$@"
"#;

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
    let shop = Shop::set_up(workspace, &tools)?;
    let programs = Programs::build(&shop)?;
    let load = Command::new(&programs.load);
    programs.load(&shop, load, "bench", arguments)
}

/// Builds both, and lets the load generator attack a server while it measures how good clients fare.
pub(crate) fn hostile(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let shop = Shop::set_up(workspace, &[tools::MAKE])?;
    let programs = Programs::build(&shop)?;
    let load = Command::new(&programs.load);
    programs.load(&shop, load, "hostile", arguments)
}

/// Builds both, and lets the load generator run as many nodes and clients as the machine holds, in a network namespace.
/// It needs root for that.
pub(crate) fn scale(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let tools = [tools::MAKE, tools::POSTGRESQL, tools::IPROUTE];
    let shop = Shop::set_up(workspace, &tools)?;
    let programs = Programs::build(&shop)?;
    let mut load = Command::new("unshare");
    load.args(["--net", "--", "sh", "-e", "-c", OUTER, "outer"])
        .args([INNER, "inner"])
        .arg(&programs.load);
    programs.load(&shop, load, "scale", arguments)
}

/// The programs as they are shipped.
pub(crate) struct Programs {
    pub(crate) load: PathBuf,
    server: PathBuf,
}

impl Programs {
    pub(crate) fn build(shop: &Shop<'_>) -> Result<Self, Failure> {
        shop.run(
            "cargo build --release --locked --package handfast-server --package handfast-load",
        )?;
        let folder = shop.workspace.target.join("release");
        Ok(Self {
            load: folder.join("handfast-load"),
            server: folder.join("handfast"),
        })
    }

    /// Runs the load generator, which `load` starts, on the server.
    pub(crate) fn load(
        &self,
        shop: &Shop<'_>,
        mut load: Command,
        command: &str,
        arguments: &[String],
    ) -> Result<(), Failure> {
        load.arg(command)
            .arg("--server")
            .arg(&self.server)
            .args(arguments);
        shop.output.run(load.current_dir(&shop.workspace.root))
    }
}

fn wake(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let needed = [
        tools::MAKE,
        Tool::Node,
        tools::CHROMIUM,
        tools::E2E_PACKAGES,
    ];
    let shop = Shop::set_up(workspace, &needed)?;
    shop.run("cargo build --release --locked --package handfast-server")?;
    let mut node = shop.command("node bench/wake.js")?;
    node.args(arguments)
        .current_dir(workspace.root.join("e2e"))
        .env("HANDFAST_BIN", workspace.target.join("release/handfast"));
    shop.output.run(&mut node)
}
