//! The token that an upgrade request presents in a cookie.

use super::{
    Accepted, Driver,
    answer::{Answering, Caller, unavailable},
    present::PRESENTATION_DEADLINE,
};
use crate::{node::Node, token::BrowserHash};
use handfast_core::{
    connection::{Input, Question, Reply},
    message::Secret,
    session::AttemptHash,
    time::Now,
};
use std::{future::poll_fn, pin::Pin, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};

/// What a connection in cookie delivery begins with.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The browser that it is of, and that its tickets are for.
    pub(crate) browser: BrowserHash,
    /// What became of the token in its cookie, if there was one.
    pub(crate) presented: Option<Reply>,
}

impl Accepted {
    /// Presents a token for the connection that is about to be. If the client leaves before it is decided, the
    /// presentation is withdrawn; after that, the same attempt key is answered again.
    pub(crate) async fn present(
        &self,
        node: &Arc<Node>,
        token: Secret,
        attempt: Option<AttemptHash>,
    ) -> Reply {
        let caller = Caller {
            connection: self.seat.connection(),
            slot: Arc::clone(self.seat.slot()),
            address: self.place.address(),
            agent: self.agent.clone(),
        };
        let question = Question::Present {
            token,
            attempt,
            proof: None,
            bound: None,
        };
        let now = node.clock.now();
        let mut answering = Answering::begin(node, &caller, None, question, now);
        let decided = poll_fn(|context| Pin::new(&mut answering).poll(context, node));
        let decided = tokio::time::timeout(PRESENTATION_DEADLINE, decided).await;
        decided.unwrap_or_else(|_| {
            let late = unavailable();
            answering.followed.answered(&late);
            late
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// Has the machine tell what became of the cookie, before it takes anything from the client.
    pub(super) fn arrive(&mut self, arrival: Arrival, now: Now) {
        self.browser = Some(Box::new(arrival.browser));
        if let Some(reply) = arrival.presented {
            self.handle(Input::Cookie, now);
            self.answering = Some(Box::new(Answering::known(reply)));
        }
    }
}
