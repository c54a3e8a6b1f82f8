//! Where the commands for operators get their answers: the running server, or the data where none runs.
//!
//! Both are asked the same requests of `/admin/v1`. Where nobody listens, this process opens the data itself, as a
//! server that listens nowhere: it holds the ledger's lock, so no server starts meanwhile, and it decides by the same
//! code. While a person is asked, nothing is open.

mod failure;
mod local;
mod remote;

pub(super) use failure::DeskError;
pub(super) use remote::reachable;

use super::{failure::Failure, prompt};
use crate::{admin, config::Config, data::DataFolder};
use axum::http::Method;
use local::Local;
use remote::Remote;
use serde_json::Value;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long an answer may take. Hashing may wait for other logins.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest answer, in bytes: a thousand sessions, with room.
const ANSWER_BYTES: usize = 4 << 20;

/// Where requests are answered.
#[derive(Debug)]
pub(super) struct Desk {
    runtime: Runtime,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Remote(Remote),
    Local(Local),
}

/// What a request asks.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

impl Request {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            body: None,
        }
    }

    pub(super) fn with(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }
}

/// Whether a data folder that is not there may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// An account can be made before the first start.
    Make,
    /// There is nothing to look at or to end.
    Refuse,
}

impl Desk {
    /// Finds who answers.
    pub(super) fn open(config: &Config, missing: Missing) -> Result<Self, DeskError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(DeskError::Runtime)?;
        let address = reachable(config.admin.listen);
        let place = if runtime.block_on(remote::is_there(address)) {
            Place::Remote(Self::remote(config, address)?)
        } else {
            if missing == Missing::Refuse && !config.data.exists() {
                let data = config.data.clone();
                return Err(DeskError::Nobody { address, data });
            }
            Place::Local(Local::open(&runtime, config, address)?)
        };
        Ok(Self { runtime, place })
    }

    /// Has a person confirm what cannot be undone, unless `yes` says so beforehand. A server may start meanwhile.
    pub(super) fn confirmed(self, config: &Config, what: &str, yes: bool) -> Result<Self, Failure> {
        if yes {
            return Ok(self);
        }
        drop(self);
        prompt::confirm(what, false)?;
        Ok(Self::open(config, Missing::Refuse)?)
    }

    fn remote(config: &Config, address: std::net::SocketAddr) -> Result<Remote, DeskError> {
        if config.tls.is_some() && !config.admin.listen.ip().is_loopback() {
            return Err(DeskError::OverTls { address });
        }
        let file = config.admin.token_file.clone();
        let file = file.unwrap_or_else(|| DataFolder(&config.data).admin_token());
        let token = admin::read_token(&file)?;
        Ok(Remote::new(address, token))
    }

    /// Whether the running server answers; else this process does, from the data.
    pub(super) fn is_remote(&self) -> bool {
        match self.place {
            Place::Remote(_) => true,
            Place::Local(_) => false,
        }
    }

    /// Asks. What has no body is answered with `null`.
    pub(super) fn ask(&self, request: Request) -> Result<Value, DeskError> {
        let answer = async {
            match &self.place {
                Place::Remote(remote) => remote.ask(request).await,
                Place::Local(local) => local.ask(request).await,
            }
        };
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(ANSWER, answer).await });
        let (status, body) = answer.map_err(|_| DeskError::TooSlow)??;
        let value = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).map_err(|_| DeskError::NotHandfast)?
        };
        if status.is_success() {
            Ok(value)
        } else {
            Err(DeskError::of_problem(&value))
        }
    }
}
