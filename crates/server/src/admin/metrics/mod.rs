//! `GET /metrics`: what Prometheus scrapes.
//!
//! Everything is counted where it happens, in plain numbers; here they are read, and written down by the names in
//! [`catalogue`]. A scrape costs the same however many connections, users or addresses there are.

mod catalogue;
mod process;

use super::{Admin, guard::Guard};
use crate::{audit::AuditStream, traces::Spans};
use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get},
};
use catalogue::{METRICS, Metric, Reading, Values};
use handfast::{Handfast, fanout::Publisher};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet, prometheus_text, text},
    metrics::MetricType,
    registry::Registry,
};
use std::{fmt, sync::Arc};

/// Where it is.
pub(super) const PATH: &str = "/metrics";

const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves the metrics of a node, in the form that is asked for.
pub(super) fn route(admin: &Admin, guard: Arc<Guard>) -> MethodRouter<()> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Node {
        handfast: admin.handfast.clone(),
        audit: admin.audit.clone(),
        spans: admin.spans.clone(),
        guard,
    }));
    let registry = Arc::new(registry);
    get(move |headers: HeaderMap| std::future::ready(answer(&registry, &headers)))
}

fn answer(registry: &Registry, headers: &HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    let is_open = accepted.is_some_and(|it| it.contains("application/openmetrics-text"));
    let mut body = String::new();
    // Writing into a text cannot fail.
    let (media_type, _written) = if is_open {
        (OPEN_METRICS, text::encode(&mut body, registry))
    } else {
        (PROMETHEUS, prometheus_text::encode(&mut body, registry))
    };
    ([(header::CONTENT_TYPE, media_type)], body).into_response()
}

/// What is read at a scrape.
#[derive(Debug)]
struct Node {
    handfast: Handfast,
    audit: Option<AuditStream>,
    spans: Option<Arc<Spans>>,
    guard: Arc<Guard>,
}

impl Collector for Node {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let reading = Reading {
            node: self.handfast.counts(),
            ledger: self.handfast.ledger().counts(),
            fanout: self.handfast.fanout().map(Publisher::status),
            audit: self
                .audit
                .as_ref()
                .map(AuditStream::condition)
                .unwrap_or_default(),
            spans: self
                .spans
                .as_deref()
                .map_or([0, 0], |it| [it.sent(), it.lost()]),
            left_out_of_audit: self.handfast.left_out_of_audit(),
            refused: self.guard.refused(),
            process: process::read(),
        };
        METRICS
            .iter()
            .try_for_each(|metric| encode(metric, &reading, &mut encoder))
    }
}

fn encode(metric: &Metric, reading: &Reading, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let Some(values) = (metric.read)(reading) else {
        return Ok(());
    };
    let kind = metric.kind;
    let unit = metric.unit.unit();
    let mut encoder = encoder.encode_descriptor(metric.name, metric.help, unit.as_ref(), kind)?;
    match values {
        Values::One(value) => match kind {
            MetricType::Counter => encoder.encode_counter::<NoLabelSet, _, f64>(&value, None),
            MetricType::Gauge | MetricType::Histogram | MetricType::Info | MetricType::Unknown => {
                encoder.encode_gauge(&value)
            }
        },
        Values::By(label, values) => values.into_iter().try_for_each(|(word, count)| {
            let labels = [(label, word)];
            let mut encoder = encoder.encode_family(&labels)?;
            match kind {
                MetricType::Counter => encoder.encode_counter::<NoLabelSet, _, f64>(&count, None),
                MetricType::Gauge
                | MetricType::Histogram
                | MetricType::Info
                | MetricType::Unknown => encoder.encode_gauge(&count),
            }
        }),
        Values::Spread {
            distribution,
            divisor,
        } => {
            let bounds = distribution
                .bounds
                .iter()
                .map(|bound| as_f64(*bound) / divisor);
            let buckets: Vec<_> = bounds
                .chain([f64::INFINITY])
                .zip(distribution.counts)
                .collect();
            let count = buckets.iter().map(|(_, count)| count).sum();
            let sum = as_f64(distribution.sum) / divisor;
            encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
        }
    }
}

/// Counts are far below 2^53, up to which this is exact.
fn as_f64(count: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact for every count that occurs"
    )]
    let number = count as f64;
    number
}
