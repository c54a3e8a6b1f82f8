//! A report as a folder: a page of Markdown, its plots, and every round as JSON.

use super::{Machine, Measurement, Report, markdown, plot::Plot};
use crate::error::{Doing, Error};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The page. Forges show a file of this name where they show its folder.
const PAGE: &str = "README.md";
/// Every round, for programs.
pub(super) const ROUNDS: &str = "report.json";

/// A part of a report: one kind of figure, at one or several sizes.
#[derive(Debug)]
pub(crate) struct Chapter {
    /// Its heading.
    pub(crate) title: &'static str,
    /// How it was measured, in Markdown.
    pub(crate) about: String,
    /// The figures.
    pub(crate) rows: Vec<Measurement>,
    /// Pictures of them; none where there is nothing to compare.
    pub(crate) plots: Vec<Plot>,
}

/// A folder for a report.
#[derive(Debug)]
pub(crate) struct Book {
    folder: PathBuf,
}

impl Book {
    /// Makes the folder, unless it is there; before anything is measured, so that a run is not for nothing.
    ///
    /// # Errors
    /// [`Error::System`].
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).doing(|| format!("creating {}", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Writes the page and what it leads to over what an earlier run left.
    ///
    /// # Errors
    /// [`Error::System`].
    pub(crate) fn write(&self, machine: &Machine, chapters: &[Chapter]) -> Result<(), Error> {
        for plot in chapters.iter().flat_map(|chapter| &chapter.plots) {
            self.file(&plot.file(), &plot.svg())?;
        }
        let rows = chapters.iter().flat_map(|chapter| &chapter.rows);
        let report = Report {
            machine,
            measurements: rows.collect(),
        };
        report.write_json(&self.folder.join(ROUNDS))?;
        self.file(PAGE, &markdown::page(machine, chapters))
    }

    fn file(&self, name: &str, text: &str) -> Result<(), Error> {
        let file = self.folder.join(name);
        fs::write(&file, text).doing(|| format!("writing {}", file.display()))
    }
}
