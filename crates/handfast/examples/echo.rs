//! An echo for suites that test WebSocket servers and know nothing of logins, such as Autobahn's.
//!
//! It runs a node whose application sends back every frame, and a door before it: who connects there is upgraded and
//! logged in by the door, which from then on passes every byte as it comes, in both directions. What such a suite tests
//! is therefore the driver of real connections.
//!
//! `cargo run --release --example echo 127.0.0.1:9101`

#![expect(clippy::print_stdout, reason = "it says where it is")]

use handfast::{Application, Handfast, Settings};
use std::{error::Error, io, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// The longest head of a request or an answer.
const HEAD_BYTES: usize = 16 * 1024;
/// Autobahn's longest message has 16 MiB.
const MESSAGE_BYTES: usize = 64 * 1024 * 1024;
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:9101".to_owned());
    let node = start().await?;
    let door = TcpListener::bind(&address).await?;
    println!("http://{}", door.local_addr()?);
    loop {
        let (client, _) = door.accept().await?;
        drop(tokio::spawn(async move { pass(client, node).await }));
    }
}

/// Starts the node, in a folder that is new each time.
async fn start() -> Result<std::net::SocketAddr, Box<dyn Error>> {
    let mut settings = Settings::default();
    settings.connection.heartbeat_interval = HOUR;
    settings.transport.message_bytes = MESSAGE_BYTES;
    settings.transport.outgoing_bytes = MESSAGE_BYTES;
    settings.transport.fragments_per_message = u32::MAX;
    settings.transport.message = HOUR;
    settings.rates.logins_per_account = None;
    settings.rates.logins_per_address = None;
    let data = tempfile::tempdir()?.keep();
    let handfast = Handfast::open(data)?
        .settings(settings)
        .application(Application::program(|mut session| async move {
            while let Some(frame) = session.recv().await {
                if session.send(frame).is_err() {
                    return;
                }
            }
        }))
        .start()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let node = listener.local_addr()?;
    let router = handfast.router();
    let serving = handfast::serve(
        listener,
        router,
        handfast::Serving::default(),
        std::future::pending(),
    );
    drop(tokio::spawn(serving));
    Ok(node)
}

/// Upgrades and logs in for a client, and is a wire then.
async fn pass(mut client: TcpStream, node: std::net::SocketAddr) -> io::Result<()> {
    let mut server = TcpStream::connect(node).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let request = head(&mut client).await?;
    let request = request.replacen("\r\n", "\r\nSec-WebSocket-Protocol: handfast.v1\r\n", 1);
    server.write_all(request.as_bytes()).await?;
    let answer = head(&mut server).await?;
    let is_upgraded = answer.starts_with("HTTP/1.1 101 ");
    if is_upgraded {
        log_in(&mut server).await?;
    }
    let lines = answer.split_inclusive("\r\n");
    let told: String = lines
        .filter(|line| {
            !line
                .to_ascii_lowercase()
                .starts_with("sec-websocket-protocol")
        })
        .collect();
    client.write_all(told.as_bytes()).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Reads up to the blank line, and no byte more.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_BYTES {
        head.push(stream.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

/// Logs in behind `Hello`; whoever it is, it is the same user.
async fn log_in(server: &mut TcpStream) -> io::Result<()> {
    let login = br#"@{"type":"Login","username":"autobahn","password":"correct horse"}"#;
    let length = u8::try_from(login.len()).map_err(io::Error::other)?;
    let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    frame.extend(login);
    server.write_all(&frame).await?;
    loop {
        let text = text(server).await?;
        if text.contains(r#""type":"Success""#) || text.contains(r#""type":"Registered""#) {
            return Ok(());
        }
        if !text.contains(r#""type":"Hello""#) {
            return Err(io::Error::other(text));
        }
    }
}

/// The next frame, which is short and a text.
async fn text(server: &mut TcpStream) -> io::Result<String> {
    let _text = server.read_u8().await?;
    let length = match server.read_u8().await? {
        126 => server.read_u16().await?,
        short => short.into(),
    };
    let mut text = vec![0; length.into()];
    server.read_exact(&mut text).await?;
    String::from_utf8(text).map_err(io::Error::other)
}
