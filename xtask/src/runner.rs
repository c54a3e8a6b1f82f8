//! Selects steps, sets the machine up for them, runs them and tells how it went.

use std::process::ExitCode;

use crate::failure::Failure;
use crate::process::Output;
use crate::report::{self, Stopwatch};
use crate::set_up;
use crate::steps::{self, STEPS, Shop, Step};
use crate::tools;
use crate::workspace::Workspace;

/// Which steps to run, and how loudly.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Empty means every step.
    pub(crate) only: Vec<String>,
    pub(crate) skip: Vec<String>,
    pub(crate) verbose: bool,
}

impl Selection {
    /// The selected steps and those that they build on, in their order.
    fn steps(&self) -> Vec<&'static Step> {
        let chosen = |name: &str| {
            let only = self.only.is_empty() || self.only.iter().any(|wanted| wanted == name);
            only && !self.skip.iter().any(|unwanted| unwanted == name)
        };
        let needed = |name: &str| {
            STEPS
                .iter()
                .any(|step| step.after == Some(name) && chosen(step.name))
        };
        STEPS
            .iter()
            .filter(|step| chosen(step.name) || needed(step.name))
            .collect()
    }

    /// The whole output is wanted where nobody can look into the logs afterwards.
    fn shows_output(&self) -> bool {
        self.verbose || std::env::var_os("CI").is_some()
    }
}

/// The step of that name.
pub(crate) fn find(name: &str) -> Result<&'static Step, Failure> {
    STEPS.iter().find(|step| step.name == name).ok_or_else(|| {
        Failure::new(format!(
            "there is no step `{name}`; `cargo xtask test --list` shows them"
        ))
    })
}

pub(crate) fn print_list() {
    for step in STEPS {
        anstream::println!("{:<12} {}", step.name, step.about);
    }
}

/// `cargo xtask test`: runs every selected step, whatever became of those before it. The report tells of failed steps;
/// the error is for when not even that was possible.
pub(crate) fn test(workspace: &Workspace, selection: &Selection) -> Result<ExitCode, Failure> {
    let steps = selection.steps();
    let shown = selection.shows_output();
    let watch = Stopwatch::start();
    set_up(workspace, &steps, shown)?;
    report::heading("Checks and tests");
    let mut failed = Vec::new();
    for step in &steps {
        let missing_product = step.after.filter(|product| failed.contains(product));
        if !run_step(workspace, step, missing_product, shown)? {
            failed.push(step.name);
        }
    }
    report::summary(steps.len() - failed.len(), &failed, &watch);
    Ok(if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// `cargo xtask advisories`.
pub(crate) fn advisories(workspace: &Workspace) -> Result<(), Failure> {
    steps::advisories(&Shop::set_up(workspace, &[tools::DENY])?)
}

fn run_step(
    workspace: &Workspace,
    step: &Step,
    missing_product: Option<&str>,
    shown: bool,
) -> Result<bool, Failure> {
    let shop = Shop {
        workspace,
        output: output(workspace, step.name, shown)?,
    };
    let watch = Stopwatch::start();
    report::started(step.name, step.about, shown);
    let outcome = match missing_product {
        Some(product) => Err(Failure::new(format!(
            "not run: it needs what `{product}` makes"
        ))),
        None => (step.run)(&shop),
    };
    match &outcome {
        Ok(()) => report::passed(step.name, &watch, &(step.note)(&shop.output.text())),
        Err(failure) => report::step_failed(step.name, &watch, failure, &shop.output.text()),
    }
    Ok(outcome.is_ok())
}

/// Installs what the steps need and the machine lacks.
fn set_up(workspace: &Workspace, steps: &[&Step], shown: bool) -> Result<(), Failure> {
    let mut wanted = Vec::new();
    for tool in steps.iter().flat_map(|step| step.tools) {
        if !wanted.contains(tool) {
            wanted.push(*tool);
        }
    }
    set_up::ensure(workspace, &wanted, shown)
}

/// Where the output of the step or installation of that name goes.
pub(crate) fn output(workspace: &Workspace, name: &str, shown: bool) -> Result<Output, Failure> {
    if shown {
        return Ok(Output::Shown);
    }
    Output::kept_at(workspace.scratch("logs")?.join(format!("{name}.log")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str], skip: &[&str]) -> Vec<&'static str> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let selection = Selection {
            only: owned(only),
            skip: owned(skip),
            verbose: false,
        };
        selection.steps().iter().map(|step| step.name).collect()
    }

    #[test]
    fn nothing_selected_means_everything() {
        assert_eq!(names(&[], &[]).len(), STEPS.len());
    }

    #[test]
    fn selected_steps_run_in_their_own_order() {
        assert_eq!(names(&["clippy", "fmt"], &[]), ["fmt", "clippy"]);
    }

    #[test]
    fn a_selected_step_brings_the_one_that_it_builds_on() {
        assert_eq!(names(&["e2e"], &[]), ["release", "e2e"]);
    }

    #[test]
    fn a_skipped_step_is_left_out() {
        assert!(!names(&[], &["deny"]).contains(&"deny"));
    }
}
