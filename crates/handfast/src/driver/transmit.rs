//! What the client is sent, up to the last word.

use super::{Driver, Phase, codec};
use handfast_core::{close::Closing, time::Now};
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite};

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// Sends a close frame, unless one was sent.
    pub(super) fn close(&mut self, closing: Closing, now: Now) {
        self.phase = match self.phase {
            Phase::Open => {
                let patience = self.node.settings.current().transport.close_handshake;
                Phase::Closing(now.moment.after(patience))
            }
            // Its mistake wins the client no time.
            Phase::Failing(_, due) => Phase::Lingering(due),
            Phase::Closing(_) | Phase::Lingering(_) | Phase::Done => return,
        };
        codec::write_close(closing, &mut self.outgoing);
        self.answering = None;
        self.leave_session();
        self.node.tally.closed(closing.code);
        tracing::debug!(connection = self.caller.connection.number, %closing, "closed");
    }

    /// Both close frames are through, or the stream makes no sense any more.
    pub(super) fn linger(&mut self, now: Now) {
        self.codec = None;
        self.answering = None;
        let patience = self.node.settings.current().transport.close_handshake;
        self.phase = Phase::Lingering(now.moment.after(patience));
    }

    pub(super) fn poll_write(&mut self, context: &mut Context<'_>) {
        let mut written = 0;
        while written < self.outgoing.len() {
            match Pin::new(&mut self.stream).poll_write(context, &self.outgoing[written..]) {
                Poll::Ready(Ok(count)) if count > 0 => written += count,
                Poll::Ready(_) => {
                    self.phase = Phase::Done;
                    return;
                }
                Poll::Pending => break,
            }
        }
        if written == self.outgoing.len() {
            self.outgoing = Vec::new();
            self.poll_flush(context);
            self.poll_shutdown(context);
        } else {
            self.outgoing.drain(..written);
            if self.outgoing.len() > self.node.settings.current().transport.outgoing_bytes {
                // The client does not read, so it would not read a close frame either.
                self.phase = Phase::Done;
            }
        }
    }

    /// TLS takes more than the socket does, and goes on with the rest only if it is told to.
    fn poll_flush(&mut self, context: &mut Context<'_>) {
        if let Poll::Ready(Err(_)) = Pin::new(&mut self.stream).poll_flush(context) {
            self.phase = Phase::Done;
        }
    }

    /// The server hangs up first (RFC 6455 section 7.1.1), and waits for the client to do the same, so that nothing
    /// that is still on its way makes the client lose the close frame.
    fn poll_shutdown(&mut self, context: &mut Context<'_>) {
        if matches!(self.phase, Phase::Lingering(_))
            && let Poll::Ready(Err(_)) = Pin::new(&mut self.stream).poll_shutdown(context)
        {
            self.phase = Phase::Done;
        }
    }
}
