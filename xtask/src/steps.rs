//! The steps of `cargo xtask test`.

use std::process::Command;

use crate::failure::Failure;
use crate::process::{self, Output};
use crate::tools::{self, Tool};
use crate::workspace::Workspace;
use crate::{deploy, generate, image, no_std, set_up, tidy};

/// One check, which can be run alone.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) tools: &'static [Tool],
    /// The step whose product this one takes; it has to run first.
    pub(crate) after: Option<&'static str>,
    pub(crate) run: fn(&Shop<'_>) -> Result<(), Failure>,
    /// Finds in the output what is worth telling of a success.
    pub(crate) note: fn(&str) -> String,
}

/// What a step works with.
#[derive(Debug)]
pub(crate) struct Shop<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) output: Output,
}

/// The quick ones first, so that a slip is told in seconds.
pub(crate) const STEPS: &[Step] = &[
    Step::new("fmt", "every file is formatted", fmt).needs(&[tools::RUSTFMT]),
    Step::new("tidy", "the style rules that no lint knows", |shop| {
        tidy::check(shop.workspace)
    }),
    Step::new(
        "deny",
        "licences, sources and bans of the dependencies",
        deny,
    )
    .needs(&[tools::DENY]),
    Step::new("machete", "no dependency is unused", machete).needs(&[tools::MACHETE]),
    Step::new(
        "deploy",
        "what is deployed is what it is deployed to takes",
        deploy::check,
    )
    .needs(deploy::TOOLS),
    Step::new("clippy", "no lint has anything to say", clippy).needs(&[tools::CLIPPY, tools::MAKE]),
    Step::new(
        "no_std",
        "handfast-core builds where there is no std",
        no_std::build,
    ),
    Step::new("docs", "the documentation builds without a warning", docs).needs(&[tools::MAKE]),
    Step::new("tests", "unit and integration tests", tests)
        .needs(&[
            tools::NEXTEST,
            tools::MAKE,
            tools::POSTGRESQL,
            tools::REDIS,
            tools::NATS,
            tools::FAKETIME,
            tools::NGINX,
            tools::HAPROXY,
            tools::CADDY,
            tools::SYSTEMD,
            tools::SQLITE,
            tools::SCHEMATHESIS,
            tools::PROMTOOL,
        ])
        .noting(nextest_summary),
    Step::new("doctests", "the examples in the documentation", doctests)
        .needs(&[tools::MAKE])
        .noting(doctest_summary),
    Step::new("sdk", "the browser client: lint, tests, size, package", sdk)
        .needs(&[Tool::Node, tools::SDK_PACKAGES])
        .noting(sdk_summary),
    Step::new(
        "generated",
        "the committed client is the one that is built",
        |shop| generate::check(shop.workspace),
    )
    .after("sdk"),
    Step::new("release", "the program as it is shipped", release).needs(&[tools::MAKE]),
    Step::new(
        "image",
        "the image is built, and runs confined",
        image::check,
    )
    .needs(&[tools::BUILDAH, tools::PODMAN, tools::RUNC, tools::STRIP])
    .after("release")
    .noting(image::summary),
    Step::new("e2e", "the program, in a real browser", e2e)
        .needs(&[
            Tool::Node,
            tools::CHROMIUM,
            tools::E2E_PACKAGES,
            tools::MAKE,
        ])
        .after("release")
        .noting(node_summary),
];

impl Step {
    const fn new(
        name: &'static str,
        about: &'static str,
        run: fn(&Shop<'_>) -> Result<(), Failure>,
    ) -> Self {
        Self {
            name,
            about,
            tools: &[],
            after: None,
            run,
            note: |_| String::new(),
        }
    }

    const fn needs(mut self, tools: &'static [Tool]) -> Self {
        self.tools = tools;
        self
    }

    const fn after(mut self, step: &'static str) -> Self {
        self.after = Some(step);
        self
    }

    const fn noting(mut self, note: fn(&str) -> String) -> Self {
        self.note = note;
        self
    }
}

impl<'a> Shop<'a> {
    /// A shop of a command's own, with these tools in it, that shows what its programs say.
    pub(crate) fn set_up(workspace: &'a Workspace, tools: &[Tool]) -> Result<Self, Failure> {
        set_up::ensure(workspace, tools, true)?;
        Ok(Self {
            workspace,
            output: Output::Shown,
        })
    }

    /// A program to be run in the workspace's root, with the installed tools on its `PATH`.
    pub(crate) fn command(&self, line: &str) -> Result<Command, Failure> {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).current_dir(&self.workspace.root);
        command.env("PATH", tools::path(self.workspace)?);
        // `cargo run` speaks of xtask to the programs that it starts, which mistake it for themselves.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        Ok(command)
    }

    /// Runs a program in the workspace's root, with the installed tools on its `PATH`.
    pub(crate) fn run(&self, line: &str) -> Result<(), Failure> {
        self.output.run(&mut self.command(line)?)
    }
}

fn fmt(shop: &Shop<'_>) -> Result<(), Failure> {
    shop.run("cargo fmt --all --check")
}

fn deny(shop: &Shop<'_>) -> Result<(), Failure> {
    shop.run("cargo deny --locked check bans licenses sources")
}

/// Not among the steps: the database is a git repository, which not every machine reaches.
pub(crate) fn advisories(shop: &Shop<'_>) -> Result<(), Failure> {
    shop.run("cargo deny --locked check advisories")
}

