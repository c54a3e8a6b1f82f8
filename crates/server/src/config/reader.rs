//! Takes settings out of the layers, one typed value after the other, and remembers what was
//! asked for: the settings that exist are those that were read.

use super::{
    layer::{Layer, Written},
    problem::{Problem, Wrong},
    source::Source,
    value::{Setting, Size},
};
use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

/// Longer than anyone means; keeps sums of durations and times far from overflow.
const LONGEST: Duration = Duration::from_secs(3_650 * 86_400);

/// The most bytes that any limit may allow.
const LARGEST: Size = Size::of_kib(1 << 20);

/// One setting as it is in force.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Effective {
    /// Its dotted name.
    pub(crate) key: &'static str,
    /// Its value, without secrets.
    pub(crate) value: toml::Value,
    /// Where it was set.
    pub(crate) source: Source,
}

/// Reads settings from layers, the first of which wins.
#[derive(Debug)]
pub(super) struct Reader {
    layers: Vec<Layer>,
    /// Every setting that was read, in that order.
    pub(super) effective: Vec<Effective>,
    pub(super) problems: Vec<Problem>,
    /// The settings whose value is a stand-in, since what was written is wrong.
    pub(super) broken: BTreeSet<&'static str>,
}

impl Reader {
    pub(super) fn new(mut layers: Vec<Layer>) -> Self {
        let problems = layers
            .iter_mut()
            .flat_map(|layer| std::mem::take(&mut layer.problems))
            .collect();
        Self {
            layers,
            effective: Vec::new(),
            problems,
            broken: BTreeSet::new(),
        }
    }

    /// The value of a setting; the default where nobody set it, or set it wrongly, which is noted.
    pub(super) fn setting<T: Setting>(&mut self, key: &'static str, default: T) -> T {
        self.checked(key, default, |_| Ok(()))
    }

    /// A value that must lie within a range.
    pub(super) fn within<T>(
        &mut self,
        key: &'static str,
        default: T,
        range: &RangeInclusive<T>,
    ) -> T
    where
        T: Setting + PartialOrd,
    {
        self.checked(key, default, |value| in_range(value, range))
    }

    /// A duration of at least `least`.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        default: Duration,
        least: Duration,
    ) -> Duration {
        self.within(key, default, &(least..=LONGEST))
    }

    /// A duration of at least `least`, or none where `"off"` lifts it.
    pub(super) fn liftable_duration(
        &mut self,
        key: &'static str,
        default: Duration,
        least: Duration,
    ) -> Option<Duration> {
        self.checked(key, Some(default), |duration| match duration {
            Some(duration) => in_range(duration, &(least..=LONGEST)),
            None => Ok(()),
        })
    }

    /// A size of at least `least`, in bytes.
    pub(super) fn bytes(&mut self, key: &'static str, default: Size, least: Size) -> usize {
        self.within(key, default, &(least..=LARGEST)).bytes()
    }

    /// A count of at least 1.
    pub(super) fn count(&mut self, key: &'static str, default: u32) -> u32 {
        self.within(key, default, &(1..=u32::MAX))
    }

    /// A count of at least 1, or none where `"off"` lifts it.
    pub(super) fn liftable_count(
        &mut self,
        key: &'static str,
        default: Option<u32>,
    ) -> Option<u32> {
        self.checked(key, default, |count| match count {
            Some(0) => Err(Wrong::NothingAllowed),
            Some(_) | None => Ok(()),
        })
    }

    fn checked<T: Setting>(
        &mut self,
        key: &'static str,
        default: T,
        check: impl Fn(&T) -> Result<(), Wrong>,
    ) -> T {
        let (value, source) = match self.take(key) {
            None => (default, Source::Default),
            Some(Written { raw, source }) => {
                match T::read(&raw).and_then(|value| check(&value).map(|()| value)) {
                    Ok(value) => (value, source),
                    Err(what) => {
                        self.note(source.clone(), key, what);
                        self.broken.insert(key);
                        (default, source)
                    }
                }
            }
        };
        self.effective.push(Effective {
            key,
            value: value.show(),
            source,
        });
        value
    }

    /// Takes a setting out of every layer; what is left in them in the end is unknown.
    fn take(&mut self, key: &str) -> Option<Written> {
        let mut first = None;
        for layer in &mut self.layers {
            let written = layer.settings.remove(key);
            first = first.or(written);
        }
        first
    }

    /// Where a setting was set; `Default` before it is read.
    pub(super) fn source(&self, key: &str) -> Source {
        self.effective
            .iter()
            .find(|it| it.key == key)
            .map_or(Source::Default, |it| it.source.clone())
    }

    /// Notes a problem.
    pub(super) fn note(&mut self, source: Source, key: &str, what: Wrong) {
        self.problems.push(Problem {
            source,
            key: key.to_owned(),
            what,
        });
    }

    /// What is left in the layers when every setting has been read: nobody knows it.
    pub(super) fn leftovers(&mut self) -> Vec<Layer> {
        std::mem::take(&mut self.layers)
    }
}

fn in_range<T: Setting + PartialOrd>(value: &T, range: &RangeInclusive<T>) -> Result<(), Wrong> {
    if range.contains(value) {
        return Ok(());
    }
    Err(Wrong::OutOfRange {
        value: value.show().to_string(),
        least: range.start().show().to_string(),
        most: range.end().show().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layer::Environment;

    fn reader<const N: usize>(variables: [(&str, &str); N]) -> Reader {
        Reader::new(vec![Environment::from(variables).layer()])
    }

    #[test]
    fn the_first_layer_that_has_a_setting_wins() {
        let first = Environment::from([("HANDFAST_A", "1")]).layer();
        let second = Environment::from([("HANDFAST_A", "2"), ("HANDFAST_B", "2")]).layer();
        let mut reader = Reader::new(vec![first, second]);
        assert_eq!((reader.count("a", 9), reader.count("b", 9)), (1, 2));
        assert_eq!(reader.count("c", 9), 9);
        let sources: Vec<_> = reader.effective.iter().map(|it| &it.source).collect();
        assert_eq!(sources[2], &Source::Default);
        assert!(reader.leftovers().iter().all(|it| it.settings.is_empty()));
    }

    #[test]
    fn a_wrong_value_is_noted_and_reading_goes_on() {
        let mut reader = reader([("HANDFAST_A", "x"), ("HANDFAST_B", "0")]);
        assert_eq!((reader.count("a", 7), reader.count("b", 8)), (7, 8));
        assert_eq!(reader.problems.len(), 2);
        assert!(reader.broken.contains("a") && reader.broken.contains("b"));
    }

    #[test]
    fn a_limit_of_nothing_is_refused_though_off_lifts_it() {
        let mut reader = reader([("HANDFAST_A", "0"), ("HANDFAST_B", "off")]);
        assert_eq!(reader.liftable_count("b", Some(5)), None);
        assert!(reader.problems.is_empty());
        reader.liftable_count("a", Some(5));
        assert!(matches!(reader.problems[0].what, Wrong::NothingAllowed));
    }
}
