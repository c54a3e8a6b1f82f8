//! What a client may ask.

use super::fields::{Fields, Value, Wrong};
use crate::{
    limits,
    session::{AttemptHash, Generation, SessionId},
};
use alloc::{boxed::Box, string::String};
use core::fmt;
use zeroize::Zeroizing;

/// A password, token or proof. It is wiped when dropped, and never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text as a secret.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(String::from(text)))
    }

    /// The text itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A client's name for a request, echoed in the answer: the JSON text of a string or a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// Takes the JSON text of a string or a number of at most [`limits::REQUEST_ID_BYTES`].
    pub(super) fn from_json(json: &str) -> Option<Self> {
        let scalar =
            json.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit());
        (scalar && json.len() <= limits::REQUEST_ID_BYTES).then(|| Self(json.into()))
    }

    /// The JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// A message with the client's name for it.
#[derive(Clone, Debug)]
pub struct Envelope<T> {
    /// What the answer echoes.
    pub id: Option<RequestId>,
    /// The message.
    pub body: T,
}

/// A request that is well-formed. Whether it is granted is another question.
#[derive(Clone, Debug)]
pub enum Request {
    /// Begin a session.
    Login(Credentials),
    /// Make an account and begin a session.
    Register(Credentials),
    /// Go on with a session, or rotate it.
    RefreshToken {
        /// The token.
        token: Secret,
        /// The hash of the attempt key, if one came with it.
        attempt: Option<AttemptHash>,
        /// The proof of the session's key, if one came with it.
        proof: Option<Secret>,
    },
    /// The token of this generation is stored.
    Ack {
        /// Its generation.
        generation: Generation,
    },
    /// Give another one-time ticket for the newest token.
    Ticket,
    /// End this session, or all sessions of the subject.
    Logout {
        /// Whether all.
        everywhere: bool,
    },
    /// List the subject's sessions.
    Sessions,
    /// End one of the subject's sessions.
    Revoke {
        /// Which.
        session: SessionId,
    },
    /// Change the subject's password.
    ChangePassword {
        /// The password until now.
        old_password: Secret,
        /// The password from now on.
        new_password: Secret,
    },
    /// Show that you are there.
    Ping,
}

/// What a client logs in with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Who it is, as typed.
    pub username: Box<str>,
    /// The password.
    pub password: Secret,
    /// The public key that the session is to be bound to: the JSON text of an object, at most [`limits::KEY_BYTES`]
    /// long.
    pub key: Option<Box<str>>,
}

/// Why a request is invalid, as `InvalidRequest` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidReason {
    /// It is no JSON text (RFC 8259).
    NotJson,
    /// It is JSON, but no object.
    NotAnObject,
    /// It has no `type`.
    MissingType,
    /// Its `type` is none of this protocol's.
    UnknownType,
    /// A field that its type needs is not there.
    MissingField,
    /// A field has the wrong type or a value out of its range.
    WrongField,
    /// A field stands there twice.
    DuplicateField,
    /// A binary frame, where every frame is a message.
    BinaryMessage,
    /// An application frame, where nobody takes one.
    ApplicationFrame,
    /// The user name is empty, too long, or no user name (RFC 8265 section 3).
    UsernameInvalid,
    /// The user name belongs to somebody.
    UsernameTaken,
    /// Accounts are not made here.
    RegistrationClosed,
    /// The password of a new account is too short.
    PasswordTooShort,
    /// The password is longer than [`limits::PASSWORD_BYTES`].
    PasswordTooLong,
    /// A login asked for a session that is bound to a key, where there is none, or to a key of a kind that is not
    /// taken.
    KeyUnsupported,
    /// The key of a login is no public key.
    KeyInvalid,
    /// The session to revoke is none of the subject's.
    UnknownSession,
    /// The token belongs to another session than the one that this connection is bound to.
    OtherSession,
    /// Tokens are delivered in a cookie here: only an upgrade request presents one.
    CookieDelivery,
    /// Tokens are delivered in messages here: there are no tickets.
    CookieDeliveryOff,
}

