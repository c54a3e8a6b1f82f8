//! Where a figure lies on an axis, and which figures are written beside it.

use crate::report::table;

/// How many steps an axis from zero has at most.
const STEPS: f64 = 6.0;
/// More ticks than these are thinned to powers of ten.
const LOG_TICKS: usize = 8;
/// How much of an axis is left free beyond the outermost sizes.
const MARGIN: f64 = 0.06;

/// How figures lie on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Evenly, from zero, with round figures beside it.
    FromZero,
    /// Evenly, from zero, with the sizes that were measured beside it.
    Sizes,
    /// As the one before, but from the least of the sizes.
    FewSizes,
    /// By their ratio, with the sizes that were measured beside it.
    RatioOfSizes,
    /// By their ratio, with round figures beside it.
    Ratio,
}

/// A scale for certain figures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ruler {
    from: f64,
    to: f64,
    is_log: bool,
    /// The figures that are written beside it.
    pub(super) ticks: Vec<Tick>,
}

/// A figure beside an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// The figure.
    pub(super) value: f64,
    /// As it is written.
    pub(super) text: String,
}

impl Ruler {
    /// A ruler on which all of `figures` find a place.
    pub(super) fn new(scale: Scale, figures: &[f64]) -> Self {
        match scale {
            Scale::FromZero => Self::from_zero(figures),
            Scale::Sizes => Self::of_sizes(figures, 0.0, most(figures) * (1.0 + MARGIN / 2.0)),
            Scale::FewSizes => {
                let (from, to) = (least(figures), most(figures));
                let margin = if to > from { (to - from) * MARGIN } else { 1.0 };
                Self::of_sizes(figures, from - margin, to + margin)
            }
            Scale::RatioOfSizes => {
                let (from, to) = (least(figures).max(1.0), most(figures).max(1.0));
                let margin = if to > from {
                    (to / from).powf(MARGIN)
                } else {
                    2.0
                };
                let mut ruler = Self::of_sizes(figures, from / margin, to * margin);
                ruler.is_log = true;
                ruler
            }
            Scale::Ratio => Self::ratio(figures),
        }
    }

    /// Where a figure lies: 0 at the beginning, 1 at the end.
    pub(super) fn place(&self, value: f64) -> f64 {
        if self.is_log {
            let value = value.max(self.from);
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        }
    }

    fn from_zero(figures: &[f64]) -> Self {
        let most = most(figures);
        let most = if most > 0.0 { most } else { 1.0 };
        let step = round_above(most / STEPS);
        let count = (most / step - 1e-9).ceil() as u32;
        let ticks = (0..=count).map(|index| Tick::new(f64::from(index) * step, step));
        Self {
            from: 0.0,
            to: f64::from(count) * step,
            is_log: false,
            ticks: ticks.collect(),
        }
    }

    fn of_sizes(figures: &[f64], from: f64, to: f64) -> Self {
        let mut sizes = figures.to_vec();
        sizes.sort_unstable_by(f64::total_cmp);
        sizes.dedup();
        let to = if to > from { to } else { from + 1.0 };
        Self {
            from,
            to,
            is_log: false,
            ticks: sizes.into_iter().map(|size| Tick::new(size, 1.0)).collect(),
        }
    }

    fn ratio(figures: &[f64]) -> Self {
        let positive: Vec<f64> = figures.iter().copied().filter(|one| *one > 0.0).collect();
        let (from, to) = if positive.is_empty() {
            (1.0, 10.0)
        } else {
            (least(&positive), most(&positive))
        };
        let (from, to) = (round_below(from), round_above(to));
        let to = if to > from { to } else { from * 10.0 };
        let decades = from.log10().floor() as i32..=to.log10().ceil() as i32;
        let all: Vec<(f64, f64)> = decades
            .flat_map(|exponent| {
                let power = 10_f64.powi(exponent);
                [1.0, 2.0, 5.0].map(|digit| (digit, digit * power))
            })
            .filter(|(_, value)| (from * 0.999..=to * 1.001).contains(value))
            .collect();
        let are_many = all.len() > LOG_TICKS;
        let ticks = all
            .into_iter()
            .filter(|(digit, _)| !are_many || *digit < 1.5)
            .map(|(_, value)| Tick::new(value, value));
        Self {
            from,
            to,
            is_log: true,
            ticks: ticks.collect(),
        }
    }
}

