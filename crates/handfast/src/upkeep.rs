//! What a node does by itself, whether or not a client asks.

use crate::node::Node;
use handfast_core::time::Timestamp;
use handfast_ledger::{SWEEP_SESSIONS, Swept};
use std::{sync::Weak, time::Duration};

/// How long the record of a session is kept after its end, so that its tokens are refused by name.
const KEPT_AFTER_END: Duration = Duration::from_secs(24 * 60 * 60);
/// The time between two sweeps, each of which looks at [`SWEEP_SESSIONS`]: a million and a half sessions in a day.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);
/// A sweep that removes so many goes on at once, for there will be more: sessions have random names, so what ended lies
/// everywhere alike.
const SWEPT_FOR_MORE: usize = SWEEP_SESSIONS / 8;

/// Removes what ended long ago, a little at a time. It ends with the node.
pub(crate) async fn sweep(node: Weak<Node>) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL).await;
        let Some(node) = node.upgrade() else { return };
        let now = node.clock.now().unix.as_unix();
        let before = Timestamp::from_unix(now.saturating_sub(KEPT_AFTER_END.as_secs()));
        loop {
            match node.ledger.sweep(before).await {
                Ok(swept) if is_worth_more(swept) => tokio::task::yield_now().await,
                Ok(_) => break,
                Err(error) => {
                    tracing::debug!(%error, "the ledger could not be swept");
                    break;
                }
            }
        }
    }
}

/// Whether the next sweep should follow at once. The log grows with every takeover, however few sessions there are.
fn is_worth_more(swept: Swept) -> bool {
    swept.log_is_long || (!swept.round_complete && swept.sessions >= SWEPT_FOR_MORE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_goes_on_at_once_only_where_there_is_much_to_remove() {
        let nothing = Swept::default();
        assert!(!is_worth_more(nothing));
        let sessions = SWEPT_FOR_MORE;
        assert!(is_worth_more(Swept {
            sessions,
            ..nothing
        }));
        let round_complete = true;
        assert!(!is_worth_more(Swept {
            sessions,
            round_complete,
            ..nothing
        }));
        let log_is_long = true;
        assert!(is_worth_more(Swept {
            log_is_long,
            round_complete,
            ..nothing
        }));
    }
}
