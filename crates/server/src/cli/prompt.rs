//! What is asked of the person at the terminal.

use handfast::Secret;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use std::{
    fs::File,
    io::{self, BufRead, IsTerminal as _, Write as _},
};

/// As much of stdin as is looked at for a password, in bytes: the longest password, and the end of its line.
const STDIN_BYTES: u64 = 1024 + 2;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PromptError {
    /// There is nobody to ask for a password.
    #[error("there is no terminal to ask for the password at")]
    NoTerminal,
    /// There is nobody to ask whether it is meant.
    #[error("this cannot be undone, and there is no terminal to ask at")]
    Unconfirmed,
    /// The person said no.
    #[error("nothing was done")]
    Declined,
    /// The two passwords that were typed differ.
    #[error("the two passwords differ; nothing was done")]
    Differ,
    /// No password was given.
    #[error("no password was given")]
    Empty,
    /// The password is longer than any may be.
    #[error("the password is longer than {} bytes", STDIN_BYTES - 2)]
    TooLong,
    /// The terminal or stdin cannot be read.
    #[error("cannot read what is typed: {0}")]
    Input(io::Error),
}

impl PromptError {
    /// What to do about it.
    pub(crate) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::NoTerminal => Some("give it on stdin, with --password-stdin"),
            Self::Unconfirmed => Some("say that it is meant, with --yes"),
            Self::Declined | Self::Differ | Self::Empty | Self::TooLong | Self::Input(_) => None,
        }
    }
}

/// A new password: typed twice, unseen, or the first line of stdin.
pub(super) fn new_password(username: &str, from_stdin: bool) -> Result<Secret, PromptError> {
    let password = if from_stdin {
        first_line(io::stdin().lock())?
    } else {
        if !io::stdin().is_terminal() {
            return Err(PromptError::NoTerminal);
        }
        let first = typed(&format!("Password for {username}: "))?;
        if first != typed("Once more: ")? {
            return Err(PromptError::Differ);
        }
        first
    };
    if password.is_empty() {
        return Err(PromptError::Empty);
    }
    Ok(Secret::new(&password))
}

fn typed(prompt: &str) -> Result<String, PromptError> {
    // Before the prompt, for whoever types at once.
    let _unseen = Unseen::begin().map_err(PromptError::Input)?;
    rpassword::prompt_password(prompt).map_err(PromptError::Input)
}

/// What is typed at the terminal is not shown until this is dropped.
struct Unseen {
    terminal: File,
    before: Termios,
}

impl Unseen {
    fn begin() -> io::Result<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let before = termios::tcgetattr(&terminal)?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(&terminal, OptionalActions::Now, &unseen)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing any more.
        termios::tcsetattr(&self.terminal, OptionalActions::Now, &self.before).ok();
    }
}

fn first_line(input: impl BufRead) -> Result<String, PromptError> {
    let mut line = String::new();
    input
        .take(STDIN_BYTES)
        .read_line(&mut line)
        .map_err(PromptError::Input)?;
    let Some(password) = line.strip_suffix('\n') else {
        return if line.len() as u64 >= STDIN_BYTES {
            Err(PromptError::TooLong)
        } else {
            Ok(line)
        };
    };
    Ok(password.strip_suffix('\r').unwrap_or(password).to_owned())
}

/// Asks whether what cannot be undone is meant; `yes` says so beforehand.
pub(super) fn confirm(what: &str, yes: bool) -> Result<(), PromptError> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(PromptError::Unconfirmed);
    }
    let mut err = anstream::stderr().lock();
    write!(err, "{what} This cannot be undone. Go on? [y/N] ").map_err(PromptError::Input)?;
    err.flush().map_err(PromptError::Input)?;
    drop(err);
    let answer = first_line(io::stdin().lock())?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(PromptError::Declined),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_taken_without_its_end() {
        for text in ["secret", "secret\n", "secret\r\n", "secret\nmore\n"] {
            assert_eq!(first_line(text.as_bytes()).unwrap(), "secret");
        }
        assert_eq!(
            first_line(" spaces stay \n".as_bytes()).unwrap(),
            " spaces stay "
        );
        assert_eq!(first_line("".as_bytes()).unwrap(), "");
    }

    #[test]
    fn a_line_longer_than_any_password_is_refused() {
        let longest = "x".repeat(1024);
        assert_eq!(
            first_line(format!("{longest}\r\n").as_bytes()).unwrap(),
            longest
        );
        let long = "x".repeat(5000);
        assert!(matches!(
            first_line(long.as_bytes()),
            Err(PromptError::TooLong)
        ));
    }
}
