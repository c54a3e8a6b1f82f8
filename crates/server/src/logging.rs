//! Log lines, on stderr: stdout belongs to what a command was asked for.

use crate::config::{Log, LogFormat};
use anstream::{AutoStream, ColorChoice};
use std::io;
use tracing_subscriber::{
    Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Starts logging for the rest of the process; a second call changes nothing.
pub(crate) fn start(log: &Log) {
    let targets = log.level.targets().clone();
    let started = match log.format {
        LogFormat::Text => {
            let coloured = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
            let lines = fmt::layer().with_writer(io::stderr).with_ansi(coloured);
            tracing_subscriber::registry()
                .with(lines.with_filter(targets))
                .try_init()
        }
        LogFormat::Json => {
            let lines = fmt::layer().json().flatten_event(true);
            tracing_subscriber::registry()
                .with(lines.with_writer(io::stderr).with_filter(targets))
                .try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
