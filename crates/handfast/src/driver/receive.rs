//! What the client sends.

use super::{
    Driver, Phase,
    answer::Answering,
    codec::{Codec, Received},
    mistake::Mistake,
    whole::{self, Whole},
};
use handfast_core::{connection::Input, time::Now};
use std::{
    cell::RefCell,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is read at once.
const READ_BYTES: usize = 16 * 1024;

thread_local! {
    /// The one read buffer of a thread. It is filled and emptied within one poll of one connection.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    pub(super) fn takes_frames(&self) -> bool {
        match self.phase {
            Phase::Open => {
                self.machine.takes_frames() && self.link.as_ref().is_none_or(|link| link.has_room())
            }
            Phase::Failing(..) | Phase::Closing(_) | Phase::Lingering(_) => true,
            Phase::Done => false,
        }
    }

    /// Reads what there is. Gives whether something may be left since the program has no room for it.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>, now: Now) -> bool {
        // Asked once for each step: the program makes room whenever it likes, and nothing may overtake what is kept.
        while self.takes_frames() {
            if let Some(kept) = self.take_kept() {
                self.decode(&kept, now);
                continue;
            }
            let more = READ_BUFFER.with_borrow_mut(|buffer| {
                let mut read = ReadBuf::new(buffer);
                match Pin::new(&mut self.stream).poll_read(context, &mut read) {
                    Poll::Pending => false,
                    Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                        self.receive(read.filled_mut(), now);
                        true
                    }
                    Poll::Ready(Ok(()) | Err(_)) => {
                        self.hang_up(now);
                        false
                    }
                }
            });
            if !more {
                return false;
            }
        }
        self.phase == Phase::Open && self.machine.takes_frames()
    }

    /// The client hung up, with or without a word. What it asked for is done all the same, unless it was to get a session
    /// by it.
    fn hang_up(&mut self, now: Now) {
        self.phase = match self.phase {
            // It may read on, but nobody waits for more than what is there.
            Phase::Failing(mistake, _) => Phase::Failing(mistake, now.moment),
            Phase::Open | Phase::Closing(_) | Phase::Lingering(_) | Phase::Done => Phase::Done,
        };
        if self.answering.as_deref().is_some_and(Answering::is_held) {
            self.answering = None;
        }
    }

    /// Takes bytes that were read, which it may change.
    pub(super) fn receive(&mut self, bytes: &mut [u8], now: Now) {
        let bytes = self.take_whole(bytes, now);
        if bytes.is_empty() || matches!(self.phase, Phase::Failing(..) | Phase::Lingering(_)) {
            return;
        }
        let fragments_max = self.node.settings.current().transport.fragments_per_message;
        let codec = self
            .codec
            .get_or_insert_with(|| Box::new(Codec::new(bytes.len())));
        let bytes = codec.follow(bytes, fragments_max);
        self.decode(bytes, now);
    }

    /// Takes the messages that lie whole in `bytes`, and gives the rest.
    fn take_whole<'a>(&mut self, mut bytes: &'a mut [u8], now: Now) -> &'a [u8] {
        while self.codec.is_none() && self.phase == Phase::Open && self.takes_frames() {
            match whole::take(&mut bytes, self.message_bytes_max()) {
                Some(Whole::Text(text)) => self.handle(Input::Text(text), now),
                Some(Whole::Binary(bytes)) => self.handle(Input::Binary(bytes), now),
                Some(Whole::Pong) => self.take_pong(now),
                Some(Whole::NotUtf8) => self.fail(Mistake::NotUtf8, now),
                None => break,
            }
        }
        bytes
    }

    /// Takes a pong. The wake-up that was set to find it missing would find nothing, at the price of a whole one.
    fn take_pong(&mut self, now: Now) {
        self.handle(Input::Pong, now);
        self.disarm();
    }

    fn message_bytes_max(&self) -> usize {
        let limits = self.node.settings.current().transport;
        if self.machine.bound().is_some() {
            limits.message_bytes
        } else {
            limits.message_before_login_bytes
        }
    }

    /// What was read while the connection took no frames, if anything of it is left. What the codec has taken itself is
    /// not in it, but comes out before it.
    fn take_kept(&mut self) -> Option<Vec<u8>> {
        let codec = self.codec.as_mut()?;
        (!codec.is_drained()).then(|| codec.take_unread())
    }

    fn decode(&mut self, mut bytes: &[u8], now: Now) {
        loop {
            let takes_frames = self.takes_frames();
            let message_bytes_max = self.message_bytes_max();
            let said = self.outgoing.len();
            let Some(codec) = &mut self.codec else { return };
            if !takes_frames {
                return codec.keep(bytes);
            }
            codec.limit(message_bytes_max);
            let received = match self.phase {
                Phase::Open => codec.decode(&mut bytes, &mut self.outgoing),
                // Our close frame is the last one: the codec's own answers are not sent any more.
                Phase::Failing(..) | Phase::Closing(_) | Phase::Lingering(_) | Phase::Done => {
                    codec.decode(&mut bytes, &mut Vec::new())
                }
            };
            let received = match received {
                Ok(received) => received,
                Err(mistake) => return self.fail(mistake, now),
            };
            match received {
                Some(Received::Text(text)) => {
                    codec.due = None;
                    self.handle(Input::Text(&text), now);
                }
                Some(Received::Binary(bytes)) => {
                    codec.due = None;
                    self.handle(Input::Binary(&bytes), now);
                }
                Some(Received::Pong) => self.take_pong(now),
                Some(Received::Ping) => self.handle(Input::Heard, now),
                Some(Received::Close) => return self.hear_close(said, now),
                None => break,
            }
        }
        self.handle(Input::Heard, now);
        self.rest(now);
    }

    /// The client closes. What the program has sent goes before the answer, which stands behind what was `said`, for nothing
    /// may come behind it (RFC 6455 section 5.5.1).
    fn hear_close(&mut self, said: usize, now: Now) {
        if self.phase == Phase::Open {
            let answer = self.outgoing.split_off(said);
            self.end_application();
            self.outgoing.extend(answer);
            self.leave_session();
        }
        self.linger(now);
    }

    /// Drops the codec if it holds nothing; bounds what it holds if not.
    fn rest(&mut self, now: Now) {
        let message_bytes_max = self.message_bytes_max();
        let Some(codec) = &mut self.codec else { return };
        let limits = self.node.settings.current().transport;
        if codec.is_at_rest() {
            self.codec = None;
        } else if codec.has_excess() {
            self.fail(Mistake::Fragments, now);
        } else if codec.is_broken(message_bytes_max) {
            self.fail(Mistake::NotUtf8, now);
        } else {
            codec
                .due
                .get_or_insert_with(|| now.moment.after(limits.message));
        }
    }
}
