//! What operators change, for the record.

use super::{Admin, guard, introspect};
use crate::audit::{AuditStream, Incident, Operated};
use axum::{
    extract::{FromRequestParts as _, RawPathParams, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use handfast::{SessionId, username::Username};
use std::net::IpAddr;

/// Whom an answer is about, where the path does not say it.
#[derive(Clone, Debug)]
pub(super) struct About(pub(super) Box<str>);

/// A change under way. It is recorded when it is dropped, whether or not somebody waits for its end.
struct Change {
    audit: AuditStream,
    request: String,
    address: Option<IpAddr>,
    subject: Option<Box<str>>,
    session: Option<SessionId>,
    status: Option<u16>,
}

/// Has what a request changes recorded, with what came of it.
pub(super) async fn note(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let audit = admin.audit.filter(|_| is_change(&request));
    let Some(audit) = audit else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    let params = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .ok();
    let request = Request::from_parts(parts, body);
    let param = |name: &str| {
        let mut params = params.iter().flatten();
        params.find_map(|(other, value)| (other == name).then_some(value))
    };
    let mut change = Change {
        audit,
        request: format!("{} {}", request.method(), request.uri().path()),
        address: guard::address(&request),
        subject: param("subject").and_then(|it| Username::parse(it).ok().map(Into::into)),
        session: param("session").and_then(|it| SessionId::parse(it).ok()),
        status: None,
    };
    let response = next.run(request).await;
    change.status = Some(response.status().as_u16());
    if let Some(About(subject)) = response.extensions().get() {
        change.subject = Some(subject.clone());
    }
    response
}

/// Whether a request is there to change something.
fn is_change(request: &Request) -> bool {
    let is_safe = [Method::GET, Method::HEAD].contains(request.method());
    !is_safe && request.uri().path() != introspect::PATH
}

impl Drop for Change {
    fn drop(&mut self) {
        self.audit.note(Incident::Operated(Operated {
            request: &self.request,
            status: self.status,
            address: self.address,
            subject: self.subject.as_deref(),
            session: self.session,
        }));
    }
}
