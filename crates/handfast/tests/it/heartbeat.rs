//! What time alone brings about.

use crate::{client::closed, node::Plan};
use handfast::Settings;
use serde_json::json;
use std::{io::Read as _, time::Duration};

/// Beats so fast that a test need not wait.
fn fast(settings: &mut Settings) {
    settings.connection.heartbeat_interval = Duration::from_millis(100);
    settings.connection.heartbeat_timeout = Duration::from_secs(20);
}

#[test]
fn a_token_that_grows_old_is_replaced_by_pushes_that_the_client_acknowledges() {
    let node = Plan::with(|settings| {
        fast(settings);
        settings.connection.refresh_after = Duration::ZERO;
    })
    .start();
    let mut client = node.v1();
    client.login("ada");
    let mut token = json!(null);
    for generation in 1..=4 {
        let pushed = client.receive();
        assert_eq!(
            (&pushed["type"], &pushed["generation"]),
            (&json!("Success"), &json!(generation))
        );
        client.send(&json!({"type": "Ack", "generation": generation}));
        token = pushed["token"].clone();
    }
    assert_eq!(
        node.v1().attempt(&token, "an attempt key of ada")["type"],
        "Success"
    );
}

#[test]
fn a_push_that_is_not_acknowledged_is_sent_again_as_the_same_generation() {
    let node = Plan::with(|settings| {
        fast(settings);
        settings.connection.refresh_after = Duration::ZERO;
    })
    .start();
    let mut client = node.v1();
    client.login("ada");
    let generations: Vec<_> = (0..3)
        .map(|_| client.receive()["generation"].clone())
        .collect();
    assert_eq!(generations, [1, 1, 1]);
}

#[test]
fn the_pongs_of_a_client_that_never_acknowledges_stand_for_its_word() {
    let node = Plan::with(|settings| {
        fast(settings);
        settings.connection.refresh_after = Duration::ZERO;
    })
    .start();
    let mut client = node.plain();
    client.login("ada");
    let mut token = client.receive();
    while token["generation"] != 3 {
        token = client.receive();
        assert_eq!(token["type"], "Success");
    }
    assert_eq!(node.plain().present(&token["token"])["type"], "Success");
}

#[test]
fn the_token_that_a_push_replaced_is_stale_and_ends_nothing() {
    let node = Plan::with(|settings| {
        fast(settings);
        settings.connection.refresh_after = Duration::ZERO;
    })
    .start();
    let mut client = node.v1();
    let login = client.login("ada");
    let pushed = client.receive();
    client.send(&json!({"type": "Ack", "generation": 1}));
    assert_eq!(client.receive()["generation"], 2);
    let late = node.v1().attempt(&login["token"], "an attempt key of ada");
    assert_eq!(late, json!({"type": "InvalidToken", "reason": "stale"}));
    assert_eq!(
        node.v1().attempt(&pushed["token"], "an attempt key of ada")["generation"],
        2
    );
}

#[test]
fn a_connection_that_never_answers_a_ping_is_closed() {
    let node = Plan::with(|settings| {
        settings.connection.heartbeat_interval = Duration::from_millis(50);
        settings.connection.heartbeat_timeout = Duration::from_millis(50);
    })
    .start();
    let mut client = node.v1();
    client.login("ada");
    // Reading without writing: the frames of the server are short and unmasked.
    let stream = client.socket.get_mut();
    let close = loop {
        let mut header = [0; 2];
        stream.read_exact(&mut header).unwrap();
        let mut payload = vec![0; usize::from(header[1])];
        stream.read_exact(&mut payload).unwrap();
        if header[0] == 0x88 {
            break payload;
        }
    };
    assert_eq!(close, [&4408_u16.to_be_bytes()[..], b"heartbeat"].concat());
}

#[test]
fn a_connection_that_does_not_log_in_is_closed_in_the_end() {
    let node =
        Plan::with(|settings| settings.connection.unauthenticated = Duration::from_millis(50))
            .start();
    assert_eq!(node.plain().closed(), closed(4401, "not_authenticated"));
}

#[test]
fn a_session_past_its_time_is_closed_and_its_token_refused() {
    let node =
        Plan::with(|settings| settings.tokens.session_lifetime = Duration::from_secs(2)).start();
    let mut client = node.v1();
    let login = client.login("ada");
    assert_eq!(
        client.receive(),
        json!({"type": "Ended", "reason": "expired"})
    );
    assert_eq!(client.closed(), closed(4410, "expired"));
    assert_eq!(
        node.v1().attempt(&login["token"], "an attempt key of ada")["reason"],
        "expired"
    );
}

#[test]
fn draining_tells_every_client_and_closes_its_connection() {
    let node = Plan::default().start();
    let mut clients: Vec<_> = (0..20).map(|_| node.v1()).collect();
    let mut plain = node.plain();
    plain.login("ada");
    std::thread::scope(|scope| {
        let drain = scope.spawn(|| node.block_on(node.handfast.drain(Duration::ZERO)));
        for mut client in clients.drain(..) {
            assert_eq!(client.receive()["type"], "Closing");
            assert_eq!(client.closed(), closed(1001, "going_away"));
        }
        assert_eq!(plain.closed(), closed(1001, "going_away"));
        drop(plain);
        assert_eq!(drain.join().unwrap(), 0);
    });
    // A connection that was on its way goes as well.
    assert_eq!(node.plain().closed(), closed(1001, "going_away"));
}
