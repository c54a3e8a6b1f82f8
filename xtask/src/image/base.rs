//! What stands in for the image of Rust: the programs of this machine that the `Dockerfile` calls.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{libraries, program};
use crate::failure::{Doing, Failure};
use crate::workspace::Workspace;

/// What `deploy/image/assemble.sh` calls; bash is for ldd.
const PROGRAMS: [&str; 10] = [
    "sh", "bash", "mkdir", "cp", "strip", "ldd", "sed", "dirname", "chown", "chmod",
];
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// It has been built already.
const CARGO: &str = "#!/bin/sh
set -eu
mkdir -p target/release
cp /built/handfast target/release/
";

/// The root of the base image.
#[derive(Debug)]
pub(super) struct Base(PathBuf);

impl Base {
    pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

    /// Lays it out.
    pub(super) fn make(workspace: &Workspace) -> Result<Self, Failure> {
        let folder = workspace.scratch("image")?.join("base");
        if folder.exists() {
            fs::remove_dir_all(&folder).doing(format_args!("emptying {}", folder.display()))?;
        }
        let base = Self(folder);
        for name in PROGRAMS {
            let path = find(name)?;
            base.add(&path, &format!("usr/bin/{name}"))?;
            base.add_libraries_of(&path)?;
        }
        symlink("usr/bin", base.0.join("bin")).doing("linking /bin of the base")?;
        let built = program(workspace);
        base.add(&built, "built/handfast")?;
        base.add_libraries_of(&built)?;
        base.add(Path::new(CERTIFICATES), &CERTIFICATES[1..])?;
        base.add_cargo()?;
        Ok(base)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    fn add_libraries_of(&self, program: &Path) -> Result<(), Failure> {
        libraries(program).iter().try_for_each(|library| {
            let place = library.strip_prefix("/").unwrap_or(library);
            self.add(library, &place.to_string_lossy())
        })
    }

    /// Copies a file, whatever links lead to it.
    fn add(&self, from: &Path, place: &str) -> Result<(), Failure> {
        let to = self.place(place)?;
        fs::copy(from, &to).doing(format_args!("copying {}", from.display()))?;
        Ok(())
    }

    fn add_cargo(&self) -> Result<(), Failure> {
        let cargo = self.place("usr/local/bin/cargo")?;
        fs::write(&cargo, CARGO)
            .and_then(|()| fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)))
            .doing("making the base's cargo")
    }

    fn place(&self, place: &str) -> Result<PathBuf, Failure> {
        let path = self.0.join(place);
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder).doing(format_args!("making {}", folder.display()))?;
        Ok(path)
    }
}

fn find(name: &str) -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| Failure::new(format!("`{name}` is not installed")))
}
