//! The record of who came, was refused and was ended.

use crate::{
    bad_input::send_and_close,
    client::{Client, password_change},
    node::{Node, Plan},
};
use handfast::{
    Handfast, Secret, Settings,
    audit::{Auditor, Event, Record},
};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use tempfile::TempDir;

/// An auditor that notes everything, and can say that it cannot.
#[derive(Default)]
struct Notes {
    lines: Mutex<Vec<String>>,
    is_full: AtomicBool,
}

impl Auditor for Notes {
    fn record(&self, record: &Record<'_>) {
        let detail = match record.event {
            Event::LoggedIn { agent, .. } => format!(" by {agent:?}"),
            Event::LoginRefused(refused) | Event::PasswordRefused(refused) => {
                format!(" {}", refused.as_str())
            }
            Event::Presented {
                outcome,
                generation,
            } => {
                let generation = generation.map(|it| format!(" {}", it.number()));
                format!(" {}{}", outcome.as_str(), generation.unwrap_or_default())
            }
            Event::PasswordChanged => String::new(),
            Event::Revoked { reason, by } => format!(" {reason} by {}", by.as_str()),
        };
        let session = record.session.map(|it| format!(" {}", it.to_text()));
        let line = format!(
            "{}{detail}: {}{} from {}",
            record.event.name(),
            record.subject.unwrap_or("?"),
            session.unwrap_or_default(),
            record.address.map(|it| it.to_string()).unwrap_or_default(),
        );
        self.lines.lock().unwrap().push(line);
    }

    fn can_record(&self) -> bool {
        !self.is_full.load(Ordering::SeqCst)
    }
}

/// A node whose record is kept.
struct Audited {
    node: Node,
    notes: Arc<Notes>,
    _folder: TempDir,
}

impl Audited {
    fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notes = Arc::new(Notes::default());
        let builder = Handfast::open(folder.path().join("data")).unwrap();
        let builder = builder.auditor(Arc::clone(&notes) as _);
        Self {
            node: Plan::with(change).start_on(builder),
            notes,
            _folder: folder,
        }
    }

    /// What was noted since this was last asked, with `names` in the place of the sessions of these answers.
    fn take(&self, names: &[(&Value, &str)]) -> Vec<String> {
        let lines = std::mem::take(&mut *self.notes.lines.lock().unwrap());
        let named = |line: String| {
            names.iter().fold(line, |line, (answer, name)| {
                line.replace(answer["session"].as_str().unwrap(), name)
            })
        };
        lines.into_iter().map(named).collect()
    }
}

const HERE: &str = "from 127.0.0.1";

#[test]
fn a_login_is_recorded_with_what_it_came_to_and_a_refused_one_with_why() {
    let audited = Audited::start(|_| {});
    let mut client = audited.node.plain();
    let first = client.login("Ada");
    let wrong = json!({"type": "Login", "username": "ada", "password": "wrong horse"});
    audited.node.plain().ask(&wrong);
    let spaced = json!({"type": "Login", "username": "ada lovelace", "password": "correct horse"});
    audited.node.plain().ask(&spaced);
    let second = audited.node.plain().login("ada");
    let taken = json!({"type": "Register", "username": "ada", "password": "correct horse"});
    audited.node.plain().ask(&taken);
    assert_eq!(
        audited.take(&[(&first, "FIRST"), (&second, "SECOND")]),
        [
            format!("registered by \"\": ada FIRST {HERE}"),
            format!("login_refused invalid_password: ada {HERE}"),
            format!("login_refused username_invalid: ? {HERE}"),
            format!("logged_in by \"\": ada SECOND {HERE}"),
            format!("login_refused username_taken: ada {HERE}"),
        ]
    );
}

#[test]
fn each_presentation_is_recorded_and_reuse_with_the_end_that_it_brings() {
    let audited = Audited::start(|_| {});
    let login = audited.node.v1().login("ada");
    audited.take(&[]);
    let present = |attempt: &str| audited.node.v1().attempt(&login["token"], attempt);
    present("an attempt key of ada");
    present("an attempt key of ada");
    present("the key of somebody else");
    present("an attempt key of ada");
    audited
        .node
        .v1()
        .attempt(&json!("no token"), "an attempt key of ada");
    assert_eq!(
        audited.take(&[(&login, "IT")]),
        [
            format!("presented advanced 0: ada IT {HERE}"),
            format!("presented answered_again 0: ada IT {HERE}"),
            format!("revoked reused by rule: ada IT {HERE}"),
            format!("presented reused 0: ada IT {HERE}"),
            format!("presented revoked 0: ada IT {HERE}"),
            format!("presented malformed: ? {HERE}"),
        ]
    );
}

