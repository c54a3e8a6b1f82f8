//! Answers, read no further than this generator needs.

use std::time::Duration;

/// What the server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer<'a> {
    /// `Success` or `Registered`.
    Granted(Grant<'a>),
    /// Anything else: the message as it came. It holds no token.
    Other(&'a str),
}

/// What a client is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant<'a> {
    /// The token to present next.
    pub(crate) token: &'a str,
    message: &'a str,
}

impl<'a> Grant<'a> {
    /// The name of the session, where the server says it.
    pub(crate) fn session(&self) -> Option<&'a str> {
        field(self.message, "session")
    }
}

/// Reads a message.
pub(crate) fn read(message: &str) -> Answer<'_> {
    match kind(message) {
        Some("Success" | "Registered") => field(message, "token")
            .map_or(Answer::Other("a grant without a token"), |token| {
                Answer::Granted(Grant { token, message })
            }),
        Some(_) | None => Answer::Other(message),
    }
}

/// The type of a message, if it is one.
pub(crate) fn kind(message: &str) -> Option<&str> {
    field(message, "type")
}

/// How long a message asks to wait before the same is asked again, if it does.
pub(crate) fn retry_after(message: &str) -> Option<Duration> {
    let (_, behind) = message.split_once("\"retry_after\":")?;
    let behind = behind.trim_ascii_start();
    let end = behind.find(|c: char| !c.is_ascii_digit());
    let seconds = behind[..end.unwrap_or(behind.len())].parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The text of the field `name`. It is found wherever `"name"` is followed by a colon and a string: enough for flat
/// objects whose strings hold no escapes, as types and tokens never do.
fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = message;
    loop {
        // Most of an answer is its token, which this passes over in one step.
        let (_, from_key) = rest.split_once('"')?;
        let (key, after_key) = from_key.split_once('"')?;
        rest = after_key;
        let Some(value) = after_key.trim_ascii_start().strip_prefix(':') else {
            continue;
        };
        let Some(text) = value.trim_ascii_start().strip_prefix('"') else {
            continue;
        };
        let (text, after) = text.split_once('"')?;
        if key == name {
            return Some(text);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handfast_core::{
        message::{Answer as Said, Carried, Grant},
        session::{Generation, SessionId},
        time::Timestamp,
    };

    fn grant() -> Grant {
        Grant {
            session: SessionId::from_bytes([7; 16]),
            generation: Generation::new(3).unwrap(),
            issued_at: Timestamp::from_unix(1),
            expires_at: Timestamp::from_unix(2),
            refresh_at: Timestamp::from_unix(3),
        }
    }

    fn json(answer: Said) -> String {
        answer.to_json(None)
    }

    /// The token that a message grants.
    fn token(message: &str) -> Option<&str> {
        match read(message) {
            Answer::Granted(grant) => Some(grant.token),
            Answer::Other(_) => None,
        }
    }

    #[test]
    fn the_tokens_of_the_cores_answers_are_found() {
        let success = json(Said::Success {
            grant: grant(),
            carried: Carried::Token("a.b-_.c".into()),
        });
        assert_eq!(token(&success), Some("a.b-_.c"));
        let Answer::Granted(granted) = read(&success) else {
            panic!("no grant");
        };
        let session = SessionId::from_bytes([7; 16]).to_string();
        assert_eq!(granted.session(), Some(session.as_str()));
        let registered = json(Said::Registered {
            grant: grant(),
            carried: Carried::Token("d.e.f".into()),
        });
        assert_eq!(token(&registered), Some("d.e.f"));
    }

    #[test]
    fn a_refusal_says_how_long_to_wait() {
        let said = json(Said::TooManyRequests { retry_after: 37 });
        assert_eq!(retry_after(&said), Some(Duration::from_secs(37)));
        assert_eq!(retry_after(&json(Said::LoggedOut)), None);
    }

    #[test]
    fn other_answers_of_the_core_are_kept_as_they_came() {
        for said in [
            Said::InvalidPassword,
            Said::TooManyRequests { retry_after: 3 },
            Said::LoggedOut,
        ] {
            let said = json(said);
            assert_eq!(read(&said), Answer::Other(&said));
        }
    }

    #[test]
    fn spaces_and_the_order_of_fields_do_not_matter() {
        let message = r#"{ "expires_at": 12, "token" : "a.b.c", "type": "Success" }"#;
        assert_eq!(token(message), Some("a.b.c"));
    }

    #[test]
    fn a_value_that_reads_like_a_field_is_not_taken_for_one() {
        let message = r#"{"type":"InvalidRequest","field":"token","reason":"missing_field"}"#;
        assert_eq!(read(message), Answer::Other(message));
        let message = r#"{"note":"type","type":"Success","say":"token","token":"t"}"#;
        assert_eq!(token(message), Some("t"));
    }

    #[test]
    fn what_is_no_message_is_no_grant() {
        for text in [
            "",
            "{",
            "\"type\"",
            r#"{"type":"Success"}"#,
            r#"{"type":"Succ"#,
        ] {
            assert!(matches!(read(text), Answer::Other(_)), "{text}");
        }
    }
}