impl InvalidReason {
    /// The reason as it stands in `InvalidRequest`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::MissingType => "missing_type",
            Self::UnknownType => "unknown_type",
            Self::MissingField => "missing_field",
            Self::WrongField => "wrong_field",
            Self::DuplicateField => "duplicate_field",
            Self::BinaryMessage => "binary_message",
            Self::ApplicationFrame => "application_frame",
            Self::UsernameInvalid => "username_invalid",
            Self::UsernameTaken => "username_taken",
            Self::RegistrationClosed => "registration_closed",
            Self::PasswordTooShort => "password_too_short",
            Self::PasswordTooLong => "password_too_long",
            Self::KeyUnsupported => "key_unsupported",
            Self::KeyInvalid => "key_invalid",
            Self::UnknownSession => "unknown_session",
            Self::OtherSession => "other_session",
            Self::CookieDelivery => "cookie_delivery",
            Self::CookieDeliveryOff => "cookie_delivery_off",
        }
    }
}

/// A request that cannot be understood or granted as it is; it changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRequest {
    /// Why.
    pub reason: InvalidReason,
    /// The field that it is about.
    pub field: Option<&'static str>,
}

impl InvalidRequest {
    /// An invalid request that no one field is to blame for.
    #[must_use]
    pub const fn because(reason: InvalidReason) -> Self {
        Self {
            reason,
            field: None,
        }
    }

    const fn of(reason: InvalidReason, field: &'static str) -> Self {
        Self {
            reason,
            field: Some(field),
        }
    }
}

impl From<Wrong> for InvalidRequest {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Syntax => Self::because(InvalidReason::NotJson),
            Wrong::NotAnObject => Self::because(InvalidReason::NotAnObject),
        }
    }
}

impl Request {
    /// Reads a message.
    ///
    /// # Errors
    /// [`InvalidRequest`], with the request's `id` where that could be read.
    pub fn parse(json: &str) -> Result<Envelope<Self>, Envelope<InvalidRequest>> {
        let fields = Fields::parse(json).map_err(|wrong| Envelope {
            id: None,
            body: wrong.into(),
        })?;
        let id = match fields.id {
            None => None,
            Some(json) => match RequestId::from_json(json) {
                Some(id) => Some(id),
                None => {
                    return Err(Envelope {
                        id: None,
                        body: InvalidRequest::of(InvalidReason::WrongField, "id"),
                    });
                }
            },
        };
        match Self::from_fields(&fields) {
            Ok(body) => Ok(Envelope { id, body }),
            Err(body) => Err(Envelope { id, body }),
        }
    }

    fn from_fields(fields: &Fields<'_>) -> Result<Self, InvalidRequest> {
        if let Some(field) = fields.duplicate {
            return Err(InvalidRequest::of(InvalidReason::DuplicateField, field));
        }
        if matches!(fields.kind, Value::Absent) {
            return Err(InvalidRequest::because(InvalidReason::MissingType));
        }
        match required(&fields.kind, "type")? {
            "Login" => credentials(fields).map(Self::Login),
            "Register" => credentials(fields).map(Self::Register),
            "RefreshToken" => Ok(Self::RefreshToken {
                token: Secret::new(required(&fields.token, "token")?),
                attempt: attempt(&fields.attempt)?,
                proof: optional(&fields.proof, "proof")?.map(Secret::new),
            }),
            "Ack" => Ok(Self::Ack {
                generation: generation(&fields.generation)?,
            }),
            "Logout" => Ok(Self::Logout {
                everywhere: flag(&fields.everywhere, "everywhere")?,
            }),
            "Ticket" => Ok(Self::Ticket),
            "Sessions" => Ok(Self::Sessions),
            "Revoke" => {
                let session = SessionId::parse(required(&fields.session, "session")?)
                    .map_err(|_| InvalidRequest::of(InvalidReason::WrongField, "session"))?;
                Ok(Self::Revoke { session })
            }
            "ChangePassword" => Ok(Self::ChangePassword {
                old_password: password(&fields.old_password, "old_password")?,
                new_password: password(&fields.new_password, "new_password")?,
            }),
            "Ping" => Ok(Self::Ping),
            _ => Err(InvalidRequest::because(InvalidReason::UnknownType)),
        }
    }
}

