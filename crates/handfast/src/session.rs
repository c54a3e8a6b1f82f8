//! What an embedding program gets for each authenticated connection.

use crate::hub::Slot;
use atomic_waker::AtomicWaker;
use handfast_core::{framing::Frame, session::SessionId};
use std::{
    collections::VecDeque,
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

/// How many bytes of a client's frames wait for the program before the connection reads no more.
const INCOMING_BYTES: usize = 64 * 1024;

/// What a frame costs beside its content, so that empty frames are not free.
const FRAME_BYTES: usize = 32;

/// A session on its connection: what to receive from and to send to.
///
/// It lasts as long as the connection owns the session: rotations do not touch it; a logout, a revocation, a takeover
/// by a newer connection or the connection's end make [`Self::recv`] give `None`. Dropping it closes nothing: the
/// client's further frames are then refused.
#[derive(Debug)]
pub struct Session {
    session: SessionId,
    subject: Arc<str>,
    link: Arc<Link>,
}

/// A handle by which frames are sent to a session, from anywhere.
#[derive(Clone, Debug)]
pub struct SessionSender {
    session: SessionId,
    link: Arc<Link>,
}

/// Why a frame was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The connection does not own the session any more.
    #[error("the session is not on this connection any more")]
    Closed,
    /// The client reads too slowly: more waits than the limit, and the connection is closed with 1013.
    #[error("the client reads too slowly")]
    SlowConsumer,
}

impl Session {
    /// The session's name.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.session
    }

    /// Whose session it is: the canonical user name.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The client's next frame; `None` when the session has left this connection.
    ///
    /// Asking for the next frame says that all before it are done with. A client that breaks the WebSocket protocol is
    /// sent what was [sent](Self::send) to it until then, and closed only after that, but within
    /// [`TransportLimits::close_handshake`](crate::TransportLimits::close_handshake) of its mistake.
    pub async fn recv(&mut self) -> Option<Frame> {
        std::future::poll_fn(|context| self.link.poll_recv(context)).await
    }

    /// Sends a frame to the client. It waits in the connection's queue if it cannot leave at once.
    ///
    /// # Errors
    /// [`SendError`]; the frame is gone then.
    pub fn send(&self, frame: Frame) -> Result<(), SendError> {
        self.link.send(frame)
    }

    /// A handle by which others send to this session.
    #[must_use]
    pub fn sender(&self) -> SessionSender {
        SessionSender {
            session: self.session,
            link: Arc::clone(&self.link),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.link.leave();
    }
}

impl SessionSender {
    /// The session's name.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.session
    }

    /// Sends a frame to the client, as [`Session::send`] does.
    ///
    /// # Errors
    /// [`SendError`]; the frame is gone then.
    pub fn send(&self, frame: Frame) -> Result<(), SendError> {
        self.link.send(frame)
    }
}

/// What lies between a connection and the program: a queue each way.
pub(crate) struct Link {
    queues: Mutex<Queues>,
    /// The program's task, waiting for a frame.
    receiver: AtomicWaker,
    /// The connection's task.
    slot: Arc<Slot>,
    outgoing_bytes: usize,
}

#[derive(Default)]
struct Queues {
    incoming: Queue,
    outgoing: Queue,
    stage: Stage,
    reader: Reader,
    overflown: bool,
}

/// How long the session stays on its connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Open,
    /// Until the program is done with the frames that came.
    Finishing,
    /// It has left.
    Ended,
}

/// What the program does with the frames that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reader {
    /// It is done with all that it took.
    #[default]
    Free,
    /// It has taken one, and not asked for the next.
    Busy,
    /// It dropped its session.
    Left,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Queue {
    fn push(&mut self, frame: Frame) {
        self.bytes = self.bytes.saturating_add(cost(&frame));
        self.frames.push_back(frame);
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes = self.bytes.saturating_sub(cost(&frame));
        Some(frame)
    }
}

fn cost(frame: &Frame) -> usize {
    FRAME_BYTES
        + match frame {
            Frame::Text(text) => text.len(),
            Frame::Binary(bytes) => bytes.len(),
        }
}

impl Link {
    /// A link for `session`, and the program's end of it.
    pub(crate) fn new(
        session: SessionId,
        subject: &str,
        slot: Arc<Slot>,
        outgoing_bytes: usize,
    ) -> (Arc<Self>, Session) {
        let link = Arc::new(Self {
            queues: Mutex::default(),
            receiver: AtomicWaker::new(),
            slot,
            outgoing_bytes,
        });
        let session = Session {
            session,
            subject: subject.into(),
            link: Arc::clone(&link),
        };
        (link, session)
    }

