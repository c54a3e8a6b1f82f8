//! The data folder and what is in it.

use super::finding::{Check, Finding};
use crate::{admin, config::Config, data::DataFolder, time::relative};
use handfast::{
    PostgresUrl,
    clock::SystemClock,
    keys::{KeyFile, KeyRing},
};
use handfast_core::time::{Clock as _, Timestamp};
use handfast_ledger::{DatabaseError, OpenError, Postgres, Sqlite};
use rustix::fs::{Access, access, statvfs};
use std::{
    error::Error as _, fs::Metadata, os::unix::fs::MetadataExt as _, path::Path, time::Duration,
};

/// A signing key older than this should be replaced.
const KEY_AGE: Duration = Duration::from_secs(365 * 86_400);

/// Clocks that are further apart should be looked at.
const CLOCKS_APART: Duration = Duration::from_secs(5);
/// Nodes whose clocks are further apart refuse each other's tickets.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(60);

/// Less room than this on the disk is soon none.
const LITTLE_ROOM_BYTES: u64 = 256 << 20;

/// Whether the folder can be used, and by nobody else.
pub(super) fn folder(folder: DataFolder<'_>) -> Vec<Finding> {
    let check = Check("data folder");
    let path = folder.0;
    let shown = path.display();
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => vec![absent(check, path)],
        Err(error) => vec![check.fail(
            format!("{shown} cannot be looked at: {error}"),
            "let this user read the folder and those above it",
        )],
        Ok(metadata) if !metadata.is_dir() => vec![check.fail(
            format!("{shown} is no folder"),
            "set `data` to a folder, or to a path where one can be made",
        )],
        Ok(metadata) => vec![present(check, path, &metadata), room(path)],
    }
}

fn absent(check: Check, path: &Path) -> Finding {
    let above = path
        .ancestors()
        .skip(1)
        .map(|above| match above.as_os_str() {
            empty if empty.is_empty() => Path::new("."),
            _ => above,
        });
    let mut existing = above.filter(|above| above.exists());
    match existing.next() {
        Some(above) if access(above, Access::WRITE_OK | Access::EXEC_OK).is_ok() => check.ok(
            format!("{} will be made at the first start", path.display()),
        ),
        Some(_) | None => check.fail(
            format!("{} is not there and cannot be made", path.display()),
            "make it and give it to the user that runs handfast, with mode 0700",
        ),
    }
}

fn present(check: Check, path: &Path, metadata: &Metadata) -> Finding {
    let shown = path.display();
    let mode = metadata.mode() & 0o777;
    if access(path, Access::WRITE_OK | Access::READ_OK | Access::EXEC_OK).is_err() {
        return check.fail(
            format!("{shown} cannot be written by this user (mode {mode:04o})"),
            format!("run as its owner, or: chown $USER {shown}"),
        );
    }
    if mode & 0o077 != 0 {
        return check.warn(
            format!("{shown} is open to others (mode {mode:04o})"),
            format!("chmod 700 {shown}"),
        );
    }
    check.ok(format!("{shown} is this user's alone"))
}

fn room(path: &Path) -> Finding {
    let check = Check("disk");
    match statvfs(path) {
        Err(error) => check.warn(
            format!("the room that is left cannot be told: {error}"),
            "look with: df",
        ),
        Ok(disk) => {
            let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
            let free = format!("{} MiB are free", free_bytes >> 20);
            if free_bytes < LITTLE_ROOM_BYTES {
                check.warn(
                    free,
                    "make room: where nothing can be stored, nobody can log in or come back",
                )
            } else {
                check.ok(free)
            }
        }
    }
}

/// Whether the keys can be used and are not too old.
pub(super) fn keys(folder: DataFolder<'_>, now: Timestamp) -> Vec<Finding> {
    let check = Check("keys");
    let path = folder.keys();
    if !path.exists() {
        let found = format!("{} will be made at the first start", path.display());
        return vec![check.ok(found)];
    }
    match KeyFile::new(&path).load() {
        Ok(ring) => vec![age(check, &ring, now)],
        Err(error) => vec![check.fail(
            error.to_string(),
            "mend it, or restore it from a backup; without its keys every token is dead",
        )],
    }
}

fn age(check: Check, ring: &KeyRing, now: Timestamp) -> Finding {
    let key = ring.signing(now);
    let name = format!("{} ({})", key.id(), key.algorithm());
    match key.created_at() {
        None => check.ok(format!("{name} signs; its age is not known")),
        Some(made) if made > now => check.warn(
            format!("{name} was made {} by this clock", relative(made, now)),
            "set the clock: times in tokens depend on it",
        ),
        Some(made) if now.since(made) > KEY_AGE => check.warn(
            format!("{name} signs, and was made {}", relative(made, now)),
            "handfast keys rotate, then SIGHUP to every running handfast",
        ),
        Some(made) => check.ok(format!(
            "{name} signs, and was made {}",
            relative(made, now)
        )),
    }
}

