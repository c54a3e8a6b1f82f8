//! Where things are.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::{Doing, Failure};
use crate::process;

/// The checkout that this program was built in.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Cargo's target directory, wherever the developer has put it.
    pub(crate) target: PathBuf,
    /// The members' manifests, as `cargo metadata` tells them.
    pub(crate) packages: Vec<Package>,
}

/// A member of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Path of the manifest.
    pub(crate) manifest: PathBuf,
    /// Names of the crates that it depends on, for whatever purpose.
    pub(crate) dependencies: Vec<String>,
}

impl Workspace {
    pub(crate) fn here() -> Result<Self, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .ok_or_else(|| Failure::new("xtask lies in the workspace's root folder"))?
            .to_owned();
        let mut cargo = Command::new("cargo");
        cargo
            .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
            .current_dir(&root);
        let json = process::output_of(&mut cargo)?;
        let metadata: Value = serde_json::from_str(&json).map_err(|error| {
            Failure::new(format!("reading what `cargo metadata` printed: {error}"))
        })?;
        let packages = metadata["packages"]
            .as_array()
            .into_iter()
            .flatten()
            .map(Package::read)
            .collect();
        let target = PathBuf::from(text(&metadata["target_directory"]));
        Ok(Self {
            root,
            target,
            packages,
        })
    }

    /// A folder of xtask's own under the target directory; made if need be.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.target.join("xtask").join(name);
        std::fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
        Ok(folder)
    }
}

impl Package {
    fn read(package: &Value) -> Self {
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        Self {
            name: text(&package["name"]),
            manifest: PathBuf::from(text(&package["manifest_path"])),
            dependencies: dependencies
                .map(|dependency| text(&dependency["name"]))
                .collect(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
