//! Documents: links lead somewhere, and the changelog is ready for the next change.

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
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((
                index,
                line.split('`').step_by(2).collect::<Vec<_>>().join("`"),
            ));
        }
    }
    lines
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
    fn a_changelog_needs_its_unreleased_section() {
        assert!(has_unreleased("# Changelog\n\n## Unreleased\n"));
        assert!(has_unreleased("## [Unreleased]\n"));
        assert!(!has_unreleased("# Changelog\n\n## 0.1.0\n"));
    }
}
