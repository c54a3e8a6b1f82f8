//! Answers from the data, where no server runs.

use super::{ANSWER_BYTES, DeskError, Request};
use crate::{admin, audit::AuditStream, config::Config, serve};
use axum::{Router, body::Body, http, http::StatusCode};
use handfast::StartError;
use handfast_ledger::OpenError;
use std::net::SocketAddr;
use tokio::runtime::Runtime;
use tower_service::Service as _;

/// A server that listens nowhere.
#[derive(Debug)]
pub(super) struct Local {
    router: Router,
    audit: Option<AuditStream>,
}

impl Local {
    /// Opens the data; `address` is where a server was looked for.
    pub(super) fn open(
        runtime: &Runtime,
        config: &Config,
        address: SocketAddr,
    ) -> Result<Self, DeskError> {
        let refused = |error| match error {
            StartError::Database(source @ OpenError::InUse { .. }) => {
                DeskError::Elsewhere { address, source }
            }
            other => DeskError::Start(other),
        };
        let builder = serve::open(config).map_err(refused)?;
        // Only now is it sure that nobody else writes it.
        let audit = AuditStream::open(config).map_err(DeskError::Audit)?;
        let start = async { serve::set_up(builder, config, audit.as_ref())?.start() };
        let handfast = runtime.block_on(start).map_err(refused)?;
        Ok(Self {
            router: admin::endpoints(admin::Admin::new(handfast, audit.clone())),
            audit,
        })
    }

    pub(super) async fn ask(&self, request: Request) -> Result<(StatusCode, Vec<u8>), DeskError> {
        let Request { method, path, body } = request;
        let mut built = http::Request::builder().method(method).uri(path);
        if body.is_some() {
            built = built.header(http::header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = built.body(body).map_err(broken)?;
        let Ok(response) = self.router.clone().call(request).await;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), ANSWER_BYTES).await;
        Ok((status, body.map_err(broken)?.into()))
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Some(audit) = &self.audit {
            audit.close();
        }
    }
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DeskError {
    DeskError::Broken(error.into())
}
