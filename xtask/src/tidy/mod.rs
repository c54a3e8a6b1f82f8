//! `cargo xtask tidy`: the style rules that neither rustfmt nor Clippy knows, as checks.
//!
//! A rule is a pure function from what it looks at to its findings, so that each is tested with a good and a bad
//! example.

mod crates;
mod documents;
mod names;
mod size;
mod text;

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::path::Path;
use std::process::Command;

use crate::failure::{Doing, Failure};
use crate::process;
use crate::workspace::Workspace;

/// A file of the project, with the path from the workspace's root.
#[derive(Debug)]
struct File {
    path: String,
    text: String,
}

/// A breach of a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; none where the whole file is meant.
    line: Option<usize>,
    message: String,
}

impl Finding {
    fn in_file(path: &str, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            message: message.into(),
        }
    }

    /// `index` counts from 0, as `enumerate` does.
    fn at(file: &File, index: usize, message: impl Into<String>) -> Self {
        Self {
            path: file.path.clone(),
            line: Some(index + 1),
            message: message.into(),
        }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

impl File {
    fn extension(&self) -> &str {
        Path::new(&self.path)
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Lock files are written by programs and say where things came from.
    fn is_lock_file(&self) -> bool {
        self.name().ends_with(".lock") || self.name() == "package-lock.json"
    }
}

/// Checks every rule; the failure lists all findings.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let paths = paths(&workspace.root)?;
    let mut findings = names::check(&paths);
    findings.extend(crates::check(workspace)?);
    findings.extend(documents::changelog(&workspace.root));
    for path in &paths {
        // What is not text is none of these rules' business.
        let Ok(text) = String::from_utf8(read(&workspace.root, path)?) else {
            continue;
        };
        let file = File {
            path: path.clone(),
            text,
        };
        findings.extend(size::check(&file));
        findings.extend(text::check(&file));
        let read =
            |path: &str| std::fs::read_to_string(workspace.root.join(path)).unwrap_or_default();
        findings.extend(documents::links(&file, &paths, &read));
        findings.extend(documents::tests(&file, &read));
    }
    if findings.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = findings.iter().map(Finding::to_string).collect();
    Err(Failure::new(format!(
        "{}\n{} breaches of the style rules",
        list.join("\n"),
        findings.len()
    )))
}

/// Every file that is or is about to be part of the project: tracked, or not ignored.
fn paths(root: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])
    .current_dir(root);
    let list = process::output_of(&mut git)?;
    let listed = list.split('\0').filter(|path| !path.is_empty());
    // A tracked file that has just been deleted is still listed.
    Ok(listed
        .filter(|path| root.join(path).is_file())
        .map(str::to_owned)
        .collect())
}

fn read(root: &Path, path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(root.join(path)).doing(format_args!("reading {path}"))
}
