//! Runs the program as a shell would, in a folder of its own and with no variables but those given.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The program in a folder of its own, which goes with it.
pub struct Program {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What the program printed, and how it ended.
#[derive(Debug)]
pub struct Printed {
    /// Its exit code.
    pub code: i32,
    /// What a pipe would get.
    pub out: String,
    /// What stays on the terminal.
    pub err: String,
}

impl Program {
    /// The program in an empty folder.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    /// With a file in the folder.
    pub fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    /// With a variable in the environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs it with nothing on its stdin.
    pub fn run(&self, line: &str) -> Printed {
        self.run_with("", line)
    }

    /// Runs it with a line of arguments, parted by spaces, and something on its stdin.
    pub fn run_with(&self, stdin: &str, line: &str) -> Printed {
        let mut child = Command::new(env!("CARGO_BIN_EXE_handfast"))
            .args(line.split_whitespace())
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its stdin may be gone already.
        drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        Printed {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }
}
