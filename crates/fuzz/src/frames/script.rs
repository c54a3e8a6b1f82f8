//! A stream that says what it is told to, and writes down what it hears.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The stream. When all is said it is quiet.
pub(crate) struct Script {
    pieces: VecDeque<Vec<u8>>,
    heard: Heard,
}

/// What was written to it.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    read: Arc<AtomicBool>,
}

impl Script {
    pub(crate) fn new(pieces: VecDeque<Vec<u8>>) -> Self {
        Self {
            pieces,
            heard: Heard::default(),
        }
    }

    pub(crate) fn sent(&self) -> Heard {
        self.heard.clone()
    }
}

impl Heard {
    /// Whether all was read that is said.
    pub(crate) fn is_read(&self) -> bool {
        self.read.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut piece) = self.pieces.pop_front() else {
            self.heard.read.store(true, Ordering::Relaxed);
            return Poll::Pending;
        };
        if piece.len() > buffer.remaining() {
            let rest = piece.split_off(buffer.remaining());
            self.pieces.push_front(rest);
        }
        if piece.is_empty() {
            // An empty read would be the end of the stream.
            return self.poll_read(&mut Context::from_waker(std::task::Waker::noop()), buffer);
        }
        buffer.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.heard.bytes.lock().unwrap().extend(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
