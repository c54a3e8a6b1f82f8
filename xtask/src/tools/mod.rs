//! Set-up: what a step needs on the machine, and how it gets there.
//!
//! Programs that are already on `PATH` are taken as they are. Cargo's and Python's go under the target directory, so that
//! nothing of the developer's own is changed; the rest are Debian packages.

mod catalogue;
mod debian;
mod node;
mod python;

pub(crate) use catalogue::*;
pub(crate) use debian::install as install_packages;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::process::{self, Output};
use crate::workspace::Workspace;

/// A thing that must be there before a step can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// A part of the Rust toolchain, recognised by its program.
    Component {
        program: &'static str,
        component: &'static str,
    },
    /// A program that is built from its published crate, which may bring others too.
    Cargo {
        program: &'static str,
        package: &'static str,
        version: &'static str,
    },
    /// A program that comes with a Debian package.
    Debian {
        program: &'static str,
        package: &'static str,
    },
    /// A program of the same name as the package of PyPI that it comes with.
    Python {
        program: &'static str,
        version: &'static str,
    },
    /// Node.js and npm.
    Node,
    /// The packages that a folder's `package-lock.json` lists.
    Npm {
        name: &'static str,
        folder: &'static str,
    },
}

impl Tool {
    /// What the report calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Component { program, .. }
            | Self::Cargo { program, .. }
            | Self::Debian { program, .. }
            | Self::Python { program, .. } => program,
            Self::Node => "node",
            Self::Npm { name, .. } => name,
        }
    }

    /// How it is installed, in words.
    pub(crate) fn remedy(self) -> String {
        match self {
            Self::Component { component, .. } => format!("rustup component add {component}"),
            Self::Cargo {
                package, version, ..
            } => {
                format!("cargo install {package}@{version}, under target/tools")
            }
            Self::Debian { package, .. } => format!("apt-get install {package}"),
            Self::Python { program, version } => {
                format!("pip install {program}=={version}, under target/tools")
            }
            Self::Node => {
                "apt-get install nodejs npm; where that is too old, one from npm under target/tools"
                    .to_owned()
            }
            Self::Npm { folder, .. } => format!("npm ci, in {folder}/"),
        }
    }

    /// Whether it is built here rather than fetched.
    pub(crate) fn is_built(self) -> bool {
        match self {
            Self::Cargo { .. } => true,
            Self::Component { .. }
            | Self::Debian { .. }
            | Self::Python { .. }
            | Self::Node
            | Self::Npm { .. } => false,
        }
    }

    /// The package of Debian that it is.
    pub(crate) fn package(self) -> Option<&'static str> {
        match self {
            Self::Debian { package, .. } => Some(package),
            Self::Component { .. }
            | Self::Cargo { .. }
            | Self::Python { .. }
            | Self::Node
            | Self::Npm { .. } => None,
        }
    }

    pub(crate) fn is_there(self, workspace: &Workspace) -> bool {
        match self {
            Self::Component { program, .. } => {
                // rustup puts a proxy on PATH for components that are not installed; only running it tells.
                Command::new(program)
                    .arg("--version")
                    .output()
                    .is_ok_and(|output| output.status.success())
            }
            Self::Cargo { program, .. } => {
                process::is_installed(program, &[&folder(workspace).join("bin")])
            }
            Self::Debian { program, .. } => debian::is_there(program),
            Self::Python { program, version } => {
                python::is_there(&folder(workspace), program, version)
            }
            Self::Node => node::is_there(&folder(workspace)),
            Self::Npm { folder, .. } => npm_is_current(&workspace.root.join(folder)),
        }
    }

    pub(crate) fn install(self, workspace: &Workspace, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Component { component, .. } => {
                output.run(Command::new("rustup").args(["component", "add", component]))
            }
            Self::Cargo {
                package, version, ..
            } => install_crate(workspace, output, package, version),
            Self::Debian { package, .. } => debian::install(output, &[package]),
            Self::Python { program, version } => {
                python::install(&folder(workspace), program, version, output)
            }
            Self::Node => node::install(&folder(workspace), output),
            Self::Npm { folder, .. } => {
                let mut npm = Command::new("npm");
                npm.args(["ci", "--no-audit", "--no-fund"])
                    .current_dir(workspace.root.join(folder));
                output.run(&mut npm)
            }
        }
    }
}

/// `PATH` with what set-up has installed: Cargo's tools and Python's come last, a Node.js only where the machine's is too old.
pub(crate) fn path(workspace: &Workspace) -> Result<OsString, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folder = folder(workspace);
    let folders = node::carried(&folder).into_iter();
    let folders = folders
        .chain(std::env::split_paths(&path))
        .chain([folder.join("bin")])
        .chain(python::folders(&folder));
    std::env::join_paths(folders).map_err(|error| Failure::new(format!("PATH: {error}")))
}

/// Where set-up puts what is not Debian's.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("tools")
}

/// Unoptimised: they run for a second or two, and building them for release takes minutes more.
fn install_crate(
    workspace: &Workspace,
    output: &Output,
    package: &str,
    version: &str,
) -> Result<(), Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "install",
        "--locked",
        "--debug",
        "--version",
        version,
        package,
    ]);
    cargo.arg("--root").arg(folder(workspace));
    cargo
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0");
    output.run(&mut cargo)
}

/// npm leaves a copy of the lock file among what it installed; a newer lock file means that they have parted.
fn npm_is_current(folder: &Path) -> bool {
    let changed = |file: &str| {
        folder
            .join(file)
            .metadata()
            .and_then(|metadata| metadata.modified())
    };
    match (
        changed("package-lock.json"),
        changed("node_modules/.package-lock.json"),
    ) {
        (Ok(wanted), Ok(installed)) => installed >= wanted,
        _ => false,
    }
}
