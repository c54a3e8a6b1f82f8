//! The rule that a model is checked with: core's own, or a mistaken one.

use handfast_core::{
    session::{
        self, Acknowledged, ConnectionId, Generation, Presentation, Presented, Pushed,
        SessionRecord, TokenPolicy,
    },
    time::Timestamp,
};
use std::fmt::Debug;

/// What decides in a model. Every method is core's unless it is replaced.
pub trait Rule: Copy + Debug + Send + Sync + 'static {
    /// Decides on a presentation.
    fn present(
        &self,
        record: SessionRecord,
        presentation: &Presentation,
        now: Timestamp,
        policy: &TokenPolicy,
    ) -> (SessionRecord, Presented) {
        session::present(record, presentation, now, policy)
    }

    /// Issues the next generation to the owner, unasked.
    fn push(
        &self,
        record: SessionRecord,
        connection: ConnectionId,
        now: Timestamp,
        policy: &TokenPolicy,
    ) -> (SessionRecord, Pushed) {
        session::push(record, connection, now, policy)
    }

    /// Takes the owner's word that the issued generation is stored.
    fn acknowledge(
        &self,
        record: SessionRecord,
        generation: Generation,
        connection: ConnectionId,
        now: Timestamp,
    ) -> (SessionRecord, Acknowledged) {
        session::acknowledge(record, generation, connection, now)
    }
}

/// The rule of `handfast_core`.
#[derive(Clone, Copy, Debug)]
pub struct AsItRuns;

impl Rule for AsItRuns {}
