//! The servers that tests start for themselves.

use handfast_ledger::conformance::service::{PostgresServer, Shutdown};
use std::net::TcpStream;

#[test]
fn a_server_has_its_data_after_a_crash_and_is_gone_when_it_is_dropped() {
    let server = PostgresServer::start();
    let port = server.port();
    let database = server.database();
    assert_ne!(server.database(), database);
    database.query("CREATE TABLE kept (number integer)");
    database.query("INSERT INTO kept VALUES (7)");
    server.stop(Shutdown::Immediate);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    server.start_again();
    assert_eq!(database.query("SELECT number FROM kept"), "7");
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn the_url_of_a_database_shows_its_password_to_no_log() {
    let database = PostgresServer::shared().database();
    assert!(database.expose().contains("open-sesame"));
    assert!(!format!("{database:?}").contains("open-sesame"));
}
