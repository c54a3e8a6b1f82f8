//! The end of serving.

use axum::{Router, routing::get};
use handfast::Serving;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
};
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    sync::{Notify, oneshot},
};

/// A handler that tells when it is asked, and answers when it is let.
#[derive(Clone, Default)]
struct Slow {
    asked: Arc<Notify>,
    let_go: Arc<Notify>,
}

impl Slow {
    fn router(&self) -> Router {
        let slow = self.clone();
        let answer = async move || {
            slow.asked.notify_one();
            slow.let_go.notified().await;
            "answered"
        };
        Router::new().route("/slow", get(answer))
    }
}

#[test]
fn what_was_asked_before_the_end_is_answered_and_then_there_is_nobody() {
    let runtime = Runtime::new().unwrap();
    let slow = Slow::default();
    let (stop, stopped) = oneshot::channel::<()>();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let serving = handfast::serve(listener, slow.router(), Serving::default(), async {
        drop(stopped.await);
    });
    let serving = runtime.spawn(serving);
    let connect = || TcpStream::connect(address);
    let mut idle = connect().unwrap();
    write!(idle, "GET /none HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut status = [0; 12];
    idle.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 404");
    let mut asking = connect().unwrap();
    write!(asking, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    runtime.block_on(slow.asked.notified());

    stop.send(()).unwrap();
    while connect().is_ok() {}
    idle.read_to_end(&mut Vec::new()).unwrap();
    slow.let_go.notify_one();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("answered"), "{answer}");
    runtime.block_on(serving).unwrap();
}
