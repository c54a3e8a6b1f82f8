//! Installs what a machine lacks: what is built on it, and meanwhile what is fetched.

use crate::failure::Failure;
use crate::process::Output;
use crate::report::{self, Stopwatch};
use crate::runner::output;
use crate::tools::{self, Tool};
use crate::workspace::Workspace;

/// Installs those of the wanted tools that the machine lacks.
pub(crate) fn ensure(workspace: &Workspace, wanted: &[Tool], shown: bool) -> Result<(), Failure> {
    let missing = wanted.iter().copied();
    let missing: Vec<Tool> = missing.filter(|tool| !tool.is_there(workspace)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    report::heading("Set-up: this machine lacks");
    let (built, fetched): (Vec<_>, Vec<_>) = missing.into_iter().partition(|tool| tool.is_built());
    // Processors are busy with the ones while the network and the disk are with the others.
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| fetch(workspace, &fetched, shown));
        let outcome = each(workspace, &built, shown);
        fetching
            .join()
            .unwrap_or_else(|_| Err(Failure::new("the installation panicked")))
            .and(outcome)
    })
}

/// Debian's packages first and all at once, since others build on them.
fn fetch(workspace: &Workspace, missing: &[Tool], shown: bool) -> Result<(), Failure> {
    let (debian, others): (Vec<_>, Vec<_>) =
        missing.iter().partition(|tool| tool.package().is_some());
    if !debian.is_empty() {
        install_packages(workspace, &debian, shown)?;
    }
    each(workspace, &others, shown)
}

fn install_packages(workspace: &Workspace, missing: &[Tool], shown: bool) -> Result<(), Failure> {
    let mut packages: Vec<_> = missing.iter().filter_map(|tool| tool.package()).collect();
    packages.dedup();
    let remedy = format!("apt-get install {}", packages.join(" "));
    one(workspace, "packages", &remedy, shown, |output| {
        tools::install_packages(output, &packages)?;
        let still_missing = missing.iter().find(|tool| !tool.is_there(workspace));
        still_missing.map_or(Ok(()), |tool| Err(not_there(*tool)))
    })
}

fn each(workspace: &Workspace, missing: &[Tool], shown: bool) -> Result<(), Failure> {
    missing.iter().try_for_each(|tool| {
        one(workspace, tool.name(), &tool.remedy(), shown, |output| {
            tool.install(workspace, output)?;
            let is_there = tool.is_there(workspace);
            is_there.then_some(()).ok_or_else(|| not_there(*tool))
        })
    })
}

fn not_there(tool: Tool) -> Failure {
    Failure::new(format!("afterwards {} was still not there", tool.name()))
}

/// Tells how one installation went. Two may be under way at once, so neither has a line that its end overwrites.
fn one(
    workspace: &Workspace,
    name: &str,
    remedy: &str,
    shown: bool,
    install: impl FnOnce(&Output) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let output = output(workspace, &format!("install-{name}"), shown)?;
    let watch = Stopwatch::start();
    report::installing(name, remedy);
    match install(&output) {
        Ok(()) => {
            report::passed(name, &watch, remedy);
            Ok(())
        }
        Err(reason) => Err(Failure::new(format!(
            "{}\n{name} could not be installed ({remedy}): {reason}",
            output.text().trim_end()
        ))),
    }
}
