//! The client's machine.

use crate::host::{Host, answering, refused, stored, success};
use handfast_core::{
    client::{ClientInput, ClientOutput, ClientState, Ended, Entropy, Initiative, Storage},
    framing::Frame,
    session::{Generation, Refusal},
    time::{Moment, Now},
};
use serde_json::json;

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

#[test]
fn a_push_for_another_session_does_not_change_whose_the_connection_is() {
    let mut host = Host::authenticated(Initiative::Server);
    host.storage.begin(stored("B", 0));
    host.hear(&success("B", 1));
    host.put(ClientInput::Closed(Some(4403)));
    assert_eq!(host.kept(), Some(("B", 1)), "session A ended");
}

#[test]
fn a_success_that_nobody_asked_for_does_not_take_the_place_of_a_presentation_that_was_put_off() {
    let mut host = Host::presenting();
    host.hear(&json!({"type": "Unavailable", "id": 1, "retry_after": 2}));
    host.hear(&success("A", 4));
    assert_eq!(*host.client.state(), ClientState::Authenticating);
    host.now_ms = 2000;
    let sent = host.put(ClientInput::Tick);
    assert_eq!(sent[0]["token"], "A/4");
}

#[test]
fn a_refusal_that_comes_after_a_login_forgets_the_older_session_only() {
    for reason in ["expired", "revoked", "unknown"] {
        let mut host = Host::presenting();
        host.log_in();
        host.hear(&answering(2, success("B", 0)));
        assert_eq!(host.hear(&refused(1, reason)), [json!(null); 0]);
        assert_eq!(host.kept(), Some(("B", 0)), "after {reason}");
        assert_eq!(*host.client.state(), ClientState::Authenticated);
    }
    // Nor does it where another tab has forgotten the newer one meanwhile.
    let mut host = Host::presenting();
    host.log_in();
    host.hear(&answering(2, success("B", 0)));
    host.storage = Storage::default();
    assert_eq!(host.hear(&refused(1, "expired")), [json!(null); 0]);
    assert_eq!(*host.client.state(), ClientState::Authenticated);
}

#[test]
fn a_logout_that_the_host_asked_for_by_itself_is_one() {
    let mut host = Host::authenticated(Initiative::Server);
    host.hear(&json!({"type": "LoggedOut", "id": "the host's own"}));
    assert_eq!(host.kept(), None);
    assert_eq!(
        *host.client.state(),
        ClientState::LoggedOut(Ended::LoggedOut)
    );
}

#[test]
fn a_session_that_ended_is_forgotten_whatever_the_close_says() {
    for code in [None, Some(1001), Some(1006), Some(4409), Some(4410)] {
        let mut host = Host::authenticated(Initiative::Server);
        host.hear(&json!({"type": "Ended", "reason": "admin"}));
        host.put(ClientInput::Closed(code));
        assert_eq!(host.kept(), None, "after {code:?}");
        assert!(host.client.deadline().is_some(), "it comes back by itself");
    }
}

#[test]
fn a_connection_that_did_not_open_ends_no_session() {
    let mut host = Host::presenting();
    host.put(ClientInput::Closed(None));
    host.put(ClientInput::Start);
    host.put(ClientInput::Closed(Some(4403)));
    assert_eq!(host.kept(), Some(("A", 3)));
}

#[test]
fn an_expired_token_is_presented_because_the_clock_may_be_wrong() {
    let mut storage = Storage::default();
    storage.begin(stored("A", 3));
    let mut host = Host::new(storage);
    host.now_ms = 604_800_000 * 2;
    host.put(ClientInput::Start);
    assert_eq!(host.put(ClientInput::Opened)[0]["token"], "A/3");
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
