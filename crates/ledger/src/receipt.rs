//! What a caller holds until its answer comes.

use crate::error::LedgerError;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::sync::oneshot;

/// The answer to come: a future, the size of a pointer.
///
/// Dropping it before its intent is applied withdraws a presentation or a login; every other intent is applied
/// whether or not somebody waits.
#[must_use = "a dropped receipt withdraws a presentation or a login"]
pub struct Receipt<T>(oneshot::Receiver<Result<T, LedgerError>>);

impl<T> Receipt<T> {
    pub(crate) fn new(answer: oneshot::Receiver<Result<T, LedgerError>>) -> Self {
        Self(answer)
    }

    /// Blocks this thread until the answer is there; for programs without an executor.
    ///
    /// # Errors
    /// What the ledger answered.
    ///
    /// # Panics
    /// Within an asynchronous task, which must not be blocked.
    pub fn wait(self) -> Result<T, LedgerError> {
        self.0.blocking_recv().unwrap_or(Err(LedgerError::Stopped))
    }
}

impl<T> Future for Receipt<T> {
    type Output = Result<T, LedgerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(answer.unwrap_or(Err(LedgerError::Stopped)))
    }
}

impl<T> fmt::Debug for Receipt<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::PresentedSession;

    #[test]
    fn a_receipt_is_the_size_of_a_pointer() {
        assert_eq!(size_of::<Receipt<PresentedSession>>(), size_of::<usize>());
    }
}
