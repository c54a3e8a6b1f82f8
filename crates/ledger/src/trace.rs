//! What a request spends its time on, as spans, for whoever follows requests.
//!
//! A span of [`STEP`] is made where a request is looked at, and is of that request: the current span is its parent. What
//! goes through several threads is a [`Journey`], whose stages have the target [`STAGE`] and name their parent. A
//! subscriber that follows only some requests therefore takes a step where the current span is one that it took, and
//! every stage: there are none of a step that it did not take. One that wants neither pays a branch for each.

use std::fmt;
use tracing::{Level, Span, debug_span};

/// The target of what is a part of the current span.
pub const STEP: &str = "handfast::step";
/// The target of what is a part of a step.
pub const STAGE: &str = "handfast::stage";

/// A step that goes through several threads, one stage after the other. Without anybody who follows, it is a null
/// pointer.
#[derive(Default)]
pub struct Journey(Option<Box<Under>>);

/// In the order in which they end.
struct Under {
    stage: Option<Span>,
    whole: Span,
}

impl Journey {
    /// Sets out on `step`, if somebody follows it.
    #[must_use]
    pub fn begin(step: Span, first: impl FnOnce(&Span) -> Span) -> Self {
        if step.is_disabled() {
            return Self(None);
        }
        let stage = Some(first(&step));
        Self(Some(Box::new(Under { stage, whole: step })))
    }

    /// Ends the stage that it is in, and enters another.
    pub fn go_on(&mut self, next: impl FnOnce(&Span) -> Span) {
        if let Some(under) = &mut self.0 {
            under.stage = None;
            under.stage = Some(next(&under.whole));
        }
    }

    /// Ends the stage that it is in, and gives the step, for what is a part of it on this thread.
    pub fn arrive(mut self) -> Span {
        self.0.take().map_or_else(Span::none, |under| under.whole)
    }
}

impl fmt::Debug for Journey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journey(…)")
    }
}

/// The way of an intent, which begins in the queue.
pub(crate) fn intent() -> Journey {
    Journey::begin(
        debug_span!(target: STEP, "ledger"),
        |ledger| debug_span!(target: STAGE, parent: ledger, "ledger.queue"),
    )
}

/// In a transaction, with so many others.
pub(crate) fn transaction(intents: usize) -> impl Fn(&Span) -> Span {
    move |ledger| {
        debug_span!(
            target: STAGE,
            parent: ledger,
            "ledger.transaction",
            handfast.intents = number(intents)
        )
    }
}

/// Committed, and not flushed yet.
pub(crate) fn flush(ledger: &Span) -> Span {
    debug_span!(target: STAGE, parent: ledger, "ledger.flush")
}

/// Durable, and being told to other connections and nodes.
pub(crate) fn publish(changes: usize) -> impl Fn(&Span) -> Span {
    move |ledger| {
        debug_span!(
            target: STAGE,
            parent: ledger,
            "ledger.publish",
            handfast.changes = number(changes)
        )
    }
}

/// As OpenTelemetry has numbers.
fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Whether anybody follows any request, so that it is worth it to look for those that somebody does.
#[must_use]
pub fn is_on() -> bool {
    tracing::span_enabled!(target: STAGE, Level::DEBUG)
}
