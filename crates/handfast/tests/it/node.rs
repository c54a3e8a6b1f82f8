//! A node of the test's own, on a free port and in a folder that goes with it.

use crate::client::{Client, PATIENCE};
use handfast::{
    Application, Builder, Handfast, LiveServing, Settings,
    credentials::{PasswordSettings, Registration},
    password::HashCost,
};
use std::{
    future::poll_fn,
    net::{SocketAddr, TcpStream},
    pin::Pin,
    sync::{Arc, Barrier},
    task::Poll,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};
use tungstenite::client::IntoClientRequest as _;

/// How many threads run a node's connections.
const WORKERS: usize = 2;

/// A running node. Dropping it stops it at once, as a crash would.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) handfast: Handfast,
    runtime: Option<Runtime>,
    _folder: Option<TempDir>,
}

/// How a node is to be.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) registration: Registration,
    pub(crate) application: Application,
    pub(crate) serving: LiveServing,
}

impl Default for Plan {
    fn default() -> Self {
        let mut settings = Settings::default();
        settings.rates.logins_per_account = None;
        settings.rates.logins_per_address = None;
        Self {
            settings,
            registration: Registration::Open,
            application: Application::None,
            serving: LiveServing::default(),
        }
    }
}

impl Plan {
    /// The defaults, but for what `change` does to the settings.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut plan = Self::default();
        change(&mut plan.settings);
        plan
    }

    /// Starts a node in a folder of its own.
    pub(crate) fn start(self) -> Node {
        let folder = tempfile::tempdir().unwrap();
        let mut node = self.start_in(&folder);
        node._folder = Some(folder);
        node
    }

    /// Starts a node in this folder.
    pub(crate) fn start_in(self, folder: &TempDir) -> Node {
        let builder = Handfast::open(folder.path().join("data")).unwrap();
        self.start_on(builder)
    }

    /// Starts a node on parts of the test's own.
    pub(crate) fn start_on(self, builder: Builder) -> Node {
        let runtime = runtime();
        let (address, handfast) = runtime.block_on(async {
            let passwords = PasswordSettings {
                registration: self.registration,
                cost: HashCost {
                    memory_kib: 8,
                    iterations: 1,
                    parallelism: 1,
                },
                ..PasswordSettings::default()
            };
            let handfast = builder
                .settings(self.settings)
                .passwords(passwords)
                .application(self.application)
                .start()
                .unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let serving = handfast::serve(
                listener,
                handfast.router(),
                self.serving,
                std::future::pending(),
            );
            drop(tokio::spawn(serving));
            (address, handfast)
        });
        Node {
            address,
            handfast,
            runtime: Some(runtime),
            _folder: None,
        }
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .unwrap()
}

impl Node {
    /// A node with the defaults.
    pub(crate) fn start() -> Self {
        Plan::default().start()
    }

    /// A new connection in the plain framing.
    pub(crate) fn plain(&self) -> Client {
        Client::connect(self.address, None)
    }

    /// The same, of a client of which a proxy says that it is at `address`.
    pub(crate) fn plain_from(&self, address: &str) -> Client {
        let url = format!("ws://{}/ws/", self.address);
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("X-Forwarded-For", address.parse().unwrap());
        let stream = TcpStream::connect(self.address).unwrap();
        Client::requesting(stream, request, None).0
    }

    /// A new connection in the `handfast.v1` framing, past its `Hello`.
    pub(crate) fn v1(&self) -> Client {
        let mut client = Client::connect(self.address, Some("handfast.v1"));
        assert_eq!(client.receive()["type"], "Hello");
        client
    }

    /// Waits until the node's fan-out is connected, or not.
    pub(crate) fn until_connected(&self, connected: bool) {
        self.block_on(self.handfast.fanout().unwrap().until_connected(connected));
    }

    /// Does `meanwhile` while nothing of what serves connections runs, as if the process were stopped.
    pub(crate) fn frozen<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        let stopped = Arc::new(Barrier::new(WORKERS + 1));
        for _ in 0..WORKERS {
            let stopped = Arc::clone(&stopped);
            drop(self.runtime.as_ref().unwrap().spawn(async move {
                stopped.wait();
                stopped.wait();
            }));
        }
        stopped.wait();
        let done = meanwhile();
        stopped.wait();
        done
    }

    /// Looks once whether something is done, in the node's runtime.
    pub(crate) fn is_done<F: Future>(&self, mut future: Pin<&mut F>) -> bool {
        self.block_on(poll_fn(|context| {
            Poll::Ready(future.as_mut().poll(context).is_ready())
        }))
    }

    /// Runs something in the node's runtime.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.as_ref().unwrap().block_on(future)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Nothing is said to anybody, as in a crash.
        self.runtime.take().unwrap().shutdown_timeout(PATIENCE);
    }
}
