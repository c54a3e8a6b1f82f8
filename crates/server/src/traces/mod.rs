//! Traces of requests, sent to a collector by OTLP over HTTP.
//!
//! The library makes spans of `tracing` ([`handfast::trace`]); a [`Sampler`] takes some requests whole and leaves the
//! others alone; `tracing-opentelemetry` makes OpenTelemetry's spans of them, and the [`Intake`] queues those that have
//! ended. One thread, with a runtime of its own, [sends](export) what came together. Where no collector is configured,
//! there is none of this, and a span of the library's is a branch.

mod collector;
mod export;
mod intake;
mod sampling;

pub(crate) use intake::{Spans, remote};
pub(crate) use sampling::Sampled;

use crate::config::{Config, Ratio};
use collector::{Collector, SendError};
use export::Exporter;
use handfast::random;
use intake::Intake;
use opentelemetry::{KeyValue, SpanId, TraceId, trace::TracerProvider as _};
use opentelemetry_sdk::{
    Resource,
    trace::{IdGenerator, Sampler as SdkSampler, SdkTracer, SdkTracerProvider},
};
use sampling::Sampler;
use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};
use tokio::sync::watch;
use tracing_subscriber::{
    Layer, Registry,
    filter::{LevelFilter, filter_fn},
};

/// How long the last spans may take when the process ends.
const CLOSE: Duration = Duration::from_secs(3);

/// Why nothing can be traced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TracesError {
    /// The way to the collector.
    #[error("traces cannot be sent to the collector")]
    Tls(#[from] rustls::Error),
    /// Nobody could say who the collector is.
    #[error(
        "traces are to be sent by TLS, and this system trusts no authority; install its `ca-certificates`, or name a \
         file with SSL_CERT_FILE"
    )]
    NoRoots,
    /// The thread that sends.
    #[error("traces cannot be sent")]
    System(#[from] io::Error),
}

/// Where requests are traced.
pub(crate) struct Traces {
    sampler: Arc<Sampler>,
    spans: Arc<Spans>,
    tracer: SdkTracer,
    closing: watch::Sender<bool>,
    /// Ends with the thread that sends.
    sending: Mutex<mpsc::Receiver<()>>,
}

impl Traces {
    /// Begins to trace, where the configuration names a collector.
    ///
    /// # Errors
    /// [`TracesError`].
    pub(crate) fn start(config: &Config) -> Result<Option<Self>, TracesError> {
        let Some(collector) = Collector::of(&config.otlp)? else {
            return Ok(None);
        };
        let resource = Resource::builder_empty()
            .with_service_name(config.otlp.service_name.clone())
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("host.name", crate::audit::node_name(config).to_string()),
                KeyValue::new("process.pid", i64::from(std::process::id())),
            ])
            .build();
        let (intake, ended) = Intake::new();
        let spans = intake.spans();
        let (closing, is_closing) = watch::channel(false);
        let exporter = Exporter::new(collector, (&resource).into(), ended, is_closing);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (sending_ends, sending) = mpsc::channel();
        let run = move || {
            runtime.block_on(exporter.run());
            drop::<mpsc::Sender<()>>(sending_ends);
        };
        drop(
            thread::Builder::new()
                .name("traces".to_owned())
                .spawn(run)?,
        );
        let provider = SdkTracerProvider::builder()
            // It was decided before there was a span.
            .with_sampler(SdkSampler::AlwaysOn)
            .with_id_generator(Ids)
            .with_resource(resource)
            .with_span_processor(intake)
            .build();
        Ok(Some(Self {
            sampler: Arc::new(Sampler::new(config.otlp.sample_ratio)),
            spans,
            tracer: provider.tracer("handfast"),
            closing,
            sending: Mutex::new(sending),
        }))
    }

    /// What takes the library's spans.
    pub(crate) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(self.tracer.clone())
            .with_location(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false);
        // It would take events too, as parts of the current span.
        let spans = filter_fn(|metadata| metadata.is_span());
        layer
            .with_filter(spans.with_max_level_hint(LevelFilter::DEBUG))
            .boxed()
    }

    /// What decides which spans there are, around all layers.
    pub(crate) fn sampled(&self) -> Sampled {
        Sampled(Arc::clone(&self.sampler))
    }

    /// Traces other parts from now on.
    pub(crate) fn set_ratio(&self, ratio: Ratio) {
        self.sampler.set_ratio(ratio);
    }

    /// What became of spans, for who counts.
    pub(crate) fn spans(&self) -> Arc<Spans> {
        Arc::clone(&self.spans)
    }

    /// Waits until what has ended is sent, or cannot be.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
        // It sends nothing, and ends.
        let sending = self.sending.lock();
        let sending = sending.unwrap_or_else(PoisonError::into_inner);
        let _ended = sending.recv_timeout(CLOSE);
        let lost = self.spans.unsent();
        if lost > 0 {
            tracing::warn!(lost, "stopped, and some spans did not reach the collector");
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces")
            .field("spans", &self.spans)
            .finish_non_exhaustive()
    }
}

/// Sends the collector nothing, to see whether it takes that. `None` where there is none.
///
/// # Errors
/// Why it does not.
pub(crate) fn reach(config: &Config) -> Option<Result<(), Box<dyn std::error::Error>>> {
    let collector = match Collector::of(&config.otlp) {
        Ok(collector) => collector?,
        Err(error) => return Some(Err(error.into())),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    Some(match runtime {
        Ok(runtime) => runtime
            .block_on(collector.send(Vec::new().into()))
            .map(drop)
            .map_err(SendError::into),
        Err(error) => Err(error.into()),
    })
}

/// Names from where all other names come from.
#[derive(Debug)]
struct Ids;

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from_bytes(random::bytes())
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from_bytes(random::bytes())
    }
}
