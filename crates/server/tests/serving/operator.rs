//! `handfast user` and `handfast session` beside a running server.

use crate::{
    client::{Client, login},
    server::Server,
};
use rustix::io::ioctl_fionread;
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
    thread,
};

/// The program, set up for a running server.
fn program(folder: &Path, server: &Server, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handfast"));
    command
        .args(line.split(' '))
        .arg("--admin")
        .arg(server.admin().to_string())
        .arg("--data")
        .arg(folder.join("data"))
        .env_clear();
    command
}

fn run(folder: &Path, server: &Server, stdin: &str, line: &str) -> (Option<i32>, String, String) {
    let mut child = program(folder, server, line)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(stdin.as_bytes())
        .unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn an_operator_adds_somebody_sees_the_session_and_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[("HANDFAST_REGISTRATION", "closed")]);
    let run = |stdin: &str, line: &str| run(folder.path(), &server, stdin, line);
    let added = run("correct horse\n", "user add ada --password-stdin");
    assert_eq!(added, (Some(0), "added ada\n".to_owned(), String::new()));
    let mut client = Client::connect(server.address).unwrap();
    let answer = client.ask(&login("ada")).unwrap();
    assert_eq!(answer["type"], "Success");
    let session = answer["session"].as_str().unwrap();
    let (_, listed, _) = run("", "session list ada");
    let line = listed.lines().nth(1).unwrap();
    assert!(
        line.starts_with(&format!("{session}  online  ")),
        "{listed}"
    );
    assert!(line.contains("  127.0.0.1  -"), "{listed}");
    let (_, listed, _) = run("", "session list ada --json");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["session"], answer["session"]);
    let ended = run("", &format!("session revoke {session} --yes"));
    assert_eq!(
        ended,
        (Some(0), "ended 1 session\n".to_owned(), String::new())
    );
    assert_eq!(client.closed(), 4403);
    let (_, listed, _) = run("", "session list ada");
    assert_eq!(listed, "there are no live sessions\n");
    let again = run("", &format!("session revoke {session} --yes"));
    assert_eq!(again.1, "nothing was left to end\n");
}

#[test]
fn a_disabled_user_is_off_at_once_and_another_password_takes_the_place_of_the_old() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let run = |stdin: &str, line: &str| run(folder.path(), &server, stdin, line);
    let mut client = Client::connect(server.address).unwrap();
    client.ask(&login("ada")).unwrap();
    let disabled = run("", "user disable ada --yes");
    assert_eq!(disabled.1, "disabled ada\nended 1 session\n");
    assert_eq!(client.closed(), 4403);
    run("", "user enable ada");
    let changed = run("battery staple\n", "user passwd ada --password-stdin");
    assert_eq!(changed.1, "changed ada\nended 0 sessions\n");
    let old = Client::connect(server.address)
        .unwrap()
        .ask(&login("ada"))
        .unwrap();
    assert_eq!(old["type"], "InvalidPassword");
    let new = json!({"type": "Login", "username": "ada", "password": "battery staple"});
    let new = Client::connect(server.address).unwrap().ask(&new).unwrap();
    assert_eq!(new["type"], "Success");
}

#[test]
fn the_token_of_another_folder_is_refused_with_what_to_do() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(folder.path(), &[]);
    let _stranger = Server::start(other.path(), &[]);
    let (code, out, err) = run(other.path(), &server, "", "user list");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        err.contains("not the operator's token") && err.contains("another data folder"),
        "{err}"
    );
}

#[test]
fn a_server_that_operators_reach_elsewhere_is_not_gone_round() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(folder.path(), &[]);
    let output = Command::new(env!("CARGO_BIN_EXE_handfast"))
        .args(["user", "list", "--admin", "127.0.0.1:1", "--data"])
        .arg(folder.path().join("data"))
        .env_clear()
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err.contains("in use by another handfast") && err.contains("--admin"),
        "{err}"
    );
}

#[test]
fn an_operator_looks_at_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let record = [("HANDFAST_AUDIT__PATH", path.to_str().unwrap())];
    let server = Server::start(folder.path(), &record);
    let run = |line: &str| run(folder.path(), &server, "", line);
    let mut client = Client::connect(server.address).unwrap();
    let answer = client.ask(&login("ada")).unwrap();
    let session = answer["session"].as_str().unwrap();
    run("session revoke --user ada --yes");
    let (code, shown, _) = run("audit --user ada --since 1h");
    assert_eq!(code, Some(0));
    let lines: Vec<_> = shown.lines().collect();
    let heading = ["TIME", "EVENT", "USER", "SESSION", "ADDRESS", "DETAIL"];
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), heading);
    assert!(
        lines[1].contains(&format!("registered  ada   {session}  127.0.0.1")),
        "{shown}"
    );
    assert!(lines[2].ends_with("admin by operator"), "{shown}");
    assert!(
        lines[3].ends_with("DELETE /admin/v1/subjects/ada/sessions 200 by token"),
        "{shown}"
    );
    let (_, shown, _) = run("audit --user ada --json");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown[0]["event"], "registered");
    assert_eq!(run("audit --user eve").1, "nothing is recorded of that\n");
    let (code, _, err) = run("audit --since yesterday");
    assert_eq!(code, Some(2));
    assert!(err.contains("how long ago"), "{err}");
}

