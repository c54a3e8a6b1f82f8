//! Requests as finished frames of the plain framing.

use super::frame::write_text;

/// Writes `Login` over `out`. Neither text may hold what JSON escapes.
pub(crate) fn login(out: &mut Vec<u8>, username: &str, password: &str) {
    credentials(out, r#"{"type":"Login","username":""#, username, password);
}

/// Writes `Register` over `out`. Neither text may hold what JSON escapes.
pub(crate) fn register(out: &mut Vec<u8>, username: &str, password: &str) {
    credentials(
        out,
        r#"{"type":"Register","username":""#,
        username,
        password,
    );
}

fn credentials(out: &mut Vec<u8>, head: &str, username: &str, password: &str) {
    write_text(
        out,
        &[head, username, r#"","password":""#, password, r#""}"#],
    );
}

/// Writes `RefreshToken` over `out`.
pub(crate) fn refresh_token(out: &mut Vec<u8>, token: &str) {
    write_text(
        out,
        &[r#"{"type":"RefreshToken","token":""#, token, r#""}"#],
    );
}

/// Writes `Revoke` over `out`.
pub(crate) fn revoke(out: &mut Vec<u8>, session: &str) {
    write_text(out, &[r#"{"type":"Revoke","session":""#, session, r#""}"#]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use handfast_core::{message::Request, session::SessionId};
    use tungstenite::protocol::{Role, WebSocketContext};

    fn as_read_by_the_core(frame: &[u8]) -> Request {
        let mut server = WebSocketContext::new(Role::Server, None);
        let mut stream = std::io::Cursor::new(frame.to_vec());
        let message = server.read(&mut stream).unwrap();
        Request::parse(message.to_text().unwrap()).unwrap().body
    }

    #[test]
    fn the_core_reads_what_is_written() {
        let mut frame = Vec::new();
        login(&mut frame, "ada", "long enough");
        let Request::Login(typed) = as_read_by_the_core(&frame) else {
            panic!("no login");
        };
        assert_eq!(
            (&*typed.username, typed.password.expose()),
            ("ada", "long enough")
        );

        register(&mut frame, "grace", "long enough too");
        let Request::Register(typed) = as_read_by_the_core(&frame) else {
            panic!("no registration");
        };
        assert_eq!(
            (&*typed.username, typed.password.expose()),
            ("grace", "long enough too")
        );

        refresh_token(&mut frame, "a.b.c");
        let Request::RefreshToken { token, .. } = as_read_by_the_core(&frame) else {
            panic!("no presentation");
        };
        assert_eq!(token.expose(), "a.b.c");

        let session = SessionId::from_bytes([7; 16]);
        revoke(&mut frame, &session.to_string());
        let Request::Revoke { session: typed } = as_read_by_the_core(&frame) else {
            panic!("no revocation");
        };
        assert_eq!(typed, session);
    }
}