fn machete(shop: &Shop<'_>) -> Result<(), Failure> {
    shop.run("cargo machete")
}

fn clippy(shop: &Shop<'_>) -> Result<(), Failure> {
    shop.run("cargo clippy --workspace --all-targets --locked --keep-going -- -D warnings")
}

fn docs(shop: &Shop<'_>) -> Result<(), Failure> {
    let mut cargo = shop.command("cargo doc --workspace --no-deps --locked")?;
    shop.output.run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

fn tests(shop: &Shop<'_>) -> Result<(), Failure> {
    // Many wait for servers and databases most of their time.
    let threads = 2 * process::processors();
    shop.run(&format!(
        "cargo nextest run --workspace --locked --test-threads {threads}"
    ))
}

fn doctests(shop: &Shop<'_>) -> Result<(), Failure> {
    shop.run("cargo test --doc --workspace --locked")
}

fn sdk(shop: &Shop<'_>) -> Result<(), Failure> {
    let mut npm = shop.command("npm run check")?;
    shop.output
        .run(npm.current_dir(shop.workspace.root.join("sdk/typescript")))
}

fn release(shop: &Shop<'_>) -> Result<(), Failure> {
    shop.run("cargo build --release --locked --package handfast-server")
}

fn e2e(shop: &Shop<'_>) -> Result<(), Failure> {
    // Some need an application behind the server. The example is one, and built for the tests already, with the features of all.
    shop.run("cargo build --locked --workspace --example chat")?;
    let target = &shop.workspace.target;
    let mut npm = shop.command("npm test")?;
    npm.current_dir(shop.workspace.root.join("e2e"))
        .env("HANDFAST_BIN", target.join("release/handfast"))
        .env("HANDFAST_CHAT", target.join("debug/examples/chat"));
    shop.output.run(&mut npm)
}

/// nextest's closing line without its label: `312 tests run: 312 passed, 0 skipped`.
fn nextest_summary(log: &str) -> String {
    let line = log
        .lines()
        .rev()
        .find(|line| line.contains("tests run:"))
        .unwrap_or_default();
    line.split_once(']')
        .map_or(line, |(_, counts)| counts)
        .trim()
        .to_owned()
}

/// How many end-to-end tests ran: Node's line `# pass 12` or `ℹ pass 12`.
fn node_summary(log: &str) -> String {
    let counts = log
        .lines()
        .rev()
        .filter_map(|line| line.split_once(" pass "));
    counts
        .map(|(_, count)| format!("{count} passed"))
        .next()
        .unwrap_or_default()
}

/// How many of the client's tests ran, and what a page downloads: `376 passed, gzipped 8165 (limit 8192)`.
fn sdk_summary(log: &str) -> String {
    let size = log.lines().find_map(|line| {
        let (_, size) = line.split_once("bytes, ")?;
        line.starts_with("dist/").then_some(size)
    });
    match size {
        Some(size) => format!("{}, {size}", node_summary(log)),
        None => String::new(),
    }
}

/// How many examples ran; cargo prints a line a crate. Nothing where the output went to the terminal instead.
fn doctest_summary(log: &str) -> String {
    let results = log
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "));
    let counts = results.filter_map(|result| result.split(' ').next()?.parse::<u32>().ok());
    match counts.reduce(|sum, count| sum + count) {
        Some(sum) => format!("{sum} passed"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_steps_share_a_name() {
        for (index, step) in STEPS.iter().enumerate() {
            assert!(
                STEPS[..index]
                    .iter()
                    .all(|earlier| earlier.name != step.name),
                "{}",
                step.name
            );
        }
    }

    #[test]
    fn a_step_comes_after_the_one_that_it_builds_on() {
        for (index, step) in STEPS.iter().enumerate() {
            let Some(wanted) = step.after else { continue };
            assert!(
                STEPS[..index].iter().any(|earlier| earlier.name == wanted),
                "{}",
                step.name
            );
        }
    }

    #[test]
    fn the_note_of_the_tests_is_what_nextest_counted() {
        let log =
            "PASS [0.1s] one\n------\n Summary [   0.120s] 2 tests run: 2 passed, 0 skipped\n";
        assert_eq!(nextest_summary(log), "2 tests run: 2 passed, 0 skipped");
    }

    #[test]
    fn the_note_of_the_end_to_end_tests_is_what_node_counted() {
        assert_eq!(
            node_summary("# tests 12\n# pass 12\n# fail 0\n"),
            "12 passed"
        );
        assert_eq!(
            node_summary("ℹ tests 12\nℹ pass 12\nℹ fail 0\n"),
            "12 passed"
        );
    }

    #[test]
    fn the_note_of_the_client_has_its_size() {
        assert_eq!(
            sdk_summary("# pass 376\ndist/index.min.js: 19655 bytes, gzipped 8165 (limit 8192)\n"),
            "376 passed, gzipped 8165 (limit 8192)"
        );
        assert_eq!(sdk_summary(""), "");
    }

    #[test]
    fn the_note_of_the_doctests_adds_up_all_crates() {
        let log = "test result: ok. 3 passed; 0 failed; 0 ignored\n\ntest result: ok. 4 passed; 0 failed\n";
        assert_eq!(doctest_summary(log), "7 passed");
        assert_eq!(doctest_summary(""), "");
    }
}
