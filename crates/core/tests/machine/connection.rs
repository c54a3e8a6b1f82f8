//! The server's machine.

use handfast_core::{
    connection::{Connection, Input, Output, Question, Reply, Signal},
    framing::Framing,
    limits::ConnectionLimits,
    message::{Answer, Envelope, Grant},
    session::{Generation, Pushed, Refusal, RevocationReason, SessionId},
    time::{Moment, Now, Timestamp},
};
use std::{sync::Arc, time::Duration};

const START: u64 = 1_800_000_000;
const SESSION: SessionId = SessionId::from_bytes([1; 16]);
pub(crate) const LOGIN: &str = r#"{"type":"Login","username":"ann","password":"secret"}"#;
pub(crate) const PRESENT: &str = r#"{"type":"RefreshToken","token":"a token","id":7}"#;

fn now(ms: u64) -> Now {
    Now {
        moment: Moment::from_millis(ms),
        unix: Timestamp::from_unix(START + ms / 1000),
    }
}

pub(crate) fn grant(generation: u64, issued_at: u64) -> Grant {
    Grant {
        session: SESSION,
        generation: Generation::new(generation).expect("a small number"),
        issued_at: Timestamp::from_unix(START + issued_at),
        expires_at: Timestamp::from_unix(START + issued_at + 7200),
        refresh_at: Timestamp::from_unix(START + issued_at + 600),
    }
}

pub(crate) fn presented(generation: u64) -> Reply {
    Reply::Presented {
        subject: "ann".into(),
        grant: grant(generation, 0),
    }
}

/// One connection, and what came out of it as one line each.
pub(crate) struct Machine {
    pub(crate) connection: Connection,
    pub(crate) framing: Framing,
    pub(crate) now_ms: u64,
}

impl Machine {
    fn new(framing: Framing) -> Self {
        Self::with(ConnectionLimits::default(), framing, true)
    }

    pub(crate) fn with(limits: ConnectionLimits, framing: Framing, application: bool) -> Self {
        let connection = Connection::new(Arc::new(limits), framing, application, "n", now(0));
        let mut machine = Self {
            connection,
            framing,
            now_ms: 0,
        };
        let hello = machine.drain();
        assert_eq!(hello.len(), usize::from(framing == Framing::V1));
        machine
    }

    /// A connection that owns generation 0.
    fn logged_in(framing: Framing) -> Self {
        let mut machine = Self::new(framing);
        assert_eq!(machine.say(0, LOGIN), ["ask Login"]);
        let reply = Reply::LoggedIn {
            subject: "ann".into(),
            grant: grant(0, 0),
            registered: false,
        };
        assert_eq!(machine.put(0, Input::Replied(reply)), ["Success 0"]);
        machine
    }

    fn drain(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(output) = self.connection.poll() {
            lines.push(self.line(output));
            assert!(lines.len() <= 8, "one input, endless outputs: {lines:?}");
        }
        lines
    }

    fn line(&self, output: Output) -> String {
        let bound = self.connection.bound().map(|(grant, _)| *grant);
        match output {
            Output::Answer(Envelope { body, .. }) => answer(&body),
            Output::Success(Envelope { body, .. }) | Output::Registered(Envelope { body, .. }) => {
                assert_eq!(bound, Some(body), "a token is signed for who is bound");
                format!("Success {}", body.generation)
            }
            Output::Resumed(body) => {
                assert_eq!(bound, Some(body), "the cookie is of who is bound");
                format!("Resumed {}", body.generation)
            }
            Output::Ping => "ping".into(),
            Output::Application(_) => {
                assert!(bound.is_some(), "a stranger's frame");
                "frame".into()
            }
            Output::Ask(question) => format!("ask {}", kind(&question)),
            Output::Acknowledge { generation, .. } => format!("acknowledge {generation}"),
            Output::Close(closing) => closing.to_string(),
        }
    }

    pub(crate) fn put(&mut self, ms: u64, input: Input<'_>) -> Vec<String> {
        self.connection.handle(now(ms), input);
        self.drain()
    }

    fn say(&mut self, ms: u64, json: &str) -> Vec<String> {
        let text = self.framing.write_message(json.to_owned());
        self.put(ms, Input::Text(&text))
    }

    pub(crate) fn reply(&mut self, ms: u64, reply: Reply) -> Vec<String> {
        self.put(ms, Input::Replied(reply))
    }

    /// Lets time pass until `ms`, with a sign of life every ten seconds; says what came out beside pings.
    fn stay_until(&mut self, ms: u64) -> Vec<String> {
        let mut lines = Vec::new();
        while self.now_ms < ms {
            let due = self.connection.deadline().map(Moment::as_millis);
            let next = (self.now_ms + 10_000).min(ms).min(due.unwrap_or(ms));
            self.now_ms = next.max(self.now_ms);
            if due.is_some_and(|due| due <= self.now_ms) {
                lines.extend(self.put(self.now_ms, Input::Tick));
            } else {
                lines.extend(self.put(self.now_ms, Input::Heard));
            }
        }
        lines.retain(|line| line != "ping");
        lines
    }
}

