//! What happened, as a line of JSON.

use crate::time::Rfc3339;
use handfast::{
    SessionId, Timestamp,
    audit::{Event, Record},
};
use serde::{Serialize, Serializer};
use std::{fmt::Display, net::IpAddr};

/// What happens to the server and to its operators, beside what happens to its clients.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Incident<'a> {
    /// It began to serve.
    Started,
    /// It was told to stop, and has.
    Stopped,
    /// So many records before this one were thrown away.
    Lost(u64),
    /// An operator asked for something that changes something.
    Operated(Operated<'a>),
    /// Somebody asked for what is an operator's, without the token.
    Refused {
        /// Why, as a word.
        reason: &'a str,
        /// From where.
        address: Option<IpAddr>,
    },
}

/// What an operator asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operated<'a> {
    /// The method and the path.
    pub(crate) request: &'a str,
    /// The status of the answer; none where nobody waited for it.
    pub(crate) status: Option<u16>,
    /// From where; none for a command that works on the data itself.
    pub(crate) address: Option<IpAddr>,
    /// Whom it is about.
    pub(crate) subject: Option<&'a str>,
    /// Which session it is about.
    pub(crate) session: Option<SessionId>,
}

/// A line. What is not known, or does not fit the event, is left out.
#[derive(Default, Serialize)]
struct Line<'a> {
    time: Text<Rfc3339>,
    node: &'a str,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Text<SessionId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_bound: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Text<IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

/// Something that is written as what it displays, without a text of its own.
#[derive(Default)]
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'a> Line<'a> {
    fn of_record(record: &Record<'a>) -> Self {
        let line = Self {
            event: record.event.name(),
            subject: record.subject,
            session: record.session.map(Text),
            address: record.address.map(Text),
            ..Self::default()
        };
        match record.event {
            Event::LoggedIn {
                registered: _,
                key_bound,
                agent,
            } => Self {
                key_bound: Some(key_bound),
                agent: Some(agent).filter(|agent| !agent.is_empty()),
                ..line
            },
            Event::LoginRefused(refused) | Event::PasswordRefused(refused) => Self {
                reason: Some(refused.as_str()),
                ..line
            },
            Event::Presented {
                outcome,
                generation,
            } => Self {
                outcome: Some(outcome.as_str()),
                generation: generation.map(|generation| generation.number()),
                ..line
            },
            Event::PasswordChanged => line,
            Event::Revoked { reason, by } => Self {
                reason: Some(reason.as_str()),
                by: Some(by.as_str()),
                ..line
            },
        }
    }

    fn of_incident(incident: Incident<'a>) -> Self {
        let line = Self::default();
        match incident {
            Incident::Started => Self {
                event: "started",
                version: Some(env!("CARGO_PKG_VERSION")),
                ..line
            },
            Incident::Stopped => Self {
                event: "stopped",
                ..line
            },
            Incident::Lost(records) => Self {
                event: "lost",
                records: Some(records),
                ..line
            },
            Incident::Operated(operated) => Self {
                event: "operated",
                request: Some(operated.request),
                status: operated.status,
                by: Some(operated.address.map_or("command", |_| "token")),
                address: operated.address.map(Text),
                subject: operated.subject,
                session: operated.session.map(Text),
                ..line
            },
            Incident::Refused { reason, address } => Self {
                event: "operator_refused",
                reason: Some(reason),
                address: address.map(Text),
                ..line
            },
        }
    }

    /// Appends the line to `out`.
    fn write(self, node: &'a str, at: Timestamp, out: &mut Vec<u8>) {
        let line = Self {
            time: Text(Rfc3339(at)),
            node,
            ..self
        };
        let before = out.len();
        // Writing into memory cannot fail, and every key is a string.
        match serde_json::to_writer(&mut *out, &line) {
            Ok(()) => out.push(b'\n'),
            Err(_) => out.truncate(before),
        }
    }
}

/// Appends a record of a client to `out`.
pub(super) fn write_record(record: &Record<'_>, node: &str, out: &mut Vec<u8>) {
    Line::of_record(record).write(node, record.at, out);
}

/// Appends an incident to `out`.
pub(super) fn write_incident(incident: Incident<'_>, node: &str, at: Timestamp, out: &mut Vec<u8>) {
    Line::of_incident(incident).write(node, at, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use handfast::{
        RevocationReason,
        audit::{By, Outcome},
    };
    use handfast_core::session::{Generation, Presented};

    const AT: Timestamp = Timestamp::from_unix(1_767_225_599);

    fn record<'a>(event: Event<'a>, subject: &'a str) -> Record<'a> {
        Record {
            at: AT,
            event,
            subject: Some(subject),
            session: Some(SessionId::from_bytes([0; 16])),
            address: Some(IpAddr::from([192, 0, 2, 1])),
        }
    }

    fn written(record: &Record<'_>) -> String {
        let mut out = Vec::new();
        write_record(record, "web1", &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_is_one_line_with_the_time_first() {
        let presented = Event::Presented {
            outcome: Outcome::Decided(Presented::Advanced),
            generation: Some(Generation::FIRST),
        };
        assert_eq!(
            written(&record(presented, "ann")),
            "{\"time\":\"2025-12-31T23:59:59Z\",\"node\":\"web1\",\"event\":\"presented\",\
             \"outcome\":\"advanced\",\"subject\":\"ann\",\"session\":\"AAAAAAAAAAAAAAAAAAAAAA\",\
             \"generation\":0,\"address\":\"192.0.2.1\"}\n"
        );
    }

    #[test]
    fn what_a_client_calls_itself_cannot_break_the_line() {
        let login = Event::LoggedIn {
            registered: false,
            key_bound: false,
            agent: "a\n{\"time\":\"",
        };
        let line = written(&record(login, "a\"b"));
        assert_eq!(line.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["agent"], "a\n{\"time\":\"");
        assert_eq!(value["subject"], "a\"b");
    }

    #[test]
    fn an_end_names_why_and_by_whom() {
        let revoked = Event::Revoked {
            reason: RevocationReason::Reused,
            by: By::Rule,
        };
        let line = written(&record(revoked, "ann"));
        assert!(
            line.contains("\"reason\":\"reused\",\"by\":\"rule\""),
            "{line}"
        );
    }

    #[test]
    fn an_operators_request_tells_a_token_from_a_command() {
        for (address, by) in [
            (Some(IpAddr::from([192, 0, 2, 1])), "token"),
            (None, "command"),
        ] {
            let operated = Operated {
                request: "POST /admin/v1/subjects",
                status: Some(201),
                address,
                subject: Some("ann"),
                session: None,
            };
            let mut out = Vec::new();
            write_incident(Incident::Operated(operated), "web1", AT, &mut out);
            let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(value["by"], by);
            assert_eq!(value["status"], 201);
        }
    }
}
