//! The report as a table for a terminal.

use super::{Aim, Machine, Measurement, Report, Round};
use crate::meter::Cost;
use std::fmt::Write as _;

const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

pub(super) const HEADINGS: [&str; 10] = [
    "",
    "median",
    "min – max",
    "target",
    "server µs/op",
    "server % core",
    "load µs/op",
    "load % core",
    "others % core",
    "server RSS",
];

/// The whole report, with a line end after each line.
pub(super) fn render(report: &Report<'_>) -> String {
    let rows: Vec<[String; HEADINGS.len()]> =
        report.measurements.iter().copied().map(cells).collect();
    let mut widths = HEADINGS.map(width);
    for row in &rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let mut text = surroundings(report.machine);
    let headings = HEADINGS.map(str::to_owned);
    line(&mut text, BOLD, &headings, &widths);
    for (row, measurement) in rows.iter().zip(&report.measurements) {
        let met = measurement
            .aim
            .map(|aim| aim.is_met(measurement.spread.median));
        let colour = match met {
            Some(true) => GREEN,
            Some(false) => RED,
            None => "",
        };
        line(&mut text, colour, row, &widths);
    }
    text
}

fn surroundings(machine: &Machine) -> String {
    format!(
        "\n{BOLD}handfast at {}{PLAIN}, {}\n{DIM}{}{PLAIN}\n\n",
        machine.commit,
        machine.date,
        machine.describe(),
    )
}

fn line(text: &mut String, style: &str, cells: &[String], widths: &[usize]) {
    text.push_str(style);
    for (column, (cell, widest)) in cells.iter().zip(widths).enumerate() {
        let padding = " ".repeat(widest - width(cell));
        // The name stands to the left, figures stand to the right.
        let (before, after) = if column == 0 {
            ("", padding.as_str())
        } else {
            (padding.as_str(), "")
        };
        let gap = if column == 0 { "" } else { "  " };
        // Writing to a string cannot fail.
        write!(text, "{gap}{before}{cell}{after}").ok();
    }
    if !style.is_empty() {
        text.push_str(PLAIN);
    }
    text.push('\n');
}

fn width(cell: impl AsRef<str>) -> usize {
    cell.as_ref().chars().count()
}

/// What a row says, a text for each heading.
pub(super) fn cells(measurement: &Measurement) -> [String; HEADINGS.len()] {
    let spread = measurement.spread;
    let of_cost = |what: fn(&Round, &Cost) -> Option<f64>| {
        let figure = measurement.median_of(|round| what(round, round.cost.as_ref()?));
        figure.map(number).unwrap_or_default()
    };
    let share = |what: fn(&Cost) -> Option<f64>| {
        let figure = measurement.median_of(|round| {
            round
                .cost
                .as_ref()
                .and_then(|cost| Some(what(cost)? / cost.seconds))
        });
        figure
            .map(|share| format!("{:.1}", share * 100.0))
            .unwrap_or_default()
    };
    [
        measurement.name.clone(),
        format!("{} {}", number(spread.median), measurement.unit),
        format!("{} – {}", number(spread.min), number(spread.max)),
        measurement
            .aim
            .map(|aim| target(aim, spread.median))
            .unwrap_or_default(),
        of_cost(|round, cost| per_operation(cost.server_cpu_seconds?, round)),
        share(|cost| cost.server_cpu_seconds),
        of_cost(|round, cost| per_operation(cost.load_cpu_seconds, round)),
        share(|cost| Some(cost.load_cpu_seconds)),
        share(|cost| cost.others_cpu_seconds),
        memory(measurement),
    ]
}

fn target(aim: Aim, value: f64) -> String {
    let (sign, figure) = match aim {
        Aim::AtLeast(figure) => ('≥', figure),
        Aim::AtMost(figure) => ('≤', figure),
    };
    let mark = if aim.is_met(value) { '✓' } else { '✗' };
    format!("{sign} {} {mark}", number(figure))
}

fn per_operation(seconds: f64, round: &Round) -> Option<f64> {
    let operations = round.operations.filter(|operations| *operations > 0)?;
    Some(seconds * 1e6 / operations as f64)
}

fn memory(measurement: &Measurement) -> String {
    let resident = measurement.median_of(|round| {
        let memory = round.cost.as_ref()?.server_memory?;
        Some(memory.resident_bytes as f64 / f64::from(1 << 20))
    });
    resident
        .map(|mib| format!("{} MiB", number(mib)))
        .unwrap_or_default()
}

/// Three significant digits at least, and thousands apart.
pub(super) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        small if small < 10.0 => 2,
        medium if medium < 100.0 => 1,
        _ => 0,
    };
    grouped(value, decimals)
}

/// So many decimals, and thousands apart.
pub(super) fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::usage::Memory;

    #[test]
    fn numbers_are_read_at_a_glance() {
        let numbers = [0.25, 9.99, 12.34, 999.4, 1000.0, 1_234_567.0, -4321.0];
        let texts = numbers.map(number);
        assert_eq!(
            texts,
            [
                "0.25",
                "9.99",
                "12.3",
                "999",
                "1,000",
                "1,234,567",
                "-4,321"
            ]
        );
    }

    #[test]
    fn a_row_says_the_figure_its_target_and_what_it_cost() {
        let cost = Cost {
            seconds: 2.0,
            server_cpu_seconds: Some(2.4),
            load_cpu_seconds: 0.6,
            others_cpu_seconds: Some(0.1),
            server_memory: Some(Memory {
                resident_bytes: 20 << 20,
                anonymous_bytes: 10 << 20,
            }),
        };
        let rounds = vec![Round::throughput(26_000, cost)];
        let aim = Some(Aim::AtLeast(12_000.0));
        let row = cells(&Measurement::new("resume".to_owned(), "/s", aim, rounds));
        assert_eq!(
            row,
            [
                "resume",
                "13,000 /s",
                "13,000 – 13,000",
                "≥ 12,000 ✓",
                "92.3",
                "120.0",
                "23.1",
                "30.0",
                "5.0",
                "20.0 MiB"
            ]
        );
    }

    #[test]
    fn what_did_not_happen_has_no_cost_each() {
        let round = |operations| Round {
            operations: Some(operations),
            ..Round::of(0.0)
        };
        assert_eq!(per_operation(1.0, &round(0)), None);
        assert_eq!(per_operation(1.0, &round(4)), Some(250_000.0));
    }

    #[test]
    fn every_line_of_the_table_is_equally_wide() {
        let rounds = || vec![Round::of(1.0)];
        let rows = [
            Measurement::new("a".to_owned(), "/s", Some(Aim::AtMost(0.5)), rounds()),
            Measurement::new("longer".to_owned(), "B each", None, rounds()),
        ];
        let report = Report {
            machine: &Machine::here(),
            measurements: rows.iter().collect(),
        };
        let text = anstream::adapter::strip_str(&render(&report)).to_string();
        let widths: Vec<usize> = text.lines().skip(4).map(width).collect();
        assert_eq!(widths.len(), 3);
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }
}
