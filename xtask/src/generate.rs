//! `cargo xtask generate`: files that are committed, but made by a program.
//!
//! There is one: the browser client, as the demo page loads it. It is committed so that building and running the server
//! takes no Node.js.

use std::path::PathBuf;

use crate::failure::{Doing, Failure};
use crate::steps::Shop;
use crate::tools;
use crate::workspace::Workspace;

const SDK: &str = "sdk/typescript";
const BUNDLE: &str = "sdk/typescript/dist/index.min.js";
const PAGE_SCRIPT: &str = "crates/server/src/pages/handfast.js";
const ORIGIN: &str = "// Made from sdk/typescript by `cargo xtask generate`.\n";

/// Whether generated files are written, or compared with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Check,
}

/// Makes every generated file anew. In [`Mode::Check`] nothing is written; a file that is not as it should be is a failure.
pub(crate) fn run(workspace: &Workspace, mode: Mode) -> Result<(), Failure> {
    let shop = Shop::set_up(workspace, &[tools::Tool::Node, tools::SDK_PACKAGES])?;
    build(&shop)?;
    match mode {
        Mode::Write => write(workspace),
        Mode::Check => check(workspace),
    }
}

/// Builds the client's package.
fn build(shop: &Shop<'_>) -> Result<(), Failure> {
    let mut npm = shop.command("npm run build")?;
    shop.output
        .run(npm.current_dir(shop.workspace.root.join(SDK)))
}

/// Fails where the page's script is not what the built package says.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let path = page_script(workspace);
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed == generated(workspace)? {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{PAGE_SCRIPT} is not what {SDK} builds; run `cargo xtask generate` and commit it"
    )))
}

fn write(workspace: &Workspace) -> Result<(), Failure> {
    let path = page_script(workspace);
    std::fs::write(&path, generated(workspace)?).doing(format_args!("writing {PAGE_SCRIPT}"))
}

fn generated(workspace: &Workspace) -> Result<String, Failure> {
    let bundle = std::fs::read_to_string(workspace.root.join(BUNDLE))
        .doing(format_args!("reading {BUNDLE}"))?;
    Ok(format!("{ORIGIN}{bundle}"))
}

fn page_script(workspace: &Workspace) -> PathBuf {
    workspace.root.join(PAGE_SCRIPT)
}
