//! The names of the files that hold former records: ours, and those of whoever else renames them.

use crate::time::Date;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How the names of compressed files end, which are not read.
const COMPRESSED: [&str; 5] = ["bz2", "gz", "lz4", "xz", "zst"];

/// The name of the file `number` of a day: `audit.jsonl.2026-02-03`, then `audit.jsonl.2026-02-03.2` and so on.
pub(super) fn of_day(path: &Path, day: Date, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{day}"));
    if number > 1 {
        name.push(format!(".{number}"));
    }
    name.into()
}

/// The day that `file` has the name of, if [`of_day`] gave it.
pub(super) fn day(path: &Path, file: &Path) -> Option<Date> {
    let behind = file.to_str()?.strip_prefix(path.to_str()?)?;
    let (day, number) = match behind.strip_prefix('.')?.split_once('.') {
        Some((day, number)) => (day, Some(number)),
        None => (behind.strip_prefix('.')?, None),
    };
    let is_number = |number: &str| number.parse::<u32>().is_ok_and(|number| number > 1);
    number.is_none_or(is_number).then(|| Date::parse(day))?
}

/// The files beside `path` that seem to be former ones: their names go on behind its name with `.` or `-`, as logrotate
/// and we write them. In no order.
pub(super) fn former(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(here)? {
        let entry = entry?;
        let other = entry.file_name();
        let behind = other
            .as_encoded_bytes()
            .strip_prefix(name.as_encoded_bytes());
        let is_former = behind.is_some_and(|behind| behind.len() > 1 && b".-".contains(&behind[0]));
        let extension = Path::new(&other).extension().and_then(|it| it.to_str());
        let is_readable = extension.is_none_or(|it| !COMPRESSED.contains(&it));
        if is_former && is_readable && entry.file_type()?.is_file() {
            // Under the name that `path` has, which may be relative.
            found.push(folder.join(other));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_have_a_day() {
        let path = Path::new("/a/audit.jsonl");
        let of = |name: &str| day(path, &Path::new("/a").join(name)).map(|it| it.to_string());
        let third = Some("2026-02-03".to_owned());
        assert_eq!(of("audit.jsonl.2026-02-03"), third);
        assert_eq!(of("audit.jsonl.2026-02-03.2"), third);
        for name in [
            "audit.jsonl",
            "audit.jsonl.1",
            "audit.jsonl-2026-02-03",
            "audit.jsonl.2026-02-03.1",
            "audit.jsonl.2026-02-03.gz",
            "audit.jsonl.2026-02-30",
            "other.2026-02-03",
        ] {
            assert_eq!(of(name), None, "{name}");
        }
        let date = Date::parse("2026-02-03").unwrap();
        assert_eq!(
            of_day(path, date, 1),
            Path::new("/a/audit.jsonl.2026-02-03")
        );
    }

    #[test]
    fn former_files_are_found_whoever_renamed_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "audit",
            "audit.1",
            "audit.2.gz",
            "audit-20260203",
            "audit.2026-02-03",
            "auditor",
            "other",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let mut found = former(&folder.path().join("audit")).unwrap();
        found.sort();
        let expected = ["audit-20260203", "audit.1", "audit.2026-02-03"];
        assert_eq!(found, expected.map(|name| folder.path().join(name)));
    }
}
