//! The image: built by the `Dockerfile` as it is published, and run as its users would run it.
//!
//! The one thing that is not as published is what the build stage starts from. No registry needs to be reached: the base
//! is made here, of programs of this machine, and its `cargo` hands over the program that was built outside. So every
//! line of the `Dockerfile` is run, and that the official image of Rust can compile handfast is not looked at.

mod base;
mod trial;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure};
use crate::process;
use crate::steps::Shop;
use crate::workspace::Workspace;
use base::Base;

/// The image may be as large as that, in bytes.
const SIZE_MAX_BYTES: u64 = 30 << 20;
const BASE: &str = "localhost/handfast-rust";
const IMAGE: &str = "localhost/handfast";

/// The step: builds the image and tries it.
pub(crate) fn check(shop: &Shop<'_>) -> Result<(), Failure> {
    let engine = Engine::start(shop)?;
    engine.build()?;
    engine.measure()?;
    trial::run(&engine)
}

/// Builds and runs containers, without a service and with a storage of its own.
#[derive(Debug)]
struct Engine<'a> {
    shop: &'a Shop<'a>,
    /// Images, containers and volumes.
    storage: PathBuf,
    /// Sockets, whose names must be short.
    running: PathBuf,
}

impl<'a> Engine<'a> {
    fn start(shop: &'a Shop<'a>) -> Result<Self, Failure> {
        let running = format!("handfast-{}", std::process::id());
        let engine = Self {
            shop,
            storage: shop.workspace.scratch("image")?.join("storage"),
            running: std::env::temp_dir().join(running),
        };
        engine.clear()?;
        Ok(engine)
    }

    /// Removes what this run or one before it left.
    fn clear(&self) -> Result<(), Failure> {
        for folder in [&self.storage, &self.running] {
            if folder.exists() {
                std::fs::remove_dir_all(folder)
                    .doing(format_args!("removing {}", folder.display()))?;
            }
        }
        Ok(())
    }

    /// Makes the base, and the image on it.
    fn build(&self) -> Result<(), Failure> {
        let workspace = self.shop.workspace;
        let base = Base::make(workspace)?;
        let container = process::output_of(self.buildah()?.args(["from", "scratch"]))?;
        let container = container.trim();
        self.run(
            self.buildah()?
                .args(["copy", "--quiet", container])
                .arg(base.folder())
                .arg("/"),
        )?;
        let path = format!("PATH={}", Base::PATH);
        self.run(self.buildah()?.args(["config", "--env", &path, container]))?;
        self.run(self.buildah()?.args(["commit", "--quiet", container, BASE]))?;
        self.run(self.buildah()?.args(["rm", container]))?;
        // Docker's format, for the other one knows no health check.
        let mut build = self.buildah()?;
        build.args(["build", "--isolation", "chroot", "--format", "docker"]);
        build.args(["--build-arg", &format!("RUST_IMAGE={BASE}"), "--tag", IMAGE]);
        self.run(build.arg(&workspace.root))
    }

    /// Tells the size of the image, and refuses a large one.
    fn measure(&self) -> Result<(), Failure> {
        let format = "size of the image: {{.Size}}";
        self.run(self.podman()?.args(["images", "--format", format, IMAGE]))?;
        let size = process::output_of(self.podman()?.args([
            "image",
            "inspect",
            "--format",
            "{{.Size}}",
            IMAGE,
        ]))?;
        match size.trim().parse::<u64>() {
            Ok(bytes) if bytes <= SIZE_MAX_BYTES => Ok(()),
            _ => Err(Failure::new(format!(
                "the image has {} bytes, {SIZE_MAX_BYTES} are allowed",
                size.trim()
            ))),
        }
    }

    fn buildah(&self) -> Result<Command, Failure> {
        let mut command = self.shop.command("buildah")?;
        self.store(&mut command);
        Ok(command)
    }

    fn podman(&self) -> Result<Command, Failure> {
        let mut command = self.shop.command("podman")?;
        self.store(&mut command);
        command.args(["--runtime", "runc", "--cgroup-manager", "cgroupfs"]);
        command.args(["--events-backend", "file"]);
        Ok(command)
    }

    fn store(&self, command: &mut Command) {
        command.arg("--root").arg(&self.storage);
        command.arg("--runroot").arg(&self.running);
        command.args(["--storage-driver", "vfs"]);
    }

    fn run(&self, command: &mut Command) -> Result<(), Failure> {
        self.shop.output.run(command)
    }
}

impl Drop for Engine<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        if let Ok(mut podman) = self.podman() {
            podman.args(["rm", "--all", "--force", "--time", "0"]);
            drop(process::output_of(&mut podman));
        }
        drop(self.clear());
    }
}

/// Where the step `release` leaves the program.
fn program(workspace: &Workspace) -> PathBuf {
    workspace.target.join("release/handfast")
}

/// The libraries that a program loads, by what `ldd` says of it; none where it loads none.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let said = process::output_of(Command::new("ldd").arg(program)).unwrap_or_default();
    said.lines().filter_map(library).collect()
}

/// `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, or the loader `/lib64/ld-linux-x86-64.so.2 (0x…)`.
fn library(line: &str) -> Option<PathBuf> {
    let (place, _) = line.trim().rsplit_once(" (0x")?;
    let path = place.rsplit(' ').next()?;
    path.starts_with('/').then(|| PathBuf::from(path))
}

/// What the step has to tell: `24.3 MB`.
pub(crate) fn summary(log: &str) -> String {
    let mut sizes = log
        .lines()
        .filter_map(|line| line.strip_prefix("size of the image: "));
    sizes.next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_in_what_ldd_says() {
        let lines = "\tlinux-vdso.so.1 (0x00007f42)\n\
                     \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f43)\n\
                     \t/lib64/ld-linux-x86-64.so.2 (0x00007f44)\n\
                     \tnot a dynamic executable\n";
        let found: Vec<_> = lines.lines().filter_map(library).collect();
        let expected = [
            "/lib/x86_64-linux-gnu/libc.so.6",
            "/lib64/ld-linux-x86-64.so.2",
        ];
        assert_eq!(found, expected.map(PathBuf::from));
    }

    #[test]
    fn the_note_of_the_image_is_its_size() {
        assert_eq!(summary("COMMIT\nsize of the image: 24.3 MB\n"), "24.3 MB");
    }
}
