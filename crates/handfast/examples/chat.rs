//! A chat room: whoever logs in hears what everyone says.
//!
//! `cargo run --example chat`, then open two browser windows. Another address than `127.0.0.1:9003` may be given.

use axum::{Router, response::Html, routing::get};
use handfast::{
    Application, Frame, Handfast, SendError, Serving, Session, SessionId, SessionSender,
};
use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::TcpListener;

/// Everyone who is in the room.
#[derive(Default)]
struct Room(Mutex<HashMap<SessionId, SessionSender>>);

impl Room {
    fn enter(&self, session: &Session) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(session.id(), session.sender());
        self.say(&format!("— {} came in —", session.subject()));
    }

    fn leave(&self, session: &Session) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&session.id());
        self.say(&format!("— {} left —", session.subject()));
    }

    /// Tells everyone. Who reads too slowly is closed by handfast, and leaves the room by that.
    fn say(&self, text: &str) {
        for sender in self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            let (Ok(()) | Err(SendError::Closed | SendError::SlowConsumer)) =
                sender.send(Frame::Text(text.into()));
        }
    }
}

async fn chat(room: Arc<Room>, mut session: Session) {
    room.enter(&session);
    while let Some(frame) = session.recv().await {
        match frame {
            Frame::Text(text) => room.say(&format!("{}: {text}", session.subject())),
            Frame::Binary(_) => {}
        }
    }
    room.leave(&session);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let room = Arc::new(Room::default());
    let handfast = Handfast::open("chat-data")?
        .application(Application::program(move |session| {
            chat(Arc::clone(&room), session)
        }))
        .start()?;
    let page = Router::new().route("/", get(|| async { Html(include_str!("chat.html")) }));
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9003");
    let listener = TcpListener::bind(address).await?;
    eprintln!("the room is open at http://{}", listener.local_addr()?);
    handfast::serve(
        listener,
        page.merge(handfast.router()),
        Serving::default(),
        std::future::pending(),
    )
    .await;
    Ok(())
}
