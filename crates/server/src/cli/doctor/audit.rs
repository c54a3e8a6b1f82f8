//! Whether what happens can be recorded.

use super::finding::{Check, Finding};
use crate::config::{AuditTarget, Config};
use rustix::fs::{Access, access};
use std::{os::unix::fs::MetadataExt as _, path::Path};

/// Where it is recorded, if it is.
pub(super) fn of(config: &Config) -> Finding {
    let check = Check("audit");
    match &config.audit.target {
        AuditTarget::Off => check.ok("what happens is not recorded; `audit.path` says where to"),
        AuditTarget::Stdout => check.ok("what happens is recorded on stdout"),
        AuditTarget::File(path) => file(check, path, config.audit.keep.is_some()),
    }
}

/// `renames` tells whether former days are renamed within the folder.
fn file(check: Check, path: &Path, renames: bool) -> Finding {
    let shown = path.display();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let needs_folder = renames || !path.exists();
    if needs_folder && access(folder, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return check.fail(
            format!("this user cannot make files in {}", folder.display()),
            format!("make the folder and give it to the user that runs handfast, or set `audit.path` elsewhere than {shown}"),
        );
    }
    let Ok(metadata) = path.metadata() else {
        return check.ok(format!("{shown} will be made at the first start"));
    };
    if access(path, Access::WRITE_OK).is_err() {
        return check.fail(
            format!("{shown} cannot be written by this user"),
            format!("run as its owner, or: chown $USER {shown}"),
        );
    }
    let mode = metadata.mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        return check.warn(
            format!("others may read {shown} (mode {mode:04o})"),
            format!("chmod 600 {shown}"),
        );
    }
    check.ok(format!("what happens is recorded in {shown}"))
}
