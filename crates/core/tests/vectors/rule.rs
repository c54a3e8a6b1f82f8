//! `rule.json`: histories of sessions.

use handfast_core::{
    session::{
        self, Acknowledged, AttemptHash, ConnectionId, Consumption, Evidence, Generation,
        Presentation, Presented, Pushed, RevocationReason, SessionRecord, Thumbprint, TokenPolicy,
    },
    time::Timestamp,
};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};

pub(crate) const FILE: &str = "rule.json";

/// The key of every session that is bound to one.
const KEY: Thumbprint = Thumbprint([7; 32]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    defaults: Policy,
    attempt_hashes: Vec<Hashed>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hashed {
    attempt: String,
    hash: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    token_lifetime: Option<u64>,
    session_lifetime: Option<u64>,
    roll_forward: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    key: bool,
    login: Option<Described>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: u64,
    present: Option<Present>,
    push: Option<Push>,
    acknowledge: Option<Acknowledge>,
    revoke: Option<String>,
    outcome: Option<String>,
    record: After,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Present {
    generation: u64,
    by: By,
    on: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    Bare,
    Proof,
    Attempt(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    on: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledge {
    generation: u64,
    on: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum After {
    Unchanged(Unchanged),
    Record(Described),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unchanged {
    Unchanged,
}

/// A record as the vectors describe it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    confirmed: u64,
    issued: u64,
    consumed: BTreeMap<String, String>,
    owner: String,
    seen: u64,
    token: (u64, u64),
    revoked: Option<Revoked>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoked {
    reason: String,
    at: u64,
}

/// A session's history under way.
struct Replay {
    policy: TokenPolicy,
    record: SessionRecord,
    /// The attempt keys that were presented, by their hashes.
    attempts: Vec<(AttemptHash, String)>,
}

impl Replay {
    fn begin(case: &Case, defaults: &Policy) -> Self {
        let seconds =
            |own: Option<u64>, default: Option<u64>| Duration::from_secs(own.or(default).unwrap());
        let policy = TokenPolicy {
            lifetime: seconds(case.policy.token_lifetime, defaults.token_lifetime),
            session_lifetime: seconds(case.policy.session_lifetime, defaults.session_lifetime),
            roll_forward: case.policy.roll_forward.or(defaults.roll_forward).unwrap(),
        };
        let key = case.key.then_some(KEY);
        let record = session::create(connection("a"), key, Timestamp::from_unix(0), &policy);
        Self {
            policy,
            record,
            attempts: Vec::new(),
        }
    }

    /// Applies a step; gives its outcome.
    fn apply(&mut self, step: &Step) -> Option<String> {
        let now = Timestamp::from_unix(step.at);
        let (record, outcome) = match step {
            Step {
                present: Some(present),
                ..
            } => {
                let presentation = Presentation {
                    generation: Generation::new(present.generation).unwrap(),
                    evidence: self.evidence(&present.by),
                    connection: connection(&present.on),
                };
                let (record, presented) =
                    session::present(self.record, &presentation, now, &self.policy);
                (record, Some(presented_as(presented)))
            }
            Step {
                push: Some(push), ..
            } => {
                let on = connection(&push.on);
                let (record, pushed) = session::push(self.record, on, now, &self.policy);
                (record, Some(pushed_as(pushed)))
            }
            Step {
                acknowledge: Some(acknowledge),
                ..
            } => {
                let generation = Generation::new(acknowledge.generation).unwrap();
                let on = connection(&acknowledge.on);
                let (record, acknowledged) = session::acknowledge(self.record, generation, on, now);
                (record, Some(acknowledged_as(acknowledged)))
            }
            Step { revoke, .. } => {
                let reason = RevocationReason::parse(revoke.as_ref().unwrap()).unwrap();
                (session::revoke(self.record, reason, now), None)
            }
        };
        self.record = record;
        outcome.map(String::from)
    }

    fn evidence(&mut self, by: &By) -> Evidence {
        match by {
            By::Bare => Evidence::Bare,
            By::Proof => Evidence::Proof {
                key: KEY,
                attempt: None,
            },
            By::Attempt(key) => {
                let hash = AttemptHash::of(key);
                self.attempts.push((hash, key.clone()));
                Evidence::Attempt(hash)
            }
        }
    }

    fn described(&self) -> Described {
        let record = &self.record;
        let consumed = (0..=record.confirmed.number())
            .rev()
            .take(session::REMEMBERED_GENERATIONS)
            .filter_map(|number| {
                let generation = Generation::new(number).unwrap();
                let consumption = record.history.of(generation, record.confirmed);
                self.consumed_by(consumption)
                    .map(|by| (number.to_string(), by))
            });
        Described {
            confirmed: record.confirmed.number(),
            issued: record.issued.number(),
            consumed: consumed.collect(),
            owner: letter(record.owner.unwrap()),
            seen: record.last_seen_at.as_unix(),
            token: (
                record.token_issued_at.as_unix(),
                record.token_expires_at.as_unix(),
            ),
            revoked: record.revoked.map(|revocation| Revoked {
                reason: revocation.reason.to_string(),
                at: revocation.at.as_unix(),
            }),
        }
    }

    fn consumed_by(&self, consumption: Consumption) -> Option<String> {
        match consumption {
            Consumption::Nothing => Some("nothing".into()),
            Consumption::Bare => Some("bare".into()),
            Consumption::Proof => Some("proof".into()),
            Consumption::Attempt(hash) => {
                let (_, key) = self
                    .attempts
                    .iter()
                    .find(|(known, _)| *known == hash)
                    .unwrap();
                Some(format!("attempt {key}"))
            }
            Consumption::SomethingElse => None,
        }
    }
}

fn connection(letter: &str) -> ConnectionId {
    let [letter] = letter.as_bytes() else {
        panic!("a connection is one letter, not {letter:?}");
    };
    ConnectionId {
        node: 1,
        number: u64::from(*letter),
    }
}

fn letter(connection: ConnectionId) -> String {
    char::from(u8::try_from(connection.number).unwrap()).into()
}

fn presented_as(presented: Presented) -> &'static str {
    match presented {
        Presented::Advanced => "advanced",
        Presented::AnsweredAgain => "answered_again",
        Presented::Replaced => "replaced",
        Presented::RolledForward => "rolled_forward",
        Presented::Refused(refusal) => refusal.as_str(),
        Presented::FromTheFuture => "alarm",
    }
}

/// An outcome of a push, by its name in the vectors.
pub(crate) fn pushed_as(pushed: Pushed) -> &'static str {
    match pushed {
        Pushed::Issued => "issued",
        Pushed::Unconfirmed => "unconfirmed",
        Pushed::NotOwner => "not_owner",
        Pushed::Ended => "ended",
    }
}

fn acknowledged_as(acknowledged: Acknowledged) -> &'static str {
    match acknowledged {
        Acknowledged::Confirmed => "confirmed",
        Acknowledged::Ignored => "ignored",
    }
}

#[test]
fn every_history_comes_to_its_records() {
    let vectors: Vectors = crate::read(FILE);
    crate::assert_distinct(vectors.cases.iter().map(|case| &*case.name));
    for case in &vectors.cases {
        let mut replay = Replay::begin(case, &vectors.defaults);
        let created = replay.record;
        if let Some(login) = &case.login {
            assert_eq!(replay.described(), *login, "{}: the login", case.name);
        }
        for (number, step) in case.steps.iter().enumerate() {
            let before = replay.record;
            let outcome = replay.apply(step);
            let place = format!("{}: step {}", case.name, number + 1);
            assert_eq!(outcome, step.outcome, "{place}");
            match &step.record {
                After::Unchanged(Unchanged::Unchanged) => {
                    assert_eq!(replay.record, before, "{place}");
                }
                After::Record(record) => assert_eq!(replay.described(), *record, "{place}"),
            }
            let fixed = |record: SessionRecord| (record.created_at, record.expires_at, record.key);
            assert_eq!(fixed(replay.record), fixed(created), "{place}");
        }
    }
}

#[test]
fn attempt_keys_are_hashed_as_written() {
    let vectors: Vectors = crate::read(FILE);
    for Hashed { attempt, hash } in vectors.attempt_hashes {
        let actual = crate::to_hex(AttemptHash::of(&attempt).as_bytes());
        assert_eq!(actual, hash, "{attempt}");
    }
}
