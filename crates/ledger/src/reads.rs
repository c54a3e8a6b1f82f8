//! The part of a batch that decides nothing. It sees what the batch wrote.

use crate::{
    backend::Transaction,
    entry::{Ask, Entry},
    error::StorageError,
    ledger::{CHANGES_ENTRIES, LIST_SESSIONS, SWEEP_SESSIONS},
};
use handfast_core::time::Timestamp;

/// Answers what is still unanswered in `batch`.
pub(crate) fn answer(
    batch: &mut [Entry],
    transaction: &mut impl Transaction,
    now: Timestamp,
) -> Result<(), StorageError> {
    let mut lists = Vec::new();
    let mut sessions = Vec::new();
    let mut checks = Vec::new();
    for entry in batch {
        match entry {
            Entry::List(ask) => lists.push(ask),
            Entry::Session(ask) => sessions.push(ask),
            Entry::Check(ask) => checks.push(ask),
            Entry::ChangesSince(ask) => {
                let changes = transaction.changes_since(ask.intent, CHANGES_ENTRIES)?;
                ask.answer = Some(Ok(changes));
            }
            Entry::Sweep(ask) => {
                // However wrong the caller's clock is, a session that can still be gone on with stays.
                let swept = transaction.sweep(ask.intent.min(now), SWEEP_SESSIONS)?;
                ask.answer = Some(Ok(swept));
            }
            Entry::Create(_)
            | Entry::Present(_)
            | Entry::Push(_)
            | Entry::Acknowledge(_)
            | Entry::Revoke(_)
            | Entry::Examine(_) => {}
        }
    }
    if !lists.is_empty() {
        let subjects: Vec<&str> = lists.iter().map(|ask| &*ask.intent).collect();
        let found = transaction.list(&subjects, now, LIST_SESSIONS)?;
        settle(lists, found);
    }
    if !sessions.is_empty() {
        let wanted: Vec<_> = sessions.iter().map(|ask| ask.intent).collect();
        let found = transaction.sessions(&wanted)?;
        settle(sessions, found);
    }
    if !checks.is_empty() {
        transaction.touch()?;
        settle(checks, std::iter::repeat(()));
    }
    Ok(())
}

fn settle<I, T>(asks: Vec<&mut Ask<I, T>>, answers: impl IntoIterator<Item = T>) {
    for (ask, answer) in asks.into_iter().zip(answers) {
        ask.answer = Some(Ok(answer));
    }
}
