//! Going away without anybody losing what was decided.

use crate::{Handfast, driver::PRESENTATION_DEADLINE, hub::Slot, random};
use std::{sync::Arc, time::Duration};

/// How many steps the spread of a drain has.
const STEPS: u32 = 100;

impl Handfast {
    /// Closes all connections with 1001, spread over `spread`, so that their clients do not come to another node all
    /// at once. What the ledger is deciding for a client is answered first. Stop accepting before; who comes
    /// nevertheless is closed as well, and a node that was drained serves nobody again.
    ///
    /// It is done when the last connection is gone and no account is being changed, or when those that were told have had
    /// the time of a presentation and of two close handshakes. Gives how many connections there are then.
    pub async fn drain(&self, spread: Duration) -> usize {
        let hub = &self.node.hub;
        let close_handshake = self.node.settings.current().transport.close_handshake;
        let patience = PRESENTATION_DEADLINE
            .saturating_add(close_handshake)
            .saturating_add(close_handshake);
        let tell_and_wait = async {
            tell(hub.slots(), spread).await;
            hub.go_away();
            tokio::time::sleep(patience).await;
        };
        // Who asked for another password, or had an account disabled, may be gone, and cannot ask again.
        let gone = async {
            hub.emptied().await;
            self.node.changes.ended().await;
        };
        tokio::select! {
            () = gone => {}
            () = tell_and_wait => {}
        }
        hub.go_away();
        hub.count()
    }

    /// Whether an account is being changed, whose sessions are to end with that.
    #[must_use]
    pub fn is_changing_accounts(&self) -> bool {
        self.node.changes.are_under_way()
    }
}

/// Tells connections, in an order that is nobody's, that the node goes away.
async fn tell(mut slots: Vec<Arc<Slot>>, spread: Duration) {
    shuffle(&mut slots);
    let steps = STEPS
        .min(u32::try_from(slots.len()).unwrap_or(STEPS))
        .max(1);
    let at_once = slots
        .len()
        .div_ceil(usize::try_from(steps).unwrap_or(1))
        .max(1);
    for slots in slots.chunks(at_once) {
        for slot in slots {
            slot.send_away();
        }
        tokio::time::sleep(spread / steps).await;
    }
}

/// Every order is as likely as every other (Fisher and Yates).
fn shuffle<T>(items: &mut [T]) {
    for index in (1..items.len()).rev() {
        let other = usize::try_from(random::below(index as u64 + 1)).unwrap_or(0);
        items.swap(index, other);
    }
}
