//! Whatever a client is told.

use crate::host::{Host, answering, refused, stored, success};
use handfast_core::{
    client::{ClientInput, ClientState, Storage},
    time::Moment,
};
use proptest::prelude::*;
use serde_json::{Value, json};

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
        "Revoked",
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
        .prop_map(|(id, kind)| json!({"type": kind, "id": id, "retry_after": 2, "reason": "x", "session": "A"}));
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
                let did = self.put(ClientInput::Tick);
                let now = Moment::from_millis(self.now_ms);
                let due = self.client.deadline();
                assert!(due.is_none_or(|due| due > now), "it would spin: {due:?}");
                did
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
        let mut logins = Vec::new();
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
                    logins.extend((it["type"] == "Login").then(|| it["id"].clone()));
                }
            }
            if let (Some((session, generation)), Some((now, newer))) = (before, host.kept()) {
                // A login begins a session whatever was there; that two sessions have one name is this test's doing.
                let begins = matches!(&told, Told::Message(message) if logins.contains(&message["id"]));
                prop_assert!(begins || session != now || newer >= generation);
            }
            match host.client.state() {
                ClientState::Waiting { .. } | ClientState::Connecting => prop_assert!(!open),
                ClientState::Authenticating | ClientState::Authenticated => prop_assert!(open),
                ClientState::LoggedOut(_) => {
                    prop_assert_eq!(host.client.deadline(), None, "nothing comes of itself");
                }
            }
        }
        if let ClientState::LoggedOut(_) = host.client.state() {
            let did = host.log_in();
            let sent = if open { "Login" } else { "connect" };
            prop_assert!(did[0] == sent || did[0]["type"] == sent, "a person can always log in");
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
