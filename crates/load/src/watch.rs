//! Looking after a run: whether somebody wants it to end, and showing how far it is.

use crate::error::{Doing, Error};
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Watches over a run. Clones watch over the same one; the last wipes the progress off the terminal.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    interrupted: Arc<AtomicBool>,
    bar: ProgressBar,
}

impl Watch {
    /// How often a waiting run looks up at least.
    pub(crate) const BEAT: Duration = Duration::from_millis(100);

    /// Begins to listen for Ctrl-C and for requests to terminate, and shows progress on a terminal.
    ///
    /// # Errors
    /// [`Error::System`] where there can be no such listener.
    pub(crate) fn begin(rounds: u64) -> Result<Self, Error> {
        let interrupted = Arc::new(AtomicBool::new(false));
        listen(Arc::clone(&interrupted))?;
        // Drawn on stderr, and only where that is a terminal.
        let bar = ProgressBar::new(rounds).with_finish(ProgressFinish::AndClear);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:24} {pos:>3}/{len} {elapsed:>4} {msg}")
        {
            bar.set_style(style);
        }
        Ok(Self { interrupted, bar })
    }

    /// Goes on, unless somebody wants the run to end.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub(crate) fn beat(&self) -> Result<(), Error> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        self.bar.tick();
        Ok(())
    }

    /// Shows what is being done.
    pub(crate) fn say(&self, what: impl Into<Cow<'static, str>>) {
        self.bar.set_message(what);
    }

    /// One more round is done.
    pub(crate) fn round_done(&self) {
        self.bar.inc(1);
    }
}

/// A thread that ends with the process: the run itself never waits for a signal, it only looks at the flag.
fn listen(interrupted: Arc<AtomicBool>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .doing(|| "listening for signals".to_owned())?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(until_signalled(&interrupted)))
        .doing(|| "starting a thread for signals".to_owned())?;
    Ok(())
}

async fn until_signalled(interrupted: &AtomicBool) {
    use tokio::signal::{
        ctrl_c,
        unix::{SignalKind, signal},
    };
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        // Where there is no way to hear of Ctrl-C, the process ends at it, as it would anyway.
        Ok(()) = ctrl_c() => {}
        Some(()) = terminate.recv() => {}
        else => return,
    }
    interrupted.store(true, Ordering::Relaxed);
}