#[test]
fn the_end_of_a_session_is_recorded_with_who_brought_it() {
    let audited = Audited::start(|settings| settings.sessions_per_subject = Some(3));
    let connect = || {
        let mut client = audited.node.v1();
        let login = client.login("ada");
        (client, login)
    };
    let ((mut here, first), (mut phone, second), (_tablet, third)) =
        (connect(), connect(), connect());
    let names = [(&first, "HERE"), (&second, "PHONE"), (&third, "TABLET")];
    audited.take(&names);
    here.ask(&json!({"type": "Revoke", "session": second["session"]}));
    assert_eq!(
        audited.take(&names),
        [format!("revoked logout by device: ada PHONE {HERE}")]
    );
    phone.closed_at_last();
    here.ask(&json!({"type": "Logout"}));
    assert_eq!(
        audited.take(&names),
        [format!("revoked logout by self: ada HERE {HERE}")]
    );
    let ended = audited
        .node
        .block_on(audited.node.handfast.revoke_all("ada"));
    assert_eq!(ended.unwrap().len(), 1);
    assert_eq!(
        audited.take(&names),
        ["revoked admin by operator: ada TABLET from "]
    );
    let logins: Vec<_> = (0..4).map(|_| connect()).collect();
    let newest = &logins[3].1;
    let lines = audited.take(&[(newest, "NEWEST")]);
    assert!(
        lines[3].starts_with("revoked limit by limit: ada ") && lines[3].ends_with(HERE),
        "{lines:?}"
    );
    let last = format!("logged_in by \"\": ada NEWEST {HERE}");
    assert_eq!(lines[4..], [last]);
}

fn change_password(client: &mut Client, old: &str, new: &str) -> Value {
    client.ask(&json!({"type": "ChangePassword", "old_password": old, "new_password": new}))
}

#[test]
fn another_password_is_recorded_and_ends_the_other_sessions_by_a_device() {
    let audited = Audited::start(|_| {});
    let (mut here, mut phone) = (audited.node.v1(), audited.node.v1());
    let (first, second) = (here.login("ada"), phone.login("ada"));
    let names = [(&first, "HERE"), (&second, "PHONE")];
    audited.take(&names);
    change_password(&mut here, "wrong horse", "battery staple");
    change_password(&mut here, "correct horse", "battery staple");
    assert_eq!(
        audited.take(&names),
        [
            format!("password_refused invalid_password: ada HERE {HERE}"),
            format!("password_changed: ada HERE {HERE}"),
            format!("revoked password_changed by device: ada PHONE {HERE}"),
        ]
    );
    let accounts = audited.node.handfast.accounts().unwrap();
    let password = Secret::new("correct horse");
    let set = accounts.set_password("ada", &password);
    audited.node.block_on(set).unwrap();
    assert_eq!(
        audited.take(&names),
        ["revoked password_changed by operator: ada HERE from "]
    );
}

/// That another password ends the other sessions also where its client leaves in this way before it is told.
fn assert_changes(leave: impl FnOnce(Client)) {
    let audited = Audited::start(|_| {});
    let (mut here, mut phone) = (audited.node.v1(), audited.node.v1());
    here.login("ada");
    phone.login("ada");
    leave(here);
    assert_eq!(phone.closed_at_last().reason, "password_changed");
}

#[test]
fn a_password_that_is_being_changed_ends_the_other_sessions_also_if_the_client_leaves() {
    assert_changes(|mut client| client.send(&password_change()));
}

#[test]
fn who_changes_the_password_and_closes_in_one_breath_has_changed_it() {
    assert_changes(|mut client| send_and_close(&mut client, &password_change()));
}

#[test]
fn where_nothing_can_be_recorded_nobody_is_let_in_and_whoever_is_in_can_leave() {
    let audited = Audited::start(|_| {});
    let mut client = audited.node.v1();
    let login = client.login("ada");
    audited.notes.is_full.store(true, Ordering::SeqCst);
    let again = json!({"type": "Login", "username": "ada", "password": "correct horse"});
    assert_eq!(audited.node.v1().ask(&again)["type"], "Unavailable");
    let back = audited
        .node
        .v1()
        .attempt(&login["token"], "an attempt key of ada");
    assert_eq!(back["type"], "Unavailable");
    let changed = change_password(&mut client, "correct horse", "battery staple");
    assert_eq!(changed["type"], "Unavailable");
    assert_eq!(client.ask(&json!({"type": "Logout"}))["type"], "LoggedOut");
    audited.notes.is_full.store(false, Ordering::SeqCst);
    let back = audited
        .node
        .v1()
        .attempt(&login["token"], "an attempt key of ada");
    assert_eq!(
        back["reason"], "revoked",
        "the presentation before was not taken"
    );
}

#[test]
fn what_costs_nothing_to_cause_is_recorded_so_often_and_then_counted() {
    let audited = Audited::start(|settings| settings.connection.invalid_requests = u32::MAX);
    let mut client = audited.node.v1();
    for _ in 0..100 {
        client.attempt(&json!("no token"), "an attempt key of ada");
    }
    let wrong = json!({"type": "Login", "username": "eve", "password": "short"});
    client.ask(&wrong);
    client.login("ada");
    let lines = audited.take(&[]);
    assert_eq!(
        lines.len(),
        61,
        "sixty in a minute, and the login: {lines:?}"
    );
    assert_eq!(audited.node.handfast.left_out_of_audit(), 41);
}
