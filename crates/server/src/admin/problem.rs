//! Errors, as RFC 9457 writes them.

use super::answer::json;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use handfast::AccountError;
use handfast_core::message::InvalidReason;
use handfast_ledger::LedgerError;
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of a problem.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";
/// How long whoever comes while nothing can be stored is asked to wait, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");
/// What is asked for. An error is named only to who brought a token (RFC 6750 section 3.1).
const NO_TOKEN: HeaderValue = HeaderValue::from_static("Bearer realm=\"handfast\"");
const WRONG_TOKEN: HeaderValue =
    HeaderValue::from_static("Bearer realm=\"handfast\", error=\"invalid_token\"");

/// Why a request was not carried out. Unless `detail` says otherwise, nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("a bearer token is needed: the one in the file `admin-token` in the data folder")]
    TokenMissing,
    #[error("this is not the operator's token")]
    TokenWrong,
    #[error("there is nothing here; {} lists what there is", super::openapi::PATH)]
    NoSuchPath,
    #[error("this cannot be done here")]
    NoSuchMethod,
    #[error("there is no such session, or it ended more than a day ago")]
    UnknownSession,
    #[error("there is no such subject")]
    UnknownSubject,
    #[error("the subject has an account already")]
    Taken,
    #[error("`{field}` {fault}")]
    Field { field: String, fault: Fault },
    #[error("the body is not {0}")]
    WrongBody(&'static str),
    #[error("the body is longer than {} bytes", super::BODY_BYTES)]
    TooLong,
    #[error("the body must be {0}, and its `Content-Type` say so")]
    WrongMediaType(&'static str),
    #[error(
        "there was no answer in {} seconds: it may be done, or still be done; send it again",
        super::guard::REQUEST.as_secs()
    )]
    TooSlow,
    #[error("too many requests are under way")]
    Busy,
    #[error("{0}")]
    Unavailable(&'static str),
    #[error("logins are not verified by accounts here")]
    NoAccounts,
    #[error("what happens is not recorded in a file here: `audit.path` names one")]
    NoRecord,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("is missing")]
    Missing,
    #[error("must be a string")]
    NotText,
    #[error("must be a whole number from 1 to {0}")]
    NotACount(usize),
    #[error("must be a time in Unix seconds")]
    NotATime,
    #[error("must be the name of a session: 22 letters, digits, `-` and `_`")]
    NotASession,
    #[error("is there twice")]
    Repeated,
    #[error("is no field of this request")]
    Unknown,
    #[error("must be a user name: up to 64 letters, digits and signs, and no spaces")]
    NotAUsername,
    #[error("is too short for a password here")]
    TooShort,
    #[error("is too long for a password here")]
    TooLong,
    #[error("is refused: {}", .0.as_str())]
    Refused(InvalidReason),
}

/// A problem on the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Body {
    /// What kind of problem it is; the status says it all.
    #[schema(example = "about:blank")]
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What went wrong, for people.
    detail: String,
    /// What went wrong, for programs.
    #[schema(example = "unknown_session")]
    code: &'static str,
    /// The field that is wrong, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
}

impl Problem {
    pub(super) fn field(field: &str, fault: Fault) -> Self {
        let field = field.to_owned();
        Self::Field { field, fault }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::TokenMissing | Self::TokenWrong => StatusCode::UNAUTHORIZED,
            Self::NoSuchPath
            | Self::UnknownSession
            | Self::UnknownSubject
            | Self::NoAccounts
            | Self::NoRecord => StatusCode::NOT_FOUND,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Taken => StatusCode::CONFLICT,
            Self::Field { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::WrongBody(_) => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What went wrong, for programs.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::TokenMissing => "token_missing",
            Self::TokenWrong => "token_wrong",
            Self::NoSuchPath => "no_such_path",
            Self::NoSuchMethod => "no_such_method",
            Self::UnknownSession => "unknown_session",
            Self::UnknownSubject => "unknown_subject",
            Self::Taken => "taken",
            Self::Field { .. } => "field_invalid",
            Self::WrongBody(_) => "body_invalid",
            Self::TooLong => "body_too_long",
            Self::WrongMediaType(_) => "wrong_media_type",
            Self::TooSlow => "too_slow",
            Self::Busy => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::NoAccounts => "no_accounts",
            Self::NoRecord => "no_record",
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = Body {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.to_string(),
            code: self.code(),
            field: if let Self::Field { field, .. } = &self {
                Some(field.clone())
            } else {
                None
            },
        };
        let mut response = json(status, MEDIA_TYPE, &body);
        if status == StatusCode::UNAUTHORIZED {
            let challenge = if self == Self::TokenMissing {
                NO_TOKEN
            } else {
                WRONG_TOKEN
            };
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        // The ledger has logged why.
        tracing::debug!(%error, "not answered");
        Self::Unavailable("the ledger cannot answer now")
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Invalid(reason) => invalid(reason),
            AccountError::Unknown => Self::UnknownSubject,
            AccountError::Busy => Self::Unavailable("too many passwords wait to be hashed"),
            AccountError::Unavailable => {
                Self::Unavailable("the accounts cannot be read or written")
            }
            AccountError::Ledger(error) => error.into(),
            AccountError::SessionsLive(_) => Self::Unavailable(
                "the account was changed, but the ledger did not end its sessions: do it again",
            ),
        }
    }
}

/// What an account cannot have.
fn invalid(reason: InvalidReason) -> Problem {
    match reason {
        InvalidReason::UsernameTaken => Problem::Taken,
        InvalidReason::PasswordTooShort => Problem::field("password", Fault::TooShort),
        InvalidReason::PasswordTooLong => Problem::field("password", Fault::TooLong),
        InvalidReason::UsernameInvalid => Problem::field("subject", Fault::NotAUsername),
        other => Problem::field("subject", Fault::Refused(other)),
    }
}

pub(super) async fn no_such_path() -> Problem {
    Problem::NoSuchPath
}

pub(super) async fn no_such_method() -> Problem {
    Problem::NoSuchMethod
}
