//! Signing tokens, and telling ours from all others.

use super::{
    Token, VerifiedToken,
    claims::{Claims, Text128},
    header, object,
};
use crate::{
    keys::{Key, LiveKeys, SIGNATURE_BYTES_MAX},
    random::Random128,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast_core::{
    limits::TOKEN_BYTES,
    message::Grant,
    session::{Generation, Refusal, SessionId},
    time::Timestamp,
};
use std::sync::Arc;

/// The longest issuer and the longest audience, in bytes, with which every token stays within
/// [`TOKEN_BYTES`]. Whoever configures one checks it.
pub const NAME_BYTES_MAX: usize = 256;

/// Room for a signature when it is decoded, in bytes; whole groups of three, as the decoder counts.
const SIGNATURE_ROOM: usize = SIGNATURE_BYTES_MAX.next_multiple_of(3);
/// Room for the claims of most tokens, in bytes.
const CLAIMS_ROOM: usize = 256;
/// The largest number that every JSON reader keeps exactly (RFC 8259 section 6).
const EXACT_MAX: u64 = Generation::MAX.number();

/// Signs the tokens of one issuer for one audience, and verifies them.
#[derive(Clone, Debug)]
pub struct TokenIssuer {
    keys: Arc<LiveKeys>,
    pub(super) issuer: Box<str>,
    pub(super) audience: Box<str>,
}

impl TokenIssuer {
    /// An issuer with these keys, whose tokens carry `issuer` as `iss` and `audience` as `aud`, each of at most
    /// [`NAME_BYTES_MAX`].
    #[must_use]
    pub fn new(keys: Arc<LiveKeys>, issuer: &str, audience: &str) -> Self {
        Self {
            keys,
            issuer: issuer.into(),
            audience: audience.into(),
        }
    }

    /// The keys in use.
    #[must_use]
    pub fn keys(&self) -> &LiveKeys {
        &self.keys
    }

    /// What stands in its tokens as `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What stands in its tokens as `aud`.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Signs the token of a grant with the key whose time it is at `now`. `id` is random and names this very text
    /// (`jti`), for a grant may be signed again.
    ///
    /// # Panics
    /// If the operating system has no randomness to give to an ES256 signature.
    #[must_use]
    pub fn sign(&self, subject: &str, grant: &Grant, id: &Random128, now: Timestamp) -> Token {
        let ring = self.keys.current();
        let key = ring.signing(now);
        let claims = self.claims(subject, grant, id);
        sign(key, key.header(), &claims)
    }

    /// Says what a token says, if it is one of ours and its time is not over.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for everything that we would not have issued, or not for now; [`Refusal::Expired`] for
    /// what we issued and whose time is over.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<VerifiedToken, Refusal> {
        if text.len() > TOKEN_BYTES {
            return Err(Refusal::Malformed);
        }
        let payload = self
            .authenticate(text, header::TYPE, now)
            .ok_or(Refusal::Malformed)?;
        let claims = self.read(&payload).ok_or(Refusal::Malformed)?;
        if now.as_unix() < claims.nbf {
            return Err(Refusal::Malformed);
        }
        let token = claims.into_verified().ok_or(Refusal::Malformed)?;
        if now >= token.expires_at {
            return Err(Refusal::Expired);
        }
        Ok(token)
    }

    /// The payload of a JWT of this `typ` that one of our keys signed, if that still verifies at `now`.
    pub(super) fn authenticate(&self, text: &str, typ: &str, now: Timestamp) -> Option<Vec<u8>> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let ring = self.keys.current();
        let key = header::key(header, typ, &ring).filter(|key| key.verifies_at(now))?;
        let mut signature_room = [0; SIGNATURE_ROOM];
        let length = URL_SAFE_NO_PAD
            .decode_slice(signature, &mut signature_room)
            .ok()?;
        if !key.verifies(message.as_bytes(), &signature_room[..length]) {
            return None;
        }
        // A dot too many is no character of base64url, so it ends here.
        URL_SAFE_NO_PAD.decode(payload).ok()
    }

    fn read<'a>(&self, payload: &'a [u8]) -> Option<Claims<'a>> {
        let claims: Claims<'_> = object(payload)?;
        let ours = claims.iss == *self.issuer && claims.aud == *self.audience;
        ours.then_some(claims)
    }

    fn claims(&self, subject: &str, grant: &Grant, id: &Random128) -> Vec<u8> {
        let (sid, jti) = (Text128::of(grant.session.as_bytes()), Text128::of(id));
        let claims = Claims {
            iss: (&*self.issuer).into(),
            aud: (&*self.audience).into(),
            sub: subject.into(),
            sid: sid.as_str().into(),
            generation: grant.generation.number(),
            iat: grant.issued_at.as_unix(),
            exp: grant.expires_at.as_unix(),
            nbf: 0,
            jti: jti.as_str().into(),
        };
        let mut json = Vec::with_capacity(CLAIMS_ROOM);
        serde_json::to_writer(&mut json, &claims).expect("claims are JSON");
        json
    }
}

impl Claims<'_> {
    fn into_verified(self) -> Option<VerifiedToken> {
        let exact = self.iat <= EXACT_MAX && self.exp <= EXACT_MAX;
        if !exact || self.sub.is_empty() || self.jti.is_empty() {
            return None;
        }
        Some(VerifiedToken {
            subject: self.sub.into(),
            session: SessionId::parse(&self.sid).ok()?,
            generation: Generation::new(self.generation)?,
            issued_at: Timestamp::from_unix(self.iat),
            expires_at: Timestamp::from_unix(self.exp),
        })
    }
}

/// Signs claims behind a header that is encoded already.
pub(super) fn sign(key: &Key, header: &str, claims: &[u8]) -> Token {
    let encoded = |bytes: usize| (bytes * 4).div_ceil(3);
    let signature_chars = encoded(key.algorithm().signature_bytes());
    let mut text =
        String::with_capacity(header.len() + 1 + encoded(claims.len()) + 1 + signature_chars);
    text.push_str(header);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut text);
    let signature = key
        .sign(text.as_bytes())
        .expect("the signing key of a ring can sign");
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature.as_bytes(), &mut text);
    debug_assert!(text.len() <= TOKEN_BYTES, "we would refuse our own token");
    Token(text.into())
}
