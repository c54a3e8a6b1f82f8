//! Plots, as files of SVG that need nothing else and suit a light page as well as a dark one.
//!
//! They are drawn here rather than by a library, because those that there are write colours into what they draw, while
//! a picture for two kinds of pages has to leave colours to its style sheet.

mod scale;
mod svg;

pub(crate) use scale::Scale;

use super::{Measurement, statistics::percentile};
use std::time::Duration;

/// How many points a curve of many times is drawn with.
const CURVE_POINTS: u32 = 200;

/// A picture of how something depends on something else.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    /// The name of its file, without the ending.
    pub(crate) name: &'static str,
    /// What it shows.
    pub(crate) title: &'static str,
    /// What it depends on, from left to right.
    pub(crate) x: Axis,
    /// How much it is, from the bottom up.
    pub(crate) y: Axis,
    /// The curves.
    pub(crate) series: Vec<Series>,
}

/// One of the two axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    /// What is counted along it, and in what.
    pub(crate) label: &'static str,
    /// How figures lie on it.
    pub(crate) scale: Scale,
}

/// A curve.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// What the legend calls it.
    pub(crate) name: String,
    /// Its points, from left to right.
    pub(crate) points: Vec<Point>,
    /// Whether its points are few and were measured each, or make up a line.
    pub(crate) kind: Kind,
}

/// What the points of a curve are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Each was measured in rounds of its own, and is marked with the least and the most of them.
    Sizes,
    /// Together they are a distribution.
    Shares,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// Where it lies from left to right.
    pub(crate) x: f64,
    /// Where it lies from the bottom up.
    pub(crate) y: f64,
    /// The least of its rounds.
    pub(crate) low: f64,
    /// The most of its rounds.
    pub(crate) high: f64,
}

impl Point {
    /// The median of a figure, with its least and most, at `x`.
    pub(crate) fn of(x: u32, measurement: &Measurement) -> Self {
        let spread = measurement.spread;
        Self {
            x: x.into(),
            y: spread.median,
            low: spread.min,
            high: spread.max,
        }
    }
}

impl Axis {
    /// An axis.
    pub(crate) const fn new(label: &'static str, scale: Scale) -> Self {
        Self { label, scale }
    }
}

impl Series {
    /// A curve of figures that were measured at several sizes.
    pub(crate) fn of_sizes(name: impl Into<String>, points: Vec<Point>) -> Self {
        Self {
            name: name.into(),
            points,
            kind: Kind::Sizes,
        }
    }

    /// The share of `times`, in per cent, that had passed by each time, in units of `unit`.
    pub(crate) fn of_times(name: impl Into<String>, times: &[Duration], unit: Duration) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let point = |number: u32| {
            let share = f64::from(number) / f64::from(CURVE_POINTS);
            let y = 100.0 * share;
            Point {
                x: percentile(&sorted, share).as_secs_f64() / unit.as_secs_f64(),
                y,
                low: y,
                high: y,
            }
        };
        Self {
            name: name.into(),
            points: (1..=CURVE_POINTS).map(point).collect(),
            kind: Kind::Shares,
        }
    }
}

impl Plot {
    /// The name of its file.
    pub(crate) fn file(&self) -> String {
        format!("{}.svg", self.name)
    }

    /// The picture.
    pub(crate) fn svg(&self) -> String {
        svg::draw(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Round;

    #[test]
    fn a_point_is_the_median_between_the_least_and_the_most() {
        let rounds = [3.0, 1.0, 2.0].map(Round::of).to_vec();
        let measurement = Measurement::new("resume".to_owned(), "/s", None, rounds);
        let point = Point::of(64, &measurement);
        assert_eq!(
            (point.x, point.low, point.y, point.high),
            (64.0, 1.0, 2.0, 3.0)
        );
    }

    #[test]
    fn a_curve_of_times_climbs_to_all_of_them_at_the_last() {
        let times: Vec<Duration> = (1..=1000).rev().map(Duration::from_millis).collect();
        let series = Series::of_times("all", &times, Duration::from_secs(1));
        let at = |index: usize| (series.points[index].x, series.points[index].y);
        assert_eq!(at(99), (0.5, 50.0));
        assert_eq!(at(199), (1.0, 100.0));
    }
}
