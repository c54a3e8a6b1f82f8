//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use crate::failure::Failure;
use crate::fuzz::{Campaign, Much};
use crate::generate::Mode;
use crate::long::{Cycles, Size};
use crate::runner::{self, Selection};

const HELP: &str = "\
Usage: cargo xtask COMMAND

  test            install what is missing, then run every check and test
    --only A,B    only these steps (and those that they build on)
    --skip A,B    all but these steps
    --list        show the steps and stop
    --verbose     show the output of every step as it runs (the default where CI is set)
  generate        make the committed files that a program makes
    --check       only tell whether they are as they should be
  tidy            the style rules that no lint knows
  advisories      look the dependencies up in the RustSec database (needs GitHub)
  autobahn [WSTEST]  run the Autobahn suite, whose program is WSTEST (`wstest` where it is not said)
  bench [ARGS]    build for release and measure the server; ARGS go to `handfast-load bench`
    --report DIR  at several sizes, and write a page with plots into DIR; it takes a quarter of an hour
    --wake        measure in a browser how long a page takes from waking up to being authenticated
  scale [ARGS]    hold a million sessions on this machine, as root; ARGS go to `handfast-load scale`
  cluster         break three nodes, their database and their network under thousands of clients
    --clients N   so many of them
    --rounds N    break everything so many times
    --seed N      a run that was
  crash           kill the program while it is used, and look what is left
    --cycles N    so often on SQLite and on PostgreSQL
    --seed N      a run that was
  fuzz [TARGETS]  feed what libFuzzer thinks of to the targets, one after the other
    --runs N      so many inputs each
    --total N     until each has had so many in all, with those of earlier runs (see fuzz/found/rounds)
    --smoke       few of them
    --jobs N      in so many processes (one for each processor, if it is not said)
  flame [DIR]     record where the server spends its time and draw it into DIR (target/flame)
  hostile [ARGS]  attack a server and measure how good clients fare; ARGS go to `handfast-load hostile`
  model [ARGS]    visit every state of the session rule within bounds; ARGS go to `handfast-sim model`
    --deep        more than a hundred million of them
    --histories   show how each seeded mistake and each known limit comes about
  simulate [ARGS] let clients, nodes and a ledger live through faults; ARGS go to `handfast-sim simulate`
    --years N     until sessions have lived through so many years (one, if it is not said)
    --seed N      only the run of this seed
  help            this text
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    List,
    Test(Selection),
    Generate(Mode),
    Tidy,
    Advisories,
    Autobahn(String),
    Bench(Vec<String>),
    Scale(Vec<String>),
    Cluster(Size),
    Crash(Cycles),
    Flame(Option<PathBuf>),
    Fuzz(Campaign),
    Hostile(Vec<String>),
    Model(Vec<String>),
    Simulate(Vec<String>),
}

pub(crate) fn print_help() {
    anstream::print!("{HELP}");
}

/// Reads the arguments that follow `cargo xtask`.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, Failure> {
    let Some(command) = arguments.next() else {
        return Ok(Command::Help);
    };
    match command.as_str() {
        "test" => parse_test(arguments),
        "generate" => parse_generate(arguments),
        "bench" => Ok(Command::Bench(arguments.collect())),
        "flame" => {
            let folder = arguments.next().map(PathBuf::from);
            nothing_more(arguments, Command::Flame(folder))
        }
        "autobahn" => {
            let wstest = arguments.next().unwrap_or_else(|| "wstest".to_owned());
            nothing_more(arguments, Command::Autobahn(wstest))
        }
        "scale" => Ok(Command::Scale(arguments.collect())),
        "cluster" => parse_cluster(arguments),
        "crash" => parse_crash(arguments),
        "fuzz" => parse_fuzz(arguments),
        "hostile" => Ok(Command::Hostile(arguments.collect())),
        "model" => Ok(Command::Model(arguments.collect())),
        "simulate" => Ok(Command::Simulate(arguments.collect())),
        "tidy" => nothing_more(arguments, Command::Tidy),
        "advisories" => nothing_more(arguments, Command::Advisories),
        "help" | "--help" | "-h" => Ok(Command::Help),
        other => Err(Failure::new(format!(
            "there is no command `{other}`; `cargo xtask help` lists them"
        ))),
    }
}

fn parse_test(mut arguments: impl Iterator<Item = String>) -> Result<Command, Failure> {
    let mut selection = Selection::default();
    while let Some(argument) = arguments.next() {
        let (option, inline) = match argument.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        match (option, inline) {
            ("--only", inline) => selection
                .only
                .extend(step_names(inline.or_else(|| arguments.next()))?),
            ("--skip", inline) => selection
                .skip
                .extend(step_names(inline.or_else(|| arguments.next()))?),
            ("--list", None) => return Ok(Command::List),
            ("--verbose", None) => selection.verbose = true,
            ("--help" | "-h", None) => return Ok(Command::Help),
            _ => return Err(unknown(&argument)),
        }
    }
    Ok(Command::Test(selection))
}

fn parse_generate(mut arguments: impl Iterator<Item = String>) -> Result<Command, Failure> {
    match arguments.next().as_deref() {
        None => Ok(Command::Generate(Mode::Write)),
        Some("--check") => nothing_more(arguments, Command::Generate(Mode::Check)),
        Some(other) => Err(unknown(other)),
    }
}

