//! Tables for people.

use super::print::HEADING;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr as _;

/// What lies between two columns.
const GAP: &str = "  ";

/// Rows of text under headings.
#[derive(Debug)]
pub(super) struct Table<const COLUMNS: usize> {
    headings: [&'static str; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(super) fn new(headings: [&'static str; COLUMNS]) -> Self {
        Self {
            headings,
            rows: Vec::new(),
        }
    }

    /// Adds a row. What a terminal would obey in it is made visible: clients choose some of these texts.
    pub(super) fn add(&mut self, row: [String; COLUMNS]) {
        self.rows.push(row.map(|cell| visible(&cell)));
    }

    /// Writes the table, each column as wide as its widest cell.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut widths = self.headings.map(str::width);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let headings = self.headings.map(str::to_owned);
        writeln!(out, "{HEADING}{}{HEADING:#}", line(&headings, &widths))?;
        let mut lines = self.rows.iter().map(|row| line(row, &widths));
        lines.try_for_each(|line| writeln!(out, "{line}"))
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(width.saturating_sub(cell.width())));
        line.push_str(GAP);
    }
    line.truncate(line.trim_end().len());
    line
}

fn visible(text: &str) -> String {
    text.replace(|letter: char| letter.is_control(), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rows: &[[&str; 2]]) -> String {
        let mut table = Table::new(["NAME", "AGE"]);
        for row in rows {
            table.add(row.map(str::to_owned));
        }
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn columns_are_aligned_however_wide_their_letters_are() {
        let table = written(&[["ada", "36"], ["漢字漢字", "1"]]);
        assert_eq!(table, "NAME      AGE\nada       36\n漢字漢字  1\n");
    }

    #[test]
    fn nothing_in_a_cell_is_obeyed_by_the_terminal() {
        let table = written(&[["a\u{1b}[2Jb\nc", "1"]]);
        assert_eq!(table, "NAME      AGE\na\u{fffd}[2Jb\u{fffd}c  1\n");
    }
}
