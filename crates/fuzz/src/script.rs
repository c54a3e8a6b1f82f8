//! A stream that says what it is told to, and writes down what it hears.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
};

/// The stream.
pub(crate) struct Script {
    said: Vec<u8>,
    /// How much of it was read.
    read: usize,
    /// How long each piece is, over and over; what is said is one piece if this is empty.
    lengths: Vec<usize>,
    /// How many pieces there were.
    pieces: usize,
    end: End,
    heard: Arc<Mutex<Heard>>,
    /// Dropped with it.
    gone: Option<oneshot::Sender<()>>,
}

/// What comes when all is said.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Quiet,
    HangUp,
}

/// What a stream came to.
#[derive(Default)]
pub(crate) struct Heard {
    /// What was written to it.
    pub(crate) bytes: Vec<u8>,
    /// Whether all was read that is said.
    pub(crate) is_read: bool,
}

impl Script {
    pub(crate) fn new(said: &[u8], lengths: Vec<usize>, end: End) -> Self {
        Self {
            said: said.to_vec(),
            read: 0,
            lengths,
            pieces: 0,
            end,
            heard: Arc::default(),
            gone: None,
        }
    }

    pub(crate) fn heard(&self) -> Arc<Mutex<Heard>> {
        Arc::clone(&self.heard)
    }

    /// Has an end when nobody holds the stream any more.
    pub(crate) fn gone(&mut self) -> impl Future + use<> {
        let (gone, ended) = oneshot::channel();
        self.gone = Some(gone);
        ended
    }
}

impl AsyncRead for Script {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let script = self.get_mut();
        let rest = &script.said[script.read..];
        if rest.is_empty() {
            script.heard.lock().unwrap().is_read = true;
            return match script.end {
                End::Quiet => Poll::Pending,
                End::HangUp => Poll::Ready(Ok(())),
            };
        }
        let length = script
            .lengths
            .get(script.pieces % script.lengths.len().max(1));
        let length = length.map_or(rest.len(), |it| (*it).min(rest.len()));
        let length = length.min(buffer.remaining());
        buffer.put_slice(&rest[..length]);
        script.read += length;
        script.pieces += 1;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.heard.lock().unwrap().bytes.extend(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
