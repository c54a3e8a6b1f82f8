//! `cargo xtask autobahn`: the Autobahn test suite against connections of the library.
//!
//! Its program, `wstest`, is in Python 2, which Debian has no more: whoever has it names it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::failure::{Doing, Failure};
use crate::steps::Shop;
use crate::tools;
use crate::workspace::Workspace;

/// What the suite calls us in its report.
const AGENT: &str = "handfast";
/// Cases 12 and 13 are about compression, which is not offered.
const CASES: &[&str] = &[
    "1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*",
];

/// Builds the echo, runs `wstest` as a client against it, and fails if a case did not pass strictly.
pub(crate) fn run(workspace: &Workspace, wstest: &str) -> Result<(), Failure> {
    let shop = Shop::set_up(workspace, &[tools::MAKE])?;
    shop.run("cargo build --locked --package handfast --example echo")?;
    let folder = workspace.scratch("autobahn")?;
    let report = folder.join("report");
    if report.exists() {
        // One of an earlier run, which would be judged again if this one wrote none.
        std::fs::remove_dir_all(&report).doing(format_args!("removing {}", report.display()))?;
    }
    let echo = Echo::start(&workspace.target.join("debug/examples/echo"))?;
    let spec = json!({
        "outdir": report.to_string_lossy(),
        "servers": [{"agent": AGENT, "url": echo.url.replace("http", "ws") + "/ws/"}],
        "cases": CASES,
        "exclude-cases": [],
    });
    let file = folder.join("spec.json");
    std::fs::write(&file, spec.to_string()).doing(format_args!("writing {}", file.display()))?;
    let mut suite = Command::new(wstest);
    suite.args(["--mode", "fuzzingclient", "--spec"]).arg(&file);
    shop.output.run(&mut suite)?;
    drop(echo);
    judge(&report)
}

/// Reads the report. A case that passed, but not as strictly as the suite would like, is a failure as well.
fn judge(report: &Path) -> Result<(), Failure> {
    let index = report.join("index.json");
    let text =
        std::fs::read_to_string(&index).doing(format_args!("reading {}", index.display()))?;
    let report: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("reading the report: {error}")))?;
    let cases = report[AGENT].as_object().into_iter().flatten();
    let (mut passed, mut failed) = (0, Vec::new());
    for (case, outcome) in cases {
        let (behavior, close) = (&outcome["behavior"], &outcome["behaviorClose"]);
        let is_good = |it: &Value| it == "OK" || it == "INFORMATIONAL";
        if is_good(behavior) && is_good(close) {
            passed += 1;
        } else {
            failed.push(format!("{case}: {behavior}, closing {close}"));
        }
    }
    if failed.is_empty() && passed > 0 {
        anstream::println!("{passed} cases passed strictly");
        return Ok(());
    }
    let count = failed.len();
    let list = failed.join("\n");
    Err(Failure::new(format!(
        "{list}\n{count} cases failed, {passed} passed strictly"
    )))
}

/// The echo, as long as it is needed.
struct Echo {
    process: Child,
    url: String,
}

impl Echo {
    fn start(program: &Path) -> Result<Self, Failure> {
        let doing = format!("starting {}", program.display());
        let mut process = Command::new(program)
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .doing(&doing)?;
        let mut url = String::new();
        if let Some(said) = process.stdout.take() {
            BufReader::new(said).read_line(&mut url).doing(&doing)?;
        }
        let url = url.trim().to_owned();
        Ok(Self { process, url })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
