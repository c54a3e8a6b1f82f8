//! Whether a node can serve, for load balancers.

use handfast_ledger::{Ledger, LedgerError, Receipt};
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::sync::Mutex;

/// How long the ledger may take to show that it stores. One that takes longer serves nobody well.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// Why a node cannot serve.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotReady {
    /// The ledger has not answered in two seconds.
    #[error("the ledger does not answer")]
    Silent,
    /// The ledger says that it cannot store.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The [auditor](crate::audit::Auditor) says that it cannot record what happens, so nobody is let in.
    #[error("what happens cannot be recorded")]
    Unrecorded,
}

/// Asks the ledger, for everybody who wants to know, one question at a time.
#[derive(Default)]
pub(crate) struct Readiness {
    /// How many wanted to know until now.
    arrived: AtomicU64,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    /// The question that is with the ledger, and how many had arrived when it was asked. It stays there, whoever stops
    /// waiting: a ledger that does not answer is not asked again.
    open: Option<(u64, Receipt<()>)>,
    /// How many had arrived when the last question was asked that was answered, and the answer.
    answered: Option<(u64, Result<(), LedgerError>)>,
}

impl Readiness {
    pub(crate) async fn ask(&self, ledger: &Ledger) -> Result<(), NotReady> {
        let number = self.arrived.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::timeout(READY_WITHIN, self.answer(ledger, number))
            .await
            .map_err(|_| NotReady::Silent)?
            .map_err(NotReady::Ledger)
    }

    /// The answer to a question that was asked when the caller of this `number` had arrived.
    async fn answer(&self, ledger: &Ledger, number: u64) -> Result<(), LedgerError> {
        let mut asked = self.asked.lock().await;
        loop {
            if let Some((arrived, answer)) = &asked.answered
                && *arrived >= number
            {
                return answer.clone();
            }
            let ask = || (self.arrived.load(Ordering::SeqCst), ledger.check());
            let (arrived, receipt) = asked.open.get_or_insert_with(ask);
            let arrived = *arrived;
            let answer = receipt.await;
            asked.open = None;
            asked.answered = Some((arrived, answer));
        }
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readiness(…)")
    }
}
