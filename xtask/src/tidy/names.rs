//! Names that say nothing: a file or folder is called by what it holds.

use std::collections::BTreeSet;

use super::Finding;

const FORBIDDEN: [&str; 7] = [
    "common", "helper", "helpers", "misc", "types", "util", "utils",
];
const CODE: [&str; 7] = ["rs", "js", "mjs", "ts", "tsx", "css", "sql"];

/// No file of code, and no folder that holds one, has a forbidden name.
pub(super) fn check(paths: &BTreeSet<String>) -> Vec<Finding> {
    paths
        .iter()
        .filter(|path| is_code(path))
        .filter_map(|path| finding(path))
        .collect()
}

fn is_code(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, extension)| CODE.contains(&extension))
}

fn finding(path: &str) -> Option<Finding> {
    let names = path
        .split('/')
        .map(|part| part.split('.').next().unwrap_or(part));
    let name = names.into_iter().find(|name| FORBIDDEN.contains(name))?;
    Some(Finding::in_file(
        path,
        format!("`{name}` says nothing of what it holds; name it by that"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> bool {
        !check(&BTreeSet::from([path.to_owned()])).is_empty()
    }

    #[test]
    fn files_and_folders_named_by_what_they_hold_pass() {
        for path in [
            "crates/core/src/session/rule.rs",
            "e2e/page.ts",
            "docs/types.md",
            "deploy/common.toml",
        ] {
            assert!(!found(path), "{path}");
        }
    }

    #[test]
    fn files_and_folders_named_after_nothing_are_found() {
        for path in [
            "crates/core/src/utils.rs",
            "crates/core/tests/common/mod.rs",
            "e2e/types.d.ts",
        ] {
            assert!(found(path), "{path}");
        }
    }
}
