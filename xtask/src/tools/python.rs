//! Programs that come as packages of Python, each set of them in an environment of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian;
use crate::failure::Failure;
use crate::process::Output;

/// The folder of the programs; `tools` is the folder where [`install`] puts things.
pub(super) fn programs(tools: &Path) -> PathBuf {
    tools.join("python/bin")
}

/// Whether this version is there.
pub(super) fn is_there(tools: &Path, package: &str, version: &str) -> bool {
    let folders = std::fs::read_dir(tools.join("python/lib"))
        .into_iter()
        .flatten();
    let name = format!("{}-{version}.dist-info", package.replace('-', "_"));
    folders
        .flatten()
        .any(|python| python.path().join("site-packages").join(&name).is_dir())
}

pub(super) fn install(
    tools: &Path,
    output: &Output,
    package: &str,
    version: &str,
) -> Result<(), Failure> {
    let pip = programs(tools).join("pip");
    if !pip.is_file() {
        let environment = tools.join("python");
        let make = || {
            output.run(
                Command::new("python3")
                    .args(["-m", "venv"])
                    .arg(&environment),
            )
        };
        // Debian keeps what this takes apart from Python itself.
        make().or_else(|_| debian::install(output, &["python3-venv"]).and_then(|()| make()))?;
    }
    let mut install = Command::new(pip);
    install.args(["install", "--quiet", "--disable-pip-version-check"]);
    output.run(install.arg(format!("{package}=={version}")))
}
