//! Where the server spends its time, as pictures: `cargo xtask flame`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::Programs;
use crate::failure::{Doing, Failure};
use crate::report;
use crate::steps::Shop;
use crate::tools;
use crate::workspace::Workspace;

/// What is recorded, by the name of its file, and what it is called above its picture.
const RECORDINGS: &[(&str, &str)] = &[
    ("refresh", "handfast, while clients replace their tokens"),
    (
        "resume",
        "handfast, while clients come back again and again",
    ),
    (
        "idle",
        "handfast, while connections do nothing but answer pings",
    ),
];

/// Builds the program as it is shipped, lets the load generator record it at work, and draws a flame graph of each
/// recording into `folder`.
pub(crate) fn run(workspace: &Workspace, folder: Option<PathBuf>) -> Result<(), Failure> {
    let folder = folder.unwrap_or_else(|| workspace.target.join("flame"));
    std::fs::create_dir_all(&folder).doing(format_args!("creating {}", folder.display()))?;
    let folder = folder
        .canonicalize()
        .doing(format_args!("looking for {}", folder.display()))?;
    let tools = [tools::MAKE, tools::PERF, tools::FLAMEGRAPH];
    let shop = Shop::set_up(workspace, &tools)?;
    let programs = Programs::build(&shop)?;
    let load = Command::new(&programs.load);
    let out = folder.display().to_string();
    programs.load(&shop, load, "flame", &["--out".to_owned(), out])?;
    for (name, title) in RECORDINGS {
        draw(&shop, &folder, name, title)?;
    }
    report::heading(&format!("Flame graphs are in {}", folder.display()));
    Ok(())
}

/// From a recording to samples as text, to a line for each different stack, to the picture; only that stays.
fn draw(shop: &Shop<'_>, folder: &Path, name: &str, title: &str) -> Result<(), Failure> {
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    let (recording, samples, stacks) = (file("perf"), file("samples"), file("stacks"));

    // Inlined calls take `perf` of Debian minutes to find.
    let mut script = shop.command("perf script --no-inline --force --input")?;
    into(shop, script.arg(&recording), &samples)?;
    let mut collapse = shop.command("inferno-collapse-perf")?;
    into(shop, collapse.arg(&samples), &stacks)?;
    let mut flames = shop.command("inferno-flamegraph --colors rust --hash --title")?;
    into(shop, flames.arg(title).arg(&stacks), &file("svg"))?;

    for left in [recording, samples, stacks] {
        std::fs::remove_file(&left).doing(format_args!("removing {}", left.display()))?;
    }
    Ok(())
}

/// Runs a program that writes a file to its standard output.
fn into(shop: &Shop<'_>, command: &mut Command, file: &Path) -> Result<(), Failure> {
    let out = File::create(file).doing(format_args!("writing {}", file.display()))?;
    shop.output.run(command.stdout(out))
}
