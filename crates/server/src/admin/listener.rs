//! Where operators connect.

use super::{Admin, AdminToken, TokenError, router};
use crate::{config::Config, data::DataFolder};
use axum::Router;
use handfast::{LiveServing, Serving};
use std::{io, net::SocketAddr};
use tokio::net::TcpListener;

/// Why operators cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// Nobody can connect.
    #[error(
        "cannot listen at {address} for operators; `admin.listen`, or --admin, sets another place"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// The listener for operators, before it serves.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    router: Router,
    serving: LiveServing,
}

impl Listener {
    /// Listens as the configuration says. On the machine itself operators are spoken to without TLS, for the certificate
    /// is one of another name; elsewhere as clients are.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(crate) async fn open(
        config: &Config,
        endpoints: Admin,
        serving: LiveServing,
    ) -> Result<Self, AdminError> {
        let admin = &config.admin;
        let token = match &admin.token_file {
            Some(file) => AdminToken::load(file)?,
            None => AdminToken::load_or_create(&DataFolder(&config.data).admin_token())?,
        };
        let failed = |source| AdminError::Listen {
            address: admin.listen,
            source,
        };
        let listener = TcpListener::bind(admin.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let serving = if address.ip().is_loopback() {
            LiveServing::from(Serving {
                tls: None,
                ..Serving::clone(&serving.current())
            })
        } else {
            serving
        };
        let tls = serving.current().tls.is_some();
        tracing::info!(%address, tls, "operators can connect");
        Ok(Self {
            listener,
            router: router(endpoints, token),
            serving,
        })
    }

    /// Serves operators as long as the process lives, while it drains as well.
    pub(crate) async fn serve(self) {
        let never = std::future::pending();
        handfast::serve(self.listener, self.router, self.serving, never).await;
    }
}
