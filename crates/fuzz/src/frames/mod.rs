//! The bytes of a connection behind its upgrade: the driver and the codec against a reader of RFC 6455 that was written
//! apart from them, and against themselves where the same bytes come in other pieces.

mod reader;

use crate::{
    node::Node,
    script::{End, Script},
    supply::Supply,
};
use handfast_core::{framing::Framing, message::Request};
use reader::{Came, Reader, Sent};
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::VecDeque,
    pin::pin,
    task::{Context, Waker},
};

/// The limits that the connections here have.
const MESSAGE_BYTES: usize = 600;
const FRAGMENTS: u32 = 8;
/// How many invalid requests a connection may send, by default.
const INVALID_REQUESTS: u32 = 32;

thread_local! {
    static NODE: Node = Node::start(|settings| {
        settings.transport.message_before_login_bytes = MESSAGE_BYTES;
        settings.transport.fragments_per_message = FRAGMENTS;
    });
}

/// Feeds a connection, once in one piece and once in pieces whose lengths the first bytes say.
pub fn target(data: &[u8]) {
    let mut supply = Supply::new(data);
    let framing = supply.pick(&[Framing::Plain, Framing::Plain, Framing::V1]);
    let pieces: Vec<usize> = supply
        .some()
        .iter()
        .map(|it| usize::from(*it) + 1)
        .collect();
    let bytes = supply.rest();
    let whole = answer(framing, bytes, Vec::new());
    let in_pieces = answer(framing, bytes, pieces);
    assert_eq!(whole, in_pieces, "how it is cut made a difference");
    if framing == Framing::Plain {
        compare(bytes, &whole);
    }
}

/// What a connection sends, frame by frame, when it gets these bytes; without its `Hello`, whose nonce is random.
fn answer(framing: Framing, bytes: &[u8], lengths: Vec<usize>) -> Vec<Sent> {
    let script = Script::new(bytes, lengths, End::Quiet);
    let heard = script.heard();
    NODE.with(|node| {
        let _context = node.runtime.enter();
        let mut connection = pin!(node.handfast.connection_on(framing, script));
        let mut context = Context::from_waker(Waker::noop());
        while connection.as_mut().poll(&mut context).is_pending() && !heard.lock().unwrap().is_read
        {
        }
    });
    let mut frames = reader::sent(&heard.lock().unwrap().bytes);
    if framing == Framing::V1 {
        assert!(matches!(frames.first(), Some(Sent::Text(text)) if text.contains("Hello")));
        frames.remove(0);
    }
    frames
}

/// What came must have been answered, message by message, up to the first mistake.
fn compare(bytes: &[u8], sent: &[Sent]) {
    let mut reader = Reader::new(bytes, MESSAGE_BYTES, FRAGMENTS);
    let mut answers = Answers {
        sent: sent.iter(),
        early: VecDeque::new(),
        invalid: 0,
    };
    while answers.invalid <= INVALID_REQUESTS {
        match reader.next() {
            Came::Text(text) => {
                let request = Request::parse(&text).map(|envelope| envelope.body);
                if matches!(request, Ok(Request::Ack { .. })) {
                    continue;
                }
                if let Some(code) = answers.answer() {
                    // What comes behind a question and is a mistake closes the connection before that is answered.
                    assert!(is_question(&request), "closed with {code} for no reason");
                    let came = answers.pass_pings(&mut reader);
                    assert!(closes(&came, Some(code)), "closed with {code}");
                    return answers.end();
                }
            }
            Came::Binary => assert_eq!(answers.answer(), None),
            Came::Ping(payload) => answers.pong(payload),
            Came::Pong => {}
            came @ (Came::Close | Came::Mistake(_)) => {
                let code = answers.close();
                assert!(closes(&came, code), "{code:?} for a mistake");
                return answers.end();
            }
            Came::Nothing { may_close } => {
                let last = answers.sent.next();
                assert!(last.is_none() || may_close, "{last:?} to half a frame");
                return answers.end();
            }
        }
    }
    assert_eq!(answers.close(), Some(4400));
    answers.end();
}

fn is_question<E>(request: &Result<Request, E>) -> bool {
    matches!(
        request,
        Ok(Request::Login(_) | Request::Register(_) | Request::RefreshToken { .. })
    )
}

/// Whether a close with this code is what comes of that.
fn closes(came: &Came, code: Option<u16>) -> bool {
    match came {
        Came::Close => true,
        Came::Mistake(codes) => code.is_some_and(|code| codes.contains(&code)),
        Came::Nothing { may_close } => *may_close,
        Came::Text(_) | Came::Binary | Came::Ping(_) | Came::Pong => false,
    }
}

/// What matters of an answer.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

/// What was sent, in its order. A pong may come before the answer to a question that was asked before its ping.
struct Answers<'a> {
    sent: std::slice::Iter<'a, Sent>,
    early: VecDeque<&'a [u8]>,
    invalid: u32,
}

impl Answers<'_> {
    /// Takes the answer to a request; the code, where the connection was closed instead.
    fn answer(&mut self) -> Option<u16> {
        loop {
            match self.sent.next() {
                Some(Sent::Pong(payload)) => self.early.push_back(payload),
                Some(Sent::Text(text)) => {
                    let answer: Answer<'_> = serde_json::from_str(text).expect("an answer in JSON");
                    self.invalid += u32::from(answer.kind == "InvalidRequest");
                    return None;
                }
                Some(Sent::Close(code)) => return Some(code.unwrap_or_default()),
                None => panic!("a request was not answered"),
            }
        }
    }

    fn pong(&mut self, payload: Vec<u8>) {
        match self.early.pop_front() {
            Some(early) => assert_eq!(early, payload),
            None => assert_eq!(self.sent.next(), Some(&Sent::Pong(payload))),
        }
    }

    /// What comes behind pings, which have been answered, and pongs.
    fn pass_pings(&mut self, reader: &mut Reader<'_>) -> Came {
        loop {
            match reader.next() {
                Came::Ping(payload) => self.pong(payload),
                Came::Pong => {}
                came @ (Came::Text(_)
                | Came::Binary
                | Came::Close
                | Came::Mistake(_)
                | Came::Nothing { .. }) => return came,
            }
        }
    }

    fn close(&mut self) -> Option<u16> {
        match self.sent.next() {
            Some(Sent::Close(code)) => *code,
            other => panic!("{other:?}, and not closed"),
        }
    }

    /// Nothing more was sent.
    fn end(mut self) {
        assert_eq!(self.sent.next(), None, "the last word was not the last");
        assert!(self.early.is_empty(), "a pong to no ping");
    }
}
