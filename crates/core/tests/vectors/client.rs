//! `client.json`: clients of one storage.

use crate::{True, connection::stated};
use handfast_core::{
    client::{
        Client, ClientInput, ClientOutput, ClientState, Ended, Entropy, Initiative, Storage, Stored,
    },
    framing::Frame,
    message::Secret,
    session::Generation,
    time::{Moment, Now, Timestamp},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const FILE: &str = "client.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    unix: u64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    initiative: Named,
    storage: Option<Kept>,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    #[default]
    Server,
    Client,
}

/// What is stored before the first step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    session: Box<str>,
    generation: u64,
    token: String,
    expires_at: u64,
    refresh_at: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: u64,
    client: Option<String>,
    dice: Option<String>,
    start: Option<True>,
    opened: Option<True>,
    text: Option<String>,
    message: Option<Value>,
    binary: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    closed: Option<Value>,
    tick: Option<True>,
    login: Option<Login>,
    logout: Option<Logout>,
    refresh: Option<True>,
    outputs: Vec<Value>,
    #[serde(default, deserialize_with = "stated")]
    storage: Option<Value>,
    #[serde(default, deserialize_with = "stated")]
    state: Option<Value>,
    #[serde(default, deserialize_with = "stated")]
    deadline: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    username: String,
    password: String,
    register: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Logout {
    everywhere: bool,
}

impl From<Named> for Initiative {
    fn from(named: Named) -> Self {
        match named {
            Named::Server => Self::Server,
            Named::Client => Self::Client,
        }
    }
}

impl From<Kept> for Stored {
    fn from(kept: Kept) -> Self {
        Self {
            session: kept.session,
            generation: Generation::new(kept.generation).unwrap(),
            token: Secret::new(&kept.token),
            expires_at: Timestamp::from_unix(kept.expires_at),
            refresh_at: Timestamp::from_unix(kept.refresh_at),
        }
    }
}

fn take_input(client: &mut Client, storage: &mut Storage, now: Now, step: &Step) {
    let dice = step.dice.as_deref().map(crate::from_hex);
    let entropy = Entropy(dice.map_or([0; 16], |dice| dice.try_into().unwrap()));
    let message = step.message.as_ref().map(|message| format!("@{message}"));
    let binary = step.binary.as_deref().map(crate::from_hex);
    let password = step
        .login
        .as_ref()
        .map(|login| Secret::new(&login.password));
    let input = if let Some(text) = step.text.as_ref().or(message.as_ref()) {
        ClientInput::Text(text)
    } else if let Some(bytes) = &binary {
        ClientInput::Binary(bytes)
    } else if let Some(code) = &step.closed {
        ClientInput::Closed(code.as_u64().map(|code| u16::try_from(code).unwrap()))
    } else if let (Some(login), Some(password)) = (&step.login, &password) {
        ClientInput::Login {
            username: &login.username,
            password,
            register: login.register,
        }
    } else if let Some(Logout { everywhere }) = step.logout {
        ClientInput::Logout { everywhere }
    } else if step.start.is_some() {
        ClientInput::Start
    } else if step.opened.is_some() {
        ClientInput::Opened
    } else if step.refresh.is_some() {
        ClientInput::Refresh
    } else {
        assert!(step.tick.is_some(), "a step needs an input");
        ClientInput::Tick
    };
    client.handle(now, entropy, storage, input);
}

fn output(output: ClientOutput) -> Value {
    match output {
        ClientOutput::Connect => json!({"connect": true}),
        ClientOutput::Send(frame) => {
            let message: Value = serde_json::from_str(frame.strip_prefix('@').unwrap()).unwrap();
            json!({"send": message})
        }
        ClientOutput::Application(Frame::Text(text)) => json!({"application": text}),
        ClientOutput::Application(Frame::Binary(bytes)) => {
            json!({"application_binary": crate::to_hex(&bytes)})
        }
        ClientOutput::LoginRefused { retry_after } => json!({"login_refused": retry_after}),
    }
}

fn stored(storage: &Storage) -> Value {
    let Some(token) = storage.token() else {
        return Value::Null;
    };
    json!({
        "session": token.session,
        "generation": token.generation.number(),
        "token": token.token.expose(),
        "attempt": kept_attempt_key(storage),
    })
}

/// The attempt key that the storage keeps: the one that it gives whatever the dice show.
fn kept_attempt_key(storage: &Storage) -> Option<String> {
    let [one, other] = [[1; 16], [2; 16]].map(|dice| {
        let key = storage.clone().attempt_key(dice);
        key.map(|key| String::from(key.expose()))
    });
    if one == other { one } else { None }
}

fn state(state: &ClientState) -> Value {
    match state {
        ClientState::Waiting { .. } => json!("waiting"),
        ClientState::Connecting => json!("connecting"),
        ClientState::Authenticating => json!("authenticating"),
        ClientState::Authenticated => json!("authenticated"),
        ClientState::LoggedOut(ended) => json!({"logged_out": match ended {
            Ended::LoggedOut => json!("logged_out"),
            Ended::Expired => json!("expired"),
            Ended::Refused(refusal) => json!({"refused": refusal.as_str()}),
            Ended::Revoked(reason) => json!({"revoked": reason.map(|reason| reason.as_str())}),
        }}),
    }
}

fn assert_state(client: &Client, storage: &Storage, step: &Step, place: &str) {
    let deadline = client.deadline().map(Moment::as_millis);
    let states = [
        ("storage", stored(storage), &step.storage),
        ("state", state(client.state()), &step.state),
        ("deadline", json!(deadline), &step.deadline),
    ];
    for (what, actual, expected) in states {
        if let Some(expected) = expected {
            assert_eq!(actual, *expected, "{place}: {what}");
        }
    }
}

#[test]
fn every_client_goes_its_way() {
    let vectors: Vectors = crate::read(FILE);
    crate::assert_distinct(vectors.cases.iter().map(|case| &*case.name));
    for case in vectors.cases {
        let mut storage = Storage::default();
        if let Some(kept) = case.storage {
            storage.begin(kept.into());
        }
        let mut clients: BTreeMap<String, Client> = BTreeMap::new();
        for (number, step) in case.steps.iter().enumerate() {
            let now = Now {
                moment: Moment::from_millis(step.at),
                unix: Timestamp::from_unix(vectors.unix + step.at / 1000),
            };
            let name = step.client.clone().unwrap_or_else(|| "one".into());
            let client = clients
                .entry(name)
                .or_insert_with(|| Client::new(case.initiative.into()));
            take_input(client, &mut storage, now, step);
            let outputs: Vec<_> = std::iter::from_fn(|| client.poll()).map(output).collect();
            let place = format!("{}: step {} at {}", case.name, number + 1, step.at);
            assert_eq!(outputs, step.outputs, "{place}");
            assert_state(client, &storage, step, &place);
        }
    }
}
