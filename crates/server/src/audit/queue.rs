//! What waits to be written, and how the writing goes.

use std::{
    mem,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The most that waits, in bytes: some 40,000 records. Where more comes while nothing can be written, it is lost.
pub(super) const QUEUE_BYTES: usize = 8 << 20;
/// What a buffer may keep of its size when it was emptied, in bytes.
const BUFFER_BYTES: usize = 1 << 20;

/// The records on their way from who makes them to the one thread that writes them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something for the writer to do.
    to_write: Condvar,
    /// The writer has done something.
    written: Condvar,
    /// Whether the last writing went well and there is room for more.
    is_able: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// How many records there were, and are not waiting any more, since the start.
    queued: u64,
    written: u64,
    lost: u64,
    /// Those lost since the writer was last told.
    newly_lost: u64,
    fault: Option<String>,
    /// Whether the file is to be opened anew.
    reopen: bool,
    /// Whether somebody waits for what waits.
    is_urgent: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// Nothing comes any more.
    Closed,
    /// The writer has ended.
    Ended,
}

/// What the writer is to do next.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Whole lines, which may be none.
    pub(super) lines: Vec<u8>,
    /// How many lines these are.
    pub(super) records: u64,
    /// How many records after them were lost.
    pub(super) lost: u64,
    /// Whether to open the file anew first.
    pub(super) reopen: bool,
}

/// How the record is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Records written since the start.
    pub(crate) written: u64,
    /// Records lost since the start.
    pub(crate) lost: u64,
    /// Bytes that wait to be written.
    pub(crate) waiting_bytes: usize,
    /// Why nothing can be written, if nothing can.
    pub(crate) fault: Option<String>,
}

impl Queue {
    pub(super) fn new() -> Self {
        let queue = Self::default();
        queue.is_able.store(true, Ordering::Relaxed);
        queue
    }

    /// Whether what comes next will be written, as far as anybody knows.
    pub(super) fn is_able(&self) -> bool {
        self.is_able.load(Ordering::Relaxed)
    }

