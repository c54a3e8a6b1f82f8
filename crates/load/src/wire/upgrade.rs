//! The upgrade from HTTP to WebSocket (RFC 6455 section 4.1).

use super::Broken;

/// The longest answer to an upgrade that is read, in bytes.
pub(crate) const HEAD_BYTES: usize = 8 * 1024;

/// The nonce of every upgrade, and what a server makes of it: the example of RFC 6455 section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const BLANK_LINE: &[u8] = b"\r\n\r\n";

/// The request that offers no subprotocol, which makes the framing plain.
pub(crate) fn request(authority: &str, path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\n\
         Host: {authority}\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Version: 13\r\n\r\n"
    )
    .into_bytes()
}

/// The length of the answer that `bytes` begin with; `None` while it is not all there.
///
/// # Errors
/// [`Broken`], unless the server accepts the upgrade.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<usize>, Broken> {
    let Some(end) = find(bytes, BLANK_LINE) else {
        return if bytes.len() > HEAD_BYTES {
            Err(Broken::EndlessHead)
        } else {
            Ok(None)
        };
    };
    let head = &bytes[..end];
    if !head.starts_with(b"HTTP/1.1 101") {
        let status = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let status = String::from_utf8_lossy(status).chars().take(80).collect();
        return Err(Broken::UpgradeRefused { status });
    }
    if find(head, ACCEPT).is_none() {
        return Err(Broken::NotAccepted);
    }
    Ok(Some(end + BLANK_LINE.len()))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::handshake::derive_accept_key;

    #[test]
    fn the_expected_accept_is_that_of_the_key() {
        assert_eq!(derive_accept_key(KEY.as_bytes()).as_bytes(), ACCEPT);
    }

    #[test]
    fn an_accepted_upgrade_ends_at_the_blank_line() {
        let head = [
            b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: ",
            ACCEPT,
            BLANK_LINE,
        ]
        .concat();
        for end in 0..head.len() {
            assert_eq!(read(&head[..end]), Ok(None));
        }
        let with_a_frame = [&head[..], b"\x89\x00"].concat();
        assert_eq!(read(&with_a_frame), Ok(Some(head.len())));
    }

    #[test]
    fn a_refused_upgrade_says_its_status() {
        assert_eq!(
            read(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"),
            Err(Broken::UpgradeRefused {
                status: "HTTP/1.1 403 Forbidden".to_owned()
            })
        );
    }

    #[test]
    fn a_server_that_switches_without_the_right_accept_is_not_taken() {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: AAAA\r\n\r\n";
        assert_eq!(read(head), Err(Broken::NotAccepted));
    }

    #[test]
    fn an_endless_head_is_given_up() {
        assert_eq!(read(&vec![b'x'; HEAD_BYTES + 1]), Err(Broken::EndlessHead));
    }
}
