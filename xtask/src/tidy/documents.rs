//! Documents: links lead somewhere, tests that they name are there, and the changelog is ready for the next change.

use std::collections::BTreeSet;
use std::path::Path;

use super::{File, Finding};

/// Reads another document of the project; empty where it cannot be read.
type Read<'a> = &'a dyn Fn(&str) -> String;

/// The changelog has a place for what is not released yet.
pub(super) fn changelog(root: &Path) -> Option<Finding> {
    let text = std::fs::read_to_string(root.join("CHANGELOG.md")).unwrap_or_default();
    (!has_unreleased(&text))
        .then(|| Finding::in_file("CHANGELOG.md", "there is no section `## Unreleased`"))
}

fn has_unreleased(text: &str) -> bool {
    text.lines().any(|line| {
        line.strip_prefix("## ")
            .is_some_and(|title| title.trim_matches(['[', ']']) == "Unreleased")
    })
}

/// Every relative link of a Markdown file leads to a file or folder of the project, and to a heading that is there.
pub(super) fn links(file: &File, paths: &BTreeSet<String>, read: Read<'_>) -> Vec<Finding> {
    if file.extension() != "md" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in prose(&file.text) {
        for target in targets(&line) {
            if !leads_somewhere(file, &target, paths, read) {
                findings.push(Finding::at(
                    file,
                    index,
                    format!("the link to `{target}` leads nowhere"),
                ));
            }
        }
    }
    findings
}

/// Every test that a Markdown file names in a link to where it stands is a test there.
pub(super) fn tests(file: &File, read: Read<'_>) -> Vec<Finding> {
    if file.extension() != "md" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in unfenced(&file.text) {
        for (name, target) in named(line) {
            let text = resolve(&file.path, target).map_or_else(String::new, |path| read(&path));
            if !is_test(name, target, &text) {
                let message = format!("`{name}` is no test in `{target}`");
                findings.push(Finding::at(file, index, message));
            }
        }
    }
    findings
}

/// The name and the target of each link to a file of tests whose text is a code span: ``[`name`](tests.rs)``.
fn named(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let links = line.split("[`").skip(1);
    links.filter_map(|rest| {
        let (name, rest) = rest.split_once("`](")?;
        let (target, _) = rest.split_once(')')?;
        let is_name = !name.contains(['/', '.']);
        let has_tests = target.ends_with(".rs") || target.ends_with(".test.js");
        (is_name && has_tests).then_some((name, target))
    })
}

/// A function behind `#[test]` or its like in Rust, or one that is listed for a macro to make tests of; in JavaScript, the
/// title of a call of `test`.
fn is_test(name: &str, target: &str, text: &str) -> bool {
    if target.ends_with(".js") {
        return text.contains(&format!("test(\"{name}\""));
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let definition = format!("fn {name}(");
    let is_listed = lines.contains(&format!("{name},").as_str());
    lines.iter().enumerate().any(|(index, line)| {
        let is_defined = line.trim_start_matches("async ").starts_with(&definition);
        let before = lines[..index].iter().rev();
        let mut attributes = before.take_while(|line| line.starts_with("#["));
        let is_marked = attributes.any(|line| line.ends_with("test]") || line.contains("test("));
        is_defined && (is_listed || is_marked)
    })
}

fn leads_somewhere(file: &File, target: &str, paths: &BTreeSet<String>, read: Read<'_>) -> bool {
    if target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    if path.is_empty() {
        return has_heading(&file.text, anchor);
    }
    let Some(path) = resolve(&file.path, path) else {
        return false;
    };
    let folder = format!("{path}/");
    let exists = path.is_empty()
        || paths.contains(&path)
        || paths.iter().any(|other| other.starts_with(&folder));
    let anchored = anchor.is_empty() || !path.ends_with(".md") || has_heading(&read(&path), anchor);
    exists && anchored
}

/// The path that a link means, seen from the root; none where it leads out of the project.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = match link.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.split('/').collect(),
    };
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The lines outside fenced code, with code spans blanked.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let blanked = |line: &str| line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    unfenced(text).map(move |(index, line)| (index, blanked(line)))
}

