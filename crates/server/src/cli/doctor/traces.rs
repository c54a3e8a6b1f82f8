//! Whether the collector takes traces.

use super::finding::{Check, Finding};
use crate::{config::Config, traces};

/// Nothing where there is no collector.
pub(super) fn reach(config: &Config) -> Option<Finding> {
    let check = Check("traces");
    let collector = config.otlp.endpoint.as_ref()?;
    Some(match traces::reach(config)? {
        Ok(()) => check.ok(format!("the collector at {collector} takes traces")),
        Err(error) => check.fail(
            format!("the collector at {collector}: {error}"),
            "clients are served all the same; mend `otlp.endpoint`, `otlp.headers` or the collector, which must take OTLP \
             over HTTP",
        ),
    })
}