fn required<'f>(value: &'f Value<'_>, field: &'static str) -> Result<&'f str, InvalidRequest> {
    match value {
        Value::Text(text) => Ok(text),
        Value::Absent => Err(InvalidRequest::of(InvalidReason::MissingField, field)),
        Value::Null | Value::Whole(_) | Value::Flag(_) | Value::Object(_) | Value::Other => {
            Err(InvalidRequest::of(InvalidReason::WrongField, field))
        }
    }
}

fn optional<'f>(
    value: &'f Value<'_>,
    field: &'static str,
) -> Result<Option<&'f str>, InvalidRequest> {
    match value {
        Value::Absent | Value::Null => Ok(None),
        Value::Text(_) | Value::Whole(_) | Value::Flag(_) | Value::Object(_) | Value::Other => {
            required(value, field).map(Some)
        }
    }
}

fn flag(value: &Value<'_>, field: &'static str) -> Result<bool, InvalidRequest> {
    match value {
        Value::Flag(flag) => Ok(*flag),
        Value::Absent | Value::Null => Ok(false),
        Value::Text(_) | Value::Whole(_) | Value::Object(_) | Value::Other => {
            Err(InvalidRequest::of(InvalidReason::WrongField, field))
        }
    }
}

fn generation(value: &Value<'_>) -> Result<Generation, InvalidRequest> {
    let wrong = InvalidRequest::of(InvalidReason::WrongField, "generation");
    match value {
        Value::Whole(number) => Generation::new(*number).ok_or(wrong),
        Value::Absent => Err(InvalidRequest::of(
            InvalidReason::MissingField,
            "generation",
        )),
        Value::Null | Value::Text(_) | Value::Flag(_) | Value::Object(_) | Value::Other => {
            Err(wrong)
        }
    }
}

fn attempt(value: &Value<'_>) -> Result<Option<AttemptHash>, InvalidRequest> {
    match optional(value, "attempt")? {
        None => Ok(None),
        Some(key) if (limits::ATTEMPT_BYTES_MIN..=limits::ATTEMPT_BYTES).contains(&key.len()) => {
            Ok(Some(AttemptHash::of(key)))
        }
        Some(_) => Err(InvalidRequest::of(InvalidReason::WrongField, "attempt")),
    }
}

fn password(value: &Value<'_>, field: &'static str) -> Result<Secret, InvalidRequest> {
    let password = required(value, field)?;
    if password.len() > limits::PASSWORD_BYTES {
        return Err(InvalidRequest::of(InvalidReason::PasswordTooLong, field));
    }
    Ok(Secret::new(password))
}

/// The user name, the password and the key of a login.
fn credentials(fields: &Fields<'_>) -> Result<Credentials, InvalidRequest> {
    let username = required(&fields.username, "username")?;
    let password = password(&fields.password, "password")?;
    if !(1..=limits::USERNAME_CHARS).contains(&username.chars().count()) {
        return Err(InvalidRequest::of(
            InvalidReason::UsernameInvalid,
            "username",
        ));
    }
    Ok(Credentials {
        username: username.into(),
        password,
        key: key(&fields.key)?,
    })
}

fn key(value: &Value<'_>) -> Result<Option<Box<str>>, InvalidRequest> {
    match value {
        Value::Absent | Value::Null => Ok(None),
        Value::Object(json) if json.len() <= limits::KEY_BYTES => Ok(Some((*json).into())),
        Value::Object(_) | Value::Text(_) | Value::Whole(_) | Value::Flag(_) | Value::Other => {
            Err(InvalidRequest::of(InvalidReason::WrongField, "key"))
        }
    }
}
