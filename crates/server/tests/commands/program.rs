//! The program in a folder of its own, with no variables but those given.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The program, and a folder that goes with it.
pub(crate) struct Program {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What the program printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Printed {
    /// Its exit code.
    pub(crate) code: i32,
    /// What a pipe would get.
    pub(crate) out: String,
    /// What stays on the terminal.
    pub(crate) err: String,
}

impl Program {
    /// The program in an empty folder.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder can be made"),
            variables: Vec::new(),
        }
    }

    /// With a file in the folder.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path(name), text).expect("the folder can be written to");
        self
    }

    /// With a variable in the environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs it with a line of arguments, parted by spaces, and nothing on its stdin.
    pub(crate) fn run(&self, line: &str) -> Printed {
        self.run_with("", line)
    }

    /// Runs it with something on its stdin.
    pub(crate) fn run_with(&self, stdin: &str, line: &str) -> Printed {
        let mut child = Command::new(env!("CARGO_BIN_EXE_handfast"))
            .args(line.split_whitespace())
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut pipe = child.stdin.take().expect("its stdin is a pipe");
        // A program that does not read its stdin may be gone already.
        drop(pipe.write_all(stdin.as_bytes()));
        drop(pipe);
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().expect("the program ends");
        let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
        Printed {
            code: status.code().expect("no signal ended it"),
            out: text(stdout),
            err: text(stderr),
        }
    }
}
