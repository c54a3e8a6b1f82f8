//! Programs from PyPI, each in an environment of its own, so that nothing of the machine's Python is changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian;
use crate::failure::Failure;
use crate::process::Output;

/// Where the environments are, in the folder of tools.
const FOLDER: &str = "python";

/// Whether this version is there. Another one does not count: what it finds differs.
pub(super) fn is_there(tools: &Path, program: &str, version: &str) -> bool {
    bin(tools, program, version).join(program).is_file()
}

pub(super) fn install(
    tools: &Path,
    program: &str,
    version: &str,
    output: &Output,
) -> Result<(), Failure> {
    if !can_make_environments() {
        debian::install(output, &["python3-venv"])?;
    }
    let bin = bin(tools, program, version);
    let environment = bin.parent().unwrap_or(&bin);
    let mut python = Command::new("python3");
    output.run(python.args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(bin.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    output.run(pip.arg(format!("{program}=={version}")))
}

/// The folders of the programs that are installed.
pub(super) fn folders(tools: &Path) -> Vec<PathBuf> {
    let environments = std::fs::read_dir(tools.join(FOLDER)).into_iter().flatten();
    let environments = environments.flatten();
    environments
        .map(|environment| environment.path().join("bin"))
        .collect()
}

fn bin(tools: &Path, program: &str, version: &str) -> PathBuf {
    let name = format!("{program}-{version}");
    tools.join(FOLDER).join(name).join("bin")
}

/// Debian parts the module that installs pip from the rest of Python.
fn can_make_environments() -> bool {
    let mut python = Command::new("python3");
    let tried = python.args(["-c", "import ensurepip, venv"]).output();
    tried.is_ok_and(|tried| tried.status.success())
}
