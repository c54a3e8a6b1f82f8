//! Running other programs.

use std::fs::File;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Doing, Failure};
use crate::report;

/// How many programs can work at the same time.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Where the output of a step's programs goes.
#[derive(Debug)]
pub(crate) enum Output {
    /// To the terminal, as it comes.
    Shown,
    /// To this file, to be shown if the step fails.
    Kept { file: File, path: PathBuf },
}

impl Output {
    pub(crate) fn kept_at(path: PathBuf) -> Result<Self, Failure> {
        let file = File::create(&path).doing(format_args!("writing {}", path.display()))?;
        Ok(Self::Kept { file, path })
    }

    /// What has been written so far; nothing where it was shown instead.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Shown => String::new(),
            // A log that cannot be read back must not hide the failure that it was to explain.
            Self::Kept { path, .. } => {
                String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
            }
        }
    }

    /// Where a program that runs beside others writes what it says.
    pub(crate) fn shared(&self) -> Result<Stdio, Failure> {
        Ok(match self {
            Self::Shown => Stdio::inherit(),
            Self::Kept { file, .. } => file.try_clone().doing("sharing the log")?.into(),
        })
    }

    /// Runs a program to its end without standard input; anything but exit status 0 is a failure.
    pub(crate) fn run(&self, command: &mut Command) -> Result<(), Failure> {
        command.stdin(Stdio::null());
        match self {
            Self::Shown => report::command(&shown(command)),
            Self::Kept { file, .. } => {
                let (out, err) = (file.try_clone(), file.try_clone());
                command
                    .stdout(out.doing("sharing the log")?)
                    .stderr(err.doing("sharing the log")?);
            }
        }
        let status = command
            .status()
            .doing(format_args!("starting `{}`", shown(command)))?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "`{}` ended with {status}",
            shown(command)
        )))
    }
}

/// The standard output of a program that succeeds.
pub(crate) fn output_of(command: &mut Command) -> Result<String, Failure> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .doing(format_args!("starting `{}`", shown(command)))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!(
            "`{}` ended with {}\n{complaint}",
            shown(command),
            output.status
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of that name is on `PATH` or in one of the `extra` folders.
pub(crate) fn is_installed(program: &str, extra: &[&Path]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    on_path || extra.iter().any(|folder| folder.join(program).is_file())
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}
