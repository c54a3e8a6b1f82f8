//! Waiting for a ledger that is not there yet, as where everything starts at once.

use super::library::open;
use crate::config::Config;
use handfast::{Builder, StartError};
use handfast_ledger::OpenError;
use std::time::Duration;

/// The time between two tries.
const INTERVAL: Duration = Duration::from_millis(500);

/// Opens what a node runs on, as soon as its ledger can be had. What does not pass by itself is not waited for.
pub(super) async fn for_ledger(config: &Config) -> Result<Builder, StartError> {
    let mut has_told = false;
    loop {
        let refusal = match open(config) {
            Err(StartError::Database(refusal)) if may_pass(&refusal) => refusal,
            opened => {
                if has_told && opened.is_ok() {
                    tracing::info!("the ledger is there");
                }
                return opened;
            }
        };
        if !has_told {
            has_told = true;
            let cause: &dyn std::error::Error = &refusal;
            tracing::warn!(cause, "waiting for the ledger");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Whether time alone may help: another server that is about to end, or a database that is about to start.
fn may_pass(refusal: &OpenError) -> bool {
    let is_about_to_start = matches!(refusal, OpenError::Server(refusal) if refusal.may_pass());
    is_about_to_start || matches!(refusal, OpenError::InUse { .. })
}
