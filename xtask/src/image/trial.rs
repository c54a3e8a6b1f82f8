//! A container of the image: what it can do, and what is kept from it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::{Engine, IMAGE};
use crate::failure::{Doing, Failure};
use crate::process;

const NAME: &str = "handfast-trial";
const PROGRAM: &str = "handfast";
/// The user that the image names.
const USER: &str = "65532";
/// How long a stop may take: `drain.spread` and 25 seconds, and a little more.
const STOP: &str = "40";

/// Runs the image twice on one volume.
pub(super) fn run(engine: &Engine<'_>) -> Result<(), Failure> {
    defaults(engine)?;
    let first = Container::start(engine)?;
    first.is_well()?;
    first.is_confined()?;
    first.exec_with(
        "correct horse\n",
        &["user", "add", "ann", "--password-stdin"],
    )?;
    first.stop()?;
    let second = Container::start(engine)?;
    let users = second.exec(&["user", "list", "--json"])?;
    expect(users.contains("\"ann\""), || {
        format!("what was in the volume is gone: {users}")
    })?;
    second.stop()
}

/// What the image sets, in a container that has nothing else.
fn defaults(engine: &Engine<'_>) -> Result<(), Failure> {
    let mut show = confined(engine)?;
    show.args(["--network", "none", IMAGE, "config", "show"]);
    let shown = process::output_of(&mut show)?;
    for setting in ["listen = \"0.0.0.0:9001\"", "data = \"/data\""] {
        expect(shown.contains(setting), || {
            format!("no `{setting}` in:\n{shown}")
        })?;
    }
    Ok(())
}

/// Starts a container as a careful operator would.
fn confined(engine: &Engine<'_>) -> Result<Command, Failure> {
    let mut podman = engine.podman()?;
    podman.args(["run", "--rm", "--read-only", "--cap-drop", "all"]);
    podman.args(["--security-opt", "no-new-privileges"]);
    podman.args(["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=256:256"]);
    Ok(podman)
}

/// A running container. Dropping it removes it.
struct Container<'a> {
    engine: &'a Engine<'a>,
    process: Child,
    address: SocketAddr,
}

impl<'a> Container<'a> {
    /// Starts one, and waits until it says that it is ready.
    fn start(engine: &'a Engine<'a>) -> Result<Self, Failure> {
        let (address, admin) = (free_address()?, free_address()?);
        let mut podman = confined(engine)?;
        podman.args(["--name", NAME, "--network", "host"]);
        podman.args(["--volume", "handfast-data:/data"]);
        podman.args(["--env", &format!("HANDFAST_LISTEN={address}")]);
        podman.args(["--env", &format!("HANDFAST_ADMIN__LISTEN={admin}")]);
        podman
            .arg(IMAGE)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        podman.stderr(engine.shop.output.shared()?);
        let mut process = podman.spawn().doing("starting podman")?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .doing("reading what the container prints")?;
        }
        let container = Self {
            engine,
            process,
            address,
        };
        expect(line.contains("handfast is ready"), || {
            format!("not ready: {line:?}")
        })?;
        Ok(container)
    }

    /// It answers from outside, and its own health check is content.
    fn is_well(&self) -> Result<(), Failure> {
        for path in ["/healthz", "/readyz", "/"] {
            let answer = get(self.address, path)?;
            expect(answer.starts_with("HTTP/1.1 200 "), || {
                format!("{path}: {answer}")
            })?;
        }
        process::output_of(self.engine.podman()?.args(["healthcheck", "run", NAME]))?;
        self.exec(&["healthcheck", "--ready"]).map(drop)
    }

    /// It is nobody, has no capability, and sees a root that it cannot write to.
    fn is_confined(&self) -> Result<(), Failure> {
        let format = ["inspect", "--format", "{{.State.Pid}}", NAME];
        let process = process::output_of(self.engine.podman()?.args(format))?;
        let read = |file: &str| {
            let path = format!("/proc/{}/{file}", process.trim());
            std::fs::read_to_string(&path).doing(format_args!("reading {path}"))
        };
        let status = read("status")?;
        for line in [
            format!("Uid:\t{USER}\t{USER}\t{USER}\t{USER}"),
            "CapEff:\t0000000000000000".to_owned(),
            "NoNewPrivs:\t1".to_owned(),
        ] {
            expect(status.contains(&line), || {
                format!("no `{line}` in:\n{status}")
            })?;
        }
        let mounts = read("mountinfo")?;
        expect(mounts.contains(" / ro,"), || {
            format!("its root can be written to:\n{mounts}")
        })
    }

    fn exec(&self, arguments: &[&str]) -> Result<String, Failure> {
        process::output_of(self.command()?.args(arguments))
    }

    fn exec_with(&self, input: &str, arguments: &[&str]) -> Result<(), Failure> {
        let mut command = self.command()?;
        command.args(arguments).stdin(Stdio::piped());
        command.stdout(self.engine.shop.output.shared()?);
        let mut child = command.spawn().doing("starting podman")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin
                .write_all(input.as_bytes())
                .doing("writing to podman")?;
        }
        let status = child.wait().doing("waiting for podman")?;
        expect(status.success(), || {
            format!("{arguments:?} ended with {status}")
        })
    }

    /// The program, once more in the same container.
    fn command(&self) -> Result<Command, Failure> {
        let mut command = self.engine.podman()?;
        command.args(["exec", "--interactive", NAME, PROGRAM]);
        Ok(command)
    }

    /// Tells it to stop, and wants it to end by itself and content.
    fn stop(mut self) -> Result<(), Failure> {
        self.engine
            .run(self.engine.podman()?.args(["stop", "--time", STOP, NAME]))?;
        let status = self.process.wait().doing("waiting for the container")?;
        expect(status.success(), || {
            format!("told to stop, it ended with {status}")
        })
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        if let Ok(mut podman) = self.engine.podman() {
            podman.args(["rm", "--force", "--ignore", "--time", "0", NAME]);
            drop(process::output_of(&mut podman));
        }
        drop(self.process.wait());
    }
}

fn expect(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if is_so {
        Ok(())
    } else {
        Err(Failure::new(otherwise()))
    }
}

fn get(address: SocketAddr, path: &str) -> Result<String, Failure> {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    ask().doing(format_args!("asking the container for {path}"))
}

fn free_address() -> Result<SocketAddr, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .doing("looking for a free port")
}
