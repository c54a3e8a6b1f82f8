//! Connections to a database, and the runtime that drives them while somebody waits for an answer.

use super::{fault::Failure, hosts::Hosts, url::PostgresUrl};
use crate::error::{DatabaseError, StorageError, StorageFault};
use std::{error::Error, fmt, future::Future, io, thread, time::Duration};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long the server may take for its answers to one pipeline. Its own limits below are shorter, so this is about a
/// server that hangs or cannot be reached any more, and about a synchronous standby that does not answer a commit.
pub(crate) const ANSWER_PATIENCE: Duration = Duration::from_secs(8);

/// How often a task gives way until all others have seen what came in: once to learn of it, once to read it.
const YIELDS: usize = 2;

/// What every connection begins with.
///
/// - A transaction whose client falls silent (a node that was frozen) is ended after two seconds; who waits for its
///   locks waits longer than that, so that it only waits.
/// - `synchronous_commit` stays the operator's as long as it means that a commit is flushed, and flushed by the
///   synchronous standbys, where there are any. It is set also where it does: else a reload of the server's configuration
///   would change it for connections that are open.
/// - Every statement finds its rows by an index, however small a table was when its plan was made; plans are kept.
const SETTINGS: &str = "\
    SET statement_timeout = '5s'; \
    SET lock_timeout = '4s'; \
    SET idle_in_transaction_session_timeout = '2s'; \
    SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
        WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false); \
    SET plan_cache_mode = force_generic_plan; \
    SET enable_seqscan = off; \
    SET jit = off; \
    SET client_min_messages = warning";

/// How to connect to one database. Whoever waits for an answer drives all its connections meanwhile.
pub(crate) struct Database {
    url: PostgresUrl,
    hosts: Hosts,
    tls: MakeRustlsConnect,
    runtime: Option<Runtime>,
}

impl Database {
    pub(crate) fn new(url: &PostgresUrl) -> Result<Self, DatabaseError> {
        let storage = |cause: Box<dyn Error + Send + Sync>| DatabaseError::Tls {
            database: url.place().into(),
            source: StorageError::new(StorageFault::Other, cause),
        };
        let tls = url.connector()?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|cause| storage(cause.into()))?;
        Ok(Self {
            url: url.clone(),
            hosts: url.hosts(),
            tls,
            runtime: Some(runtime),
        })
    }

    /// The database's place, for messages.
    pub(crate) fn place(&self) -> Box<str> {
        self.url.place().into()
    }

    /// A new connection to the first host that takes writes.
    pub(crate) fn connect(&self) -> Result<Client, Failure> {
        let Some(runtime) = &self.runtime else {
            return Err(Failure::timed_out());
        };
        let connect = async |host: Config| {
            let (client, connection) = host.connect(self.tls.clone()).await?;
            // It ends with its client, or with the connection, which the client then tells of.
            drop(tokio::spawn(connection));
            client.batch_execute(SETTINGS).await?;
            Ok(client)
        };
        runtime.block_on(self.hosts.connect(connect, Failure::timed_out))
    }

    /// Waits for an answer of the server.
    pub(crate) fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.wait_for(ANSWER_PATIENCE, answer)
    }

    pub(crate) fn wait_for<T>(
        &self,
        patience: Duration,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(runtime) = &self.runtime else {
            return Err(Failure::timed_out());
        };
        runtime.block_on(async {
            let answer = tokio::time::timeout(patience, answer).await;
            answer.unwrap_or_else(|_| Err(Failure::timed_out()))
        })
    }

    /// Whether the server hung up meanwhile.
    pub(crate) fn is_lost(&self, client: &Client) -> bool {
        self.catch_up();
        client.is_closed()
    }

    /// Lets happen what came due while nobody waited.
    pub(crate) fn catch_up(&self) {
        if let Some(runtime) = &self.runtime {
            runtime.block_on(async {
                for _ in 0..YIELDS {
                    tokio::task::yield_now().await;
                }
            });
        }
    }

    /// Begins something that ends by itself after `span`.
    pub(crate) fn pause(&self, span: Duration) -> Option<tokio::task::JoinHandle<()>> {
        let runtime = self.runtime.as_ref()?;
        Some(runtime.spawn(async move { tokio::time::sleep(span).await }))
    }

    /// What a failure to connect or to look at the schema says about the database.
    pub(crate) fn refusal(&self, failure: Failure) -> DatabaseError {
        let database = self.place();
        let source = failure.cause;
        let code = code_of(&source);
        let class = code.as_ref().and_then(|code| code.code().get(..2));
        match (class, code.as_ref()) {
            (Some("28"), _) => DatabaseError::Denied { database, source },
            (_, Some(&SqlState::INVALID_CATALOG_NAME)) => {
                DatabaseError::Missing { database, source }
            }
            (_, Some(&SqlState::INSUFFICIENT_PRIVILEGE)) => {
                DatabaseError::Forbidden { database, source }
            }
            (None | Some("08" | "53" | "57"), _) if !is_about_tls(&source) => {
                DatabaseError::Unreachable { database, source }
            }
            (None, _) => DatabaseError::Tls { database, source },
            (Some(_), _) => DatabaseError::Storage { database, source },
        }
    }
}

/// The server's error code, if the server said anything.
fn code_of(cause: &StorageError) -> Option<SqlState> {
    let cause = cause.source()?.downcast_ref::<tokio_postgres::Error>()?;
    cause.code().cloned()
}

/// Whether the server was there, and only did not agree about TLS.
fn is_about_tls(cause: &StorageError) -> bool {
    let mut causes = std::iter::successors(cause.source(), |cause| (*cause).source());
    causes.any(|cause| {
        let inner = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        inner.is_some_and(|inner| inner.is::<rustls::Error>()) || cause.to_string().contains("TLS")
    })
}

/// Runs what waits for a server on a thread of its own, for the caller's may belong to an executor.
pub(crate) fn aside<T: Send>(
    database: &str,
    work: impl FnOnce() -> Result<T, DatabaseError> + Send,
) -> Result<T, DatabaseError> {
    let failed = |what: &'static str| DatabaseError::Storage {
        database: database.into(),
        source: StorageError::new(StorageFault::Other, what),
    };
    thread::scope(|scope| {
        let done = scope.spawn(work).join();
        done.unwrap_or_else(|_| Err(failed("opening it panicked")))
    })
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Whoever drops it may be on an executor's thread, where nothing may be waited for.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
