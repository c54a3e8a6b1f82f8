//! What watches over the server looks for what the server has.

use crate::{
    http::{self, Request},
    server::Server,
};
use serde_json::Value;
use std::collections::BTreeSet;

const ALERTS: &str = include_str!("../../../../deploy/prometheus/alerts.yaml");
const DASHBOARD: &str = include_str!("../../../../deploy/grafana/handfast.json");
/// Labels that Prometheus gives, and those of the dashboard's own variables.
const LABELS_OF_PROMETHEUS: [&str; 3] = ["job", "instance", "le"];

/// What a server shows to who scrapes it.
fn scraped() -> String {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let answer = http::ask(server.admin(), Request::get("/metrics"));
    assert_eq!(answer.status, 200);
    answer.body
}

/// The words of a text that are names of metrics.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words =
        text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words
        .filter(|word| word.starts_with("handfast_") || word.starts_with("process_"))
        .collect()
}

/// The texts that the dashboard asks Prometheus for.
fn queries(dashboard: &Value) -> Vec<&str> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets
        .map(|target| target["expr"].as_str().unwrap())
        .collect()
}

/// Each metric with what stands in braces behind it: `handfast_logins_total`, `result=~"a|b"`.
fn selectors(text: &str) -> Vec<(&str, &str)> {
    let opened = text.match_indices('{');
    opened
        .filter_map(|(at, _)| {
            let name = text[..at]
                .rsplit(|it: char| !it.is_alphanumeric() && it != '_')
                .next()?;
            let (inside, _) = text[at + 1..].split_once('}')?;
            (!name.is_empty()).then_some((name, inside))
        })
        .collect()
}

/// The samples that the selector of an alert wants: one for each word of a label.
fn samples(name: &str, selector: &str) -> Vec<String> {
    let (label, words) = selector.split_once('=').unwrap();
    if LABELS_OF_PROMETHEUS.contains(&label) {
        return Vec::new();
    }
    let words = words.trim_start_matches('~').trim_matches('"');
    let sample = |word| format!("{name}{{{label}=\"{word}\"}} ");
    words.split('|').map(sample).collect()
}

#[test]
fn every_metric_that_is_watched_is_one_that_the_server_has() {
    let scraped = scraped();
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let has = |name: &str| {
        scraped
            .lines()
            .any(|line| line.starts_with(name) && line[name.len()..].starts_with(['{', ' ']))
    };
    let queries = queries(&dashboard).join("\n");
    let watched: BTreeSet<_> = metrics(ALERTS).union(&metrics(&queries)).copied().collect();
    assert!(watched.len() > 15, "{watched:?}");
    for name in watched {
        assert!(has(name), "the server has no {name}");
    }
}

#[test]
fn every_label_that_an_alert_looks_for_is_one_that_the_server_has() {
    let scraped = scraped();
    let wanted: Vec<_> = selectors(ALERTS)
        .into_iter()
        .filter(|(name, _)| name.starts_with("handfast_"))
        .flat_map(|(name, selector)| samples(name, selector))
        .collect();
    assert!(wanted.len() >= 6, "{wanted:?}");
    for sample in wanted {
        assert!(scraped.contains(&sample), "the server has no {sample}");
    }
}

#[test]
fn what_the_dashboard_tells_apart_is_a_label_of_what_it_shows() {
    let scraped = scraped();
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    for query in queries(&dashboard) {
        let Some((_, grouped)) = query.split_once(" by (") else {
            continue;
        };
        let labels = grouped.split(')').next().unwrap();
        let name = metrics(query).into_iter().next().unwrap();
        for label in labels.split(", ") {
            let shown = format!("{name}{{{label}=\"");
            let is_known = LABELS_OF_PROMETHEUS.contains(&label) || scraped.contains(&shown);
            assert!(is_known, "{label} in {query}");
        }
    }
}

#[test]
fn the_guide_tells_what_to_do_on_every_alert() {
    let guide = include_str!("../../../../docs/guide/deploying.md");
    let alerts = ALERTS
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let alerts: Vec<_> = alerts.collect();
    assert!(alerts.len() > 10);
    for alert in alerts {
        assert!(guide.contains(&format!("| `{alert}` |")), "{alert}");
    }
}
