//! Waiting for a ledger that is not there yet, as where everything starts at once.

use super::{ServeError, signals::Signals};
use crate::{
    config::{Config, LedgerUrl},
    data::DataFolder,
};
use handfast::StartError;
use handfast_ledger::{OpenError, Postgres, Sqlite};
use std::{io, ops::ControlFlow, path::Path, time::Duration};

/// The time between two looks.
const INTERVAL: Duration = Duration::from_millis(500);

/// Waits until the ledger can be opened, or breaks off when the process is told to stop. What does not pass by itself
/// is not waited for.
pub(super) async fn for_ledger(
    config: &Config,
    signals: &mut Signals,
) -> Result<ControlFlow<()>, ServeError> {
    tokio::select! {
        waited = until_there(config) => waited.map(ControlFlow::Continue),
        () = signals.stop() => {
            tracing::info!("told to stop before the ledger was there");
            Ok(ControlFlow::Break(()))
        }
    }
}

async fn until_there(config: &Config) -> Result<(), ServeError> {
    let mut has_told = false;
    loop {
        let (url, data) = (config.ledger.url.clone(), config.data.clone());
        let looking = tokio::task::spawn_blocking(move || look(&url, &data));
        let refusal = match looking.await.map_err(io::Error::other)? {
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

fn look(url: &LedgerUrl, data: &Path) -> Result<(), OpenError> {
    match url {
        LedgerUrl::Sqlite => {
            let path = DataFolder(data).ledger();
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
