//! Session authentication for WebSockets: a client logs in once, over the socket, and the connection is the session.
//!
//! [`Handfast`] is one node: it gives an axum [`Router`] to mount in a program of your own, and for each authenticated
//! connection a [`Session`] to receive from and send to.
//!
//! ```no_run
//! use handfast::{Application, Handfast, Serving};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let handfast = Handfast::open("handfast-data")?
//!     .application(Application::program(|mut session| async move {
//!         while let Some(frame) = session.recv().await {
//!             if session.send(frame).is_err() {
//!                 return;
//!             }
//!         }
//!     }))
//!     .start()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:9001").await?;
//! handfast::serve(listener, handfast.router(), Serving::default(), std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
//!
//! It may also be mounted in a server that axum itself runs; serve that with
//! `into_make_service_with_connect_info::<SocketAddr>()`, for the limits of each address.

mod address;
mod alarm;
pub mod audit;
mod builder;
mod changes;
pub mod clock;
mod cookie;
mod counts;
pub mod credentials;
mod drain;
mod driver;
mod follow;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hub;
pub mod keys;
mod limiter;
mod node;
mod operate;
mod origin;
pub mod password;
mod proof;
pub mod random;
mod ready;
mod serve;
mod session;
mod settings;
pub mod tls;
pub mod token;
pub mod trace;
mod upgrade;
mod upkeep;
pub mod username;

pub use address::AddressLimits;
pub use builder::{ACCOUNTS_FILE, Builder, KEYS_FILE, LEDGER_FILE, StartError};
pub use counts::{Counts, LoginResult};
pub use handfast_core::{
    framing::Frame,
    limits::{ConnectionLimits, TokenDelivery},
    message::Secret,
    rate::Rate,
    session::{Revocation, RevocationReason, SessionId, TokenPolicy},
    time::Timestamp,
};
pub use handfast_ledger::fanout;
pub use operate::{
    AccountError, AccountStatus, AccountsDesk, Introspection, SessionEnd, SessionStatus,
};
pub use origin::AllowedOrigins;
pub use ready::NotReady;
pub use serve::{LiveServing, Serving, serve};
pub use session::{Application, Program, SendError, Session, SessionSender};
pub use settings::{LoginLimits, Rates, Settings, TransportLimits};

use axum::{
    Router,
    routing::{any, post},
};
use handfast_ledger::Ledger;
#[cfg(feature = "postgres")]
pub use handfast_ledger::{InvalidPostgresUrl, PostgresUrl};
use node::Node;
use std::{path::Path, sync::Arc};
use token::TokenIssuer;

/// One running node. Clones are handles to the same one; it ends with the last of them and the last connection.
#[derive(Clone, Debug)]
pub struct Handfast {
    node: Arc<Node>,
}

impl Handfast {
    /// A node on the embedded ledger in the folder `data`, which is made if it is not there. Set it up further, then
    /// [`start`](Builder::start) it.
    ///
    /// # Errors
    /// [`StartError`], which names the file.
    pub fn open(data: impl AsRef<Path>) -> Result<Builder, StartError> {
        Builder::open(data.as_ref())
    }

    /// A node on a PostgreSQL database, which any number of nodes share; its keys are in the folder `data`, and every
    /// node must be given the same. The tables are made where there are none. Set it up further, then
    /// [`start`](Builder::start) it.
    ///
    /// This waits for the database on a thread of its own, for a few seconds at most.
    ///
    /// # Errors
    /// [`StartError`], which names the database without who asks.
    #[cfg(feature = "postgres")]
    pub fn open_postgres(data: impl AsRef<Path>, url: &PostgresUrl) -> Result<Builder, StartError> {
        Builder::open_postgres(data.as_ref(), url)
    }

    /// The routes of the WebSocket endpoint, `/ws` and `/ws/`, and in cookie delivery that of `/session/cookie`.
    pub fn router(&self) -> Router {
        let endpoint = Router::new()
            .route("/ws", any(upgrade::upgrade))
            .route("/ws/", any(upgrade::upgrade));
        let router = match self.node.settings.current().connection.delivery {
            TokenDelivery::Message => endpoint,
            TokenDelivery::Cookie => {
                let cookie = post(cookie::exchange).delete(cookie::clear);
                endpoint.route("/session/cookie", cookie)
            }
        };
        router.with_state(Arc::clone(&self.node))
    }

    /// Goes on with other settings, all of them at once. Requests from now on are held to them. A connection that is
    /// open keeps its times, its number of invalid requests and what its client was told of the heartbeat; its bytes,
    /// rates and tokens are the new settings' concern. How tokens are delivered stays what it was when the node started.
    pub fn change_settings(&self, settings: Settings) {
        let delivery = self.node.settings.current().connection.delivery;
        let connection = ConnectionLimits {
            delivery,
            ..settings.connection
        };
        self.node.ledger.set_policy(settings.tokens);
        self.node.settings.replace(Settings {
            connection,
            ..settings
        });
    }

    /// The node's ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.node.ledger
    }

    /// What signs and verifies the node's tokens.
    #[must_use]
    pub fn tokens(&self) -> &TokenIssuer {
        &self.node.tokens
    }

    /// How the node tells others, if it does.
    #[must_use]
    pub fn fanout(&self) -> Option<&fanout::Publisher> {
        self.node.fanout.as_deref()
    }

    /// How many connections there are now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.node.hub.count()
    }

    /// What this node did since its start. The [ledger](Self::ledger) has counts of its own.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let node = &self.node;
        let hash_queue = node.accounts.as_ref().map_or(0, |it| it.hash_queue());
        node.tally.counts(node.hub.count(), hash_queue)
    }

    /// How many refusals were not given to the [auditor](audit::Auditor), because their address caused more in a minute
    /// than are recorded, at no cost to itself.
    #[must_use]
    pub fn left_out_of_audit(&self) -> u64 {
        self.node.audit.left_out()
    }

    /// Whether clients can be served: whether the ledger takes what has to be stored, and what happens can be recorded if
    /// it must. The ledger says so within two seconds, and however many ask at once, it is asked once.
    ///
    /// # Errors
    /// [`NotReady`], which says why not.
    pub async fn ready(&self) -> Result<(), NotReady> {
        let node = &self.node;
        node.readiness.ask(&node.ledger).await?;
        if node.audit.can_record() {
            Ok(())
        } else {
            Err(NotReady::Unrecorded)
        }
    }
}