    /// Takes a line. Where there is no room for it, it is counted as lost.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.phase != Phase::Open || state.waiting.len() + line.len() > QUEUE_BYTES {
            state.lost += 1;
            state.newly_lost += 1;
            self.is_able.store(false, Ordering::Relaxed);
            return;
        }
        let was_empty = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        state.queued += 1;
        drop(state);
        if was_empty {
            self.to_write.notify_one();
        }
    }

    /// Waits for something to do, for `patience` at most, and then for `gather`, so that what comes together is written
    /// together. `empty` is a buffer to go on with. `None` when all is done and nothing comes any more.
    pub(super) fn take(
        &self,
        patience: Duration,
        gather: Duration,
        mut empty: Vec<u8>,
    ) -> Option<Work> {
        empty.clear();
        empty.shrink_to(BUFFER_BYTES);
        let state = self.lock();
        let (state, _) = self
            .to_write
            .wait_timeout_while(state, patience, |state| {
                state.is_idle() && state.phase == Phase::Open
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.is_idle() {
            return (state.phase == Phase::Open).then(Work::default);
        }
        let (mut state, _) = self
            .to_write
            .wait_timeout_while(state, gather, |state| {
                !state.is_urgent && state.newly_lost == 0 && state.phase == Phase::Open
            })
            .unwrap_or_else(PoisonError::into_inner);
        let lines = mem::replace(&mut state.waiting, empty);
        let records = state.queued - state.written;
        if state.fault.is_none() {
            self.is_able.store(true, Ordering::Relaxed);
        }
        Some(Work {
            lines,
            records,
            lost: mem::take(&mut state.newly_lost),
            reopen: mem::take(&mut state.reopen),
        })
    }

    /// The writer has written so many records.
    pub(super) fn succeeded(&self, records: u64) {
        let mut state = self.lock();
        state.written += records;
        if state.written == state.queued {
            state.is_urgent = false;
        }
        if state.fault.take().is_some() {
            tracing::info!("what happens is recorded again");
        }
        self.is_able.store(state.newly_lost == 0, Ordering::Relaxed);
        drop(state);
        self.written.notify_all();
    }

    /// The writer could not write, and waits for `patience` before it tries again. `true` where it has to give up, since
    /// nobody waits for better times; `records` are lost then.
    pub(super) fn failed(&self, fault: String, records: u64, patience: Duration) -> bool {
        let mut state = self.lock();
        self.is_able.store(false, Ordering::Relaxed);
        if state.fault.is_none() {
            tracing::error!(
                fault,
                "what happens cannot be recorded; it waits, and is lost when too much waits"
            );
        }
        state.fault = Some(fault);
        self.written.notify_all();
        if state.phase != Phase::Open {
            state.lost += records;
            return true;
        }
        let state = self
            .to_write
            .wait_timeout_while(state, patience, |state| {
                state.phase == Phase::Open && !state.reopen
            })
            .unwrap_or_else(PoisonError::into_inner);
        drop(state);
        false
    }

    /// Whether the file is to be opened anew, which is asked once.
    pub(super) fn take_reopen(&self) -> bool {
        mem::take(&mut self.lock().reopen)
    }

    /// Has the file opened anew.
    pub(super) fn reopen(&self) {
        self.lock().reopen = true;
        self.to_write.notify_one();
    }

    /// Waits until what has come until now is written, for `patience` at most, or until it cannot be.
    pub(super) fn flush(&self, patience: Duration) {
        let mut state = self.lock();
        let until = state.queued;
        state.is_urgent = state.written < until;
        self.to_write.notify_one();
        drop(
            self.written
                .wait_timeout_while(state, patience, |state| {
                    state.written < until && state.fault.is_none() && state.phase != Phase::Ended
                })
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Takes nothing any more, and waits for `patience` at most until the rest is written.
    pub(super) fn close(&self, patience: Duration) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closed;
        }
        self.to_write.notify_one();
        drop(
            self.written
                .wait_timeout_while(state, patience, |state| state.phase != Phase::Ended)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// The writer has ended.
    pub(super) fn ended(&self) {
        self.lock().phase = Phase::Ended;
        self.is_able.store(false, Ordering::Relaxed);
        self.written.notify_all();
    }

    pub(super) fn condition(&self) -> Condition {
        let state = self.lock();
        let reason = if state.phase == Phase::Ended {
            Some("its thread has ended")
        } else {
            (state.newly_lost > 0).then_some("too much waits to be written")
        };
        let fault = state.fault.clone();
        Condition {
            written: state.written,
            lost: state.lost,
            waiting_bytes: state.waiting.len(),
            fault: fault.or_else(|| reason.map(str::to_owned)),
        }
    }

    /// Nothing that is done under this lock leaves it half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.newly_lost == 0 && !self.reopen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, thread};

    const LONG: Duration = Duration::from_secs(60);

    fn take(queue: &Queue) -> Work {
        let work = queue.take(LONG, Duration::ZERO, Vec::new());
        work.unwrap()
    }

    #[test]
    fn what_comes_together_is_taken_together() {
        let queue = Queue::new();
        queue.push(b"one\n");
        queue.push(b"two\n");
        let work = take(&queue);
        assert_eq!(
            (work.lines.as_slice(), work.records),
            (&b"one\ntwo\n"[..], 2)
        );
        queue.succeeded(2);
        queue.push(b"three\n");
        assert_eq!(take(&queue).records, 1);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_told_behind_what_did() {
        let queue = Queue::new();
        let line = vec![b'x'; QUEUE_BYTES / 2];
        for _ in 0..5 {
            queue.push(&line);
        }
        assert!(!queue.is_able());
        let condition = queue.condition();
        assert_eq!((condition.lost, condition.waiting_bytes), (3, QUEUE_BYTES));
        assert!(condition.fault.is_some());
        let work = take(&queue);
        assert_eq!((work.records, work.lost), (2, 3));
        queue.succeeded(2);
        assert!(queue.is_able());
        assert_eq!(queue.condition().fault, None);
        queue.push(b"one\n");
        assert_eq!(take(&queue).lost, 0, "it is told once");
    }

    #[test]
    fn a_queue_that_filled_while_something_was_written_is_not_able_yet() {
        let queue = Queue::new();
        queue.push(b"one\n");
        take(&queue);
        queue.push(&vec![b'x'; QUEUE_BYTES]);
        queue.push(b"two\n");
        queue.succeeded(1);
        assert!(!queue.is_able());
        take(&queue);
        assert!(queue.is_able());
    }

    #[test]
    fn a_writer_that_has_ended_is_a_fault() {
        let queue = Queue::new();
        queue.ended();
        assert!(!queue.is_able());
        assert!(queue.condition().fault.is_some());
    }

    #[test]
    fn a_failure_is_over_when_something_is_written() {
        let queue = Queue::new();
        queue.push(b"one\n");
        take(&queue);
        assert!(!queue.failed("full".to_owned(), 1, Duration::ZERO));
        assert!(!queue.is_able());
        assert_eq!(queue.condition().fault.as_deref(), Some("full"));
        queue.succeeded(1);
        assert!(queue.is_able());
    }

    #[test]
    fn what_cannot_be_written_at_the_end_is_given_up() {
        let queue = Queue::new();
        queue.push(b"one\n");
        queue.close(Duration::ZERO);
        assert_eq!(take(&queue).records, 1);
        assert!(queue.failed("full".to_owned(), 1, LONG));
        assert_eq!(queue.condition().lost, 1);
        queue.push(b"two\n");
        assert_eq!(queue.condition().lost, 2, "nothing comes any more");
    }

    #[test]
    fn whoever_waits_is_woken_when_it_is_written() {
        let queue = Arc::new(Queue::new());
        queue.push(b"one\n");
        let writer = Arc::clone(&queue);
        let writer = thread::spawn(move || {
            let work = writer.take(LONG, LONG, Vec::new()).unwrap();
            writer.succeeded(work.records);
            assert!(writer.take(LONG, LONG, Vec::new()).is_none());
            writer.ended();
        });
        queue.flush(LONG);
        assert_eq!(queue.condition().written, 1);
        queue.close(LONG);
        writer.join().unwrap();
    }
}
