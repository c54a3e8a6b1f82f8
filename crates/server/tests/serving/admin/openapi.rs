//! `/admin/v1/openapi.json`.

use super::logged_in;
use crate::{http::Request, server::Server};
use std::{collections::BTreeSet, fs, process::Command};

#[test]
fn the_document_describes_every_endpoint_once_and_with_its_refusals() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let document = server
        .operate(Request::get("/admin/v1/openapi.json"))
        .json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(operations.insert(name.to_owned()), "{name} is there twice");
            assert!(operation["summary"].is_string(), "{method} {path}");
            for (status, answer) in [("401", "Unauthorized"), ("408", "TooSlow")] {
                let refused = &operation["responses"][status]["$ref"];
                let answer = format!("#/components/responses/{answer}");
                assert_eq!(*refused, answer, "{method} {path}");
            }
        }
    }
    let expected = [
        "createSubject",
        "disableSubject",
        "enableSubject",
        "introspect",
        "listRecords",
        "listSessions",
        "listSubjects",
        "revokeSession",
        "revokeSessions",
        "setPassword",
        "showSession",
        "showSubject",
    ];
    assert_eq!(operations, expected.map(str::to_owned).into());
}

/// What a valid user name or password is, no schema can say, so a refusal of one that seems valid is no fault.
const CHECKS: [&str; 2] = ["--exclude-checks", "positive_data_acceptance"];
const REQUESTS: [&str; 4] = [
    "--phases",
    "examples,coverage,fuzzing",
    "--max-examples",
    "10",
];

/// Requests of every kind, right and wrong, to every endpoint: first about what is not there, then about what is.
#[test]
fn every_answer_is_as_the_document_describes_it() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("audit.jsonl");
    let record = [("HANDFAST_AUDIT__PATH", record.to_str().unwrap())];
    let server = Server::start(folder.path(), &record);
    let (_ada, login) = logged_in(&server, "ada");
    let (_bob, _) = logged_in(&server, "bob");
    let document = format!("http://{}/admin/v1/openapi.json", server.admin());
    let token = format!("Authorization: Bearer {}", server.token());
    let there = format!(
        "[parameters]\n\"path.session\" = {}\n\"path.subject\" = \"ada\"\n\"query.subject\" = \"ada\"\n",
        login["session"]
    );
    for parameters in ["", &there] {
        fs::write(folder.path().join("schemathesis.toml"), parameters).unwrap();
        let tested = Command::new("schemathesis")
            .args(["run", &document, "--header", &token])
            .args(CHECKS)
            .args(REQUESTS)
            .args(["--seed", "1", "--no-color"])
            .current_dir(&folder)
            .output()
            .expect("`cargo xtask test --only tests` installs schemathesis");
        let said = String::from_utf8(tested.stdout).unwrap();
        assert!(tested.status.success(), "{said}");
        assert!(said.contains("Tested: 12\n"), "{said}");
    }
}
