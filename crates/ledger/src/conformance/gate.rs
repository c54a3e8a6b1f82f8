//! Holding a thread of the ledger where a test wants it.

use std::sync::{
    Mutex,
    mpsc::{Receiver, Sender, channel},
};

/// Where a thread can be held.
#[derive(Debug, Default)]
pub struct Gate(Mutex<Option<Closed>>);

#[derive(Debug)]
struct Closed {
    entered: Sender<()>,
    release: Receiver<()>,
}

/// A gate that is about to be entered.
#[derive(Debug)]
pub struct Closing {
    has_entered: Receiver<()>,
    release: Sender<()>,
}

/// A thread of the ledger stands still until this is dropped.
#[derive(Debug)]
pub struct Held {
    _release: Sender<()>,
}

impl Gate {
    /// A gate that is closed already, for a thread that has it to itself.
    #[must_use]
    pub fn closed() -> (Self, Closing) {
        let gate = Self::default();
        let closing = gate.close();
        (gate, closing)
    }

    /// Holds the next thread that passes.
    #[must_use]
    pub fn close(&self) -> Closing {
        let (entered, has_entered) = channel();
        let (release, released) = channel();
        *self.0.lock().unwrap() = Some(Closed {
            entered,
            release: released,
        });
        Closing {
            has_entered,
            release,
        }
    }

    /// Stands still where the gate is closed.
    pub fn pass(&self) {
        let closed = self.0.lock().unwrap().take();
        if let Some(closed) = closed {
            closed.entered.send(()).unwrap();
            // Ends with an error when what holds the thread is dropped.
            closed.release.recv().unwrap_err();
        }
    }
}

impl Closing {
    /// Waits until a thread stands there.
    #[must_use]
    pub fn entered(self) -> Held {
        self.has_entered.recv().unwrap();
        Held {
            _release: self.release,
        }
    }
}
