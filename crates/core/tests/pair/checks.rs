//! What must hold on every connection whatever happens, checked from what goes in and out.

use handfast_core::framing::Framing;
use serde_json::Value;
use std::collections::VecDeque;

/// How many outputs one input may lead to.
const OUTPUTS_MAX: usize = 8;

/// A watcher of one connection's server side.
#[derive(Debug)]
pub(crate) struct Watch {
    framing: Framing,
    /// The ids of the requests that are not answered yet, oldest first.
    unanswered: VecDeque<Value>,
    /// How many frames without an id may have an answer without an id.
    nameless: usize,
    asked: bool,
    closed: bool,
    messages: usize,
    outputs: usize,
}

impl Watch {
    pub(crate) fn new(framing: Framing) -> Self {
        Self {
            framing,
            unanswered: VecDeque::new(),
            nameless: 0,
            asked: false,
            closed: false,
            messages: 0,
            outputs: 0,
        }
    }

    /// An input goes in; what comes out next comes of it.
    pub(crate) fn on_input(&mut self) {
        self.outputs = 0;
    }

    pub(crate) fn on_output(&mut self) {
        assert!(!self.closed, "a closed connection does nothing more");
        self.outputs += 1;
        assert!(self.outputs <= OUTPUTS_MAX, "one input, endless outputs");
    }

    /// A frame from the client goes in.
    pub(crate) fn on_frame(&mut self, text: Option<&str>) {
        let message = text.and_then(|text| message_of(self.framing, text));
        match message.as_ref().and_then(|message| message.get("id")) {
            Some(id) => self.unanswered.push_back(id.clone()),
            None => self.nameless += 1,
        }
    }

    pub(crate) fn on_question(&mut self) {
        assert!(!self.asked, "one question at a time");
        self.asked = true;
    }

    pub(crate) fn on_reply(&mut self) {
        self.asked = false;
    }

    pub(crate) fn on_close(&mut self) {
        self.closed = true;
    }

    /// A message goes out to the client.
    pub(crate) fn on_message(&mut self, message: &Value) {
        let kind = message["type"].as_str().expect("every message has a type");
        self.messages += 1;
        let is_hello = kind == "Hello";
        let is_first = self.messages == 1;
        assert_eq!(
            is_hello,
            is_first && self.framing == Framing::V1,
            "Hello comes first, and only in handfast.v1"
        );
        let unasked = matches!(kind, "Hello" | "Ended" | "Closing");
        assert!(
            !unasked || self.framing == Framing::V1,
            "a client of the plain framing must not see {kind}"
        );
        match message.get("id") {
            Some(id) => {
                let expected = self.unanswered.pop_front();
                assert_eq!(expected.as_ref(), Some(id), "answers come in order");
            }
            None if unasked || kind == "Success" => {}
            None => {
                let left = self.nameless.checked_sub(1);
                self.nameless = left.expect("what has no id answers what has none");
            }
        }
    }
}

/// The message in a text frame, if it is one and JSON.
pub(crate) fn message_of(framing: Framing, text: &str) -> Option<Value> {
    let json = match framing {
        Framing::Plain => text,
        Framing::V1 => text.strip_prefix('@').filter(|it| !it.starts_with('@'))?,
    };
    serde_json::from_str(json).ok()
}
