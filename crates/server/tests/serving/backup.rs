//! Backups as `docs/guide/deploying.md` has them, and what a restored one means.

use crate::{
    client::{Client, login, present},
    server::Server,
};
use handfast_ledger::conformance::service::PostgresServer;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

const GUIDE: &str = include_str!("../../../../docs/guide/deploying.md");
/// What the guide backs up, and where it puts it.
const DATA: &str = "/var/lib/handfast/";
const BACKUP: &str = "/backup/";
const ROLLS_FORWARD: (&str, &str) = ("HANDFAST_LEDGER__ROLL_FORWARD", "true");

/// Runs the block of the guide that has a line beginning with `start`, on folders of the test's own, as somebody whose
/// files others may read.
fn follow(start: &str, folder: &Path, url: &str) {
    let mut blocks = GUIDE.split("```").filter_map(|it| it.strip_prefix("sh\n"));
    let block = blocks.find(|block| block.lines().any(|line| line.starts_with(start)));
    let block = block.unwrap_or_else(|| panic!("the guide does not say {start}"));
    let data = format!("{}/data/", folder.display());
    let backup = format!("{}/", folder.display());
    let here = block.replace(DATA, &data).replace(BACKUP, &backup);
    let here = format!("umask 022\n{here}");
    let mut shell = Command::new("sh");
    let output = shell.args(["-ec", &here]).env("URL", url).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{here}: {said}");
}

/// That only its owner can read a file.
fn assert_private(file: &Path) {
    let mode = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", file.display());
}

/// Two clients with sessions of their own, and what they got last.
struct Clients {
    ada: Client,
    ada_token: Value,
    bob: Client,
    bob_token: Value,
}

impl Clients {
    fn log_in(server: &Server) -> Self {
        let enter = |name: &str| {
            let mut client = Client::connect(server.address).unwrap();
            let token = client.ask(&login(name)).unwrap()["token"].clone();
            (client, token)
        };
        let ((ada, ada_token), (bob, bob_token)) = (enter("ada"), enter("bob"));
        Self {
            ada,
            ada_token,
            bob,
            bob_token,
        }
    }

    /// What happens after the backup: one rotates twice, the other logs out.
    fn go_on(&mut self) {
        for attempt in ["ada's first attempt key", "ada's second attempt key"] {
            let answer = self.ada.ask(&present(&self.ada_token, attempt)).unwrap();
            self.ada_token = answer["token"].clone();
        }
        let answer = self.bob.ask(&json!({"type": "Logout"})).unwrap();
        assert_eq!(answer["type"], "LoggedOut");
    }

    /// A restored ledger does not know the one's token, unless it rolls forward, and knows the other's session as alive.
    fn come_back(&self, start: impl Fn(&[(&str, &str)]) -> Server) {
        let answer = presented(&start(&[]), &self.ada_token);
        assert_eq!(answer["reason"], "unknown", "{answer}");
        let server = start(&[ROLLS_FORWARD]);
        let answer = presented(&server, &self.ada_token);
        assert_eq!(
            (&answer["type"], &answer["generation"]),
            (&json!("Success"), &json!(3))
        );
        let answer = presented(&server, &self.bob_token);
        assert_eq!(answer["type"], "Success", "it has forgotten the logout");
    }
}

fn presented(server: &Server, token: &Value) -> Value {
    let mut client = Client::connect(server.address).unwrap();
    client
        .ask(&present(token, "an attempt key of today"))
        .unwrap()
}

#[test]
fn an_embedded_ledger_is_restored_from_a_backup_that_was_made_while_it_ran() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut clients = Clients::log_in(&server);
    follow("sqlite3 ", folder.path(), "");
    clients.go_on();
    server.kill();

    let restored = tempfile::tempdir().unwrap();
    let data = restored.path().join("data");
    fs::create_dir(&data).unwrap();
    for file in ["ledger.db", "accounts.db", "keys.jwks"] {
        assert_private(&folder.path().join(file));
        fs::copy(folder.path().join(file), data.join(file)).unwrap();
    }
    clients.come_back(|variables| Server::start(restored.path(), variables));
    fs::remove_file(data.join("keys.jwks")).unwrap();
    let answer = presented(&Server::start(restored.path(), &[]), &clients.ada_token);
    assert_eq!(
        answer["type"], "InvalidToken",
        "without the keys no token is good"
    );
}

#[test]
fn a_database_is_restored_from_a_backup_that_was_made_while_it_was_used() {
    let database = PostgresServer::shared().database();
    let folder = tempfile::tempdir().unwrap();
    let url = ("HANDFAST_LEDGER__URL", database.expose());
    let server = Server::start(folder.path(), &[url]);
    let mut clients = Clients::log_in(&server);
    follow("pg_dump ", folder.path(), database.expose());
    assert_private(&folder.path().join("handfast.dump"));
    clients.go_on();
    server.kill();

    follow("pg_restore ", folder.path(), database.expose());
    clients.come_back(|variables| {
        let variables: Vec<_> = [url].into_iter().chain(variables.iter().copied()).collect();
        Server::start(folder.path(), &variables)
    });
}
