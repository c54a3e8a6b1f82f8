//! Packages of Debian.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure};
use crate::process::{self, Output};

/// What packages ask whether they may start the service that they bring.
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// The answer that they may not, as the package `init-system-helpers` has it.
const FORBIDDEN: &str = "#!/bin/sh\nexit 101\n";

/// Whether there is such a program, be it where only root looks, or where PostgreSQL's are.
pub(super) fn is_there(program: &str) -> bool {
    let mut folders = postgresql_folders();
    folders.push(PathBuf::from("/usr/sbin"));
    let folders: Vec<_> = folders.iter().map(PathBuf::as_path).collect();
    process::is_installed(program, &folders)
}

/// Installs packages. The tests start what they need by themselves, so no service is started.
pub(crate) fn install(output: &Output, packages: &[&str]) -> Result<(), Failure> {
    if !process::is_installed("apt-get", &[]) {
        return Err(Failure::new(format!(
            "this is not a Debian machine: install {} (or its like) by hand",
            packages.join(" and ")
        )));
    }
    // One source that does not answer must not keep a package of another away; if it mattered, the next line fails.
    output
        .run(as_root("apt-get").args(["update", "--quiet=2"]))
        .ok();
    let policy = forbid_services(output)?;
    let mut install = as_root("apt-get");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends"]);
    let installed = output.run(
        install
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    );
    if policy == Policy::Ours {
        output.run(as_root("rm").args(["--force", POLICY]))?;
    }
    installed
}

/// Who says whether services start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    /// The machine's own file, which is left alone.
    Machine,
    /// A file that goes after the installation.
    Ours,
}

fn forbid_services(output: &Output) -> Result<Policy, Failure> {
    if Path::new(POLICY).exists() {
        return Ok(Policy::Machine);
    }
    let file = std::env::temp_dir().join(format!("handfast-policy-{}", std::process::id()));
    std::fs::write(&file, FORBIDDEN).doing(format_args!("writing {}", file.display()))?;
    let mut install = as_root("install");
    let outcome = output.run(install.arg("--mode=755").arg(&file).arg(POLICY));
    std::fs::remove_file(&file).doing(format_args!("removing {}", file.display()))?;
    outcome.map(|()| Policy::Ours)
}

/// Where Debian keeps what belongs to one version of PostgreSQL, its server among it: not on `PATH`, which has clients.
fn postgresql_folders() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect()
}

fn as_root(program: &str) -> Command {
    let user = process::output_of(Command::new("id").arg("-u")).unwrap_or_default();
    if user.trim() == "0" {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.arg(program);
    sudo
}
