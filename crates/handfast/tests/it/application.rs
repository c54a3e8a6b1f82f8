//! Programs that embed a node.

use crate::{
    bad_input::{masked, send_raw},
    client::{Client, closed},
    node::{Node, Plan},
};
use handfast::{Application, Frame, SendError, Session, SessionSender};
use serde_json::json;
use std::{
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tungstenite::Message;

/// Many times what waits for a program.
const ROOM_FRAMES: u32 = 20_000;

fn plan<F: Future<Output = ()> + Send + 'static>(
    program: impl Fn(Session) -> F + Send + Sync + 'static,
) -> Plan {
    Plan {
        application: Application::program(program),
        ..Plan::default()
    }
}

pub(crate) async fn echo(mut session: Session) {
    while let Some(frame) = session.recv().await {
        if session.send(frame).is_err() {
            return;
        }
    }
}

#[test]
fn frames_pass_byte_for_byte_in_both_directions() {
    let node = plan(echo).start();
    let mut client = node.v1();
    client.login("ada");
    for (frame, echoed) in [
        ("hello", "hello"),
        ("", ""),
        ("@@marked", "@@marked"),
        ("@@", "@@"),
        ("é\u{0}", "é\u{0}"),
    ] {
        client.send_frame(frame);
        assert_eq!(client.receive_frame(), echoed);
    }
    client
        .socket
        .send(Message::binary(vec![0, 64, 255]))
        .unwrap();
    assert_eq!(
        client.socket.read().unwrap(),
        Message::binary(vec![0, 64, 255])
    );
    assert_eq!(
        client.ask(&json!({"type": "Sessions"}))["type"],
        "Sessions",
        "messages pass beside them"
    );
}

#[test]
fn the_program_knows_who_it_talks_to() {
    let node = plan(|session| async move {
        let text = format!("{} {}", session.subject(), session.id());
        assert_eq!(session.send(Frame::Text(text)), Ok(()));
    })
    .start();
    let mut client = node.v1();
    let login = client.login("Ada");
    assert_eq!(
        client.receive_frame(),
        format!("ada {}", login["session"].as_str().unwrap())
    );
}

#[test]
fn nothing_of_the_application_passes_before_a_login_and_after_a_logout() {
    let node = plan(echo).start();
    let mut client = node.v1();
    client.send_frame("too early");
    assert_eq!(client.receive()["reason"], "application_frame");
    client.login("ada");
    client.send_frame("in time");
    assert_eq!(client.receive_frame(), "in time");
    client.ask(&json!({"type": "Logout"}));
    client.send_frame("too late");
    assert_eq!(client.receive()["reason"], "application_frame");
}

#[test]
fn a_frame_right_behind_a_login_reaches_the_program() {
    let node = plan(echo).start();
    let mut client = node.v1();
    client.send(&json!({"type": "Login", "username": "ada", "password": "correct horse"}));
    client.send_frame("impatient");
    assert_eq!(client.receive()["type"], "Registered");
    assert_eq!(client.receive_frame(), "impatient");
}

#[test]
fn the_program_is_told_when_a_session_leaves_its_connection() {
    let (gone, told) = tokio::sync::mpsc::unbounded_channel();
    let node = plan(move |mut session: Session| {
        let gone = gone.clone();
        async move {
            while session.recv().await.is_some() {}
            assert_eq!(
                session.send(Frame::Text(String::new())),
                Err(SendError::Closed)
            );
            drop(gone.send(session.id().to_string()));
        }
    })
    .start();
    let mut told = told;
    let mut client = node.v1();
    let login = client.login("ada");
    client.ask(&json!({"type": "Logout"}));
    assert_eq!(node.block_on(told.recv()).unwrap(), login["session"]);

    let mut client = node.v1();
    let login = client.login("ada");
    drop(client);
    assert_eq!(node.block_on(told.recv()).unwrap(), login["session"]);
}

#[test]
fn a_rotation_does_not_touch_the_program() {
    let node = plan(echo).start();
    let mut client = node.v1();
    let login = client.login("ada");
    assert_eq!(
        client.attempt(&login["token"], "an attempt key of ada")["generation"],
        1
    );
    client.send_frame("still here");
    assert_eq!(client.receive_frame(), "still here");
}

/// A program that only listens, and what else may send to its client.
pub(crate) fn listening() -> (Plan, Arc<Mutex<Option<SessionSender>>>) {
    let sender: Arc<Mutex<Option<SessionSender>>> = Arc::default();
    let kept = Arc::clone(&sender);
    let plan = plan(move |mut session| {
        *kept.lock().unwrap() = Some(session.sender());
        async move { while session.recv().await.is_some() {} }
    });
    (plan, sender)
}

