//! What requests bring: names in paths, pairs in queries and forms, objects in JSON.
//!
//! Whatever does not fit is answered by a [`Problem`] that names the field.

use super::{
    Admin,
    problem::{Fault, Problem},
};
use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use handfast::{Secret, SessionId, Timestamp, username::Username};
use serde_json::{Map, Value};

/// The longest body, in bytes. The longest token or password, percent-encoded, fits.
pub(super) const BODY_BYTES: usize = 16 * 1024;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// The session that a path names.
#[derive(Debug)]
pub(super) struct SessionPath(pub(super) SessionId);

impl FromRequestParts<Admin> for SessionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Admin) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, admin).await;
        let name = name.map_err(|_| Problem::UnknownSession)?;
        let session = SessionId::parse(&name.0).map_err(|_| Problem::UnknownSession)?;
        Ok(Self(session))
    }
}

/// The subject that a path names, in canonical form.
#[derive(Debug)]
pub(super) struct SubjectPath(pub(super) Box<str>);

impl FromRequestParts<Admin> for SubjectPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Admin) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, admin).await;
        let name = name.map_err(|_| Problem::UnknownSubject)?;
        let name = Username::parse(&name.0).map_err(|_| Problem::UnknownSubject)?;
        Ok(Self(name.into()))
    }
}

/// The names and values of a query or a form. Each name stands there once at most.
#[derive(Debug)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads `name=value&…`.
    pub(super) fn read(text: &[u8]) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(Problem::field(&name, Fault::Repeated));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    pub(super) fn of_query(query: Option<&str>) -> Result<Self, Problem> {
        Self::read(query.unwrap_or_default().as_bytes())
    }

    /// Refuses every name but these.
    pub(super) fn only(self, known: &[&str]) -> Result<Self, Problem> {
        match self
            .0
            .iter()
            .find(|(name, _)| !known.contains(&name.as_str()))
        {
            Some((name, _)) => Err(Problem::field(name, Fault::Unknown)),
            None => Ok(self),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(other, _)| other == name)?;
        Some(&pair.1)
    }

    pub(super) fn need(&self, name: &'static str) -> Result<&str, Problem> {
        self.get(name)
            .ok_or_else(|| Problem::field(name, Fault::Missing))
    }

    /// The number `name`, from 1 to `most`; `default` where it is not there.
    pub(super) fn count(&self, name: &str, default: usize, most: usize) -> Result<usize, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        let count = text.parse().ok().filter(|count| (1..=most).contains(count));
        count.ok_or_else(|| Problem::field(name, Fault::NotACount(most)))
    }

    /// The time `name` in Unix seconds, if it is there.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        // What a signed number of 64 bits holds, as the document says.
        let seconds = text.parse::<i64>().ok();
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let seconds = seconds.ok_or_else(|| Problem::field(name, Fault::NotATime))?;
        Ok(Some(Timestamp::from_unix(seconds)))
    }

    /// The session `name`, if it is there.
    pub(super) fn session(&self, name: &str) -> Result<Option<SessionId>, Problem> {
        let session = self.get(name).map(SessionId::parse).transpose();
        session.map_err(|_| Problem::field(name, Fault::NotASession))
    }

    /// The subject `name`, in canonical form.
    pub(super) fn subject(&self, name: &'static str) -> Result<Box<str>, Problem> {
        let subject = Username::parse(self.need(name)?);
        subject
            .map(Into::into)
            .map_err(|_| Problem::field(name, Fault::NotAUsername))
    }
}

impl FromRequest<Admin> for Pairs {
    type Rejection = Problem;

    /// Reads a form.
    async fn from_request(request: Request, _: &Admin) -> Result<Self, Problem> {
        Self::read(&body(request, FORM).await?)
    }
}

/// The fields of a JSON object. Those that nobody asks for are ignored, as in the protocol.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Takes the string `name`.
    pub(super) fn text(&mut self, name: &'static str) -> Result<String, Problem> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Ok(text),
            None => Err(Problem::field(name, Fault::Missing)),
            Some(_) => Err(Problem::field(name, Fault::NotText)),
        }
    }

    /// Takes the secret `name`.
    pub(super) fn secret(&mut self, name: &'static str) -> Result<Secret, Problem> {
        self.text(name).map(|text| Secret::new(&text))
    }
}

impl FromRequest<Admin> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Admin) -> Result<Self, Problem> {
        let body = body(request, JSON).await?;
        let object = serde_json::from_slice(&body);
        object
            .map(Self)
            .map_err(|_| Problem::WrongBody("a JSON object"))
    }
}

async fn body(request: Request, media_type: &'static str) -> Result<Vec<u8>, Problem> {
    if !is_of(request.headers(), media_type) {
        return Err(Problem::WrongMediaType(media_type));
    }
    let body = to_bytes(request.into_body(), BODY_BYTES).await;
    body.map(Vec::from).map_err(|_| Problem::TooLong)
}

fn is_of(headers: &HeaderMap, media_type: &str) -> bool {
    let named = headers.get(header::CONTENT_TYPE);
    let named = named.and_then(|value| value.to_str().ok());
    let essence = named.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
}
