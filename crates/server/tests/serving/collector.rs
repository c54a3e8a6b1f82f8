//! A collector of the test's own, which takes OTLP over HTTP.

use crate::client::PATIENCE;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind},
};
use prost::Message as _;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Condvar, Mutex},
    thread,
};

/// What it does with what it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    Take,
    Refuse(u16),
    Hang,
}

/// Listens until the test ends.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    taken: Mutex<Taken>,
    came: Condvar,
}

/// All that was taken until now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) spans: Vec<Span>,
    pub(crate) resource: Vec<KeyValue>,
    /// The heads of the requests.
    pub(crate) heads: String,
    /// All bodies, one behind the other.
    pub(crate) bytes: Vec<u8>,
    /// How many requests came, whatever became of them.
    pub(crate) requests: usize,
}

impl Collector {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        Self::start_as(behaviour, None)
    }

    /// One that takes everything by TLS, with a certificate for `localhost`.
    pub(crate) fn secured(
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::start_as(Behaviour::Take, Some(Arc::new(config)))
    }

    fn start_as(behaviour: Behaviour, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            taken: Mutex::default(),
            came: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                hanging.extend(match &tls {
                    None => serving.serve(Box::new(stream)),
                    Some(tls) => {
                        let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
                        serving.serve(Box::new(StreamOwned::new(connection, stream)))
                    }
                });
            }
        });
        Self { address, shared }
    }

    /// The variable that sends traces here.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    /// Waits until what was taken is as it should be.
    #[track_caller]
    pub(crate) fn wait(&self, is_enough: impl Fn(&Taken) -> bool) -> Taken {
        let taken = self.shared.taken.lock().unwrap();
        let (taken, waited) = self
            .shared
            .came
            .wait_timeout_while(taken, PATIENCE, |taken| !is_enough(taken))
            .unwrap();
        assert!(!waited.timed_out(), "not among {:#?}", taken.spans);
        taken.clone()
    }

    /// The trace of the first request of this name whose fields are as they should be, once it is there. Its own span
    /// ends last, so the trace is whole.
    #[track_caller]
    pub(crate) fn trace(&self, name: &str, fields: &[(&str, &str)]) -> Trace {
        let is_wanted = |span: &&Span| {
            let is_right = |(key, value): &(&str, &str)| field(span, key).as_deref() == Some(value);
            span.kind() == SpanKind::Server && span.name == name && fields.iter().all(is_right)
        };
        let taken = self.wait(|taken| taken.spans.iter().any(|it| is_wanted(&it)));
        let root = taken.spans.iter().find(is_wanted).unwrap().clone();
        let mut keys: Vec<_> = root.attributes.iter().map(|it| &it.key).collect();
        keys.sort_unstable();
        assert!(
            keys.is_sorted_by(|a, b| a < b),
            "one is there twice: {keys:?}"
        );
        let parts = taken.spans.into_iter();
        let parts = parts.filter(|it| it.trace_id == root.trace_id && it.span_id != root.span_id);
        Trace {
            parts: parts.collect(),
            root,
        }
    }
}

trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

impl Shared {
    /// Answers one request; gives the stream back where it gets no answer.
    fn serve(&self, stream: Box<dyn Stream>) -> Option<Box<dyn Stream>> {
        let mut reader = BufReader::new(stream);
        let (head, body) = read(&mut reader)?;
        let behaviour = *self.behaviour.lock().unwrap();
        let mut taken = self.taken.lock().unwrap();
        taken.requests += 1;
        taken.heads.push_str(&head);
        let status = match behaviour {
            Behaviour::Take => {
                let request = ExportTraceServiceRequest::decode(&*body).unwrap();
                taken.bytes.extend(&body);
                for of_resource in request.resource_spans {
                    taken.resource = of_resource.resource.unwrap_or_default().attributes;
                    let scopes = of_resource.scope_spans.into_iter();
                    taken.spans.extend(scopes.flat_map(|scope| scope.spans));
                }
                200
            }
            Behaviour::Refuse(status) => status,
            Behaviour::Hang => {
                self.came.notify_all();
                return Some(reader.into_inner());
            }
        };
        drop(taken);
        self.came.notify_all();
        let answer = format!("HTTP/1.1 {status} .\r\nContent-Length: 0\r\nRetry-After: 30\r\n\r\n");
        drop(reader.into_inner().write_all(answer.as_bytes()));
        None
    }
}

fn read(reader: &mut BufReader<impl Read>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// A request and what it took.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) root: Span,
    pub(crate) parts: Vec<Span>,
}

impl Trace {
    /// The text of a field of the request.
    pub(crate) fn field(&self, key: &str) -> Option<String> {
        field(&self.root, key)
    }

    /// The one part of this name, with the name of what it is a part of.
    #[track_caller]
    pub(crate) fn part(&self, name: &str) -> (&Span, &str) {
        let part = self.parts.iter().find(|part| part.name == name);
        let part = part.unwrap_or_else(|| panic!("no {name} in {self:#?}"));
        let all = self.parts.iter().chain([&self.root]);
        let mut above = all.filter(|it| it.span_id == part.parent_span_id);
        (part, &above.next().unwrap().name)
    }
}

/// The text of a span's field.
pub(crate) fn field(span: &Span, key: &str) -> Option<String> {
    text(&span.attributes, key)
}

/// The text of an attribute.
pub(crate) fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let attribute = attributes.iter().find(|it| it.key == key)?;
    Some(match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    })
}