    /// Hands the client's frame to the program. `false` if nobody takes it.
    pub(crate) fn deliver(&self, frame: Frame) -> bool {
        let mut queues = self.queues();
        let taken = queues.reader != Reader::Left && queues.stage == Stage::Open;
        if taken {
            queues.incoming.push(frame);
        }
        drop(queues);
        self.receiver.wake();
        taken
    }

    /// Whether the program keeps up, so that more may be read.
    pub(crate) fn has_room(&self) -> bool {
        self.queues().incoming.bytes < INCOMING_BYTES
    }

    /// The frames that the program sent; `None` if there were too many for this client.
    pub(crate) fn take_outgoing(&self) -> Option<VecDeque<Frame>> {
        let mut queues = self.queues();
        if queues.overflown {
            None
        } else {
            Some(mem::take(&mut queues.outgoing).frames)
        }
    }

    /// The session has left the connection.
    pub(crate) fn end(&self) {
        self.queues().stage = Stage::Ended;
        self.receiver.wake();
    }

    /// No more frames come. Whether the program is done with those that did, and the session has left the connection; if
    /// not, the connection is woken when it is.
    pub(crate) fn finish(&self) -> bool {
        let mut queues = self.queues();
        let is_done = match queues.reader {
            Reader::Free => queues.incoming.frames.is_empty(),
            Reader::Busy => false,
            Reader::Left => true,
        };
        queues.stage = match queues.stage {
            Stage::Open | Stage::Finishing if !is_done => Stage::Finishing,
            Stage::Open | Stage::Finishing | Stage::Ended => Stage::Ended,
        };
        queues.stage == Stage::Ended
    }

    fn leave(&self) {
        let mut queues = self.queues();
        queues.reader = Reader::Left;
        queues.incoming = Queue::default();
        drop(queues);
        self.slot.wake();
    }

    fn send(&self, frame: Frame) -> Result<(), SendError> {
        let mut queues = self.queues();
        if queues.stage == Stage::Ended {
            return Err(SendError::Closed);
        }
        queues.overflown |=
            queues.outgoing.bytes.saturating_add(cost(&frame)) > self.outgoing_bytes;
        let overflown = queues.overflown;
        if !overflown {
            queues.outgoing.push(frame);
        }
        drop(queues);
        self.slot.wake();
        if overflown {
            Err(SendError::SlowConsumer)
        } else {
            Ok(())
        }
    }

    fn poll_recv(&self, context: &Context<'_>) -> Poll<Option<Frame>> {
        self.receiver.register(context.waker());
        let mut queues = self.queues();
        let was_full = queues.incoming.bytes >= INCOMING_BYTES;
        let frame = queues.incoming.pop();
        let has_room = queues.incoming.bytes < INCOMING_BYTES;
        let has_finished = frame.is_none() && queues.stage == Stage::Finishing;
        queues.reader = match frame {
            Some(_) => Reader::Busy,
            None => Reader::Free,
        };
        if has_finished {
            queues.stage = Stage::Ended;
        }
        let stage = queues.stage;
        drop(queues);
        if has_finished || was_full && has_room {
            self.slot.wake();
        }
        match (frame, stage) {
            (Some(frame), _) => Poll::Ready(Some(frame)),
            (None, Stage::Ended) => Poll::Ready(None),
            (None, Stage::Open | Stage::Finishing) => Poll::Pending,
        }
    }

    /// Nothing that is done under this lock leaves the queues half changed.
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(…)")
    }
}

/// What becomes of the frames of authenticated connections that are not the protocol's.
#[derive(Clone)]
pub enum Application {
    /// Nobody takes them: they are answered `InvalidRequest`.
    None,
    /// A program takes them: it is given each [`Session`] when its connection is authenticated.
    Program(Arc<dyn Fn(Session) -> Program + Send + Sync>),
}

/// What an embedding program does with one session.
pub type Program = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Application {
    /// Runs `program` for every session, in a task of its own.
    pub fn program<F, P>(program: F) -> Self
    where
        F: Fn(Session) -> P + Send + Sync + 'static,
        P: Future<Output = ()> + Send + 'static,
    {
        Self::Program(Arc::new(move |session| Box::pin(program(session))))
    }

    pub(crate) fn takes_frames(&self) -> bool {
        match self {
            Self::None => false,
            Self::Program(_) => true,
        }
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Program(_) => "Program(…)",
        })
    }
}
