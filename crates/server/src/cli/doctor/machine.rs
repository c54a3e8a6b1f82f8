//! What the machine gives: descriptors and the time.

use super::finding::{Check, Finding};
use crate::{config::Config, descriptors, time::utc};
use handfast_core::time::Timestamp;

/// This program was built after this time; a clock that shows an earlier one is wrong.
const BUILT_AFTER: Timestamp = Timestamp::from_unix(1_767_225_600);

/// Fewer connections than this are few for a server.
const FEW_CONNECTIONS: u64 = 4_000;

const RAISE: &str = "raise the hard limit on open files: LimitNOFILE= in systemd, nofile in \
                     /etc/security/limits.conf, --ulimit nofile= in a container";

/// Whether as many connections fit as are configured.
pub(super) fn descriptors(config: &Config) -> Finding {
    room_for(
        config.limits.connections.map(u64::from),
        descriptors::limit(),
    )
}

fn room_for(wanted: Option<u64>, limit: Option<u64>) -> Finding {
    let check = Check("descriptors");
    let Some(limit) = limit else {
        return check.ok("the machine sets no limit");
    };
    let room = limit.saturating_sub(descriptors::RESERVED);
    match wanted {
        Some(wanted) if wanted > room => check.fail(
            format!("`limits.connections` is {wanted}, but {limit} descriptors hold about {room}"),
            format!("lower it, or {RAISE}"),
        ),
        Some(wanted) => check.ok(format!("{limit} are enough for {wanted} connections")),
        None if room < FEW_CONNECTIONS => check.warn(
            format!("{limit} descriptors hold only about {room} connections"),
            RAISE,
        ),
        None => check.ok(format!("{limit} hold about {room} connections")),
    }
}

/// Whether the clock can be right.
pub(super) fn clock(now: Timestamp) -> Finding {
    let check = Check("clock");
    if now < BUILT_AFTER {
        return check.fail(
            format!(
                "it shows {}, which is before this program was built",
                utc(now)
            ),
            "set the clock, for example: timedatectl set-ntp true",
        );
    }
    check.ok(format!("it shows {}", utc(now)))
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Verdict, *};

    #[test]
    fn a_clock_before_the_build_fails() {
        assert_eq!(clock(Timestamp::from_unix(0)).verdict, Verdict::Fail);
        assert_eq!(clock(BUILT_AFTER).verdict, Verdict::Ok);
    }

    #[test]
    fn connections_that_have_no_descriptors_fail_and_few_are_a_warning() {
        let verdict = |wanted, limit| room_for(wanted, limit).verdict;
        assert_eq!(verdict(Some(20_000), Some(20_000)), Verdict::Fail);
        assert_eq!(verdict(Some(15_000), Some(20_000)), Verdict::Ok);
        assert_eq!(verdict(None, Some(1_024)), Verdict::Warn);
        assert_eq!(verdict(None, Some(20_000)), Verdict::Ok);
        assert_eq!(verdict(Some(u64::MAX), None), Verdict::Ok);
    }
}
