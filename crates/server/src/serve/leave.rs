//! Stopping, so that clients notice a short break and lose nothing.

use crate::config::Drain;
use handfast::Handfast;
use std::{pin::pin, time::Duration};
use tokio::{sync::oneshot, task::JoinHandle};

/// How often it is said how many connections are left.
const PROGRESS: Duration = Duration::from_secs(5);

/// Lets load balancers notice, stops accepting, answers what is under way, and closes the connections. Whoever drops
/// this before it is done stops at once.
pub(super) async fn leave(
    handfast: &Handfast,
    drain: &Drain,
    stop_accepting: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
) {
    let connections = handfast.connections();
    tracing::info!(
        connections,
        delay_s = drain.delay.as_secs_f64(),
        spread_s = drain.spread.as_secs_f64(),
        "stopping: not ready any more"
    );
    tokio::time::sleep(drain.delay).await;
    drop(stop_accepting);
    let mut closing = pin!(async {
        let (left, accepted) = tokio::join!(handfast.drain(drain.spread), accepting);
        if let Err(error) = accepted {
            tracing::error!(%error, "the listener ended by itself");
        }
        // Then its patience is over already.
        if left > 0 || handfast.is_changing_accounts() {
            return left;
        }
        // Who was upgraded at the last moment was told as it came.
        handfast.drain(Duration::ZERO).await
    });
    let left = loop {
        tokio::select! {
            left = &mut closing => break left,
            () = tokio::time::sleep(PROGRESS) => {
                tracing::info!(connections = handfast.connections(), "closing connections");
            }
        }
    };
    if handfast.is_changing_accounts() {
        tracing::warn!(
            "stopped while an account was being changed: whether its sessions have ended, look with `handfast session list`"
        );
    }
    if left == 0 {
        tracing::info!("stopped");
    } else {
        tracing::warn!(
            connections = left,
            "stopped, and cut off who did not answer the close"
        );
    }
}
