//! A round: some processes that work on one corpus together, for a while.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::tally::Round;
use crate::failure::{Doing, Failure};
use crate::process::Output;
use crate::report::Stopwatch;
use crate::steps::Shop;

/// How long a round lasts, in seconds: as much is lost where somebody ends the command.
const ROUND_SECONDS: u32 = 300;
/// libFuzzer counts in 31 bits. No round has time for as many.
const RUNS_MAX: u64 = 1 << 30;
/// How much of a log is shown of a process that failed, in lines.
const LOG_LINES: usize = 40;

/// The longest inputs, in bytes. The targets take longer ones, but those say little more, and take longer.
const INPUT_BYTES: &[(&str, u32)] = &[
    // Two dozen settings in their sections.
    ("config", 1_024),
    // A step takes up to five bytes: a hundred steps, of which 33 may be invalid.
    ("connection", 512),
    // The longest message has 600 bytes there, and one that is longer is a case of its own.
    ("frames", 1_024),
    // A little more than the longest password or key.
    ("messages", 1_280),
    // A step takes up to four bytes, and eight generations are remembered.
    ("rule", 512),
    // A header and the claims of a token.
    ("token", 512),
    // Two requests, one behind the other, with all headers that matter.
    ("upgrade", 1_024),
];
/// That of a target without one of its own: libFuzzer's.
const INPUT_BYTES_USUAL: u32 = 4_096;

/// What libFuzzer takes for new. Every second process looks only at which edges an input takes and not at how often: it
/// keeps fewer and shorter ones, and does up to three quarters more in the same time. What only the counts tell apart,
/// the others find.
const fn aim(process: u64) -> &'static [&'static str] {
    if process.is_multiple_of(2) {
        &["-use_counters=0", "-entropic=0"]
    } else {
        &[]
    }
}

/// How a target is run.
#[derive(Debug)]
pub(super) struct Processes<'a> {
    shop: &'a Shop<'a>,
    /// Where the targets' programs are.
    programs: PathBuf,
    count: u64,
}

impl<'a> Processes<'a> {
    pub(super) fn new(shop: &'a Shop<'a>, programs: PathBuf, count: u64) -> Self {
        Self {
            shop,
            programs,
            count,
        }
    }

    /// Gives a target about so many inputs, or as many as a round has time for.
    ///
    /// libFuzzer's own way to use several processors, `-fork`, does not tell how many inputs there were. These processes
    /// read each other's finds out of the folder that all of them write to.
    pub(super) fn round(&self, target: &str, inputs: u64) -> Result<Round, Failure> {
        let watch = Stopwatch::start();
        let runs = inputs.div_ceil(self.count).min(RUNS_MAX);
        let running: Vec<_> = (1..=self.count)
            .map(|number| self.start(target, number, runs))
            .collect::<Result<_, _>>()?;
        // All of them, for one that is not waited for would run on.
        let ended: Vec<_> = running
            .into_iter()
            .map(|(log, child)| self.end(target, &log, child))
            .collect();
        let mut round = Round::default();
        for done in ended {
            round.beside(&done?);
        }
        round.seconds = watch.seconds();
        Ok(round)
    }

    fn start(&self, target: &str, number: u64, runs: u64) -> Result<(Output, Child), Failure> {
        let root = &self.shop.workspace.root;
        for folder in ["found", "artifacts"] {
            let folder = root.join("fuzz").join(folder).join(target);
            std::fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
        }
        let logs = self.shop.workspace.scratch("logs")?;
        let log = Output::kept_at(logs.join(format!("fuzz-{target}-{number}.log")))?;
        let program = self.programs.join(target);
        let child = Command::new(&program)
            .args(aim(number))
            .arg(format!("fuzz/found/{target}"))
            .arg(format!("fuzz/corpus/{target}"))
            .arg(format!("-artifact_prefix=fuzz/artifacts/{target}/"))
            .arg(format!("-runs={runs}"))
            .arg(format!("-max_total_time={ROUND_SECONDS}"))
            .arg(format!("-max_len={}", input_bytes(target)))
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(log.shared()?)
            .stderr(log.shared()?)
            .spawn()
            .doing(format_args!("starting {}", program.display()))?;
        Ok((log, child))
    }

    /// Waits for a process, and reads what it did out of its log.
    fn end(&self, target: &str, log: &Output, mut child: Child) -> Result<Round, Failure> {
        let status = child
            .wait()
            .doing(format_args!("waiting for the target `{target}`"))?;
        let text = log.text();
        match done(&text) {
            Some(done) if status.success() => Ok(done),
            Some(_) | None => Err(Failure::new(format!(
                "the target `{target}` ended with {status}:\n\n{}\n\n`{} INPUT` runs that input again",
                last_words(&text),
                self.programs.join(target).display()
            ))),
        }
    }
}

fn input_bytes(target: &str) -> u32 {
    let own = INPUT_BYTES.iter().find(|(name, _)| *name == target);
    own.map_or(INPUT_BYTES_USUAL, |(_, bytes)| *bytes)
}

/// libFuzzer's last word: `#50000  DONE   cov: 1033 ft: 3100 corp: 500/20Kb lim: 512 exec/s: 25000 rss: 80Mb`.
fn done(log: &str) -> Option<Round> {
    let line = log.lines().rev().find(|line| line.contains("\tDONE"))?;
    let number = |before: &str| -> Option<u64> {
        let (_, rest) = line.split_once(before)?;
        let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        rest[..end].parse().ok()
    };
    Some(Round {
        inputs: number("#")?,
        seconds: 0,
        edges: number("cov: ")?,
        kept: number("corp: ")?,
    })
}

/// From the panic on, which is followed by the name of the file that has the input; or else the last lines.
fn last_words(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let panic = lines.iter().position(|line| line.contains(" panicked at "));
    let begin = panic.unwrap_or_else(|| lines.len().saturating_sub(LOG_LINES));
    lines[begin..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_says_at_its_end_what_it_did() {
        let log = "#2\tINITED cov: 9 ft: 9 corp: 1/1b exec/s: 0 rss: 40Mb\n\
                   #50000\tDONE   cov: 1033 ft: 3100 corp: 500/20Kb lim: 512 exec/s: 25000 rss: 80Mb\n\
                   Done 50000 runs in 2 second(s)\n";
        let expected = Round {
            inputs: 50_000,
            seconds: 0,
            edges: 1_033,
            kept: 500,
        };
        assert_eq!(done(log), Some(expected));
    }

    #[test]
    fn a_process_that_failed_did_nothing_that_counts() {
        let log =
            "#2\tINITED cov: 9 ft: 9 corp: 1/1b exec/s: 0 rss: 40Mb\nthread 'main' panicked\n";
        assert_eq!(done(log), None);
    }

    #[test]
    fn a_log_is_shown_from_its_panic_on_or_at_its_end() {
        let long: String = (0..100).map(|line| format!("{line}\n")).collect();
        assert!(last_words(&long).starts_with("60\n"));
        assert_eq!(last_words("short"), "short");
        let panic = format!("thread '<unnamed>' panicked at a.rs:1:2:\n{long}");
        assert_eq!(last_words(&format!("{long}{panic}")), panic.trim_end());
    }
}
