//! Following what others change in the ledger: other nodes, and programs beside this one.
//!
//! The log of changes is read on a timer, which finds everything at most one heartbeat later. Fan-out tells of most of
//! it at once. Neither is obeyed: what was written or sent a while ago may be over, since a connection can take its
//! session back, and what was sent may come from anybody. So whatever seems to concern a connection of this node is
//! put to the ledger, and the ledger tells the hub what is true now.

use crate::{audit::Audit, hub::Hub, node::Node};
use handfast_ledger::{
    Change, Changes, Cursor, EXAMINE_OWNERSHIPS, Ended, LedgerError, Observer, Ownership, Receipt,
    fanout::{Heard, Inbox, Publisher},
};
use std::{
    future,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::time::{Instant, sleep_until, timeout};

/// However often the log is asked for, it is read no more often than this.
const READ_INTERVAL_MIN: Duration = Duration::from_millis(100);

/// After how long at most the log is read again where that failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How long the ledger may take to answer before it is said that it does not.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who hears from the ledger what was committed: the connections of this node and, by fan-out, other nodes. Of what
/// ended, whoever keeps the record hears as well.
pub(crate) struct Committed {
    pub(crate) hub: Arc<Hub>,
    pub(crate) others: Option<Arc<Publisher>>,
    pub(crate) audit: Arc<Audit>,
}

impl Observer for Committed {
    fn committed(&self, changes: &[Change]) {
        self.hub.committed(changes);
        if let Some(others) = &self.others {
            let concern_others = changes
                .iter()
                .filter(|change| self.hub.concerns_others(change));
            let concern_others: Vec<_> = concern_others.copied().collect();
            if !concern_others.is_empty() {
                others.publish(&concern_others);
            }
        }
    }

    fn ended(&self, ended: &Ended) {
        self.audit.ended(ended);
    }
}

/// Follows until the node ends. `beginning` is the end of the log from before the node had connections.
pub(crate) async fn follow(
    node: Weak<Node>,
    beginning: Receipt<Changes>,
    mut inbox: Option<Inbox>,
) {
    let mut cursor = answer(beginning).await.ok().map(|end| end.cursor);
    let mut read_at = Instant::now();
    let mut due = None;
    loop {
        let Some(interval) = node
            .upgrade()
            .map(|node| node.settings.current().connection.heartbeat_interval)
        else {
            return;
        };
        let timer = due.unwrap_or(read_at + interval);
        let heard = tokio::select! {
            () = sleep_until(timer) => None,
            heard = hear(&mut inbox) => Some(heard),
        };
        let Some(node) = node.upgrade() else { return };
        match heard {
            None => {
                let read = read_log(&node, &mut cursor).await;
                read_at = Instant::now();
                due = read.err().map(|error| {
                    // The ledger has said why, once.
                    tracing::debug!(%error, "changes in the ledger could not be read");
                    read_at + interval.min(RETRY_INTERVAL)
                });
            }
            Some(Heard { changes, read_log }) => {
                if read_log {
                    due = Some(read_at + READ_INTERVAL_MIN);
                }
                // Where that fails, the log has them still.
                if let Err(error) = examine(&node, node.hub.concerned(&changes)).await {
                    tracing::debug!(%error, "what other nodes changed could not be looked at");
                }
            }
        }
    }
}

/// What fan-out brings; where there is none, or none any more, that never comes.
async fn hear(inbox: &mut Option<Inbox>) -> Heard {
    if let Some(open) = inbox
        && let Some(heard) = open.recv().await
    {
        return heard;
    }
    *inbox = None;
    future::pending().await
}

/// Reads the log to its end. Where it cannot be told what was missed, every connection is looked at.
async fn read_log(node: &Node, cursor: &mut Option<Cursor>) -> Result<(), LedgerError> {
    loop {
        let from = cursor.unwrap_or(Cursor::END);
        let read = answer(node.ledger.changes_since(from)).await?;
        let concerned = match cursor {
            Some(_) if read.complete => node.hub.concerned(&read.changes),
            Some(_) => {
                tracing::warn!("some changes in the ledger were swept before they were read");
                node.hub.ownerships()
            }
            None => node.hub.ownerships(),
        };
        examine(node, concerned).await?;
        *cursor = Some(read.cursor);
        if !read.more {
            return Ok(());
        }
    }
}

/// Has the ledger look at what connections are taken to own. A session that is not there any more ended long ago, unless
/// it was about to be made when the ledger was asked.
async fn examine(node: &Node, ownerships: Vec<Ownership>) -> Result<(), LedgerError> {
    for some in ownerships.chunks(EXAMINE_OWNERSHIPS) {
        let is_settled = |ownership: &Ownership| node.hub.is_settled(*ownership);
        let settled: Vec<_> = some.iter().copied().filter(is_settled).collect();
        for of_none in answer(node.ledger.examine(some.to_vec())).await? {
            if settled.contains(&of_none) {
                node.hub.forget(of_none);
            }
        }
    }
    Ok(())
}

/// Waits for the ledger, and says it once if no answer comes. A ledger that fails says so itself; one that hangs cannot.
async fn answer<T>(mut receipt: Receipt<T>) -> Result<T, LedgerError> {
    if let Ok(answer) = timeout(PATIENCE, &mut receipt).await {
        return answer;
    }
    let patience_s = PATIENCE.as_secs();
    tracing::error!(patience_s, "the ledger does not answer");
    let answer = receipt.await;
    tracing::info!("the ledger answers again");
    answer
}
