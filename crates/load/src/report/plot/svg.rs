//! A plot as SVG. Colours are in the style sheet, once for light pages and once for dark ones.

use super::{Axis, Kind, Plot, Point, Series, scale::Ruler};
use crate::report::table;
use std::fmt::Write as _;

/// How many curves the style sheet has colours for; more begin again.
const COLOURS: usize = 4;

const STYLE: &str = include_str!("style.css");

/// The picture.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
/// What is left around the curves.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 28.0;
const TOP: f64 = 82.0;
const BOTTOM: f64 = 62.0;
/// The lines of text above them.
const TITLE: f64 = 32.0;
const LEGEND: f64 = 58.0;
/// How wide a letter is, about: enough to keep what stands side by side apart.
const LETTER: f64 = 6.8;
/// The piece of line before a name in the legend, and the gap behind it.
const SAMPLE: f64 = 26.0;
const GAP: f64 = 8.0;

/// Draws.
pub(super) fn draw(plot: &Plot) -> String {
    let canvas = Canvas::of(plot);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n",
        escaped(plot.title)
    );
    element(
        &mut out,
        format_args!(
            "<rect class=\"paper\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>",
            WIDTH - 1.0,
            HEIGHT - 1.0
        ),
    );
    text(&mut out, "class=\"title\"", (24.0, TITLE), plot.title);
    if plot.series.len() > 1 {
        legend(&mut out, &plot.series);
    }
    canvas.across(&mut out, plot.y);
    canvas.along(&mut out, plot.x);
    for (number, series) in (0..COLOURS).cycle().zip(&plot.series) {
        canvas.curve(&mut out, number, series);
    }
    out.push_str("</svg>\n");
    out
}

/// The place of the curves.
struct Canvas {
    x: Ruler,
    y: Ruler,
}

impl Canvas {
    fn of(plot: &Plot) -> Self {
        let points = || plot.series.iter().flat_map(|series| &series.points);
        let xs: Vec<f64> = points().map(|point| point.x).collect();
        let ys: Vec<f64> = points()
            .flat_map(|point| [point.low, point.y, point.high])
            .collect();
        Self {
            x: Ruler::new(plot.x.scale, &xs),
            y: Ruler::new(plot.y.scale, &ys),
        }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM)
    }

    /// The axis to the left, and a line from each of its figures to the right.
    fn across(&self, out: &mut String, axis: Axis) {
        for tick in &self.y.ticks {
            let y = self.y(tick.value);
            line(out, "grid", (LEFT, y), (WIDTH - RIGHT, y));
            let place = (LEFT - GAP, y + 4.0);
            text(out, "text-anchor=\"end\"", place, &tick.text);
        }
        let middle = f64::midpoint(TOP, HEIGHT - BOTTOM);
        let turned = format!("text-anchor=\"middle\" transform=\"rotate(-90 22 {middle:.1})\"");
        text(out, &turned, (22.0, middle), axis.label);
    }

    /// The axis at the bottom. A figure that has no room beside the one before is left out.
    fn along(&self, out: &mut String, axis: Axis) {
        let bottom = HEIGHT - BOTTOM;
        line(out, "axis", (LEFT, bottom), (WIDTH - RIGHT, bottom));
        let mut free_from = 0.0;
        for tick in &self.x.ticks {
            let x = self.x(tick.value);
            line(out, "axis", (x, bottom), (x, bottom + 5.0));
            let half = width(&tick.text) / 2.0;
            if x - half >= free_from {
                let place = (x, bottom + 20.0);
                text(out, "text-anchor=\"middle\"", place, &tick.text);
                free_from = x + half + GAP;
            }
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        let place = (middle, HEIGHT - 18.0);
        text(out, "text-anchor=\"middle\"", place, axis.label);
    }

    fn curve(&self, out: &mut String, number: usize, series: &Series) {
        let mut path = String::new();
        if let (Kind::Shares, Some(first)) = (series.kind, series.points.first()) {
            // Before the first there was nothing.
            let y = self.y(0.0);
            // Writing to a string cannot fail.
            write!(path, "{:.1},{y:.1} ", self.x(first.x)).ok();
        }
        for point in &series.points {
            write!(path, "{:.1},{:.1} ", self.x(point.x), self.y(point.y)).ok();
        }
        let path = path.trim_end();
        element(
            out,
            format_args!("<polyline class=\"line c{number}\" points=\"{path}\"/>"),
        );
        match series.kind {
            Kind::Shares => {}
            Kind::Sizes => {
                for point in &series.points {
                    self.mark(out, number, point);
                }
            }
        }
    }

    fn mark(&self, out: &mut String, number: usize, point: &Point) {
        let x = self.x(point.x);
        let class = format!("c{number} whisker");
        line(out, &class, (x, self.y(point.low)), (x, self.y(point.high)));
        let y = self.y(point.y);
        let said = table::number(point.y);
        element(
            out,
            format_args!(
                "<circle class=\"c{number} point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\">\
                 <title>{said}</title></circle>"
            ),
        );
    }
}

