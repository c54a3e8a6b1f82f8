//! What may be opened, and what a refusal says.

use crate::scratch::{Scratch, url};
use handfast_ledger::{
    DatabaseError, OpenError, Postgres, PostgresUrl,
    accounts::PostgresAccounts,
    conformance::{
        Fixture,
        service::{PostgresServer, Shutdown},
        start,
    },
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{sync::Barrier, thread};

fn refusal(url: &PostgresUrl) -> DatabaseError {
    let refusal = Postgres::open(url).unwrap_err();
    let causes = std::iter::successors(Some::<&dyn std::error::Error>(&refusal), |it| it.source());
    let said: Vec<_> = causes.map(ToString::to_string).collect();
    assert!(!said.concat().contains("sesame"), "{said:?}");
    refusal
}

#[test]
fn nodes_that_start_at_once_make_the_tables_once() {
    let scratch = Scratch::empty();
    let begin = Barrier::new(6);
    thread::scope(|scope| {
        for index in 0..6 {
            let (scratch, begin) = (&scratch, &begin);
            scope.spawn(move || {
                begin.wait();
                if index % 2 == 0 {
                    drop(Postgres::open(&scratch.url()).unwrap());
                } else {
                    drop(PostgresAccounts::open(&scratch.url()).unwrap());
                }
            });
        }
    });
    let version = scratch
        .0
        .query("SELECT version FROM handfast.schema_version");
    assert_eq!(version, "1");
}

#[test]
fn a_tool_makes_no_tables() {
    let scratch = Scratch::empty();
    let refusal = Postgres::open_beside(&scratch.url()).unwrap_err();
    assert!(
        matches!(
            refusal,
            DatabaseError::Older {
                found: 0,
                known: 1,
                ..
            }
        ),
        "{refusal:?}"
    );
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'handfast'";
    assert_eq!(scratch.0.query(schemas), "0");
}

#[test]
fn a_newer_schema_and_a_foreign_one_are_refused_by_name_and_left_as_they_are() {
    let scratch = Scratch::empty();
    drop(scratch.open());
    scratch
        .0
        .query("UPDATE handfast.schema_version SET version = 7");
    let newer = refusal(&scratch.url());
    assert!(
        matches!(
            newer,
            DatabaseError::Newer {
                found: 7,
                known: 1,
                ..
            }
        ),
        "{newer:?}"
    );
    assert!(newer.to_string().contains("newer handfast"), "{newer}");
    let foreign = Scratch::empty();
    foreign
        .0
        .query("CREATE SCHEMA handfast CREATE TABLE sessions (x integer)");
    let refused = refusal(&foreign.url());
    assert!(
        matches!(refused, DatabaseError::Foreign { .. }),
        "{refused:?}"
    );
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'handfast'";
    assert_eq!(foreign.0.query(tables), "1");
}

#[test]
fn whoever_may_not_come_in_is_told_what_to_look_at() {
    let server = PostgresServer::shared();
    let database = server.database();
    let wrong = database.expose().replace("open-sesame", "close-sesame");
    let refused = refusal(&url(&wrong));
    assert!(
        matches!(refused, DatabaseError::Denied { .. }),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("ledger.url"), "{refused}");
    let refused = refusal(&url(server.url("nowhere").expose()));
    assert!(
        matches!(refused, DatabaseError::Missing { .. }),
        "{refused:?}"
    );
    database.query("CREATE ROLE guest LOGIN PASSWORD 'open-sesame'");
    let guest = database.expose().replace("handfast:", "guest:");
    let refused = refusal(&url(&guest));
    assert!(
        matches!(refused, DatabaseError::Forbidden { .. }),
        "{refused:?}"
    );
}

#[test]
fn a_server_that_is_not_there_may_come_and_says_so() {
    let server = PostgresServer::start();
    let database = server.database();
    server.stop(Shutdown::Fast);
    let refused = refusal(&url(database.expose()));
    assert!(
        matches!(refused, DatabaseError::Unreachable { .. }),
        "{refused:?}"
    );
    assert!(refused.may_pass());
    let place = format!("127.0.0.1:{}", server.port());
    assert!(refused.to_string().contains(&place), "{refused}");
    let refused = OpenError::from(refused);
    assert!(refused.to_string().contains("is it running"), "{refused}");
    server.start_again();
    drop(Postgres::open(&url(database.expose())).unwrap());
}

/// A certificate authority, and what it certified for 127.0.0.1: its own certificate, the server's, and the server's
/// key, all in PEM.
fn certified() -> (String, String, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let server = server.signed_by(&key, &issuer).unwrap().pem();
    (root, server, key.serialize_pem())
}

#[test]
fn a_certificate_is_verified_where_tls_is_asked_for() {
    let (root, certificate, key) = certified();
    let folder = tempfile::tempdir().unwrap();
    let root_file = folder.path().join("root.pem");
    std::fs::write(&root_file, root).unwrap();
    let settings = [
        ("ssl", "on"),
        ("ssl_cert_file", "server.pem"),
        ("ssl_key_file", "server.key"),
    ];
    let files = [
        ("server.pem", certificate.as_bytes()),
        ("server.key", key.as_bytes()),
    ];
    let server = PostgresServer::start_with_files(&settings, &files);
    let database = server.database();
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
        WHERE ssl AND application_name = 'handfast'";
    let with = |parameters: &str| url(&format!("{}?{parameters}", database.expose()));
    let trusting = format!("sslmode=verify-full&sslrootcert={}", root_file.display());
    let ledger = start(Postgres::open(&with(&trusting)).unwrap());
    ledger.check().wait().unwrap();
    assert_eq!(database.query(encrypted), "1");
    drop(ledger);
    let refused = refusal(&with("sslmode=require"));
    assert!(matches!(refused, DatabaseError::Tls { .. }), "{refused:?}");
    // Its name is not in the certificate.
    let elsewhere = with(&trusting).to_string();
    assert!(elsewhere.contains("127.0.0.1"));
    let by_name = database.expose().replace("127.0.0.1", "localhost");
    let refused = refusal(&url(&format!("{by_name}?{trusting}")));
    assert!(matches!(refused, DatabaseError::Tls { .. }), "{refused:?}");
    // Encrypted where it can be, verified by nobody.
    let ledger = start(Postgres::open(&with("sslmode=prefer")).unwrap());
    ledger.check().wait().unwrap();
    assert_eq!(database.query(encrypted), "1");
    drop(ledger);
    let plain = PostgresServer::shared().database();
    let refused = refusal(&url(&format!("{}?{trusting}", plain.expose())));
    assert!(matches!(refused, DatabaseError::Tls { .. }), "{refused:?}");
}
