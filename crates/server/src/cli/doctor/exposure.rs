//! Who can reach what.

use super::finding::{Check, Finding};
use crate::{
    config::{Config, Registration, Tls},
    time::relative,
};
use handfast_core::time::Timestamp;
use std::{error::Error as _, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

/// A certificate that ends within this time should be renewed.
const RENEW: Duration = Duration::from_secs(14 * 86_400);

/// Whether passwords travel in clear, and who may make accounts or operate.
pub(super) fn of(config: &Config, now: Timestamp) -> Vec<Finding> {
    vec![tls(config, now), registration(config), admin(config)]
}

/// Whoever may write the configuration decides who gets in. Nothing if it is as it should be.
pub(super) fn file(path: &Path) -> Option<Finding> {
    let mode = path.metadata().ok()?.mode() & 0o777;
    let shown = path.display();
    (mode & 0o022 != 0).then(|| {
        Check("configuration").fail(
            format!("others may write {shown} (mode {mode:04o})"),
            format!("chmod go-w {shown}"),
        )
    })
}

fn tls(config: &Config, now: Timestamp) -> Finding {
    let check = Check("tls");
    match &config.tls {
        Some(tls) => certificate(check, tls, now),
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

fn certificate(check: Check, tls: &Tls, now: Timestamp) -> Finding {
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
    match handfast::tls::expires_at(&tls.cert) {
        Ok(end) => lifetime(check, end, now),
        Err(error) => check.warn(
            format!("until when the certificate is valid cannot be told: {error}"),
            "set `tls.cert` to a certificate that others can read, too",
        ),
    }
}

fn lifetime(check: Check, end: Timestamp, now: Timestamp) -> Finding {
    let remedy = "renew it, then SIGHUP to the running handfast";
    if end <= now {
        let found = format!("the certificate has expired, {}", relative(end, now));
        return check.fail(found, remedy);
    }
    let found = format!(
        "the certificate is its key's, and expires {}",
        relative(end, now)
    );
    if end.since(now) < RENEW {
        check.warn(found, remedy)
    } else {
        check.ok(found)
    }
}

fn registration(config: &Config) -> Finding {
    let check = Check("registration");
    // Behind a proxy, and for pages of other origins, this machine is not the only one.
    let is_local = config.listen.ip().is_loopback()
        && config.trusted_proxies.is_empty()
        && config.allowed_origins.is_empty();
    match config.registration {
        Registration::Open if !is_local => check.warn(
            "whoever reaches the server can make an account",
            "if that is not meant, set `registration = \"closed\"`, or \"explicit\"",
        ),
        Registration::Open => check.ok("open, to this machine only"),
        Registration::Explicit => check.ok("explicit"),
        Registration::Closed => check.ok("closed"),
    }
}

/// A configuration that would speak to other machines in clear, and does not say that this is meant, has been refused.
fn admin(config: &Config) -> Finding {
    let (check, listen) = (Check("admin"), config.admin.listen);
    if listen.ip().is_loopback() {
        return check.ok(format!(
            "operators connect at {listen}, from this machine only"
        ));
    }
    if config.tls.is_none() {
        return check.warn(
            format!("operators of other machines connect at {listen}, in clear"),
            "set `tls.cert` and `tls.key`, or `admin.listen` to 127.0.0.1",
        );
    }
    check.ok(format!(
        "operators of other machines connect at {listen}, by TLS"
    ))
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Verdict, *};

    #[test]
    fn a_certificate_is_renewed_before_it_expires() {
        let verdict = |days: u64| {
            let now = Timestamp::from_unix(1_767_225_600);
            let end = Timestamp::from_unix(1_767_225_600 + days * 86_400);
            lifetime(Check("tls"), end, now).verdict
        };
        assert_eq!(verdict(0), Verdict::Fail);
        assert_eq!(verdict(10), Verdict::Warn);
        assert_eq!(verdict(90), Verdict::Ok);
    }
}
