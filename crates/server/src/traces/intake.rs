//! Spans that have ended, on their way to the thread that sends them.

use handfast::trace::CAUSE;
use opentelemetry::{
    Context, Value,
    trace::{Link, SpanContext, SpanId, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// How many may wait to be sent. More are lost, and counted: a span is about 1 KiB, and no request waits for one.
const WAITING: usize = 4_096;

/// What became of spans.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    taken: AtomicU64,
    sent: AtomicU64,
    lost: AtomicU64,
}

impl Spans {
    /// How many the collector has.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many it will never have.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// How many it has not, of all that ended.
    pub(super) fn unsent(&self) -> u64 {
        let taken = self.taken.load(Ordering::Relaxed);
        taken.saturating_sub(self.sent())
    }

    pub(super) fn note_sent(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn note_lost(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }
}

/// Spans as they come out of the queue.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) queue: mpsc::Receiver<SpanData>,
    pub(super) spans: Arc<Spans>,
}

/// Takes what ends, on whatever thread that is, and never waits.
#[derive(Debug)]
pub(super) struct Intake {
    queue: mpsc::Sender<SpanData>,
    spans: Arc<Spans>,
}

impl Intake {
    pub(super) fn new() -> (Self, Ended) {
        let (sender, queue) = mpsc::channel(WAITING);
        let spans = Arc::<Spans>::default();
        let ended = Ended {
            queue,
            spans: Arc::clone(&spans),
        };
        (
            Self {
                queue: sender,
                spans,
            },
            ended,
        )
    }

    pub(super) fn spans(&self) -> Arc<Spans> {
        Arc::clone(&self.spans)
    }
}

impl SpanProcessor for Intake {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, mut span: SpanData) {
        link_to_cause(&mut span);
        self.spans.taken.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(span).is_err() {
            self.spans.note_lost(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Makes a link of the field that says what a connection's upgrade was part of.
fn link_to_cause(span: &mut SpanData) {
    let at = span
        .attributes
        .iter()
        .position(|it| it.key.as_str() == CAUSE);
    let Some(at) = at else { return };
    let cause = span.attributes.swap_remove(at).value;
    if let Value::String(text) = cause
        && let Some(cause) = remote(text.as_str())
    {
        span.links.links.push(Link::new(cause, Vec::new(), 0));
    }
}

/// What a `traceparent` names (W3C Trace Context, section 3.2).
pub(crate) fn remote(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}