fn legend(out: &mut String, series: &[Series]) {
    let mut x = 24.0;
    for (number, series) in (0..COLOURS).cycle().zip(series) {
        let y = LEGEND - 4.0;
        let class = format!("line c{number}");
        line(out, &class, (x, y), (x + SAMPLE, y));
        x += SAMPLE + GAP;
        text(out, "class=\"legend\"", (x, LEGEND), &series.name);
        x += width(&series.name) + 2.5 * GAP;
    }
}

fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    element(
        out,
        format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ),
    );
}

fn text(out: &mut String, attributes: &str, (x, y): (f64, f64), said: &str) {
    let said = escaped(said);
    element(
        out,
        format_args!("<text {attributes} x=\"{x:.1}\" y=\"{y:.1}\">{said}</text>"),
    );
}

fn element(out: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    writeln!(out, "{element}").ok();
}

fn width(said: &str) -> f64 {
    said.chars().count() as f64 * LETTER
}

fn escaped(said: &str) -> String {
    said.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plot::Scale;

    fn plot() -> Plot {
        let point = |x, y| Point {
            x,
            y,
            low: y - 10.0,
            high: y + 10.0,
        };
        let points = vec![point(1.0, 100.0), point(2.0, 50.0)];
        Plot {
            name: "nodes",
            title: "More < faster & better",
            x: Axis::new("nodes", Scale::FewSizes),
            y: Axis::new("a second", Scale::FromZero),
            series: vec![Series::of_sizes("refresh", points)],
        }
    }

    /// The value of an attribute of the nth element of a class.
    fn attribute(svg: &str, class: &str, nth: usize, name: &str) -> String {
        let element = svg
            .lines()
            .filter(|line| line.contains(&format!("class=\"{class}\"")))
            .nth(nth)
            .unwrap();
        let (_, rest) = element.split_once(&format!(" {name}=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    #[test]
    fn more_lies_higher_and_later_lies_further_right() {
        let svg = draw(&plot());
        let of = |nth, name| -> f64 { attribute(&svg, "c0 point", nth, name).parse().unwrap() };
        assert!(of(0, "cx") < of(1, "cx"));
        assert!(of(0, "cy") < of(1, "cy"));
        // 100 of 120, and 50 of 120, of the height.
        let height = HEIGHT - TOP - BOTTOM;
        let expected = HEIGHT - BOTTOM - height * 100.0 / 120.0;
        assert!((of(0, "cy") - expected).abs() < 0.06);
    }

    #[test]
    fn a_whisker_reaches_from_the_least_to_the_most() {
        let svg = draw(&plot());
        let of = |name| -> f64 { attribute(&svg, "c0 whisker", 0, name).parse().unwrap() };
        let height = HEIGHT - TOP - BOTTOM;
        let length = of("y1") - of("y2");
        assert!((length - height * 20.0 / 120.0).abs() < 0.11, "{length}");
    }

    #[test]
    fn what_is_said_cannot_break_the_picture() {
        let svg = draw(&plot());
        assert!(svg.contains("More &lt; faster &amp; better"), "{svg}");
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
    }

    #[test]
    fn both_kinds_of_pages_have_colours_for_every_curve() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
        for number in 0..COLOURS {
            let class = format!(".c{number} {{ stroke: #");
            assert!(light.contains(&class) && dark.contains(&class), "{class}");
        }
    }

    #[test]
    fn every_figure_lies_on_the_canvas() {
        let mut plot = plot();
        plot.y.scale = Scale::Ratio;
        plot.x.scale = Scale::RatioOfSizes;
        let svg = draw(&plot);
        for nth in 0..2 {
            let y: f64 = attribute(&svg, "c0 point", nth, "cy").parse().unwrap();
            assert!((TOP - 0.1..=HEIGHT - BOTTOM + 0.1).contains(&y), "{y}");
        }
    }
}
