//! `cargo xtask fuzz`: libFuzzer on the targets of `crates/fuzz`.

use crate::failure::{Doing, Failure};
use crate::steps::Shop;
use crate::tools;
use crate::workspace::Workspace;

/// How often each target runs where nothing is said: about a minute for the slowest of them.
const RUNS: u64 = 1_000_000;
/// How often with `--smoke`.
const SMOKE_RUNS: u64 = 50_000;
/// The longest input, in bytes.
const INPUT_BYTES: u32 = 4_096;

/// What to run, and how often.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Campaign {
    /// All of them where none is named.
    pub(crate) targets: Vec<String>,
    pub(crate) runs: Option<u64>,
    pub(crate) smoke: bool,
}

/// Builds the targets and runs one after the other. What is found is kept in `fuzz/found`, an input that fails in
/// `fuzz/artifacts`; neither is committed.
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
    let usual = if campaign.smoke { SMOKE_RUNS } else { RUNS };
    let runs = campaign.runs.unwrap_or(usual);
    for target in chosen {
        let found = workspace.root.join("fuzz/found").join(target);
        std::fs::create_dir_all(&found).doing(format_args!("making {}", found.display()))?;
        // Without a sanitizer: nothing here is unsafe, and any compiler will do.
        let mut fuzz = shop.command(&format!(
            "cargo fuzz run --sanitizer none {target} fuzz/found/{target} fuzz/corpus/{target} -- \
             -runs={runs} -max_len={INPUT_BYTES} -print_final_stats=1"
        ))?;
        shop.output
            .run(fuzz.env("CARGO_TARGET_DIR", &workspace.target))?;
    }
    Ok(())
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