fn answer(answer: &Answer) -> String {
    let json = answer.to_json(None);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let kind = value["type"].as_str().unwrap_or_default();
    let reason = value["reason"].as_str().unwrap_or_default();
    format!("{kind} {reason}").trim_end().to_owned()
}

const fn kind(question: &Question) -> &'static str {
    match question {
        Question::Login { .. } => "Login",
        Question::Present { .. } => "Present",
        Question::Cookie => "Cookie",
        Question::Push { .. } => "Push",
        Question::Logout { .. } => "Logout",
        Question::List => "List",
        Question::Revoke { .. } => "Revoke",
        Question::ChangePassword { .. } => "ChangePassword",
    }
}

#[test]
fn a_drain_lets_an_answer_through_that_may_be_committed() {
    let mut machine = Machine::new(Framing::V1);
    assert_eq!(machine.say(0, PRESENT), ["ask Present"]);
    assert_eq!(machine.say(0, PRESENT), [""; 0], "this one waits");
    let leaving = Signal::GoingAway { reconnect_after: 1 };
    assert_eq!(machine.put(1, Input::Signalled(leaving)), [""; 0]);
    assert!(!machine.connection.takes_frames(), "nothing new begins");
    let expected = ["Success 1", "Closing", "1001 going_away"];
    assert_eq!(machine.reply(2, presented(1)), expected);
}

#[test]
fn a_drain_waits_for_no_client() {
    for mut machine in [Machine::new(Framing::V1), Machine::logged_in(Framing::V1)] {
        let leaving = Signal::GoingAway { reconnect_after: 1 };
        let expected = ["Closing", "1001 going_away"];
        assert_eq!(machine.put(1, Input::Signalled(leaving)), expected);
    }
}

#[test]
fn a_drain_that_waits_for_an_answer_gives_way_to_graver_ends() {
    let mut machine = Machine::logged_in(Framing::Plain);
    assert_eq!(machine.say(0, PRESENT), ["ask Present"]);
    machine.put(
        1,
        Input::Signalled(Signal::GoingAway { reconnect_after: 1 }),
    );
    let ended = Signal::Ended(RevocationReason::Admin);
    assert_eq!(machine.put(2, Input::Signalled(ended)), ["4403 admin"]);
    assert_eq!(machine.reply(3, presented(1)), [""; 0]);
}

#[test]
fn a_token_is_answered_before_the_connection_is_closed_for_what_came_behind_it() {
    let limits = ConnectionLimits {
        invalid_requests: 0,
        ..ConnectionLimits::default()
    };
    let mut machine = Machine::with(limits, Framing::Plain, false);
    assert_eq!(machine.say(0, PRESENT), ["ask Present"]);
    assert_eq!(machine.put(0, Input::Binary(&[0])), [""; 0]);
    let expected = [
        "Success 1",
        "InvalidRequest binary_message",
        "4400 invalid_requests",
    ];
    assert_eq!(machine.reply(1, presented(1)), expected);
}

