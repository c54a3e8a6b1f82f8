//! Files stay small enough to be read at a sitting. (Functions are Clippy's.)

use super::{File, Finding};

/// Lines, tests aside.
const LIMIT: usize = 500;
const CODE: [&str; 8] = ["rs", "js", "mjs", "ts", "tsx", "css", "html", "sql"];

/// No file of code is longer than the limit.
pub(super) fn check(file: &File) -> Option<Finding> {
    if !CODE.contains(&file.extension()) || is_test(&file.path) {
        return None;
    }
    let lines = lines_without_tests(&file.text);
    (lines > LIMIT).then(|| {
        Finding::in_file(
            &file.path,
            format!("{lines} lines without tests, {LIMIT} are allowed"),
        )
    })
}

fn is_test(path: &str) -> bool {
    let mut folders = path.split('/').rev();
    let name = folders.next().unwrap_or_default();
    name == "tests.rs" || name.contains(".test.") || folders.any(|folder| folder == "tests")
}

/// Counts lines outside of `#[cfg(test)] mod … { … }`, whose closing brace rustfmt puts at the line's beginning.
fn lines_without_tests(text: &str) -> usize {
    let mut count = 0;
    let mut after_attribute = false;
    let mut in_tests = false;
    for line in text.lines() {
        if in_tests {
            in_tests = line != "}";
            continue;
        }
        let opens = line.starts_with("mod ") || line.starts_with("pub(crate) mod ");
        in_tests = after_attribute && opens && line.ends_with('{');
        after_attribute = line == "#[cfg(test)]" || (after_attribute && line.starts_with("#["));
        if !in_tests {
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: String) -> bool {
        check(&File {
            path: path.to_owned(),
            text,
        })
        .is_some()
    }

    #[test]
    fn a_file_at_the_limit_passes_and_one_line_more_is_found() {
        assert!(!found("crates/core/src/a.rs", "x\n".repeat(LIMIT)));
        assert!(found("crates/core/src/a.rs", "x\n".repeat(LIMIT + 1)));
    }

    #[test]
    fn tests_do_not_count() {
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n{}}}\n",
            "    x\n".repeat(LIMIT)
        );
        assert!(!found("crates/core/src/a.rs", format!("x\n{tests}")));
        assert!(!found("crates/core/tests/a.rs", "x\n".repeat(LIMIT + 1)));
    }

    #[test]
    fn what_follows_the_tests_counts_again() {
        let text = format!(
            "#[cfg(test)]\nmod tests {{\n    x\n}}\n{}",
            "x\n".repeat(LIMIT + 1)
        );
        assert!(found("crates/core/src/a.rs", text));
    }

    #[test]
    fn prose_and_data_may_be_long() {
        assert!(!found("spec/protocol.md", "x\n".repeat(LIMIT + 1)));
        assert!(!found("spec/vectors/rule.json", "x\n".repeat(LIMIT + 1)));
    }
}
