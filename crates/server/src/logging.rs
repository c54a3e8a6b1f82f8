//! Log lines, on stderr: stdout belongs to what a command was asked for.

use crate::{
    config::{Log, LogFilter, LogFormat},
    traces::Traces,
};
use anstream::{AutoStream, ColorChoice};
use std::{fmt as text, io};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::{FilterExt as _, LevelFilter, filter_fn},
    fmt,
    layer::{Filter, SubscriberExt as _},
    reload,
    util::SubscriberInitExt as _,
};

/// Whether a line may be written at all. At the finer levels the libraries beneath print what passes through them, and
/// that is passwords and tokens; only handfast itself knows what not to say. What the NATS client says of a lost
/// connection, the fan-out says once. Spans are for traces, and cost nothing where nobody collects those.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_ours = target.starts_with("handfast");
    let is_harmless = *metadata.level() <= Level::INFO && !target.starts_with("async_nats");
    metadata.is_event() && (is_ours || is_harmless)
}

/// The lines that this filter lets through and that are discreet.
fn wanted(filter: &LogFilter) -> impl Filter<Registry> + Send + Sync + 'static + use<> {
    // Without this hint every trace line of a library beneath would be made and thrown away, frame by frame.
    let discreet = filter_fn(is_discreet).with_max_level_hint(LevelFilter::TRACE);
    filter.targets().clone().and(discreet)
}

/// Which lines are written, exchanged while they are.
pub(crate) struct LogLevel(Box<dyn Fn(&LogFilter) + Send + Sync>);

impl LogLevel {
    /// Writes other lines from now on.
    pub(crate) fn set(&self, filter: &LogFilter) {
        (self.0)(filter);
    }
}

impl text::Debug for LogLevel {
    fn fmt(&self, f: &mut text::Formatter<'_>) -> text::Result {
        f.write_str("LogLevel(…)")
    }
}

/// Starts logging for the rest of the process, and what else hears of what happens; a second call changes nothing.
pub(crate) fn start(log: &Log, traces: Option<&Traces>) -> LogLevel {
    let (filter, handle) = reload::Layer::new(wanted(&log.level));
    let lines = match log.format {
        LogFormat::Text => {
            let coloured = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
            let lines = fmt::layer().with_writer(io::stderr).with_ansi(coloured);
            lines.with_filter(filter).boxed()
        }
        LogFormat::Json => {
            let lines = fmt::layer().json().flatten_event(true);
            lines.with_writer(io::stderr).with_filter(filter).boxed()
        }
    };
    let mut layers = vec![lines];
    layers.extend(traces.map(Traces::layer));
    let subscriber = tracing_subscriber::registry().with(layers);
    let started = subscriber.with(traces.map(Traces::sampled)).try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    LogLevel(Box::new(move |filter| {
        // It fails only when nothing is logged any more.
        drop(handle.reload(wanted(filter)));
    }))
}
