//! Every metric: its name, what it means, and where its value comes from.

use super::{as_f64, process::Process};
use crate::audit::Condition;
use handfast::{Counts, LoginResult, RevocationReason, fanout::Status};
use handfast_core::{
    close::CloseCode,
    session::{Presented, Refusal},
};
use handfast_ledger::{self as ledger, Distribution, OUTCOMES};
use prometheus_client::{metrics::MetricType, registry::Unit};

/// What is read once at a scrape.
pub(super) struct Reading {
    pub(super) node: Counts,
    pub(super) ledger: ledger::Counts,
    /// Where nodes tell each other.
    pub(super) fanout: Option<Status>,
    pub(super) audit: Condition,
    pub(super) left_out_of_audit: u64,
    /// Spans that were sent, and that were lost.
    pub(super) spans: [u64; 2],
    pub(super) refused: u64,
    pub(super) process: Option<Process>,
}

/// A metric.
#[derive(Clone, Copy)]
pub(super) struct Metric {
    /// Its name, without the unit and without the `_total` of a counter.
    pub(super) name: &'static str,
    pub(super) kind: MetricType,
    pub(super) unit: Measure,
    /// Without a full stop, which the encoder adds.
    pub(super) help: &'static str,
    /// `None` where this machine does not tell.
    pub(super) read: fn(&Reading) -> Option<Values>,
}

/// The unit that a metric is in, which its name ends with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    Count,
    Seconds,
    Bytes,
}

impl Measure {
    pub(super) fn unit(self) -> Option<Unit> {
        match self {
            Self::Count => None,
            Self::Seconds => Some(Unit::Seconds),
            Self::Bytes => Some(Unit::Bytes),
        }
    }
}

/// What a metric is now.
pub(super) enum Values {
    One(f64),
    /// One for each word of a label. The words are an enumeration of ours, so there are never more.
    By(&'static str, Vec<(&'static str, u64)>),
    Spread {
        distribution: Distribution,
        /// What its values are divided by, to be in the metric's unit.
        divisor: f64,
    },
}

const MICROSECONDS: f64 = 1_000_000.0;
const MILLISECONDS: f64 = 1_000.0;

const fn metric(
    name: &'static str,
    kind: MetricType,
    help: &'static str,
    read: fn(&Reading) -> Option<Values>,
) -> Metric {
    Metric {
        name,
        kind,
        unit: Measure::Count,
        help,
        read,
    }
}

impl Metric {
    const fn seconds(mut self) -> Self {
        self.unit = Measure::Seconds;
        self
    }

    const fn bytes(mut self) -> Self {
        self.unit = Measure::Bytes;
        self
    }
}

use MetricType::{Counter, Gauge, Histogram};

