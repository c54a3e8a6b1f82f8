//! What was measured, for people and for programs.

mod book;
mod machine;
mod markdown;
pub(crate) mod plot;
pub(crate) mod statistics;
mod table;

pub(crate) use book::{Book, Chapter};
pub(crate) use machine::Machine;

use crate::{
    error::{Doing, Error},
    meter::Cost,
};
use statistics::{Spread, percentile};
use std::{fs, path::Path, time::Duration};

/// A number of clients or the like, with its thousands apart.
pub(crate) fn count(number: u32) -> String {
    table::grouped(number.into(), 0)
}

/// Everything that a run measured.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Report<'a> {
    /// Where and when.
    pub(crate) machine: &'a Machine,
    /// What.
    pub(crate) measurements: Vec<&'a Measurement>,
}

/// One figure, measured in several rounds.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Measurement {
    /// What it is.
    pub(crate) name: String,
    /// What it is counted in.
    pub(crate) unit: &'static str,
    /// What it shall be.
    pub(crate) aim: Option<Aim>,
    /// The median, least and most of the rounds.
    pub(crate) spread: Spread,
    /// Each round.
    pub(crate) rounds: Vec<Round>,
}

/// What a figure shall be.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aim {
    /// So much, or more.
    AtLeast(f64),
    /// So much, or less.
    AtMost(f64),
}

/// One round.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Round {
    /// The figure.
    pub(crate) value: f64,
    /// How many operations it stands for; none where there are none.
    pub(crate) operations: Option<u64>,
    /// What it cost; none where that says nothing.
    pub(crate) cost: Option<Cost>,
}

impl Round {
    /// A figure by itself.
    pub(crate) const fn of(value: f64) -> Self {
        Self {
            value,
            operations: None,
            cost: None,
        }
    }

    /// The time that this share of `times`, sorted, does not exceed, in units of `unit`.
    pub(crate) fn of_times(times: &[Duration], share: f64, unit: Duration, cost: Cost) -> Self {
        Self {
            value: percentile(times, share).as_secs_f64() / unit.as_secs_f64(),
            operations: Some(times.len() as u64),
            cost: Some(cost),
        }
    }

    /// Operations a second.
    pub(crate) fn throughput(operations: u64, cost: Cost) -> Self {
        Self {
            value: operations as f64 / cost.seconds,
            operations: Some(operations),
            cost: Some(cost),
        }
    }
}

impl Aim {
    /// Whether a figure is what it shall be.
    pub(crate) fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl Measurement {
    /// A figure with its rounds, of which there is at least one.
    pub(crate) fn new(
        name: String,
        unit: &'static str,
        aim: Option<Aim>,
        rounds: Vec<Round>,
    ) -> Self {
        let values: Vec<f64> = rounds.iter().map(|round| round.value).collect();
        Self {
            name,
            unit,
            aim,
            spread: Spread::of(&values),
            rounds,
        }
    }

    /// The median over the rounds of something that only some rounds have.
    fn median_of(&self, what: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self.rounds.iter().filter_map(what).collect();
        (!values.is_empty()).then(|| Spread::of(&values).median)
    }
}

impl Report<'_> {
    /// Prints the table.
    pub(crate) fn print(&self) {
        anstream::print!("{}", table::render(self));
    }

    /// Writes everything, each round included, as JSON.
    ///
    /// # Errors
    /// [`Error::System`].
    pub(crate) fn write_json(&self, file: &Path) -> Result<(), Error> {
        let json =
            serde_json::to_string_pretty(self).doing(|| "writing the report as JSON".to_owned())?;
        fs::write(file, json + "\n").doing(|| format!("writing {}", file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_is_met_on_its_side_of_the_figure() {
        assert!(Aim::AtLeast(12_000.0).is_met(12_000.0));
        assert!(!Aim::AtLeast(12_000.0).is_met(11_999.0));
        assert!(Aim::AtMost(0.5).is_met(0.5));
        assert!(!Aim::AtMost(0.5).is_met(0.51));
    }
}
