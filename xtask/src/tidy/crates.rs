//! What the crates may depend on, and that they all obey the workspace's lints.

use std::path::Path;

use super::Finding;
use crate::failure::{Doing, Failure};
use crate::workspace::{Package, Workspace};

/// Each crate with those of the workspace that it may import. Imports run one way.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("handfast-core", &[]),
    ("handfast-ledger", &["handfast-core"]),
    ("handfast", &["handfast-core", "handfast-ledger"]),
    (
        "handfast-server",
        &["handfast-core", "handfast-ledger", "handfast"],
    ),
    // Of the ledger, only the databases that its tests start.
    ("handfast-load", &["handfast-core", "handfast-ledger"]),
    (
        "handfast-sim",
        &["handfast-core", "handfast-ledger", "handfast"],
    ),
    // It compiles the program's configuration in.
    (
        "handfast-fuzz",
        &["handfast-core", "handfast-ledger", "handfast"],
    ),
    ("xtask", &[]),
];

/// Dependencies that one crate keeps to itself. `deny.toml` says the same of the whole tree.
const KEPT_BY: &[(&str, &str)] = &[
    ("rusqlite", "handfast-ledger"),
    ("libsqlite3-sys", "handfast-ledger"),
    ("tokio-postgres", "handfast-ledger"),
    ("tokio-postgres-rustls", "handfast-ledger"),
];

/// Every member's manifest is in order.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let path = relative(&package.manifest, &workspace.root);
        let manifest =
            std::fs::read_to_string(&package.manifest).doing(format_args!("reading {path}"))?;
        let complaints = imports(package)
            .into_iter()
            .chain(drivers(package))
            .chain(lints(&manifest));
        findings.extend(complaints.map(|message| Finding::in_file(&path, message)));
    }
    Ok(findings)
}

fn imports(package: &Package) -> Vec<String> {
    let Some((name, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == package.name) else {
        return vec![format!(
            "`{}` has no place in the order of imports yet: give it one in xtask",
            package.name
        )];
    };
    let members = package
        .dependencies
        .iter()
        .filter(|crate_name| is_member(crate_name));
    // A crate may name itself in its own tests and examples.
    let forbidden = members.filter(|member| member != name && !allowed.contains(&member.as_str()));
    forbidden
        .map(|member| format!("`{name}` must not import `{member}`: imports run the other way"))
        .collect()
}

fn is_member(name: &str) -> bool {
    MAY_IMPORT.iter().any(|(member, _)| *member == name)
}

fn drivers(package: &Package) -> Vec<String> {
    let kept = KEPT_BY.iter().filter(|(driver, keeper)| {
        package.name != *keeper
            && package
                .dependencies
                .iter()
                .any(|dependency| dependency == driver)
    });
    kept.map(|(driver, keeper)| format!("`{driver}` stays behind `{keeper}`"))
        .collect()
}

/// Without these two lines the workspace's lints are silently off.
fn lints(manifest: &str) -> Option<String> {
    let on = manifest.contains("[lints]\nworkspace = true");
    (!on).then(|| "the manifest lacks `[lints]` with `workspace = true`".to_owned())
}

fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            manifest: PathBuf::new(),
            dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn imports_that_run_towards_the_core_pass() {
        assert!(
            imports(&package(
                "handfast",
                &["handfast-core", "handfast-ledger", "tokio"]
            ))
            .is_empty()
        );
        assert!(imports(&package("handfast-load", &["handfast-core"])).is_empty());
    }

    #[test]
    fn imports_that_run_away_from_the_core_are_found() {
        for (name, import) in [
            ("handfast-core", "handfast-ledger"),
            ("handfast-ledger", "handfast"),
            ("handfast-load", "handfast"),
            ("handfast", "handfast-server"),
        ] {
            assert_eq!(
                imports(&package(name, &["serde", import])).len(),
                1,
                "{name} imports {import}"
            );
        }
    }

    #[test]
    fn a_crate_without_a_place_in_the_order_is_found() {
        assert_eq!(imports(&package("handfast-extra", &[])).len(), 1);
    }

    #[test]
    fn a_database_driver_is_found_outside_the_ledger() {
        assert!(drivers(&package("handfast-ledger", &["rusqlite"])).is_empty());
        assert_eq!(drivers(&package("handfast-server", &["rusqlite"])).len(), 1);
    }

    #[test]
    fn a_manifest_that_leaves_the_lints_off_is_found() {
        assert!(lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n").is_none());
        assert!(lints("[package]\nname = \"a\"\n").is_some());
    }
}