/// The lines outside fenced code.
fn unfenced(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

/// The targets of `[text](target)`, `[text](target "title")` and `[label]: target`.
fn targets(line: &str) -> Vec<String> {
    let inline = line
        .match_indices("](")
        .filter_map(|(at, open)| line[at + open.len()..].split(')').next());
    let definition = line
        .starts_with('[')
        .then(|| line.split_once("]: "))
        .flatten()
        .map(|(_, target)| target);
    let words = inline
        .chain(definition)
        .filter_map(|target| target.split_whitespace().next());
    words
        .map(|target| target.trim_matches(['<', '>']).to_owned())
        .collect()
}

fn has_heading(text: &str, anchor: &str) -> bool {
    let mut fenced = false;
    text.lines().any(|line| {
        fenced ^= line.starts_with("```");
        let title = line.trim_start_matches('#');
        !fenced && title.len() < line.len() && slug(title) == anchor
    })
}

/// The anchor that a heading gets where the documents are read.
fn slug(title: &str) -> String {
    let kept = title
        .trim()
        .chars()
        .filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.flat_map(char::to_lowercase)
        .map(|character| if character == ' ' { '-' } else { character })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = "# A guide\n\n## What it is: `core`\n";

    fn found(text: &str) -> Vec<String> {
        let paths = ["README.md", "docs/guide.md", "docs/adr/0001.md"]
            .map(str::to_owned)
            .into();
        let file = File {
            path: "docs/guide.md".to_owned(),
            text: format!("{GUIDE}{text}"),
        };
        let read = |path: &str| {
            if path == "docs/guide.md" {
                GUIDE.to_owned()
            } else {
                String::new()
            }
        };
        links(&file, &paths, &read)
            .into_iter()
            .map(|finding| finding.message)
            .collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let text = "[a](../README.md), [b](adr/0001.md \"title\"), [c](adr/), [d](#what-it-is-core),\n\
                    [e](guide.md#a-guide), [f](https://www.rfc-editor.org/rfc/rfc6455), [g](mailto:a@example.org)\n\
                    [h]: ../README.md\n";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for link in [
            "gone.md",
            "../../README.md",
            "adr/0002.md",
            "#gone",
            "guide.md#gone",
            "README.md",
        ] {
            assert_eq!(found(&format!("see [it]({link})")).len(), 1, "{link}");
        }
        assert_eq!(found("[it]: gone.md").len(), 1);
    }

    #[test]
    fn code_is_not_read_as_links() {
        assert_eq!(
            found("`[a](gone.md)`\n```\n[a](gone.md)\n```\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_test_that_a_document_names_has_to_be_there() {
        let rust = "#[test]\nfn a_door_stays_shut() {}\n\n    #[tokio::test(start_paused = true)]\n    \
                    async fn a_bell_rings() {}\n\nfn no_test_at_all() {}\n\
                    on_both!(\n    a_lamp_burns,\n);\nfn a_lamp_burns(on: On) {}\n";
        let read = |path: &str| match path {
            "crates/x/tests/it.rs" => rust.to_owned(),
            "e2e/door.test.js" => "test(\"a door stays shut\", async () => {});".to_owned(),
            _ => String::new(),
        };
        let found = |text: &str| {
            let file = File {
                path: "docs/guide.md".to_owned(),
                text: text.to_owned(),
            };
            tests(&file, &read).len()
        };
        for there in [
            "[`a_door_stays_shut`](../crates/x/tests/it.rs), [`a_bell_rings`](../crates/x/tests/it.rs)",
            "[`a door stays shut`](../e2e/door.test.js) and [`code`](guide.md)",
            "[`a_lamp_burns`](../crates/x/tests/it.rs), [`tests/it.rs`](../crates/x/tests/it.rs)",
            "```\n[`gone`](../crates/x/tests/it.rs)\n```",
        ] {
            assert_eq!(found(there), 0, "{there}");
        }
        for gone in [
            "[`a_door_stays_open`](../crates/x/tests/it.rs)",
            "[`no_test_at_all`](../crates/x/tests/it.rs)",
            "[`a_door_stays_shut`](../crates/x/tests/other.rs)",
            "[`a door stays open`](../e2e/door.test.js)",
        ] {
            assert_eq!(found(gone), 1, "{gone}");
        }
    }

    #[test]
    fn a_changelog_needs_its_unreleased_section() {
        assert!(has_unreleased("# Changelog\n\n## Unreleased\n"));
        assert!(has_unreleased("## [Unreleased]\n"));
        assert!(!has_unreleased("# Changelog\n\n## 0.1.0\n"));
    }
}