/// A client of such a program.
fn listened_to() -> (Node, Client, SessionSender) {
    let (plan, sender) = listening();
    let node = plan.start();
    let mut client = node.v1();
    client.login("ada");
    client.ask(&json!({"type": "Sessions"}));
    let sender = sender.lock().unwrap().take().unwrap();
    (node, client, sender)
}

#[test]
fn a_client_that_reads_too_slowly_is_closed_and_the_program_is_told() {
    let (_node, mut client, sender) = listened_to();
    let frame = Frame::Binary(vec![0; 300 * 1024]);
    assert_eq!(sender.send(frame), Err(SendError::SlowConsumer));
    assert_eq!(client.closed_at_last(), closed(1013, "slow_consumer"));
}

#[test]
fn a_program_sends_nothing_behind_the_answer_to_a_close() {
    let (node, mut client, sender) = listened_to();
    let say = |text: &str| sender.send(Frame::Text(text.into()));
    node.frozen(|| {
        send_raw(&mut client, &masked(0x88, &1000_u16.to_be_bytes()));
        assert_eq!(say("last words"), Ok(()));
    });
    assert_eq!(client.receive_frame(), "last words");
    assert_eq!(client.closed(), closed(1000, ""));
    assert_eq!(say("too late"), Err(SendError::Closed));
}

#[test]
fn what_a_program_was_let_send_reaches_the_client_before_the_node_goes_away() {
    let (node, mut client, sender) = listened_to();
    let mut drain = pin!(node.handfast.drain(Duration::ZERO));
    node.frozen(|| {
        assert_eq!(sender.send(Frame::Text("last words".into())), Ok(()));
        assert!(!node.is_done(drain.as_mut()));
    });
    assert_eq!(client.receive_frame(), "last words");
    assert_eq!(client.receive()["type"], "Closing");
    assert_eq!(client.closed(), closed(1001, "going_away"));
}

#[test]
fn a_program_that_does_not_keep_up_stops_its_client_and_loses_nothing() {
    let (gate, open) = tokio::sync::watch::channel(false);
    let node = plan(move |mut session: Session| {
        let mut open = open.clone();
        async move {
            drop(open.wait_for(|open| *open).await);
            let mut count = 0_u32;
            while let Some(Frame::Text(text)) = session.recv().await {
                count += 1;
                if text == "end" {
                    assert_eq!(session.send(Frame::Text(count.to_string())), Ok(()));
                }
            }
        }
    })
    .start();
    let mut client = node.v1();
    client.login("ada");
    for _ in 0..100 {
        client.send_frame(&"x".repeat(4_000));
    }
    client.send_frame("end");
    gate.send_replace(true);
    assert_eq!(client.receive_frame(), "101");
}

#[test]
fn frames_come_in_order_while_the_program_makes_room_again_and_again() {
    let node = plan(move |mut session: Session| async move {
        let mut count = 0_u32;
        while let Some(Frame::Text(text)) = session.recv().await {
            if text == "end" {
                assert_eq!(session.send(Frame::Text(count.to_string())), Ok(()));
                continue;
            }
            assert_eq!(text.trim_end(), count.to_string());
            count += 1;
            tokio::task::yield_now().await;
        }
    })
    .start();
    let mut client = node.v1();
    client.login("ada");
    for number in 0..ROOM_FRAMES {
        client.send_frame(&format!("{number:<2000}"));
    }
    client.send_frame("end");
    assert_eq!(client.receive_frame(), ROOM_FRAMES.to_string());
}

#[test]
fn a_client_that_is_not_read_because_its_program_is_busy_is_not_taken_for_silent() {
    let (gate, open) = tokio::sync::watch::channel(false);
    let mut plan = plan(move |mut session: Session| {
        let mut open = open.clone();
        async move {
            drop(open.wait_for(|open| *open).await);
            while let Some(frame) = session.recv().await {
                if frame == Frame::Text("end".to_owned()) {
                    assert_eq!(session.send(frame), Ok(()));
                }
            }
        }
    });
    plan.settings.connection.heartbeat_interval = Duration::from_millis(250);
    plan.settings.connection.heartbeat_timeout = Duration::from_millis(250);
    let node = plan.start();
    let mut client = node.v1();
    client.login("ada");
    for _ in 0..100 {
        client.send_frame(&"x".repeat(4_000));
    }
    client.send_frame("end");
    // Many beats later than its patience.
    let mut beats = 0;
    while beats < 10 {
        match client.socket.read().unwrap() {
            Message::Ping(_) => beats += 1,
            other => panic!("{other:?}"),
        }
    }
    gate.send_replace(true);
    assert_eq!(client.receive_frame(), "end");
}
