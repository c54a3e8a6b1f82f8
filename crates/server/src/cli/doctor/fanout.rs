//! Whether other nodes can be told at once what changes.

use super::finding::{Check, Finding};
use crate::{
    config::{Config, FanoutUrl, Setting as _},
    serve,
};
use handfast::random;
use std::error::Error;

/// Nothing where there is no fan-out.
pub(super) fn reach(config: &Config) -> Option<Finding> {
    let check = Check("fan-out");
    let fanout = match serve::fanout(config) {
        Ok(fanout) => fanout?,
        Err(error) => return Some(check.fail(error.to_string(), "mend `ledger.url`")),
    };
    let place = match &config.fanout.url {
        FanoutUrl::OfLedger => "the ledger's database".to_owned(),
        url => url.show().to_string(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let reached = match runtime {
        Ok(runtime) => runtime.block_on(fanout.reach(random::node())),
        Err(error) => return Some(check.fail(error.to_string(), "free some threads and memory")),
    };
    Some(match reached {
        Ok(()) => check.ok(format!("other nodes can be told by {place}")),
        Err(error) => {
            let causes = std::iter::successors(error.source(), |cause| (*cause).source());
            let causes = causes.map(|cause| format!(": {cause}"));
            check.fail(
                format!("{place}: {error}{}", causes.collect::<String>()),
                "without it, nodes find out one `heartbeat.interval` late; mend `fanout.url` or its server",
            )
        }
    })
}
