//! `handfast-load bare`: a server of the same requests as one writes it in an afternoon. It keeps nothing and checks
//! nothing, so that what it does in a second is what the machine can do. It is started by `handfast-load bench`.

use crate::error::{Doing, Error};
use serde_json::{Value, json};
use std::{
    io::{self, Read, Write},
    sync::Arc,
};
use tokio::net::{TcpListener, TcpStream};
use tungstenite::{HandshakeError, Message, WebSocket};

/// How long a token of handfast's is.
const TOKEN_BYTES: usize = 322;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Serves on a free port, until the process is ended.
///
/// # Errors
/// [`Error::System`].
pub(crate) fn run() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_io()
        .build()
        .doing(|| "starting a runtime".to_owned())?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.doing(|| "listening".to_owned())?;
        let address = listener.local_addr();
        let address = address.doing(|| "listening".to_owned())?;
        anstream::println!("a bare server is ready at http://{address}");
        loop {
            let (stream, _) = listener
                .accept()
                .await
                .doing(|| "accepting a connection".to_owned())?;
            // Whatever ends a connection, this server has nothing to say of it.
            drop(tokio::spawn(converse(Arc::new(stream))));
        }
    })
}

async fn converse(stream: Arc<TcpStream>) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let mut socket = upgrade(&stream).await?;
    let token = "t".repeat(TOKEN_BYTES);
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => {
                let answer = answer(&serde_json::from_str(&text)?, &token);
                socket.write(Message::text(answer.to_string()))?;
                while let Err(error) = socket.flush() {
                    would_block(error)?;
                    stream.writable().await?;
                }
            }
            Ok(_) => {}
            Err(error) => {
                would_block(error)?;
                stream.readable().await?;
            }
        }
    }
}

/// The connection behind its upgrade.
async fn upgrade(stream: &Arc<TcpStream>) -> Result<WebSocket<Wire>, Failure> {
    let mut attempt = tungstenite::accept(Wire(Arc::clone(stream)));
    loop {
        match attempt {
            Ok(socket) => return Ok(socket),
            Err(HandshakeError::Interrupted(half)) => {
                stream.readable().await?;
                attempt = half.handshake();
            }
            Err(HandshakeError::Failure(error)) => return Err(error.into()),
        }
    }
}

/// Passes over an operation that could not be done at once.
fn would_block(error: tungstenite::Error) -> Result<(), tungstenite::Error> {
    match error {
        tungstenite::Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        other => Err(other),
    }
}

fn answer(request: &Value, token: &str) -> Value {
    let name = match request["type"].as_str() {
        Some("Register") => "Registered",
        _ => "Success",
    };
    json!({
        "type": name,
        "token": token,
        "expires_at": 1_800_000_000,
        "refresh_at": 1_799_000_000,
        "session": "AAAAAAAAAAAAAAAAAAAAAA",
        "generation": 1,
    })
}

/// A stream that says where it would have to wait.
struct Wire(Arc<TcpStream>);

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
