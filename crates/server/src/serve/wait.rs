//! Waiting for a ledger that is not there yet, as where everything starts at once.

use super::ServeError;
use crate::{
    config::{Config, LedgerUrl},
    data::DataFolder,
};
use handfast::StartError;
use handfast_ledger::{OpenError, Postgres, Sqlite};
use std::time::Duration;

/// The time between two looks.
const INTERVAL: Duration = Duration::from_millis(500);

/// Waits until the ledger can be opened. What does not pass by itself is not waited for.
pub(super) async fn for_ledger(config: &Config) -> Result<(), ServeError> {
    let mut has_told = false;
    loop {
        let refusal = match look(config) {
            Ok(()) => break,
            Err(refusal) if may_pass(&refusal) => refusal,
            Err(refusal) => return Err(StartError::from(refusal).into()),
        };
        if !has_told {
            has_told = true;
            let cause: &dyn std::error::Error = &refusal;
            tracing::warn!(cause, "waiting for the ledger");
        }
        tokio::time::sleep(INTERVAL).await;
    }
    if has_told {
        tracing::info!("the ledger is there");
    }
    Ok(())
}

fn look(config: &Config) -> Result<(), OpenError> {
    match &config.ledger.url {
        LedgerUrl::Sqlite => {
            let path = DataFolder(&config.data).ledger();
            // The first start makes it.
            if path.exists() {
                drop(Sqlite::open(&path)?);
            }
        }
        LedgerUrl::Postgres(url) => drop(Postgres::open(url)?),
    }
    Ok(())
}

/// Whether time alone may help: another server that is about to end, or a database that is about to start.
fn may_pass(refusal: &OpenError) -> bool {
    let is_about_to_start = matches!(refusal, OpenError::Server(refusal) if refusal.may_pass());
    is_about_to_start || matches!(refusal, OpenError::InUse { .. })
}