/// Every metric, in the order in which they are written.
pub(super) const METRICS: &[Metric] = &[
    metric(
        "handfast_build_info",
        Gauge,
        "The version that runs, as a label; always 1",
        |_| Some(Values::By("version", vec![(env!("CARGO_PKG_VERSION"), 1)])),
    ),
    metric(
        "handfast_connections",
        Gauge,
        "Connections that are open",
        |it| Some(Values::One(as_f64(it.node.connections as u64))),
    ),
    metric(
        "handfast_authenticated_connections",
        Gauge,
        "Open connections that own a session",
        |it| Some(Values::One(as_f64(it.node.authenticated as u64))),
    ),
    metric(
        "handfast_logins",
        Counter,
        "Logins and registrations, by what they came to",
        |it| {
            by(
                "result",
                LoginResult::ALL.map(LoginResult::as_str),
                &it.node.logins,
            )
        },
    ),
    metric(
        "handfast_presentations",
        Counter,
        "Presented tokens, by what they came to",
        |it| Some(Values::By("outcome", presentations(it))),
    ),
    metric(
        "handfast_revocations",
        Counter,
        "Sessions that were ended, by why",
        |it| {
            by(
                "reason",
                RevocationReason::ALL.map(RevocationReason::as_str),
                &it.ledger.revoked,
            )
        },
    ),
    metric(
        "handfast_closes",
        Counter,
        "Connections that the server closed, by the code of the close frame",
        |it| by("code", CloseCode::ALL.map(code_word), &it.node.closes),
    ),
    metric(
        "handfast_heartbeat_lateness",
        Histogram,
        "How much later than due a connection did what it had to; up to 0.25 is meant",
        |it| spread(it.node.beats_late_ms, MILLISECONDS),
    )
    .seconds(),
    metric(
        "handfast_hash_queue",
        Gauge,
        "Passwords that wait to be hashed",
        |it| Some(Values::One(as_f64(it.node.hash_queue as u64))),
    ),
    metric(
        "handfast_ledger_intents",
        Counter,
        "What was asked of the ledger, by what became of it",
        |it| {
            let words = ["answered", "failed", "overloaded", "too_late"];
            let ledger = &it.ledger;
            let answered = ledger.answered.saturating_sub(ledger.too_late);
            by(
                "result",
                words,
                &[answered, ledger.failed, ledger.overloaded, ledger.too_late],
            )
        },
    ),
    metric(
        "handfast_ledger_lost_writes",
        Counter,
        "Tokens of generations that the ledger does not know: it lost what it had committed",
        |it| Some(Values::One(as_f64(it.ledger.from_the_future))),
    ),
    metric(
        "handfast_ledger_batch_intents",
        Histogram,
        "How many intents were committed in one transaction",
        |it| spread(it.ledger.batch_sizes, 1.0),
    ),
    metric(
        "handfast_ledger_transaction",
        Histogram,
        "From the beginning of a transaction to the end of its commit",
        |it| spread(it.ledger.transactions_us, MICROSECONDS),
    )
    .seconds(),
    metric(
        "handfast_fanout_connected",
        Gauge,
        "Whether other nodes are told at once of what changes here",
        |it| Some(Values::One(as_f64(it.fanout?.connected.into()))),
    ),
    metric(
        "handfast_fanout_changes",
        Counter,
        "Changes that were told to other nodes, heard of them, or left to the log, since too many waited",
        |it| {
            let it = it.fanout?;
            let words = ["sent", "heard", "left_to_log"];
            by("result", words, &[it.sent, it.heard, it.left_to_log])
        },
    ),
    metric(
        "handfast_fanout_lag",
        Histogram,
        "From the commit of a change until this node heard its own message of it, as others do",
        |it| spread(it.fanout?.lag_us, MICROSECONDS),
    )
    .seconds(),
    metric(
        "handfast_admin_refused",
        Counter,
        "Operators' requests without the token, or with a wrong one",
        |it| Some(Values::One(as_f64(it.refused))),
    ),
    metric(
        "handfast_audit_records",
        Counter,
        "Records of what happened, by what became of them",
        |it| {
            let words = ["written", "lost", "left_out"];
            let counts = [it.audit.written, it.audit.lost, it.left_out_of_audit];
            by("result", words, &counts)
        },
    ),
    metric(
        "handfast_audit_queue",
        Gauge,
        "Records that wait to be written",
        |it| Some(Values::One(as_f64(it.audit.waiting_bytes as u64))),
    )
    .bytes(),
    metric(
        "handfast_audit_failing",
        Gauge,
        "Whether what happens cannot be recorded now",
        |it| Some(Values::One(as_f64(it.audit.fault.is_some().into()))),
    ),
    metric(
        "handfast_trace_spans",
        Counter,
        "Spans of traced requests, by what became of them",
        |it| by("result", ["sent", "lost"], &it.spans),
    ),
    metric(
        "process_cpu",
        Counter,
        "Processor time that the process took",
        |it| Some(Values::One(it.process?.cpu_seconds)),
    )
    .seconds(),
    metric(
        "process_resident_memory",
        Gauge,
        "Memory of the process that is in use",
        |it| Some(Values::One(as_f64(it.process?.resident_bytes))),
    )
    .bytes(),
    metric(
        "process_open_fds",
        Gauge,
        "Open file descriptors, of which each connection has one",
        |it| Some(Values::One(as_f64(it.process?.open_fds))),
    ),
    metric(
        "process_max_fds",
        Gauge,
        "File descriptors that the process may have",
        |it| Some(Values::One(as_f64(it.process?.max_fds))),
    ),
];

fn spread(distribution: Distribution, divisor: f64) -> Option<Values> {
    Some(Values::Spread {
        distribution,
        divisor,
    })
}

