//! `/admin/v1/openapi.json`.

use crate::{http::Request, server::Server};
use std::collections::BTreeSet;

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
            let refused = &operation["responses"]["401"]["$ref"];
            assert_eq!(
                refused, "#/components/responses/Unauthorized",
                "{method} {path}"
            );
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
