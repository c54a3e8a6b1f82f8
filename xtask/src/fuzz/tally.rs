//! How many inputs each target has had, over all runs: a file with a line for each round.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::time::Duration;

use crate::failure::{Doing, Failure};
use crate::report;

const HEADING: &str = "# target inputs seconds edges kept commit\n";

/// What became of one round, or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// How many inputs the target had.
    pub(super) inputs: u64,
    pub(super) seconds: u64,
    /// How many edges of the code any of its processes reached.
    pub(super) edges: u64,
    /// How many inputs are kept, since each reached something that no other did.
    pub(super) kept: u64,
}

/// All rounds that this checkout remembers.
#[derive(Debug)]
pub(super) struct Tally {
    path: PathBuf,
    /// What is checked out, for whoever wants to know which code a round was about.
    commit: String,
    rounds: Vec<(String, Round)>,
}

impl Round {
    /// Adds what another process did in the same time.
    pub(super) fn beside(&mut self, other: &Self) {
        self.inputs += other.inputs;
        self.seconds = self.seconds.max(other.seconds);
        self.edges = self.edges.max(other.edges);
        self.kept = self.kept.max(other.kept);
    }

    /// Adds a later round.
    pub(super) fn and(&mut self, later: &Self) {
        self.inputs += later.inputs;
        self.seconds += later.seconds;
        self.edges = self.edges.max(later.edges);
        self.kept = later.kept;
    }

    pub(super) fn shown(&self, target: &str) -> String {
        format!(
            "{target:<12}{:>13} inputs {:>9} a second {:>6} edges {:>6} kept  {}",
            grouped(self.inputs),
            grouped(self.inputs / self.seconds.max(1)),
            grouped(self.edges),
            grouped(self.kept),
            report::duration(Duration::from_secs(self.seconds)).trim_start(),
        )
    }
}

impl Tally {
    /// Reads what is remembered; nothing, where there is no such file.
    pub(super) fn open(path: PathBuf, commit: String) -> Result<Self, Failure> {
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            text => text.doing(format_args!("reading {}", path.display()))?,
        };
        let rounds = parse(&text).map_err(|line| {
            let path = path.display();
            Failure::new(format!("{path} has a line that is none: `{line}`"))
        })?;
        Ok(Self {
            path,
            commit,
            rounds,
        })
    }

    /// Remembers a round.
    pub(super) fn add(&mut self, target: &str, round: &Round) -> Result<(), Failure> {
        self.write(&line(target, round, &self.commit))
            .doing(format_args!("writing {}", self.path.display()))?;
        self.rounds.push((target.to_owned(), round.clone()));
        Ok(())
    }

    fn write(&self, line: &str) -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        if file.metadata()?.len() == 0 {
            file.write_all(HEADING.as_bytes())?;
        }
        file.write_all(line.as_bytes())
    }

    /// All rounds of a target.
    pub(super) fn total(&self, target: &str) -> Round {
        let mut total = Round::default();
        for (_, round) in self.rounds.iter().filter(|(name, _)| name == target) {
            total.and(round);
        }
        total
    }
}

fn line(target: &str, round: &Round, commit: &str) -> String {
    let Round {
        inputs,
        seconds,
        edges,
        kept,
    } = round;
    format!("{target} {inputs} {seconds} {edges} {kept} {commit}\n")
}

/// The rounds of a file, or its first line that is none.
fn parse(text: &str) -> Result<Vec<(String, Round)>, &str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| parse_line(line).ok_or(line)).collect()
}

fn parse_line(line: &str) -> Option<(String, Round)> {
    let mut words = line.split(' ');
    let target = words.next()?.to_owned();
    let mut number = || words.next()?.parse().ok();
    let round = Round {
        inputs: number()?,
        seconds: number()?,
        edges: number()?,
        kept: number()?,
    };
    Some((target, round))
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Round = Round {
        inputs: 1_000,
        seconds: 10,
        edges: 300,
        kept: 40,
    };
    const OTHER: Round = Round {
        inputs: 500,
        seconds: 20,
        edges: 200,
        kept: 50,
    };

    #[test]
    fn processes_share_the_time_and_rounds_do_not() {
        let mut beside = ONE;
        beside.beside(&OTHER);
        assert_eq!((beside.inputs, beside.seconds), (1_500, 20));
        let mut after = ONE;
        after.and(&OTHER);
        assert_eq!((after.inputs, after.seconds), (1_500, 30));
        assert_eq!((after.edges, after.kept), (300, 50));
    }

    #[test]
    fn what_is_written_of_a_round_is_read_again() {
        let text = format!(
            "{HEADING}{}{}",
            line("rule", &ONE, "abc"),
            line("token", &OTHER, "abc")
        );
        let expected = [("rule".to_owned(), ONE), ("token".to_owned(), OTHER)];
        assert_eq!(parse(&text).unwrap(), expected);
        assert_eq!(parse("rule 1 2\n"), Err("rule 1 2"));
    }

    #[test]
    fn a_target_has_had_what_its_rounds_add_up_to() {
        let rounds = ["rule", "token", "rule"].map(|name| (name.to_owned(), ONE));
        let tally = Tally {
            path: PathBuf::new(),
            commit: String::new(),
            rounds: rounds.to_vec(),
        };
        assert_eq!(tally.total("rule").inputs, 2_000);
        assert_eq!(tally.total("frames"), Round::default());
    }

    #[test]
    fn thousands_are_apart() {
        let numbers = [0, 999, 1_000, 100_000_000].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "100,000,000"]);
    }
}
