//! What must not stand in a file.

use super::{File, Finding};

/// Spelled in halves, so that this file does not break its own rules.
const UNFINISHED: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];
const ALLOW: [&str; 2] = [concat!("#[", "allow("), concat!("#![", "allow(")];
/// First folders of paths that exist on one developer's machine only.
const MACHINE_FOLDERS: [&str; 3] = ["home", "root", "work"];
/// First labels of the hosts that packages are downloaded from. Which one to use is the machine's choice.
const REGISTRY_LABELS: [&str; 9] = [
    "crates", "deb", "files", "index", "mirror", "mirrors", "pypi", "registry", "static",
];
/// Top-level and second-level names that exist for examples only.
const EXAMPLE_DOMAINS: [&str; 5] = [
    "example.com",
    "example.org",
    "example.net",
    ".example",
    ".test",
];

/// No line breaks one of the rules here.
pub(super) fn check(file: &File) -> Vec<Finding> {
    if file.is_lock_file() {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate();
    lines
        .flat_map(|(index, line)| {
            complaints(file, line).map(move |text| Finding::at(file, index, text))
        })
        .collect()
}

fn complaints<'a>(file: &File, line: &'a str) -> impl Iterator<Item = String> + 'a {
    let allow = (file.extension() == "rs")
        .then(|| allow_attribute(line))
        .flatten();
    [unfinished(line), allow, machine_path(line), registry(line)]
        .into_iter()
        .flatten()
}

fn unfinished(line: &str) -> Option<String> {
    let mut words = line.split(|character: char| !character.is_alphanumeric() && character != '_');
    let marker = words.find(|word| UNFINISHED.contains(word))?;
    Some(format!(
        "`{marker}`: finish it, or file an issue and say here why it is as it is"
    ))
}

fn allow_attribute(line: &str) -> Option<String> {
    let code = line.trim_start();
    let found = ALLOW.iter().any(|attribute| code.starts_with(attribute));
    found.then(|| {
        "an allowed lint stays allowed for ever: use `#[expect(…, reason = \"…\")]`".to_owned()
    })
}

fn machine_path(line: &str) -> Option<String> {
    let folder = MACHINE_FOLDERS.iter().find(|folder| {
        let path = format!("/{folder}/");
        line.match_indices(&path)
            .any(|(at, _)| starts_a_path(&line[..at]))
    })?;
    Some(format!(
        "a path under `/{folder}` exists on one machine only"
    ))
}

/// Whether a slash after `before` begins an absolute path rather than going on with a relative one.
fn starts_a_path(before: &str) -> bool {
    !before.ends_with(|last: char| last.is_alphanumeric() || "._-/~*})>".contains(last))
}

fn registry(line: &str) -> Option<String> {
    let hosts = line
        .match_indices("://")
        .map(|(at, separator)| host(&line[at + separator.len()..]));
    let host = hosts.into_iter().find(|host| is_registry(host))?;
    Some(format!(
        "`{host}` is a registry's host: leave it to the machine where packages come from"
    ))
}

fn host(after_scheme: &str) -> &str {
    let end = after_scheme
        .find(|character: char| !character.is_ascii_alphanumeric() && !".-".contains(character));
    &after_scheme[..end.unwrap_or(after_scheme.len())]
}

fn is_registry(host: &str) -> bool {
    let example = EXAMPLE_DOMAINS.iter().any(|domain| host.ends_with(domain));
    let label = host.split_once('.').map(|(label, _)| label);
    !example && label.is_some_and(|label| REGISTRY_LABELS.contains(&label))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&File {
            path: path.to_owned(),
            text: text.to_owned(),
        })
        .len()
    }

    #[test]
    fn ordinary_lines_pass() {
        let text = "#[expect(clippy::panic, reason = \"tested\")]\n\
                    let page = route(\"/session/cookie\");\n\
                    // see https://www.rfc-editor.org/rfc/rfc6455#section-7.4\n\
                    let origin = \"https://static.example.com\";\n\
                    let path = folder.join(\"a/home/b\");\n";
        assert_eq!(found("crates/core/src/a.rs", text), 0);
    }

    #[test]
    fn unfinished_work_is_found_in_code_and_prose() {
        for marker in UNFINISHED {
            assert_eq!(
                found("crates/core/src/a.rs", &format!("// {marker}: later")),
                1
            );
            assert_eq!(found("docs/a.md", &format!("See {marker}(me).")), 1);
            assert_eq!(found("docs/a.md", &format!("{marker}S are words")), 0);
        }
    }

    #[test]
    fn an_allowed_lint_is_found_with_its_line() {
        let file = File {
            path: "a.rs".to_owned(),
            text: format!("fn a() {{}}\n    {}dead_code)]\n", ALLOW[0]),
        };
        let findings = check(&file);
        assert_eq!(
            findings
                .iter()
                .map(|finding| finding.line)
                .collect::<Vec<_>>(),
            [Some(2)]
        );
    }

    #[test]
    fn the_path_of_a_developers_machine_is_found() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(
                found("README.md", &format!("run it in /{folder}/me/handfast")),
                1
            );
            assert_eq!(
                found("deploy/a.toml", &format!("data = \"/{folder}/me\"")),
                1
            );
        }
    }

    #[test]
    fn a_registrys_host_is_found_but_not_in_a_lock_file() {
        let line = format!("source = \"https://{}.invalid/simple\"", REGISTRY_LABELS[0]);
        assert_eq!(found("deny.toml", &line), 1);
        assert_eq!(found("Cargo.lock", &line), 0);
        assert_eq!(found("e2e/package-lock.json", &line), 0);
    }
}
