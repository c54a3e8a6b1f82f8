//! What operators ask, endpoint by endpoint, over real HTTP.

mod access;
mod introspect;
mod metrics;
mod openapi;
mod sessions;
mod subjects;
mod tls;

use crate::{
    client::{Client, login},
    server::Server,
};
use handfast_ledger::conformance::service::PostgresServer;
use serde_json::Value;
use std::ops::Deref;
use tempfile::TempDir;

/// Where the server of a test keeps sessions and accounts.
#[derive(Clone, Copy)]
enum Ledger {
    Sqlite,
    Postgres,
}

/// A server, and a folder that goes with it.
struct Place {
    server: Server,
    _folder: TempDir,
}

impl Ledger {
    /// Starts a server on an empty ledger, with these variables set.
    fn serve(self, variables: &[(&str, &str)]) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let server = match self {
            Self::Sqlite => Server::start(folder.path(), variables),
            Self::Postgres => {
                let database = PostgresServer::shared().database();
                let url = ("HANDFAST_LEDGER__URL", database.expose());
                Server::start(folder.path(), &[&[url], variables].concat())
            }
        };
        Place {
            server,
            _folder: folder,
        }
    }
}

impl Deref for Place {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// Makes a test of each of these functions, on the embedded ledger, and one of all of them, on one PostgreSQL.
macro_rules! on_both_ledgers {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[test]
                fn $test() {
                    super::$test(super::Ledger::Sqlite);
                }
            )*
        }

        #[test]
        fn all_of_this_holds_on_postgresql_too() {
            $($test(Ledger::Postgres);)*
        }
    };
}
use on_both_ledgers;

/// Logs in on a connection of its own.
fn logged_in(server: &Server, username: &str) -> (Client, Value) {
    let mut client = Client::connect(server.address).unwrap();
    let answer = client.ask(&login(username)).unwrap();
    (client, answer)
}
