//! The threads that hash passwords.

use super::{HashCost, Hasher, InvalidCost};
use handfast_ledger::trace::{Journey, STAGE, STEP};
use std::{
    fmt, io,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};
use thiserror::Error;
use tokio::sync::oneshot;
use tracing::debug_span;

/// How much less urgent hashing is than everything else that the node does, in steps of `nice`.
const NICENESS: i32 = 10;
/// The least urgent that there is.
const NICENESS_MAX: i32 = 19;

/// How much may be hashed at once, and wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    /// Threads.
    pub threads: usize,
    /// What may wait for a thread. What comes beyond it is refused.
    pub queue: usize,
}

impl Default for PoolSize {
    /// Half of the processors, which leaves the others to sessions.
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            threads: (processors / 2).max(1),
            queue: 64,
        }
    }
}

/// More waits already than the pool takes. Try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many passwords wait to be hashed")]
pub struct QueueFull;

type Job = Box<dyn FnOnce(&mut Hasher) + Send>;

/// A few threads of their own, less urgent than all others, with a bounded queue before them: a flood of logins takes
/// no more than them, and nothing from the sessions that there are.
///
/// Its threads end when it is dropped, once the queue is empty.
pub struct HashPool {
    queue: SyncSender<Job>,
    waiting: Arc<AtomicUsize>,
}

impl HashPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the cost is none ([`io::ErrorKind::InvalidInput`]), or the operating system gives no threads.
    pub fn start(size: PoolSize, cost: HashCost) -> io::Result<Self> {
        let invalid = |error: InvalidCost| io::Error::new(io::ErrorKind::InvalidInput, error);
        let (queue, jobs) = sync_channel(size.queue);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..size.threads.max(1) {
            let mut hasher = Hasher::new(cost).map_err(invalid)?;
            let jobs = Arc::clone(&jobs);
            thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || {
                    step_back();
                    work(&jobs, &mut hasher);
                })?;
        }
        let waiting = Arc::default();
        Ok(Self { queue, waiting })
    }

    /// How much waits for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Has a thread do `work`, unless the receiver is dropped before its turn comes. A receiver that gets an error
    /// instead of an answer waited for work that panicked.
    ///
    /// # Errors
    /// [`QueueFull`].
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, QueueFull> {
        let (answer, receiver) = oneshot::channel();
        let waiting = Waiting::begin(&self.waiting);
        let journey = Journey::begin(
            debug_span!(target: STEP, "password"),
            |password| debug_span!(target: STAGE, parent: password, "password.queue"),
        );
        let job = Box::new(move |hasher: &mut Hasher| {
            drop(waiting);
            let step = journey.arrive();
            if !answer.is_closed() {
                let done = step.in_scope(|| work(hasher));
                // It ends before the answer leaves, with which the request ends.
                drop(step);
                // Who does not wait any more needs no answer.
                drop(answer.send(done));
            }
        });
        self.queue.try_send(job).map_err(|_| QueueFull)?;
        Ok(receiver)
    }
}

/// One that waits, counted until it is dropped: when its turn comes, or when there was no room for it.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn begin(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(waiting))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool").finish_non_exhaustive()
    }
}

fn work(jobs: &Mutex<Receiver<Job>>, hasher: &mut Hasher) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A hasher holds nothing that half a hash could spoil, and one bad login must not cost the node a thread.
        if catch_unwind(AssertUnwindSafe(|| job(hasher))).is_err() {
            tracing::error!("verifying a login panicked");
        }
    }
}

/// Makes this thread give way to all others. Where that cannot be, it works all the same.
#[cfg(target_os = "linux")]
fn step_back() {
    use rustix::{
        process::{getpriority_process, setpriority_process},
        thread::gettid,
    };
    // On Linux a niceness belongs to a thread (`sched(7)`).
    let thread = Some(gettid());
    let done = getpriority_process(thread)
        .and_then(|now| setpriority_process(thread, (now + NICENESS).min(NICENESS_MAX)));
    if let Err(error) = done {
        tracing::debug!(%error, "passwords are hashed at the priority of everything else");
    }
}

/// Elsewhere a niceness belongs to the process, so there is nothing to do.
#[cfg(not(target_os = "linux"))]
fn step_back() {}
