//! The thread that writes.

use super::{
    file::{Batch, Sink},
    line::{Incident, write_incident},
    queue::{Queue, Work},
};
use handfast_core::time::Clock;
use std::{sync::Arc, time::Duration};

/// How long records are gathered that are then written at once.
const GATHER: Duration = Duration::from_millis(20);
/// How often what was written is made durable, if anything was: as much is lost when the power fails.
const SYNC: Duration = Duration::from_secs(1);
/// How long to wait before what could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// All that the thread owns.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) sink: Sink,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) node: Arc<str>,
}

/// Tells that the writer has ended, also if it panics.
struct Ending(Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl Writer {
    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.queue));
        let mut buffer = Vec::new();
        let mut synced_at = self.clock.now().moment;
        while let Some(work) = self.queue.take(SYNC, GATHER, buffer) {
            let Some(batch) = self.write(work) else {
                return;
            };
            buffer = batch.into_buffer();
            let now = self.clock.now().moment;
            if now.since(synced_at) >= SYNC {
                self.sink.sync();
                synced_at = now;
            }
        }
        self.sink.sync();
    }

    /// Writes what there is, however often that takes; `None` where it was given up.
    fn write(&mut self, work: Work) -> Option<Batch> {
        let Work {
            mut lines,
            records,
            lost,
            mut reopen,
        } = work;
        if lost > 0 {
            let at = self.clock.now().unix;
            write_incident(Incident::Lost(lost), &self.node, at, &mut lines);
        }
        let mut batch = Batch::new(lines);
        loop {
            let now = self.clock.now().unix;
            match self.sink.write(&mut batch, reopen, now) {
                Ok(()) => break,
                Err(fault) => {
                    if self.queue.failed(fault.to_string(), records, RETRY) {
                        return None;
                    }
                }
            }
            reopen = self.queue.take_reopen();
        }
        self.queue.succeeded(records);
        Some(batch)
    }
}
