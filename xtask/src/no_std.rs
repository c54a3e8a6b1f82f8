//! The proof that handfast-core needs no std.
//!
//! `#![no_std]` alone proves little: a dependency may bring std back. So the crate is built for a target that has none:
//! a bare-metal one where the toolchain has it, otherwise the host's under a sysroot that holds only core and alloc.
//! Build scripts and procedural macros run on the host and keep the real sysroot, because `--target` is given.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure};
use crate::process::{self, Output};
use crate::steps::Shop;
use crate::workspace::Workspace;

const BARE_TARGET: &str = "x86_64-unknown-none";
/// What a crate may be built on: alloc is made from the other two.
const CRATES: [&str; 3] = ["core", "alloc", "compiler_builtins"];

/// A target without std.
#[derive(Debug)]
struct Target {
    triple: String,
    /// Where core and alloc are, if not in the toolchain's own place.
    sysroot: Option<PathBuf>,
}

/// The step: a crate that uses std must fail, then handfast-core must build.
pub(crate) fn build(shop: &Shop<'_>) -> Result<(), Failure> {
    let target = Target::find(shop.workspace)?;
    target.refuses_std(shop.workspace)?;
    let mut cargo = shop.command("cargo build --locked --package handfast-core")?;
    // Nothing of this is ever run.
    cargo.args(["--config", "profile.dev.package.'*'.opt-level=0"]);
    target.apply_to(&mut cargo, shop.workspace);
    shop.output.run(&mut cargo)
}

impl Target {
    fn find(workspace: &Workspace) -> Result<Self, Failure> {
        let bare = library_folder(BARE_TARGET)?;
        if bare.is_dir() {
            return Ok(Self {
                triple: BARE_TARGET.to_owned(),
                sysroot: None,
            });
        }
        let triple = host()?;
        let sysroot = make_sysroot(workspace, &triple)?;
        Ok(Self {
            triple,
            sysroot: Some(sysroot),
        })
    }

    fn apply_to(&self, cargo: &mut Command, workspace: &Workspace) {
        cargo
            .args(["--target", &self.triple])
            .arg("--target-dir")
            .arg(workspace.target.join("no_std"));
        if let Some(sysroot) = &self.sysroot {
            // The encoded form stands above every other way to set flags, and a path may hold spaces.
            cargo.env(
                "CARGO_ENCODED_RUSTFLAGS",
                format!("--sysroot\x1f{}", sysroot.display()),
            );
        }
    }

    /// A check that cannot fail proves nothing: a crate that uses std must not build here, and for that reason.
    fn refuses_std(&self, workspace: &Workspace) -> Result<(), Failure> {
        let folder = workspace.scratch("uses-std")?;
        write(
            &folder.join("Cargo.toml"),
            "[package]\nname = \"uses-std\"\nedition = \"2024\"\n\n[workspace]\n",
        )?;
        fs::create_dir_all(folder.join("src")).doing("making the crate that uses std")?;
        write(
            &folder.join("src/lib.rs"),
            "pub type Map = std::collections::HashMap<u8, u8>;\n",
        )?;
        let log = folder.join("log");
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet"]).current_dir(&folder);
        self.apply_to(&mut cargo, workspace);
        let output = Output::kept_at(log)?;
        let built = output.run(&mut cargo).is_ok();
        if built || !output.text().contains("can't find crate for `std`") {
            let log = output.text();
            return Err(Failure::new(format!(
                "a crate that uses std must fail for want of std, or building handfast-core here proves nothing; \
                 it said:\n{log}"
            )));
        }
        Ok(())
    }
}

/// A sysroot with nothing but core and alloc, taken from the toolchain's own.
fn make_sysroot(workspace: &Workspace, triple: &str) -> Result<PathBuf, Failure> {
    let sysroot = workspace.scratch("no-std-sysroot")?;
    let libraries = sysroot.join("lib/rustlib").join(triple).join("lib");
    if libraries.exists() {
        // What an older toolchain left there must not linger.
        fs::remove_dir_all(&libraries).doing(format_args!("emptying {}", libraries.display()))?;
    }
    fs::create_dir_all(&libraries).doing(format_args!("making {}", libraries.display()))?;
    let from = library_folder(triple)?;
    let entries = fs::read_dir(&from).doing(format_args!("reading {}", from.display()))?;
    for entry in entries {
        let path = entry.doing("reading the toolchain's libraries")?.path();
        let name = path.file_name().unwrap_or_default();
        if is_wanted(&name.to_string_lossy()) {
            fs::copy(&path, libraries.join(name))
                .doing(format_args!("copying {}", path.display()))?;
        }
    }
    Ok(sysroot)
}

/// `libcore-120cbae4e86ec454.rlib` is; `libcore_arch-….rlib` is another crate.
fn is_wanted(file: &str) -> bool {
    let name = file
        .strip_prefix("lib")
        .and_then(|rest| rest.split_once('-'));
    name.is_some_and(|(name, _)| CRATES.contains(&name))
}

fn library_folder(triple: &str) -> Result<PathBuf, Failure> {
    let folder = process::output_of(Command::new("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        triple,
    ]))?;
    Ok(PathBuf::from(folder.trim()))
}

fn host() -> Result<String, Failure> {
    let triple = process::output_of(Command::new("rustc").args(["--print", "host-tuple"]))?;
    Ok(triple.trim().to_owned())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).doing(format_args!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_core_and_alloc_reach_the_sysroot() {
        assert!(is_wanted("libcore-120cbae4e86ec454.rlib"));
        assert!(is_wanted("liballoc-6e6df4ffe0af4d15.rmeta"));
        assert!(!is_wanted("libstd-d1237ef7159db0a2.so"));
        assert!(!is_wanted(
            "librustc_std_workspace_core-75c1307561ed9634.rlib"
        ));
        assert!(!is_wanted("librustc-stable_rt.asan.a"));
    }
}
