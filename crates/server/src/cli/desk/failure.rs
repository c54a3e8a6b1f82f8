//! Why a request was not answered as hoped.

use crate::{admin::TokenError, audit::AuditError};
use handfast::StartError;
use handfast_ledger::OpenError;
use serde_json::Value;
use std::{io, net::SocketAddr, path::PathBuf};

/// Why the operator's wish was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// There is neither a server nor data.
    #[error("no server answers at {address}, and there is no data folder {}", data.display())]
    Nobody { address: SocketAddr, data: PathBuf },
    /// The token of this data folder.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The server answers, and says no.
    #[error("{detail}")]
    Refused { code: String, detail: String },
    /// What the command does could not be recorded.
    #[error(transparent)]
    Audit(AuditError),
    /// The data cannot be opened.
    #[error(transparent)]
    Start(StartError),
    /// A server holds the data, and is somewhere else.
    #[error("{source}, and nothing answers at {address}")]
    Elsewhere {
        address: SocketAddr,
        source: OpenError,
    },
    /// Operators are spoken to by TLS only.
    #[error("the server speaks TLS to operators at {address}, which this command does not")]
    OverTls { address: SocketAddr },
    /// Something answers that is no handfast.
    #[error("what answers there is no handfast, or one of another version")]
    NotHandfast,
    /// The connection broke.
    #[error("the server went away before it answered")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nothing came.
    #[error("no answer came in time")]
    TooSlow,
    /// The machine.
    #[error("this cannot be done here")]
    Runtime(#[source] io::Error),
}

impl DeskError {
    pub(super) fn of_problem(problem: &Value) -> Self {
        let text = |name: &str| problem[name].as_str().map(str::to_owned);
        match (text("code"), text("detail")) {
            (Some(code), Some(detail)) => Self::Refused { code, detail },
            _ => Self::NotHandfast,
        }
    }

    /// What to do about it, where the message does not say that already.
    pub(crate) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Nobody { .. } => {
                Some("give the --config or --data, and the --admin, that the server has")
            }
            Self::Elsewhere { .. } => Some("give the --admin, or the --config, that it has"),
            Self::Refused { code, .. } if code == "token_wrong" => {
                Some("the server has another data folder: give its --config or --data")
            }
            Self::OverTls { .. } => Some(
                "let `admin.listen` be at 127.0.0.1, or ask it with another client: /admin/v1/openapi.json",
            ),
            Self::NotHandfast => Some("`admin.listen`, or --admin, says where the server is"),
            Self::Audit(_) => {
                Some("let this user write there, or set `audit.path` to another place")
            }
            Self::Broken(_) | Self::TooSlow => {
                Some("it may be done, or still be done: give the command again")
            }
            Self::Token(_) | Self::Refused { .. } | Self::Start(_) | Self::Runtime(_) => None,
        }
    }
}