#[test]
fn a_connection_that_is_not_read_is_not_taken_for_silent() {
    let mut machine = Machine::logged_in(Framing::V1);
    assert_eq!(machine.say(1_000, r#"{"type":"Sessions"}"#), ["ask List"]);
    assert_eq!(machine.say(1_000, r#"{"type":"Ping"}"#), [""; 0]);
    assert!(!machine.connection.takes_frames());
    let mut ms = 1_000;
    while ms < 200_000 {
        ms = machine.connection.deadline().expect("a beat").as_millis();
        assert_eq!(machine.put(ms, Input::Tick), ["ping"]);
    }
    let expected = ["Unavailable", "Pong"];
    assert_eq!(
        machine.reply(ms, Reply::Unavailable { retry_after: 2 }),
        expected
    );
    let silent = ms + 35_000;
    assert_eq!(machine.put(silent - 1, Input::Tick), ["ping"]);
    assert_eq!(machine.put(silent, Input::Tick), ["4408 heartbeat"]);
}

#[test]
fn refused_tokens_buy_no_time() {
    let mut machine = Machine::new(Framing::Plain);
    for second in 1..299 {
        let at = second * 1000;
        assert_eq!(
            machine.say(at, PRESENT).last().map(String::as_str),
            Some("ask Present")
        );
        let refusal = [Refusal::Malformed, Refusal::Revoked, Refusal::Reused][second as usize % 3];
        machine.reply(at, Reply::Refused(refusal));
    }
    machine.now_ms = 298_000;
    assert_eq!(machine.stay_until(300_000), ["4401 not_authenticated"]);
}

#[test]
fn who_logs_out_has_the_time_of_a_newcomer() {
    let mut machine = Machine::logged_in(Framing::Plain);
    assert_eq!(machine.stay_until(500_000), [""; 0]);
    assert_eq!(machine.say(500_000, r#"{"type":"Logout"}"#), ["ask Logout"]);
    assert_eq!(machine.reply(500_000, Reply::Ended), ["LoggedOut"]);
    assert_eq!(machine.stay_until(799_999), [""; 0]);
    assert_eq!(machine.stay_until(800_000), ["4401 not_authenticated"]);
}

#[test]
fn pongs_stand_for_an_acknowledgement_in_the_plain_framing_only() {
    for (framing, expected) in [
        (Framing::Plain, vec!["acknowledge 1"]),
        (Framing::V1, vec![]),
    ] {
        let mut machine = Machine::new(framing);
        machine.say(0, PRESENT);
        machine.reply(0, presented(1));
        assert_eq!(machine.put(1, Input::Pong), [""; 0]);
        assert_eq!(machine.put(2, Input::Pong), expected);
        assert_eq!(machine.put(3, Input::Pong), [""; 0], "once is enough");
    }
}

#[test]
fn only_the_newest_generation_is_acknowledged_and_only_once() {
    let mut machine = Machine::new(Framing::V1);
    machine.say(0, PRESENT);
    machine.reply(0, presented(5));
    for other in [0, 4, 6] {
        let ack = format!(r#"{{"type":"Ack","generation":{other}}}"#);
        assert_eq!(machine.say(0, &ack), [""; 0]);
    }
    let ack = r#"{"type":"Ack","generation":5}"#;
    assert_eq!(machine.say(0, ack), ["acknowledge 5"]);
    assert_eq!(machine.say(0, ack), [""; 0]);
}

#[test]
fn a_push_that_finds_another_owner_closes_as_superseded() {
    let mut machine = Machine::logged_in(Framing::V1);
    assert_eq!(machine.stay_until(625_000), ["ask Push"]);
    let reply = Reply::NotPushed(Pushed::NotOwner);
    assert_eq!(machine.reply(625_000, reply), ["4409 superseded"]);
}

#[test]
fn a_push_that_finds_the_session_revoked_says_why() {
    let mut machine = Machine::logged_in(Framing::V1);
    assert_eq!(machine.stay_until(625_000), ["ask Push"]);
    let reply = Reply::Gone(RevocationReason::Limit);
    assert_eq!(machine.reply(625_000, reply), ["Ended limit", "4403 limit"]);
}

#[test]
fn a_session_found_reused_on_its_own_connection_is_over_there() {
    for refusal in [Refusal::Reused, Refusal::Revoked] {
        let mut machine = Machine::logged_in(Framing::V1);
        assert_eq!(machine.put(0, Input::Text("hello")), ["frame"]);
        machine.say(0, PRESENT);
        let expected = format!("InvalidToken {refusal}");
        assert_eq!(machine.reply(0, Reply::Refused(refusal)), [expected]);
        let frame = machine.put(0, Input::Text("hello"));
        assert_eq!(frame, ["InvalidRequest application_frame"]);
        assert_eq!(machine.say(0, LOGIN), ["ask Login"], "a person may log in");
    }
}

#[test]
fn a_token_refused_for_itself_leaves_its_connection_as_it_is() {
    let refusals = [
        Refusal::Malformed,
        Refusal::Expired,
        Refusal::Stale,
        Refusal::Unknown,
        Refusal::ProofRequired,
    ];
    for refusal in refusals {
        let mut machine = Machine::logged_in(Framing::V1);
        machine.say(0, PRESENT);
        machine.reply(0, Reply::Refused(refusal));
        assert_eq!(machine.put(0, Input::Text("hello")), ["frame"]);
    }
}

#[test]
fn a_reply_of_the_wrong_kind_is_an_internal_error_and_no_login() {
    let replies = [
        presented(1),
        Reply::Pushed(grant(1, 0)),
        Reply::Ended,
        Reply::PasswordChanged,
        Reply::Sessions(vec![]),
        Reply::Refused(Refusal::Stale),
        Reply::NotPushed(Pushed::Issued),
    ];
    for reply in replies {
        let mut machine = Machine::new(Framing::Plain);
        machine.say(0, LOGIN);
        assert_eq!(machine.reply(0, reply), ["1011 internal"]);
        assert_eq!(machine.connection.bound(), None);
    }
}

#[test]
fn limits_at_the_end_of_time_saturate() {
    let limits = ConnectionLimits {
        unauthenticated: Duration::MAX,
        heartbeat_interval: Duration::MAX,
        heartbeat_timeout: Duration::MAX,
        refresh_after: Duration::MAX,
        invalid_requests: u32::MAX,
        ..ConnectionLimits::default()
    };
    let mut machine = Machine::with(limits, Framing::V1, true);
    let end = Moment::from_millis(u64::MAX);
    assert_eq!(machine.connection.deadline(), Some(end));
    machine.say(0, PRESENT);
    let eternal = Grant {
        expires_at: Timestamp::from_unix(u64::MAX),
        refresh_at: Timestamp::from_unix(u64::MAX),
        ..grant(1, 0)
    };
    let subject = "ann".into();
    let grant = eternal;
    assert_eq!(
        machine.reply(0, Reply::Presented { subject, grant }),
        ["Success 1"]
    );
    assert_eq!(machine.connection.deadline(), Some(end));
    let last = Now {
        moment: end,
        unix: Timestamp::from_unix(u64::MAX),
    };
    machine.connection.handle(last, Input::Tick);
    let lines = machine.drain();
    assert!(lines.len() <= 2, "{lines:?}");
}