impl Tick {
    /// Written with as many decimals as `step` has.
    fn new(value: f64, step: f64) -> Self {
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        Self {
            value,
            text: table::grouped(value, decimals),
        }
    }
}

fn least(figures: &[f64]) -> f64 {
    figures.iter().copied().reduce(f64::min).unwrap_or_default()
}

fn most(figures: &[f64]) -> f64 {
    figures.iter().copied().reduce(f64::max).unwrap_or_default()
}

/// The least of 1, 2, 5, 10, 20, 50 … and 0.5, 0.2, 0.1 … that is not below `value`.
fn round_above(value: f64) -> f64 {
    let power = 10_f64.powi(value.log10().floor() as i32);
    let digits = [1.0, 2.0, 5.0, 10.0];
    let digit = digits
        .into_iter()
        .find(|digit| digit * power >= value * (1.0 - 1e-9));
    digit.unwrap_or(10.0) * power
}

/// The most of them that is not above `value`.
fn round_below(value: f64) -> f64 {
    let power = 10_f64.powi(value.log10().floor() as i32);
    let digits = [5.0, 2.0, 1.0];
    let digit = digits
        .into_iter()
        .find(|digit| digit * power <= value * (1.0 + 1e-9));
    digit.unwrap_or(1.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scale: Scale, figures: &[f64]) -> Vec<String> {
        let ruler = Ruler::new(scale, figures);
        ruler.ticks.into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn a_scale_from_zero_ends_with_a_round_figure_that_nothing_exceeds() {
        let ruler = Ruler::new(Scale::FromZero, &[57_878.0, 74_604.0]);
        assert_eq!(
            texts(Scale::FromZero, &[57_878.0, 74_604.0]),
            ["0", "20,000", "40,000", "60,000", "80,000"]
        );
        assert_eq!(ruler.place(0.0), 0.0);
        assert_eq!(ruler.place(40_000.0), 0.5);
        assert_eq!(ruler.place(80_000.0), 1.0);
        assert_eq!(
            texts(Scale::FromZero, &[0.63]),
            ["0.0", "0.2", "0.4", "0.6", "0.8"]
        );
        assert_eq!(texts(Scale::FromZero, &[100.0]).last().unwrap(), "100");
    }

    #[test]
    fn equal_ratios_are_equal_lengths() {
        let ruler = Ruler::new(Scale::Ratio, &[0.3, 47.0]);
        assert_eq!(
            texts(Scale::Ratio, &[0.3, 47.0]),
            ["0.2", "0.5", "1", "2", "5", "10", "20", "50"]
        );
        let lengths = [
            ruler.place(2.0) - ruler.place(1.0),
            ruler.place(40.0) - ruler.place(20.0),
        ];
        assert!((lengths[0] - lengths[1]).abs() < 1e-9);
        assert_eq!(
            texts(Scale::Ratio, &[0.1, 9_000.0]),
            ["0.1", "1", "10", "100", "1,000", "10,000"]
        );
    }

    #[test]
    fn sizes_stand_beside_the_axis_as_they_were_measured() {
        let sizes = [16.0, 64.0, 256.0, 16.0];
        let ruler = Ruler::new(Scale::RatioOfSizes, &sizes);
        assert_eq!(texts(Scale::RatioOfSizes, &sizes), ["16", "64", "256"]);
        assert!((ruler.place(64.0) - 0.5).abs() < 1e-9);
        assert_eq!(texts(Scale::FewSizes, &[1.0, 2.0, 3.0]), ["1", "2", "3"]);
        assert_eq!(
            Ruler::new(Scale::FewSizes, &[1.0, 2.0, 3.0]).place(2.0),
            0.5
        );
    }

    #[test]
    fn one_figure_or_none_still_makes_an_axis() {
        for scale in [
            Scale::FromZero,
            Scale::Sizes,
            Scale::FewSizes,
            Scale::RatioOfSizes,
            Scale::Ratio,
        ] {
            for figures in [&[][..], &[0.0], &[1.0]] {
                let ruler = Ruler::new(scale, figures);
                let place = ruler.place(1.0);
                assert!(place.is_finite(), "{scale:?} {figures:?} {place}");
            }
        }
    }
}
