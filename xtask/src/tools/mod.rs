//! Set-up: what a step needs on the machine, and how it gets there.
//!
//! Programs that are already on `PATH` are taken as they are. Cargo's go under the target directory, so that nothing of
//! the developer's own is changed; the rest are Debian packages.

mod debian;
mod node;
mod python;

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
    /// A program that is built from its published crate.
    Cargo {
        program: &'static str,
        version: &'static str,
    },
    /// A program that comes with a Debian package.
    Debian {
        program: &'static str,
        package: &'static str,
    },
    /// A program of the same name as the package of Python that it comes with.
    Python {
        package: &'static str,
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

pub(crate) const RUSTFMT: Tool = Tool::Component {
    program: "cargo-fmt",
    component: "rustfmt",
};
pub(crate) const CLIPPY: Tool = Tool::Component {
    program: "cargo-clippy",
    component: "clippy",
};
pub(crate) const NEXTEST: Tool = Tool::Cargo {
    program: "cargo-nextest",
    version: "0.9.143",
};
pub(crate) const DENY: Tool = Tool::Cargo {
    program: "cargo-deny",
    version: "0.20.2",
};
pub(crate) const MACHETE: Tool = Tool::Cargo {
    program: "cargo-machete",
    version: "0.9.2",
};
/// jemalloc's build script calls it.
pub(crate) const MAKE: Tool = Tool::Debian {
    program: "make",
    package: "make",
};
pub(crate) const CHROMIUM: Tool = Tool::Debian {
    program: "chromium",
    package: "chromium",
};
/// The ledger's tests start servers of their own; one that the package started is left alone.
pub(crate) const POSTGRESQL: Tool = Tool::Debian {
    program: "postgres",
    package: "postgresql",
};
pub(crate) const REDIS: Tool = Tool::Debian {
    program: "redis-server",
    package: "redis-server",
};
pub(crate) const NATS: Tool = Tool::Debian {
    program: "nats-server",
    package: "nats-server",
};
/// It makes the network of a network namespace.
pub(crate) const IPROUTE: Tool = Tool::Debian {
    program: "ip",
    package: "iproute2",
};
/// It lies to a node about the time of day.
pub(crate) const FAKETIME: Tool = Tool::Debian {
    program: "faketime",
    package: "faketime",
};
/// The tests start proxies of their own, with the files that are in `deploy`.
pub(crate) const NGINX: Tool = Tool::Debian {
    program: "nginx",
    package: "nginx",
};
pub(crate) const HAPROXY: Tool = Tool::Debian {
    program: "haproxy",
    package: "haproxy",
};
pub(crate) const CADDY: Tool = Tool::Debian {
    program: "caddy",
    package: "caddy",
};
/// The tests make backups with it, as the guide says.
pub(crate) const SQLITE: Tool = Tool::Debian {
    program: "sqlite3",
    package: "sqlite3",
};
pub(crate) const YAMLLINT: Tool = Tool::Debian {
    program: "yamllint",
    package: "yamllint",
};
pub(crate) const SHELLCHECK: Tool = Tool::Debian {
    program: "shellcheck",
    package: "shellcheck",
};
/// It checks and tests the alerts.
pub(crate) const PROMTOOL: Tool = Tool::Debian {
    program: "promtool",
    package: "prometheus",
};
pub(crate) const DOCKER_COMPOSE: Tool = Tool::Debian {
    program: "docker-compose",
    package: "docker-compose",
};
pub(crate) const KUBECTL: Tool = Tool::Debian {
    program: "kubectl",
    package: "kubernetes-client",
};
/// It knows Compose's specification.
pub(crate) const CHECK_JSONSCHEMA: Tool = Tool::Python {
    package: "check-jsonschema",
    version: "0.39.0",
};
/// It knows Kubernetes' own.
pub(crate) const KUBERNETES_VALIDATE: Tool = Tool::Python {
    package: "kubernetes-validate",
    version: "1.37.0",
};
/// It looks at the unit file.
pub(crate) const SYSTEMD: Tool = Tool::Debian {
    program: "systemd-analyze",
    package: "systemd",
};
/// It builds images without a service.
pub(crate) const BUILDAH: Tool = Tool::Debian {
    program: "buildah",
    package: "buildah",
};
/// It runs them, by runc, without a service.
pub(crate) const PODMAN: Tool = Tool::Debian {
    program: "podman",
    package: "podman",
};
pub(crate) const RUNC: Tool = Tool::Debian {
    program: "runc",
    package: "runc",
};
pub(crate) const STRIP: Tool = Tool::Debian {
    program: "strip",
    package: "binutils",
};
/// What the tests of several nodes need.
pub(crate) const CLUSTER: &[Tool] = &[MAKE, POSTGRESQL, REDIS, FAKETIME];
pub(crate) const E2E_PACKAGES: Tool = Tool::Npm {
    name: "e2e-packages",
    folder: "e2e",
};
pub(crate) const SDK_PACKAGES: Tool = Tool::Npm {
    name: "sdk-packages",
    folder: "sdk/typescript",
};

impl Tool {
    /// What the report calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Component { program, .. }
            | Self::Cargo { program, .. }
            | Self::Debian { program, .. } => program,
            Self::Python { package, .. } => package,
            Self::Node => "node",
            Self::Npm { name, .. } => name,
        }
    }

    /// How it is installed, in words.
    pub(crate) fn remedy(self) -> String {
        match self {
            Self::Component { component, .. } => format!("rustup component add {component}"),
            Self::Cargo { program, version } => {
                format!("cargo install {program}@{version}, under target/tools")
            }
            Self::Debian { package, .. } => format!("apt-get install {package}"),
            Self::Python { package, version } => {
                format!("pip install {package}=={version}, under target/tools")
            }
            Self::Node => {
                "apt-get install nodejs npm; where that is too old, one from npm under target/tools"
                    .to_owned()
            }
            Self::Npm { folder, .. } => format!("npm ci, in {folder}/"),
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
            Self::Python { package, version } => {
                python::is_there(&folder(workspace), package, version)
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
            Self::Cargo { program, version } => install_crate(workspace, output, program, version),
            Self::Debian { package, .. } => debian::install(output, &[package]),
            Self::Python { package, version } => {
                python::install(&folder(workspace), output, package, version)
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
        .chain([folder.join("bin"), python::programs(&folder)]);
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
    program: &str,
    version: &str,
) -> Result<(), Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "install",
        "--locked",
        "--debug",
        "--version",
        version,
        program,
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
