//! Whether a node can serve, for load balancers.

use handfast_core::time::{Clock, Moment};
use handfast_ledger::{Ledger, LedgerError, Receipt};
use std::{fmt, time::Duration};
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
pub(crate) struct Readiness(Mutex<Asked>);

#[derive(Default)]
struct Asked {
    /// The question that is with the ledger, and when it was asked. It stays there, whoever stops waiting: a ledger
    /// that does not answer is not asked again.
    open: Option<(Moment, Receipt<()>)>,
    /// When the last question was asked that was answered, and the answer.
    answered: Option<(Moment, Result<(), LedgerError>)>,
}

impl Readiness {
    pub(crate) async fn ask(&self, ledger: &Ledger, clock: &dyn Clock) -> Result<(), NotReady> {
        let since = clock.now().moment;
        tokio::time::timeout(READY_WITHIN, self.answer(ledger, clock, since))
            .await
            .map_err(|_| NotReady::Silent)?
            .map_err(NotReady::Ledger)
    }

    /// The answer to a question that was asked at `since` or later.
    async fn answer(
        &self,
        ledger: &Ledger,
        clock: &dyn Clock,
        since: Moment,
    ) -> Result<(), LedgerError> {
        let mut asked = self.0.lock().await;
        loop {
            if let Some((at, answer)) = &asked.answered
                && *at >= since
            {
                return answer.clone();
            }
            let ask = || (clock.now().moment, ledger.check());
            let (at, receipt) = asked.open.get_or_insert_with(ask);
            let at = *at;
            let answer = receipt.await;
            asked.open = None;
            asked.answered = Some((at, answer));
        }
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readiness(…)")
    }
}
