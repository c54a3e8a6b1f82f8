//! Accounts that are being changed: what has begun is brought to its end, for an account's sessions must not outlive its
//! change.

use std::sync::Arc;
use tokio::{sync::RwLock, task::JoinHandle};
use tracing::Instrument as _;

/// The changes that are under way on a node. Each holds the lock for reading.
#[derive(Debug, Default)]
pub(crate) struct Changes(Arc<RwLock<()>>);

impl Changes {
    /// Begins a change, which is done whoever stops waiting. `None`, and nothing has begun, if somebody waits until there
    /// are none.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        change: impl Future<Output = T> + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        let under_way = Arc::clone(&self.0).try_read_owned().ok()?;
        let changing = async move {
            let changed = change.await;
            drop(under_way);
            changed
        };
        Some(tokio::spawn(changing.in_current_span()))
    }

    /// Waits until there are none.
    pub(crate) async fn ended(&self) {
        drop(self.0.write().await);
    }

    pub(crate) fn are_under_way(&self) -> bool {
        self.0.try_write().is_err()
    }
}
