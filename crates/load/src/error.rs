//! What can go wrong, and what to do about it.

use crate::wire::{Broken, answer};
use handfast_core::close::CloseCode;
use std::{io, net::SocketAddr, path::PathBuf, process::ExitStatus};

/// Why a measurement came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Ctrl-C, or a request to terminate.
    #[error("interrupted")]
    Interrupted,
    /// The address of the server cannot be used.
    #[error("{url:?} cannot be used: {reason}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The server is not on this machine.
    #[error(
        "{0} is not a loopback address; load on a server that is not yours is an attack on it, and \
         load over a network measures the network. `--allow-remote` lifts this"
    )]
    Remote(SocketAddr),
    /// A connection could not be made.
    #[error("cannot connect to {address}: {source}{}", hint(source))]
    Connect {
        /// Whereto.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A connection broke.
    #[error("a connection broke: {0}")]
    Lost(io::Error),
    /// The server closed a connection that it should have kept.
    #[error("the server closed a connection: {}", described(*code, reason))]
    Closed {
        /// The close frame's code; none where there was no close frame.
        code: Option<u16>,
        /// The close frame's text.
        reason: String,
    },
    /// The server broke the protocol.
    #[error("the server broke the protocol: {0}")]
    Broken(#[from] Broken),
    /// The server refused a request.
    #[error("the server answered {answer} to {request}{}", remedy(request, answer))]
    Refused {
        /// What was asked.
        request: &'static str,
        /// The answer as it came.
        answer: String,
    },
    /// Something took longer than it may.
    #[error("{0} took too long")]
    TooSlow(&'static str),
    /// A round passed without what was waited for.
    #[error("not one answer, or not one ping, came in a whole round")]
    NoAnswers,
    /// The server cannot keep up with the rate that it was to be measured at.
    #[error("the server is {0} requests behind: choose a lower `--rate`")]
    Overloaded(usize),
    /// This process may not open enough files.
    #[error(
        "{wanted} connections need as many file descriptors, and {limit} are allowed (`ulimit -Hn`)"
    )]
    Descriptors {
        /// How many are needed.
        wanted: u64,
        /// How many there are.
        limit: u64,
    },
    /// The measured server did not start, or did not live.
    #[error("the server ended by itself: {status}\n{log}")]
    ServerEnded {
        /// How.
        status: ExitStatus,
        /// The end of what it logged.
        log: String,
    },
    /// A process that held clients of the server ended.
    #[error("a process of clients ended by itself; what it met stands above")]
    CrowdEnded,
    /// Attackers did nothing.
    #[error("nobody attacked the server, so nobody can say that it withstood")]
    NoAttack,
    /// `perf` ended without a recording.
    #[error("`perf` recorded nothing; what it says stands above")]
    NoRecording,
    /// The measured server did not say where it listens.
    #[error("the server's first line has no address: {0:?}")]
    NoAddress(String),
    /// The folder for the server's data is in memory.
    #[error("{} is on a {kind}, where nothing durable costs what it does on a disk: choose another `--data-root`", folder.display())]
    NotOnDisk {
        /// The folder.
        folder: PathBuf,
        /// What it is on.
        kind: &'static str,
    },
    /// The system refused something.
    #[error("{doing}: {source}")]
    System {
        /// What was tried.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// Says what was tried when the system refused it.
pub(crate) trait Doing<T> {
    /// Turns a failure into [`Error::System`].
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::System {
            doing: what(),
            source: source.into(),
        })
    }
}

impl Error {
    /// What a close frame, or the lack of one, says.
    pub(crate) fn closed(code: Option<u16>, reason: &[u8]) -> Self {
        Self::Closed {
            code,
            reason: String::from_utf8_lossy(reason).into_owned(),
        }
    }
}

/// What to set on a server that refuses what a load generator has to ask for.
fn remedy(request: &str, answer: &str) -> &'static str {
    let is_login = request.starts_with("Login") || request == "Register";
    match answer::kind(answer) {
        Some("TooManyRequests") if is_login => {
            "; it limits logins: set `limits.logins_per_address` and `limits.logins_per_account` to \
             \"off\", and `password.queue` to no less than `--clients`"
        }
        Some("TooManyRequests") => {
            "; it limits how often a session presents its token: set \
             `limits.presentations_per_session` to \"off\""
        }
        Some("InvalidPassword" | "InvalidRequest") if is_login => {
            "; this program makes accounts of its own: set `registration` to \"open\""
        }
        _ => "",
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => {
            " (no port is left: spread the connections with `--sources`)"
        }
        io::ErrorKind::ConnectionRefused => " (is the server running?)",
        _ => "",
    }
}

fn described(code: Option<u16>, reason: &str) -> String {
    let Some(number) = code else {
        return "without a close frame".to_owned();
    };
    let code = CloseCode::ALL
        .into_iter()
        .find(|code| code.number() == number);
    let advice = match code {
        Some(CloseCode::TooMany) => {
            "; set `limits.connections_per_address` and `limits.unauthenticated_per_address` to \
             \"off\", or spread the connections with `--sources`"
        }
        Some(CloseCode::HeartbeatMissed) => "; the generator was too busy to answer a ping",
        Some(CloseCode::Superseded) => "; somebody else presents the same sessions",
        _ => "",
    };
    let name = code.map_or_else(String::new, |code| format!(" ({code:?})"));
    format!("{number}{name} {reason:?}{advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_the_setting_that_lifts_it() {
        let told = |request, answer: &str| {
            Error::Refused {
                request,
                answer: answer.to_owned(),
            }
            .to_string()
        };
        let many = r#"{"type":"TooManyRequests","retry_after":7}"#;
        assert!(told("Login", many).contains("`limits.logins_per_address`"));
        assert!(told("RefreshToken", many).contains("`limits.presentations_per_session`"));
        let unknown = r#"{"type":"InvalidPassword"}"#;
        assert!(told("Login", unknown).contains("`registration` to \"open\""));
        assert_eq!(
            told("Revoke", "{}"),
            "the server answered {} to Revoke",
            "nothing to set"
        );
    }

    #[test]
    fn a_close_is_told_with_its_name_and_what_helps() {
        let error = Error::Closed {
            code: Some(4429),
            reason: "address".to_owned(),
        };
        let text = error.to_string();
        assert!(text.contains("4429 (TooMany) \"address\""), "{text}");
        assert!(text.contains("--sources"), "{text}");
    }
}
