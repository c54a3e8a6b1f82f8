//! `cargo xtask fuzz`: libFuzzer on the targets of `crates/fuzz`.

mod round;
mod tally;

use std::num::NonZero;
use std::path::PathBuf;

use crate::failure::{Doing, Failure};
use crate::process;
use crate::report;
use crate::steps::Shop;
use crate::tools;
use crate::workspace::Workspace;
use round::Processes;
use tally::{Round, Tally};

/// How often each target runs where nothing is said: about a minute for the slowest of them.
const RUNS: u64 = 1_000_000;
/// How often with `--smoke`.
const SMOKE_RUNS: u64 = 50_000;

/// What to run, and how often.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Campaign {
    /// All of them where none is named.
    pub(crate) targets: Vec<String>,
    pub(crate) much: Much,
    /// How many processes at once; one for each processor where nothing is said.
    pub(crate) jobs: Option<NonZero<u64>>,
}

/// How many inputs each target gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Much {
    /// What is usual.
    #[default]
    Usual,
    /// Few.
    Smoke,
    /// So many.
    Runs(u64),
    /// So many, less those that it had in earlier runs.
    Total(u64),
}

impl Much {
    /// How many are left of a target that had `ever` when this command began, and `now` since then.
    fn left(self, ever: u64, now: u64) -> u64 {
        match self {
            Self::Usual => RUNS.saturating_sub(now),
            Self::Smoke => SMOKE_RUNS.saturating_sub(now),
            Self::Runs(runs) => runs.saturating_sub(now),
            Self::Total(total) => total.saturating_sub(ever.saturating_add(now)),
        }
    }
}

/// Builds the targets and runs one after the other. What is found is kept in `fuzz/found`, and so is how many inputs
/// each has had; an input that fails is in `fuzz/artifacts`. None of it is committed.
pub(crate) fn run(workspace: &Workspace, campaign: &Campaign) -> Result<(), Failure> {
    let known = targets(workspace)?;
    let chosen = if campaign.targets.is_empty() {
        &known
    } else {
        &campaign.targets
    };
    if let Some(unknown) = chosen.iter().find(|name| !known.contains(name)) {
        let known = known.join(", ");
        let message = format!("there is no target `{unknown}`; there are {known}");
        return Err(Failure::new(message));
    }
    let shop = Shop::set_up(workspace, &[tools::CXX, tools::MAKE, tools::FUZZ])?;
    let jobs = campaign
        .jobs
        .map_or_else(|| process::processors() as u64, NonZero::get);
    let processes = Processes::new(&shop, build(&shop)?, jobs);
    let mut tally = Tally::open(workspace.root.join("fuzz/found/rounds"), commit(&shop))?;
    report::heading(&format!("Fuzzing, processes: {jobs}"));
    let outcome = chosen
        .iter()
        .try_for_each(|target| feed(&processes, campaign.much, target, &mut tally));
    report::heading("In all, with earlier runs");
    for target in chosen {
        report::line(&tally.total(target).shown(target));
    }
    outcome
}

/// Runs a target until it has had enough, round by round: what ends the command takes no more than one from the tally.
fn feed(
    processes: &Processes<'_>,
    much: Much,
    target: &str,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let ever = tally.total(target).inputs;
    let mut now = Round::default();
    loop {
        let left = much.left(ever, now.inputs);
        if left == 0 {
            return Ok(());
        }
        let round = processes.round(target, left)?;
        tally.add(target, &round)?;
        now.and(&round);
        report::line(&now.shown(target));
    }
}

/// Builds all targets; says where they are.
fn build(shop: &Shop<'_>) -> Result<PathBuf, Failure> {
    let host = host(shop)?;
    // Without a sanitizer: nothing here is unsafe, and any compiler will do. Without traces of comparisons: with them there
    // are half as many inputs in the same time, which reach no more of the code.
    let mut fuzz = shop.command(&format!(
        "cargo fuzz build --sanitizer none --no-trace-compares --target {host}"
    ))?;
    let target = &shop.workspace.target;
    shop.output.run(fuzz.env("CARGO_TARGET_DIR", target))?;
    Ok(target.join(host).join("release"))
}

/// The platform that the compiler builds for.
fn host(shop: &Shop<'_>) -> Result<String, Failure> {
    let version = process::output_of(&mut shop.command("rustc -vV")?)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Failure::new("`rustc -vV` names no host"))
}

/// What is checked out, as far as git knows.
fn commit(shop: &Shop<'_>) -> String {
    let described = shop
        .command("git describe --always --dirty --exclude=*")
        .and_then(|mut git| process::output_of(&mut git));
    described.map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// The names of the targets, in their order.
fn targets(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let folder = workspace.root.join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).doing(format_args!("reading {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_runs_count_towards_a_total_and_nothing_else() {
        assert_eq!(Much::Runs(100).left(70, 20), 80);
        assert_eq!(Much::Total(100).left(70, 20), 10);
        assert_eq!(Much::Total(100).left(120, 0), 0);
        assert_eq!(Much::Usual.left(RUNS, 0), RUNS);
        assert_eq!(Much::Smoke.left(RUNS, SMOKE_RUNS), 0);
    }
}
