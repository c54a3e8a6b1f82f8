//! The client's machine.

use handfast_core::{
    client::{
        Client, ClientInput, ClientOutput, ClientState, Ended, Entropy, Initiative, Storage, Stored,
    },
    framing::Frame,
    message::Secret,
    session::{Generation, Refusal},
    time::{Moment, Now, Timestamp},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const START: u64 = 1_800_000_000;

/// A client on its storage.
struct Host {
    client: Client,
    storage: Storage,
    now_ms: u64,
    dice: u8,
}

fn stored(session: &str, generation: u64) -> Stored {
    Stored {
        session: session.into(),
        generation: Generation::new(generation).expect("a small number"),
        token: Secret::new(&format!("{session}/{generation}")),
        expires_at: Timestamp::from_unix(START + 604_800),
        refresh_at: Timestamp::from_unix(START + 600),
    }
}

fn success(session: &str, generation: u64) -> Value {
    json!({
        "type": "Success",
        "token": format!("{session}/{generation}"),
        "expires_at": START + 604_800,
        "session": session,
        "generation": generation,
        "refresh_at": START + 600,
    })
}

fn answering(id: u64, mut message: Value) -> Value {
    message["id"] = id.into();
    message
}

fn refused(id: u64, reason: &str) -> Value {
    json!({"type": "InvalidToken", "id": id, "reason": reason})
}

impl Host {
    fn new(storage: Storage) -> Self {
        Self {
            client: Client::new(Initiative::Server),
            storage,
            now_ms: 0,
            dice: 0,
        }
    }

    /// A host that is connected, with generation 3 of session A stored and presented as request 1.
    fn presenting() -> Self {
        let mut storage = Storage::default();
        storage.begin(stored("A", 3));
        let mut host = Self::new(storage);
        host.put(ClientInput::Start);
        let sent = host.put(ClientInput::Opened);
        assert_eq!(sent.len(), 1, "{sent:?}");
        host
    }

    /// A host that goes on with session A at generation 4.
    fn authenticated(initiative: Initiative) -> Self {
        let mut host = Self::presenting();
        let mut client = Client::new(initiative);
        std::mem::swap(&mut host.client, &mut client);
        host.put(ClientInput::Start);
        host.put(ClientInput::Opened);
        host.hear(&answering(1, success("A", 4)));
        assert_eq!(*host.client.state(), ClientState::Authenticated);
        host
    }

    /// Gives the client an input, and says what it did: `"connect"`, a refused login, or what it sent.
    fn put(&mut self, input: ClientInput<'_>) -> Vec<Value> {
        self.dice = self.dice.wrapping_add(1);
        let now = Now {
            moment: Moment::from_millis(self.now_ms),
            unix: Timestamp::from_unix(START + self.now_ms / 1000),
        };
        let entropy = Entropy([self.dice; 16]);
        self.client.handle(now, entropy, &mut self.storage, input);
        let mut did = Vec::new();
        while let Some(output) = self.client.poll() {
            did.push(match output {
                ClientOutput::Connect => json!("connect"),
                ClientOutput::Send(text) => {
                    let json = text.strip_prefix('@').expect("a message");
                    serde_json::from_str(json).expect("JSON")
                }
                ClientOutput::Application(_) => json!("frame"),
                ClientOutput::LoginRefused { retry_after } => json!({"refused": retry_after}),
            });
            assert!(did.len() <= 4, "one input, endless outputs: {did:?}");
        }
        did
    }

    fn hear(&mut self, message: &Value) -> Vec<Value> {
        self.put(ClientInput::Text(&format!("@{message}")))
    }

    fn log_in(&mut self) -> Vec<Value> {
        self.put(ClientInput::Login {
            username: "ann",
            password: &Secret::new("secret"),
            register: false,
        })
    }

    fn kept(&self) -> Option<(&str, u64)> {
        let stored = self.storage.token();
        stored.map(|stored| (&*stored.session, stored.generation.number()))
    }
}

#[test]
fn a_second_start_changes_nothing() {
    let mut host = Host::new(Storage::default());
    assert_eq!(host.put(ClientInput::Start), [json!("connect")]);
    assert_eq!(host.put(ClientInput::Start), [json!(null); 0]);
    host.put(ClientInput::Opened);
    assert_eq!(host.put(ClientInput::Start), [json!(null); 0]);
    let mut host = Host::authenticated(Initiative::Server);
    assert_eq!(host.put(ClientInput::Start), [json!(null); 0]);
    assert_eq!(*host.client.state(), ClientState::Authenticated);
}

#[test]
fn without_a_connection_nothing_is_sent_and_the_next_connection_still_comes() {
    let mut host = Host::authenticated(Initiative::Server);
    host.put(ClientInput::Closed(None));
    let waiting = host.client.state().clone();
    assert_eq!(host.put(ClientInput::Refresh), [json!(null); 0]);
    assert_eq!(
        host.put(ClientInput::Logout { everywhere: false }),
        [json!(null); 0]
    );
    assert_eq!(host.log_in(), [json!({"refused": 1})]);
    assert_eq!(*host.client.state(), waiting);
    host.now_ms = 1000;
    assert_eq!(host.put(ClientInput::Tick), [json!("connect")]);
    assert_eq!(host.put(ClientInput::Refresh), [json!(null); 0]);
    assert_eq!(host.log_in(), [json!({"refused": 1})]);
    assert_eq!(host.put(ClientInput::Opened).len(), 1, "it presents");
}

#[test]
fn what_comes_from_a_connection_that_was_left_is_ignored() {
    let mut host = Host::authenticated(Initiative::Server);
    host.put(ClientInput::Closed(Some(4409)));
    assert_eq!(host.hear(&success("A", 9)), [json!(null); 0]);
    assert_eq!(host.hear(&json!({"type": "LoggedOut"})), [json!(null); 0]);
    assert_eq!(host.put(ClientInput::Binary(&[1])), [json!(null); 0]);
    assert_eq!(host.put(ClientInput::Opened), [json!(null); 0]);
    assert_eq!(host.put(ClientInput::Closed(None)), [json!(null); 0]);
    assert_eq!(host.kept(), Some(("A", 4)));
    assert_eq!(*host.client.state(), ClientState::Waiting { until: None });
}

#[test]
fn a_login_while_a_token_is_looked_at_loses_neither_answer() {
    let mut host = Host::presenting();
    assert_eq!(host.log_in()[0]["id"], 2);
    host.hear(&refused(1, "revoked"));
    assert_eq!(host.kept(), None);
    host.hear(&answering(2, success("B", 0)));
    assert_eq!(host.kept(), Some(("B", 0)));
    assert_eq!(*host.client.state(), ClientState::Authenticated);
}

#[test]
fn a_logout_while_a_token_is_looked_at_loses_neither_answer() {
    let mut host = Host::presenting();
    host.put(ClientInput::Logout { everywhere: false });
    host.hear(&answering(1, success("A", 4)));
    host.hear(&json!({"type": "LoggedOut", "id": 2}));
    assert_eq!(host.kept(), None);
    assert_eq!(
        *host.client.state(),
        ClientState::LoggedOut(Ended::LoggedOut)
    );
}

#[test]
fn one_presentation_at_a_time() {
    let mut host = Host::authenticated(Initiative::Server);
    assert_eq!(host.put(ClientInput::Refresh).len(), 1);
    assert_eq!(host.put(ClientInput::Refresh), [json!(null); 0]);
    host.hear(&answering(2, success("A", 5)));
    assert_eq!(host.put(ClientInput::Refresh).len(), 1);
}

#[test]
fn another_tabs_new_login_is_presented_under_its_own_attempt_key() {
    for reason in ["stale", "revoked", "unknown", "expired"] {
        let mut host = Host::presenting();
        // The other tab has begun an attempt with its new session.
        host.storage.begin(stored("B", 0));
        let begun = host.storage.attempt_key([99; 16]).expect("a key");
        let sent = host.hear(&refused(1, reason));
        assert_eq!(sent[0]["token"], "B/0");
        assert_eq!(
            sent[0]["attempt"],
            begun.expose(),
            "a new one would look like a thief's"
        );
    }
}

#[test]
fn a_refusal_of_an_old_token_does_not_forget_a_newer_one() {
    for reason in ["stale", "expired", "malformed", "unknown"] {
        let mut host = Host::presenting();
        host.storage.offer(stored("A", 4));
        let sent = host.hear(&refused(1, reason));
        assert_eq!(sent[0]["token"], "A/4", "after {reason}");
    }
}

#[test]
fn a_session_that_is_dead_is_dead_in_every_generation() {
    for reason in ["reused", "revoked"] {
        let mut host = Host::presenting();
        host.storage.offer(stored("A", 4));
        assert_eq!(host.hear(&refused(1, reason)), [json!(null); 0]);
        assert_eq!(host.kept(), None);
        let refusal = Refusal::parse(reason).expect("a reason");
        assert_eq!(
            *host.client.state(),
            ClientState::LoggedOut(Ended::Refused(refusal))
        );
    }
}

#[test]
fn a_live_connection_presents_no_token_of_another_session() {
    let mut host = Host::authenticated(Initiative::Server);
    host.storage.begin(stored("B", 0));
    assert_eq!(host.put(ClientInput::Refresh), [json!(null); 0]);
    // The end of its own session is not the end of the other one.
    host.put(ClientInput::Closed(Some(4403)));
    assert_eq!(host.kept(), Some(("B", 0)));
}

#[test]
fn a_clock_that_is_ahead_does_not_make_a_client_present_without_pause() {
    let mut host = Host::authenticated(Initiative::Client);
    host.now_ms = 3_600_000;
    host.put(ClientInput::Tick);
    host.hear(&answering(2, success("A", 5)));
    let due = host.client.deadline().expect("a time to refresh");
    assert_eq!(due, Moment::from_millis(3_610_000));
}

#[test]
fn a_wait_of_no_time_is_a_second() {
    let mut host = Host::presenting();
    host.hear(&json!({"type": "TooManyRequests", "id": 1, "retry_after": 0}));
    assert_eq!(host.client.deadline(), Some(Moment::from_millis(1000)));
}

#[test]
fn an_answer_to_a_presentation_that_nobody_knows_lets_a_person_log_in() {
    let mut host = Host::presenting();
    host.hear(&json!({"type": "InvalidRequest", "id": 1, "reason": "tomorrow"}));
    assert_eq!(
        *host.client.state(),
        ClientState::LoggedOut(Ended::LoggedOut)
    );
    assert_eq!(host.kept(), Some(("A", 3)), "what was not refused is kept");
    assert_eq!(host.log_in().len(), 1);
}

#[test]
fn waits_at_the_end_of_time_saturate() {
    let mut host = Host::presenting();
    host.hear(&json!({"type": "Unavailable", "id": 1, "retry_after": u64::MAX}));
    assert_eq!(host.client.deadline(), Some(Moment::from_millis(u64::MAX)));
    host.hear(&json!({"type": "Closing", "reconnect_after": u64::MAX}));
    host.put(ClientInput::Closed(Some(1001)));
    assert_eq!(host.client.deadline(), Some(Moment::from_millis(u64::MAX)));
    let mut host = Host::authenticated(Initiative::Client);
    let mut last = success("A", Generation::MAX.number());
    last["refresh_at"] = u64::MAX.into();
    last["expires_at"] = u64::MAX.into();
    host.hear(&last);
    assert_eq!(host.kept(), Some(("A", Generation::MAX.number())));
    assert_eq!(host.client.deadline(), Some(Moment::from_millis(u64::MAX)));
}

/// Something that a host might tell its client.
#[derive(Clone, Debug)]
enum Told {
    Start,
    Opened,
    Closed(Option<u16>),
    Tick(u64),
    LogIn,
    LogOut,
    Refresh,
    Message(Value),
    Text(String),
    OtherTab(u64),
}

fn told() -> impl Strategy<Value = Told> {
    let session = prop::sample::select(vec!["A", "B"]);
    let reasons = vec![
        "stale", "reused", "revoked", "expired", "unknown", "tomorrow",
    ];
    let refusal = (0..6_u64, prop::sample::select(reasons)).prop_map(|(id, it)| refused(id, it));
    let granted =
        (session, 0..6_u64, prop::option::of(0..6_u64)).prop_map(|(session, number, id)| {
            let message = success(session, number);
            id.map_or_else(|| message.clone(), |id| answering(id, message.clone()))
        });
    let kinds = vec![
        "InvalidPassword",
        "AlreadyAuthorized",
        "TooManyRequests",
        "Unavailable",
        "LoggedOut",
        "NotLoggedIn",
        "Ended",
        "Closing",
        "InvalidRequest",
        "Hello",
    ];
    let other = (0..6_u64, prop::sample::select(kinds))
        .prop_map(|(id, kind)| json!({"type": kind, "id": id, "retry_after": 2, "reason": "x"}));
    let codes = vec![
        None,
        Some(1001),
        Some(4401),
        Some(4403),
        Some(4409),
        Some(4410),
    ];
    prop_oneof![
        2 => Just(Told::Start),
        2 => Just(Told::Opened),
        1 => prop::sample::select(codes).prop_map(Told::Closed),
        2 => (0..100_000_u64).prop_map(Told::Tick),
        1 => Just(Told::LogIn),
        1 => Just(Told::LogOut),
        1 => Just(Told::Refresh),
        3 => granted.prop_map(Told::Message),
        2 => refusal.prop_map(Told::Message),
        2 => other.prop_map(Told::Message),
        1 => any::<String>().prop_map(Told::Text),
        1 => (0..6_u64).prop_map(Told::OtherTab),
    ]
}

impl Host {
    fn tell(&mut self, told: &Told) -> Vec<Value> {
        match told {
            Told::Start => self.put(ClientInput::Start),
            Told::Opened => self.put(ClientInput::Opened),
            Told::Closed(code) => self.put(ClientInput::Closed(*code)),
            Told::Tick(ms) => {
                self.now_ms += ms;
                self.put(ClientInput::Tick)
            }
            Told::LogIn => self.log_in(),
            Told::LogOut => self.put(ClientInput::Logout { everywhere: false }),
            Told::Refresh => self.put(ClientInput::Refresh),
            Told::Message(message) => self.hear(message),
            Told::Text(text) => self.put(ClientInput::Text(text)),
            Told::OtherTab(generation) => {
                self.storage.offer(stored("A", *generation));
                Vec::new()
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_client_is_told_it_sends_on_open_connections_only_and_never_goes_back(
        all in prop::collection::vec(told(), 1..60),
    ) {
        let mut host = Host::new(Storage::default());
        let (mut connecting, mut open) = (false, false);
        for told in all {
            let before = host.kept().map(|(session, generation)| (session.to_owned(), generation));
            match told {
                Told::Opened if connecting => (connecting, open) = (false, true),
                Told::Closed(_) => (connecting, open) = (false, false),
                _ => {}
            }
            let did = host.tell(&told);
            for it in did {
                if it == "connect" {
                    prop_assert!(!connecting && !open, "one connection at a time");
                    connecting = true;
                } else if it.get("type").is_some() {
                    prop_assert!(open, "sent without a connection: {}", it);
                }
            }
            if let (Some((session, generation)), Some((now, newer))) = (before, host.kept()) {
                prop_assert!(session != now || newer >= generation);
            }
            let is_open = !matches!(
                host.client.state(),
                ClientState::Waiting { .. } | ClientState::Connecting
            );
            prop_assert_eq!(is_open, open);
        }
    }

    #[test]
    fn the_wait_before_the_next_connection_is_never_longer_than_half_a_minute(
        dice in any::<u8>(),
        failures in 0..80_u32,
    ) {
        let mut host = Host::new(Storage::default());
        host.dice = dice;
        host.put(ClientInput::Start);
        for failure in 0..=failures {
            host.put(ClientInput::Closed(None));
            let due = host.client.deadline().expect("it comes back by itself").as_millis();
            let wait = due - host.now_ms;
            let longest = 500_u64.saturating_mul(1 << failure.min(20)).min(30_000);
            prop_assert!(wait <= longest, "{} ms after {} failures", wait, failure);
            host.now_ms = due;
            prop_assert_eq!(host.put(ClientInput::Tick), [json!("connect")]);
        }
    }
}

#[test]
fn application_frames_reach_the_host() {
    let mut host = Host::authenticated(Initiative::Server);
    let entropy = Entropy([0; 16]);
    let now = Now::default();
    for (text, expected) in [("hello", "hello"), ("@@mention", "@mention"), ("", "")] {
        host.client
            .handle(now, entropy, &mut host.storage, ClientInput::Text(text));
        let Some(ClientOutput::Application(frame)) = host.client.poll() else {
            panic!("a frame for the application");
        };
        assert_eq!(frame, Frame::Text(expected.into()));
    }
}