/// The program, set up for a folder where no server runs yet.
fn offline(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handfast"));
    command
        .args(line.split(' '))
        .args(["--admin", "127.0.0.1:1", "--data"])
        .arg(folder.join("data"))
        .env_clear()
        .env("HANDFAST_PASSWORD__MEMORY_KIB", "8")
        .env("HANDFAST_PASSWORD__ITERATIONS", "1");
    command
}

/// Has the program, which waits for a password on its stdin, wait for the rest of it.
fn half_a_password(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let pipe = child.stdin.as_mut().unwrap();
    pipe.write_all(b"correct").unwrap();
    while ioctl_fionread(&*pipe).unwrap() > 0 {
        thread::yield_now();
    }
    child
}

#[test]
fn a_server_starts_while_a_command_waits_for_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let mut add = half_a_password(&mut offline(folder.path(), "user add ada --password-stdin"));
    writeln!(add.stdin.take().unwrap(), " horse").unwrap();
    assert!(add.wait().unwrap().success());
    for line in [
        "user add bob --password-stdin",
        "user passwd ada --password-stdin",
    ] {
        let mut command = half_a_password(&mut offline(folder.path(), line));
        let _server = Server::start(folder.path(), &[]);
        writeln!(command.stdin.take().unwrap(), " horse").unwrap();
        let Output { status, stderr, .. } = command.wait_with_output().unwrap();
        let err = String::from_utf8(stderr).unwrap();
        assert!(
            !status.success() && err.contains("in use by another handfast"),
            "{line}: {err}"
        );
    }
    for line in ["user disable ada", "session revoke --user ada"] {
        let mut terminal = Terminal::open(&offline(folder.path(), line));
        terminal.wait_for("Go on? [y/N] ");
        let _server = Server::start(folder.path(), &[]);
        terminal.line("y");
        let (shown, content) = terminal.end();
        assert!(
            !content && shown.contains("in use by another handfast"),
            "{line}: {shown:?}"
        );
    }
}

/// A terminal: `script` (of util-linux) with the program in it, and what the person types.
struct Terminal {
    child: Child,
    shown: ChildStdout,
    text: String,
}

impl Terminal {
    fn open(command: &Command) -> Self {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line: Vec<_> = words.map(|word| format!("'{}'", word.display())).collect();
        let mut child = Command::new("script")
            .args([
                "--quiet",
                "--return",
                "--command",
                &line.join(" "),
                "/dev/null",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let shown = child.stdout.take().unwrap();
        let text = String::new();
        Self { child, shown, text }
    }

    /// Waits until `prompt` is shown, then types a line.
    fn answer(&mut self, prompt: &str, line: &str) {
        self.wait_for(prompt);
        self.line(line);
    }

    fn wait_for(&mut self, prompt: &str) {
        while !self.text.ends_with(prompt) {
            let mut bytes = [0; 1024];
            let count = self.shown.read(&mut bytes).unwrap();
            assert!(count > 0, "{prompt:?} did not come: {:?}", self.text);
            self.text
                .push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    fn line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    /// Waits for the end; all that was shown, and whether the program was content.
    fn end(mut self) -> (String, bool) {
        let mut rest = String::new();
        self.shown.read_to_string(&mut rest).unwrap();
        self.text.push_str(&rest);
        (self.text, self.child.wait().unwrap().success())
    }
}

#[test]
fn at_a_terminal_a_password_is_typed_twice_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let add = program(folder.path(), &server, "user add ada");
    let mut terminal = Terminal::open(&add);
    terminal.answer("Password for ada: ", "correct horse");
    terminal.answer("Once more: ", "correct house");
    let (shown, content) = terminal.end();
    assert!(
        !content && shown.contains("the two passwords differ"),
        "{shown:?}"
    );
    let mut terminal = Terminal::open(&add);
    terminal.answer("Password for ada: ", "correct horse");
    terminal.answer("Once more: ", "correct horse");
    let (shown, content) = terminal.end();
    assert!(content && shown.contains("added"), "{shown:?}");
    assert!(!shown.contains("correct"), "{shown:?}");
    let answer = Client::connect(server.address)
        .unwrap()
        .ask(&login("ada"))
        .unwrap();
    assert_eq!(answer["type"], "Success");
}

#[test]
fn at_a_terminal_what_cannot_be_undone_is_asked_about_first() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut client = Client::connect(server.address).unwrap();
    client.ask(&login("ada")).unwrap();
    let revoke = program(folder.path(), &server, "session revoke --user ada");
    let mut terminal = Terminal::open(&revoke);
    terminal.answer("Go on? [y/N] ", "");
    let (shown, content) = terminal.end();
    assert!(!content && shown.contains("nothing was done"), "{shown:?}");
    assert!(
        shown.contains("This ends every session of ada."),
        "{shown:?}"
    );
    let listed = client.ask(&json!({"type": "Sessions"})).unwrap();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
    let mut terminal = Terminal::open(&revoke);
    terminal.answer("Go on? [y/N] ", "y");
    let (shown, content) = terminal.end();
    assert!(content && shown.contains("1 session"), "{shown:?}");
    assert_eq!(client.closed(), 4403);
}
