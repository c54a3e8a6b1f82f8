//! A way between two servers that a test can cut, stall and slow down.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::Duration,
};

/// How much is passed on at a time, in bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// What becomes of bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// They are passed on.
    Open,
    /// Connections end, and new ones end at once.
    Cut,
    /// They wait until the way is another.
    Stalled,
    /// They wait for a while.
    Slow(Duration),
}

/// Passes bytes on between whoever connects to its port and one port of the loopback address.
#[derive(Debug)]
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    target: u16,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// `None` when the proxy ends.
    way: Option<Way>,
    last: u64,
    streams: BTreeMap<u64, TcpStream>,
}

impl Proxy {
    /// A way to `port`, which is open.
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target: port,
            state: Mutex::new(State {
                way: Some(Way::Open),
                last: 0,
                streams: BTreeMap::new(),
            }),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Self { shared, address }
    }

    /// The port that leads there.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn set(&self, way: Way) {
        self.shared.set(Some(way));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.set(None);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn set(&self, way: Option<Way>) {
        let mut state = self.state();
        state.way = way;
        if matches!(way, None | Some(Way::Cut)) {
            for (_, stream) in std::mem::take(&mut state.streams) {
                // It may have ended by itself.
                drop(stream.shutdown(Shutdown::Both));
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for accepted in listener.incoming() {
            match self.state().way {
                None => return,
                Some(Way::Cut) => continue,
                Some(Way::Open | Way::Stalled | Way::Slow(_)) => {}
            }
            let near = accepted.unwrap();
            if let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target)) {
                self.join(&near, &far);
            }
        }
    }

    /// Passes on in both directions until one end hangs up.
    fn join(self: &Arc<Self>, near: &TcpStream, far: &TcpStream) {
        for (from, to) in [(near, far), (far, near)] {
            from.set_nodelay(true).unwrap();
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let shared = Arc::clone(self);
            let number = shared.enter(&from);
            thread::spawn(move || {
                shared.pass_on(&from, &to);
                drop(from.shutdown(Shutdown::Both));
                drop(to.shutdown(Shutdown::Both));
                shared.state().streams.remove(&number);
            });
        }
    }

    fn enter(&self, stream: &TcpStream) -> u64 {
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        state.streams.insert(number, stream.try_clone().unwrap());
        number
    }

    fn pass_on(&self, mut from: &TcpStream, mut to: &TcpStream) {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            if !self.lets_pass() || to.write_all(&chunk[..length]).is_err() {
                return;
            }
        }
    }

    /// Waits until the way is open. `false` if it was cut.
    fn lets_pass(&self) -> bool {
        let mut state = self.state();
        loop {
            match state.way {
                None | Some(Way::Cut) => return false,
                Some(Way::Open) => return true,
                Some(Way::Stalled) => state = self.changed.wait(state).unwrap(),
                Some(slow @ Way::Slow(delay)) => {
                    let slow = Some(slow);
                    let waiting = self
                        .changed
                        .wait_timeout_while(state, delay, |state| state.way == slow);
                    let (later, timeout) = waiting.unwrap();
                    if timeout.timed_out() {
                        return true;
                    }
                    state = later;
                }
            }
        }
    }
}
