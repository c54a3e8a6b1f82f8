//! The page of a report.

use super::{Chapter, Machine, Measurement, book, table};
use std::fmt::Write as _;

/// What is true of every figure.
const READING: &str = "\
Servers, databases and clients ran on this machine and shared its processors. The limits of the servers were lifted and,
unless a row says otherwise, Argon2 was turned down; nothing else was. Every answer was on the disk before it left. A
figure is the median of its rounds, beside the least and the most of them; the lines at the points of a plot reach from
one to the other. \"others\" is what the rest of the machine did meanwhile, databases included: where it is more than
a few per cent without one, measure again.";

/// The whole page.
pub(super) fn page(machine: &Machine, chapters: &[Chapter]) -> String {
    let mut out = format!(
        "# handfast, measured\n\n\
         Commit {}, {}. {}.\n\n{READING}\n\n\
         [`{rounds}`]({rounds}) has every round.\n",
        machine.commit,
        machine.date,
        machine.describe(),
        rounds = book::ROUNDS,
    );
    for chapter in chapters {
        // Writing to a string cannot fail.
        write!(out, "\n## {}\n\n{}\n", chapter.title, chapter.about).ok();
        for plot in &chapter.plots {
            write!(out, "\n![{}]({})\n", plot.title, plot.file()).ok();
        }
        figures(&mut out, &chapter.rows);
    }
    out
}

/// The figures, without the columns that are empty in all of them.
fn figures(out: &mut String, rows: &[Measurement]) {
    let rows: Vec<_> = rows.iter().map(table::cells).collect();
    let is_said = |column: usize| rows.iter().any(|row| !row[column].is_empty());
    let columns: Vec<usize> = (0..table::HEADINGS.len())
        .filter(|&column| is_said(column))
        .collect();
    if columns.is_empty() {
        return;
    }
    out.push('\n');
    line(out, columns.iter().map(|&column| table::HEADINGS[column]));
    line(
        out,
        columns
            .iter()
            .map(|&column| if column == 0 { "---" } else { "---:" }),
    );
    for row in &rows {
        line(out, columns.iter().map(|&column| row[column].as_str()));
    }
}

fn line<'a>(out: &mut String, cells: impl Iterator<Item = &'a str>) {
    out.push('|');
    for cell in cells {
        write!(out, " {cell} |").ok();
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        Aim, Round,
        plot::{Axis, Plot, Scale},
    };

    fn machine() -> Machine {
        Machine {
            cores: 2,
            processor: "a processor".to_owned(),
            memory_bytes: 23 << 30,
            kernel: "Linux 6.18".to_owned(),
            date: "2026-11-25 10:00 UTC".to_owned(),
            commit: "e6a7848".to_owned(),
        }
    }

    fn chapter() -> Chapter {
        let rounds = vec![Round::of(1.0), Round::of(3.0)];
        let aim = Some(Aim::AtMost(1.5));
        Chapter {
            title: "What a connection weighs",
            about: "Each logged in.".to_owned(),
            rows: vec![Measurement::new("idle".to_owned(), "B", aim, rounds)],
            plots: vec![Plot {
                name: "memory",
                title: "Memory",
                x: Axis::new("connections", Scale::Sizes),
                y: Axis::new("bytes", Scale::FromZero),
                series: Vec::new(),
            }],
        }
    }

    #[test]
    fn the_page_says_of_what_and_where_its_figures_are() {
        let page = page(&machine(), &[]);
        assert!(page.contains("Commit e6a7848, 2026-11-25 10:00 UTC. 2 × a processor, 23 GiB"));
    }

    #[test]
    fn a_chapter_has_its_heading_its_plots_and_its_table() {
        let page = page(&machine(), &[chapter()]);
        let expected = "\
## What a connection weighs

Each logged in.

![Memory](memory.svg)

|  | median | min – max | target |
| --- | ---: | ---: | ---: |
| idle | 2.00 B | 1.00 – 3.00 | ≤ 1.50 ✗ |
";
        assert!(page.ends_with(expected), "{page}");
    }
}