fn parse_cluster(mut arguments: impl Iterator<Item = String>) -> Result<Command, Failure> {
    let mut size = Size::default();
    while let Some(argument) = arguments.next() {
        let place = match argument.as_str() {
            "--clients" => &mut size.clients,
            "--rounds" => &mut size.rounds,
            "--seed" => &mut size.seed,
            "--help" | "-h" => return Ok(Command::Help),
            _ => return Err(unknown(&argument)),
        };
        *place = Some(parse_number(&argument, arguments.next())?);
    }
    Ok(Command::Cluster(size))
}

fn parse_crash(mut arguments: impl Iterator<Item = String>) -> Result<Command, Failure> {
    let mut cycles = Cycles::default();
    while let Some(argument) = arguments.next() {
        let place = match argument.as_str() {
            "--cycles" => &mut cycles.cycles,
            "--seed" => &mut cycles.seed,
            "--help" | "-h" => return Ok(Command::Help),
            _ => return Err(unknown(&argument)),
        };
        *place = Some(parse_number(&argument, arguments.next())?);
    }
    Ok(Command::Crash(cycles))
}

fn parse_number<T: FromStr>(option: &str, text: Option<String>) -> Result<T, Failure> {
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| Failure::new(format!("{option} wants a number")))
}

fn parse_fuzz(mut arguments: impl Iterator<Item = String>) -> Result<Command, Failure> {
    let mut campaign = Campaign::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => campaign.much = Much::Runs(parse_number("--runs", arguments.next())?),
            "--total" => campaign.much = Much::Total(parse_number("--total", arguments.next())?),
            "--smoke" => campaign.much = Much::Smoke,
            "--jobs" => campaign.jobs = Some(parse_number("--jobs", arguments.next())?),
            "--help" | "-h" => return Ok(Command::Help),
            option if option.starts_with('-') => return Err(unknown(option)),
            _ => campaign.targets.push(argument),
        }
    }
    Ok(Command::Fuzz(campaign))
}

fn step_names(list: Option<String>) -> Result<Vec<String>, Failure> {
    let list = list.ok_or_else(|| {
        Failure::new("--only and --skip want the names of steps, with commas between")
    })?;
    list.split(',')
        .map(|name| runner::find(name).map(|step| step.name.to_owned()))
        .collect()
}

fn nothing_more(
    mut arguments: impl Iterator<Item = String>,
    command: Command,
) -> Result<Command, Failure> {
    match arguments.next() {
        None => Ok(command),
        Some(argument) => Err(unknown(&argument)),
    }
}

fn unknown(argument: &str) -> Failure {
    Failure::new(format!(
        "`{argument}` is not an option here; `cargo xtask help` lists them"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZero;

    fn parsed(line: &str) -> Result<Command, Failure> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn no_argument_asks_for_help() {
        assert_eq!(parsed("").unwrap(), Command::Help);
    }

    #[test]
    fn steps_are_selected_by_name() {
        let Command::Test(selection) =
            parsed("test --only clippy,tidy --skip=deny --verbose").unwrap()
        else {
            panic!("`test` is the command");
        };
        assert_eq!(selection.only, ["clippy", "tidy"]);
        assert_eq!(selection.skip, ["deny"]);
        assert!(selection.verbose);
    }

    #[test]
    fn generated_files_are_written_or_checked() {
        let expected = Command::Generate(Mode::Write);
        assert_eq!(parsed("generate").unwrap(), expected);
        let expected = Command::Generate(Mode::Check);
        assert_eq!(parsed("generate --check").unwrap(), expected);
    }

    #[test]
    fn a_step_that_does_not_exist_is_refused() {
        let failure = parsed("test --only clipy").unwrap_err().to_string();
        assert!(failure.contains("`clipy`"), "{failure}");
    }

    #[test]
    fn an_unknown_command_or_option_is_refused() {
        for line in [
            "tset",
            "test --fast",
            "test --only",
            "test --list=all",
            "tidy now",
            "generate --check now",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_run_of_the_cluster_is_as_large_as_one_likes() {
        let size = Size {
            clients: Some(500),
            rounds: None,
            seed: Some(7),
        };
        let parsed_size = parsed("cluster --clients 500 --seed 7").unwrap();
        assert_eq!(parsed_size, Command::Cluster(size));
        for line in ["cluster --clients", "cluster --seed x", "cluster 9"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn some_targets_are_fuzzed_or_all() {
        let campaign = Campaign {
            targets: vec!["rule".to_owned(), "token".to_owned()],
            much: Much::Runs(7),
            jobs: None,
        };
        let expected = Command::Fuzz(campaign);
        assert_eq!(parsed("fuzz rule --runs 7 token").unwrap(), expected);
        for (line, much, jobs) in [
            ("fuzz", Much::Usual, None),
            ("fuzz --smoke", Much::Smoke, None),
            ("fuzz --total 9 --jobs 2", Much::Total(9), NonZero::new(2)),
        ] {
            let campaign = Campaign {
                targets: vec![],
                much,
                jobs,
            };
            assert_eq!(parsed(line).unwrap(), Command::Fuzz(campaign));
        }
        for line in [
            "fuzz --runs",
            "fuzz --runs many",
            "fuzz --jobs 0",
            "fuzz --fast",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_follows_bench_is_passed_on_untouched() {
        let expected = ["--only", "idle", "--help"].map(str::to_owned).to_vec();
        assert_eq!(
            parsed("bench --only idle --help").unwrap(),
            Command::Bench(expected)
        );
    }
}
