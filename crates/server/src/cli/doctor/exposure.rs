//! Who can reach what.

use super::finding::{Check, Finding};
use crate::config::{Config, Registration, Tls};
use std::{error::Error as _, os::unix::fs::MetadataExt as _};

/// Whether passwords travel in clear, and who may make accounts.
pub(super) fn of(config: &Config) -> Vec<Finding> {
    vec![tls(config), registration(config)]
}

fn tls(config: &Config) -> Finding {
    let check = Check("tls");
    match &config.tls {
        Some(tls) => certificate(check, tls),
        None if config.listen.ip().is_loopback() => {
            check.ok("not needed: only this machine can connect")
        }
        None if !config.trusted_proxies.is_empty() => {
            check.ok("left to the proxies in `trusted_proxies`")
        }
        None => check.warn(
            format!("passwords and tokens reach {} in clear", config.listen),
            "set `tls.cert` and `tls.key`, or let a proxy speak TLS and listen at 127.0.0.1",
        ),
    }
}

fn certificate(check: Check, tls: &Tls) -> Finding {
    if let Err(error) = handfast::tls::load(&tls.cert, &tls.key) {
        let cause = error.source().map(|cause| format!(": {cause}"));
        return check.fail(
            format!("{error}{}", cause.unwrap_or_default()),
            "set `tls.cert` and `tls.key` to a certificate and its key, both in PEM",
        );
    }
    let mode = tls.key.metadata().map_or(0, |metadata| metadata.mode()) & 0o777;
    // A group for those who may read keys is common; the whole machine is not.
    if mode & 0o007 != 0 {
        let shown = tls.key.display();
        return check.fail(
            format!("everyone on this machine may read {shown} (mode {mode:04o})"),
            format!("chmod o= {shown}"),
        );
    }
    check.ok("the certificate and its key go together")
}

fn registration(config: &Config) -> Finding {
    let check = Check("registration");
    match config.registration {
        Registration::Open if !config.listen.ip().is_loopback() => check.warn(
            format!("whoever reaches {} can make an account", config.listen),
            "if that is not meant, set `registration = \"closed\"`, or \"explicit\"",
        ),
        Registration::Open => check.ok("open, to this machine only"),
        Registration::Explicit => check.ok("explicit"),
        Registration::Closed => check.ok("closed"),
    }
}