/// Whether the operator's token can be used, and by nobody else.
pub(super) fn admin_token(config: &Config) -> Finding {
    let check = Check("admin token");
    let made = DataFolder(&config.data).admin_token();
    match &config.admin.token_file {
        None if !made.exists() => check.ok(format!(
            "{} will be made at the first start",
            made.display()
        )),
        given => {
            let path = given.as_ref().unwrap_or(&made);
            match admin::read_token(path) {
                Ok(_) => check.ok(format!("{} is this user's alone", path.display())),
                Err(error) => {
                    let cause = error.fault.source().map(|cause| format!(": {cause}"));
                    check.fail(
                        format!("{error}{}", cause.unwrap_or_default()),
                        "mend it, or remove it where it is in the data folder: a new one is made",
                    )
                }
            }
        }
    }
}

/// Whether the databases can be opened, and by nobody else.
pub(super) fn databases(folder: DataFolder<'_>) -> Vec<Finding> {
    let (ledger, accounts) = (Check("ledger"), Check("accounts"));
    vec![
        private(ledger, &folder.ledger()).unwrap_or_else(|| open_ledger(ledger, &folder.ledger())),
        private(accounts, &folder.accounts())
            .unwrap_or_else(|| accounts.ok(format!("{} is there", folder.accounts().display()))),
    ]
}

/// Whether the ledger's database answers.
pub(super) fn server(url: &PostgresUrl) -> Finding {
    let check = Check("ledger");
    match Postgres::open_beside(url) {
        Ok(ledger) => {
            drop(ledger);
            check.ok(format!(
                "the database at {} answers and is up to date",
                url.place()
            ))
        }
        Err(error @ DatabaseError::Older { .. }) => check.warn(
            error.to_string(),
            "handfast ledger migrate, or start handfast",
        ),
        Err(error) => {
            let causes = std::iter::successors(error.source(), |cause| (*cause).source());
            let causes: Vec<_> = causes.map(|cause| format!(": {cause}")).collect();
            check.fail(
                format!("{error}{}", causes.concat()),
                "without its ledger a node lets nobody in: mend this before it starts",
            )
        }
    }
}

/// Whether the database's clock and this machine's go together; nothing where it does not tell.
pub(super) fn server_clock(url: &PostgresUrl) -> Option<Finding> {
    let theirs = Postgres::clock(url).ok()?;
    let ours = SystemClock::start().now().unix;
    Some(apart(theirs.since(ours) + ours.since(theirs)))
}

fn apart(apart: Duration) -> Finding {
    let check = Check("ledger clock");
    let found = format!("{} s apart from this machine's", apart.as_secs());
    let remedy = "let both machines follow time servers, for example: timedatectl set-ntp true";
    if apart > CLOCKS_APART_MAX {
        check.fail(found, remedy)
    } else if apart > CLOCKS_APART {
        check.warn(found, remedy)
    } else {
        check.ok(found)
    }
}

/// A finding if the file is not there, or open to others; nothing if it is as it should be.
fn private(check: Check, path: &Path) -> Option<Finding> {
    let shown = path.display();
    let Ok(metadata) = path.metadata() else {
        return Some(check.ok(format!("{shown} will be made at the first start")));
    };
    let mode = metadata.mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        check.fail(
            format!("others may read or write {shown} (mode {mode:04o})"),
            format!("chmod 600 {shown}"),
        )
    })
}

fn open_ledger(check: Check, path: &Path) -> Finding {
    match Sqlite::open_beside(path) {
        Ok(ledger) => {
            drop(ledger);
            check.ok(format!("{} opens and is up to date", path.display()))
        }
        Err(error @ OpenError::Older { .. }) => {
            check.warn(error.to_string(), "back it up, then start handfast")
        }
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}"));
            check.fail(
                format!("{error}{}", cause.unwrap_or_default()),
                "leave the file as it is, and restore a backup or the handfast that wrote it",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Verdict, *};

    #[test]
    fn clocks_that_are_apart_are_told_and_fail_from_a_minute_on() {
        let verdict = |seconds| apart(Duration::from_secs(seconds)).verdict;
        assert_eq!(verdict(1), Verdict::Ok);
        assert_eq!(verdict(30), Verdict::Warn);
        assert_eq!(verdict(61), Verdict::Fail);
    }
}