fn by<const N: usize>(
    label: &'static str,
    words: [&'static str; N],
    counts: &[u64; N],
) -> Option<Values> {
    let values = words.into_iter().zip(counts.iter().copied());
    Some(Values::By(label, values.collect()))
}

/// What the ledger decided, and what was refused before it was asked.
fn presentations(it: &Reading) -> Vec<(&'static str, u64)> {
    let decided = OUTCOMES
        .map(Presented::as_str)
        .into_iter()
        .zip(it.ledger.presented);
    let mut values: Vec<_> = decided.collect();
    for (refusal, count) in Refusal::ALL.into_iter().zip(it.node.refused) {
        let word = refusal.as_str();
        if let Some((_, sum)) = values.iter_mut().find(|(other, _)| *other == word) {
            *sum += count;
        }
    }
    values.push(("too_many", it.node.presented_too_often));
    values
}

fn code_word(code: CloseCode) -> &'static str {
    match code {
        CloseCode::Normal => "1000",
        CloseCode::GoingAway => "1001",
        CloseCode::ProtocolError => "1002",
        CloseCode::NotUtf8 => "1007",
        CloseCode::TooBig => "1009",
        CloseCode::Internal => "1011",
        CloseCode::TryAgainLater => "1013",
        CloseCode::Misuse => "4400",
        CloseCode::NotAuthenticatedInTime => "4401",
        CloseCode::Revoked => "4403",
        CloseCode::HeartbeatMissed => "4408",
        CloseCode::Superseded => "4409",
        CloseCode::Expired => "4410",
        CloseCode::TooMany => "4429",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The name as it is scraped.
    fn full_name(metric: &Metric) -> String {
        let unit = metric.unit.unit();
        let unit = unit
            .map(|unit| format!("_{}", unit.as_str()))
            .unwrap_or_default();
        let total = if metric.kind == Counter { "_total" } else { "" };
        format!("{}{unit}{total}", metric.name)
    }

    fn reading() -> Reading {
        Reading {
            node: Counts {
                connections: 0,
                authenticated: 0,
                logins: Default::default(),
                refused: Default::default(),
                presented_too_often: 0,
                closes: Default::default(),
                beats_late_ms: Distribution::default(),
                hash_queue: 0,
            },
            ledger: ledger::Counts::default(),
            fanout: Some(Status::default()),
            audit: Condition::default(),
            left_out_of_audit: 0,
            spans: [0, 0],
            refused: 0,
            process: None,
        }
    }

    /// The conventions of Prometheus for names, units, types and help texts.
    #[test]
    fn every_metric_keeps_to_the_conventions() {
        let mut names = BTreeSet::new();
        for metric in METRICS {
            let name = full_name(metric);
            assert!(names.insert(name.clone()), "{name} is there twice");
            assert!(
                name.starts_with("handfast_") || name.starts_with("process_"),
                "{name}"
            );
            let is_plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
            assert!(name.chars().all(is_plain), "{name}");
            for part in ["_total", "_count", "_sum", "_bucket"] {
                assert!(!metric.name.ends_with(part), "{name}");
            }
            for scaled in ["milli", "micro", "kilo", "mega", "minutes", "_ms", "_us"] {
                assert!(!name.contains(scaled), "{name} is not in a base unit");
            }
            assert!(
                !metric.help.is_empty() && !metric.help.ends_with('.'),
                "{name}"
            );
        }
    }

    #[test]
    fn every_code_is_written_as_its_number() {
        for code in CloseCode::ALL {
            assert_eq!(code_word(code), code.number().to_string());
        }
    }

    #[test]
    fn every_refusal_before_the_ledger_has_its_place_among_the_outcomes() {
        let mut reading = reading();
        reading.node.refused = [1; Refusal::ALL.len()];
        let values = presentations(&reading);
        let sum: u64 = values.iter().map(|(_, count)| count).sum();
        assert_eq!(sum, Refusal::ALL.len() as u64);
        let words: BTreeSet<_> = values.iter().map(|(word, _)| word).collect();
        assert_eq!(words.len(), values.len());
    }

    #[test]
    fn the_guide_has_every_metric_with_its_type_labels_and_meaning() {
        let reading = reading();
        let mut table = "| metric | type | labels | |\n|---|---|---|---|\n".to_owned();
        for metric in METRICS {
            let labels = match (metric.read)(&reading) {
                Some(Values::By(label, words)) if label != "version" => {
                    let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
                    format!("`{label}`: {}", words.join(", "))
                }
                Some(Values::By(label, _)) => format!("`{label}`"),
                Some(Values::One(_) | Values::Spread { .. }) | None => String::new(),
            };
            let kind = match metric.kind {
                Counter => "counter",
                Histogram => "histogram",
                Gauge | MetricType::Info | MetricType::Unknown => "gauge",
            };
            table.push_str(&format!(
                "| `{}` | {kind} | {labels} | {} |\n",
                full_name(metric),
                metric.help
            ));
        }
        let guide = include_str!("../../../../../docs/guide/metrics.md");
        assert!(
            guide.contains(&table),
            "docs/guide/metrics.md should have:\n{table}"
        );
    }
}
