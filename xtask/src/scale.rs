//! `cargo xtask scale`: as many sessions on this machine as it holds.

use std::process::Command;

use crate::failure::Failure;
use crate::process::Output;
use crate::runner;
use crate::steps::Shop;
use crate::tools;
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

/// Builds for release, and lets the load generator run nodes in a network namespace. It needs root for that.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    runner::ensure(
        workspace,
        &[tools::MAKE, tools::POSTGRESQL, tools::IPROUTE],
        true,
    )?;
    let shop = Shop {
        workspace,
        output: Output::Shown,
    };
    let mut build = shop.command(
        "cargo build --release --locked --package handfast-server --package handfast-load",
    )?;
    shop.output.run(&mut build)?;
    let programs = workspace.target.join("release");
    let mut scale = Command::new("unshare");
    scale
        .args([
            "--net", "--", "sh", "-e", "-c", OUTER, "outer", INNER, "inner",
        ])
        .arg(programs.join("handfast-load"))
        .arg("scale")
        .arg("--server")
        .arg(programs.join("handfast"))
        .args(arguments);
    shop.output.run(scale.current_dir(&workspace.root))
}
