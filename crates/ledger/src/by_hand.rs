//! A ledger without a thread of its own.

use crate::{
    backend::Backend,
    conclude::{Applied, Concluder},
    counts::Tally,
    ledger::{BATCH_ENTRIES, Ledger, Observer, QUEUE_ENTRIES, Settings},
    queue::Queue,
    worker::{Policy, Worker},
};
use handfast_core::time::Clock;
use std::{
    fmt,
    ops::ControlFlow,
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
};

/// What the two threads of a [`Ledger`] would be: whoever holds it says when a batch is [decided](Self::decide) and when
/// what was decided is [concluded](Self::conclude). In between it is committed, and nobody has heard of it.
///
/// For programs in which time does not pass by itself, such as a simulation. What waits when it is dropped is answered
/// [`LedgerError::Stopped`](crate::LedgerError::Stopped), as it is when a process is killed.
pub struct ByHand<B> {
    worker: Worker<B>,
    concluder: Concluder,
    applied: Receiver<Applied>,
}

impl Ledger {
    /// A ledger that does nothing by itself.
    pub fn by_hand<B: Backend>(
        backend: B,
        settings: Settings,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> (Self, ByHand<B>) {
        let queue = Arc::new(Queue::new(QUEUE_ENTRIES));
        let tally = Arc::new(Tally::default());
        let policy = Arc::new(Policy::new(settings.policy));
        // A batch that is cut into its intents, because one of them fails, has a place for each.
        let (to_conclude, applied) = sync_channel(BATCH_ENTRIES);
        let concluder = Concluder {
            observer,
            clock: Arc::clone(&clock),
            queue: Arc::clone(&queue),
            tally: Arc::clone(&tally),
        };
        let worker = Worker {
            backend,
            policy: Arc::clone(&policy),
            clock,
            applied: to_conclude,
            queue: Arc::clone(&queue),
            tally: Arc::clone(&tally),
            failing: false,
        };
        let by_hand = ByHand {
            worker,
            concluder,
            applied,
        };
        (Self::of(queue, tally, policy, Vec::new()), by_hand)
    }
}

impl<B: Backend> ByHand<B> {
    /// Decides and commits what waits, at most [`BATCH_ENTRIES`] intents, as one batch. What fails is answered. Gives how
    /// many intents there were.
    ///
    /// [Conclude](Self::conclude) what was decided before more than [`BATCH_ENTRIES`] batches of it wait: the next one
    /// would wait for ever.
    pub fn decide(&mut self) -> usize {
        let batch = self.worker.queue.take_waiting(BATCH_ENTRIES);
        let taken = batch.len();
        if taken > 0 {
            self.worker.process(batch);
        }
        taken
    }

    /// Flushes all that was decided, tells the observer, and lets the answers go. Where the flush fails, the ledger has
    /// ended, as it would have by itself.
    pub fn conclude(&mut self) {
        let mut waiting: Vec<_> = self.applied.try_iter().collect();
        match self.concluder.conclude_all(&mut waiting) {
            // A ledger that has ended says so itself.
            ControlFlow::Continue(()) | ControlFlow::Break(()) => {}
        }
    }
}

impl<B> Drop for ByHand<B> {
    fn drop(&mut self) {
        self.worker.queue.abort();
    }
}

impl<B> fmt::Debug for ByHand<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByHand").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Create, LedgerError, Memory};
    use handfast_core::{
        session::{ConnectionId, SessionId, TokenPolicy},
        time::Now,
    };
    use std::time::Duration;

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Now {
            Now::default()
        }
    }

    fn ledger() -> (Ledger, ByHand<Memory>) {
        let policy = TokenPolicy {
            lifetime: Duration::from_secs(60),
            session_lifetime: Duration::from_secs(600),
            roll_forward: false,
        };
        Ledger::by_hand(
            Memory::new(),
            Settings { policy },
            Arc::new(Stopped),
            Arc::new(()),
        )
    }

    fn login() -> Create {
        Create {
            session: SessionId::from_bytes([1; 16]),
            subject: "alice".into(),
            origin: crate::Origin::default(),
            owner: ConnectionId { node: 1, number: 1 },
            key: None,
            sessions_max: None,
        }
    }

    #[test]
    fn nothing_is_decided_or_answered_before_its_holder_says_so() {
        let (ledger, mut by_hand) = ledger();
        let receipt = ledger.create(login());
        assert_eq!(ledger.counts().answered, 0);
        assert_eq!(by_hand.decide(), 1);
        assert_eq!(ledger.counts().answered, 0);
        by_hand.conclude();
        assert!(receipt.wait().is_ok());
        assert_eq!(by_hand.decide(), 0);
    }

    #[test]
    fn what_waits_when_it_is_dropped_is_answered() {
        let (ledger, by_hand) = ledger();
        let before = ledger.create(login());
        drop(by_hand);
        for receipt in [before, ledger.create(login())] {
            assert!(matches!(receipt.wait(), Err(LedgerError::Stopped)));
        }
    }
}
