//! One-time tickets: what a script gets in cookie delivery in place of a token.
//!
//! A ticket is a JWT of a type of its own, signed with the same keys, so that every node can exchange what any of them
//! gave out. It holds what a token is made from, for half a minute, and for one browser.

use super::{
    TokenIssuer,
    claims::Text128,
    header::{TICKET_TYPE, encode_as},
    issuer::sign,
    object,
};
use crate::random::Random128;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast_core::{
    limits::TOKEN_BYTES,
    message::Grant,
    session::{Generation, SessionId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// How long a ticket may be exchanged.
pub(crate) const TICKET_LIFETIME: Duration = Duration::from_secs(30);
/// How far the clock of the node that gave a ticket out may be ahead of this one's, or behind it.
const SKEW: Duration = Duration::from_secs(60);
/// For how long a ticket may be taken for good at the most, by nodes whose clocks differ as far as they may.
pub(crate) const TICKET_TAKEN_FOR: Duration =
    TICKET_LIFETIME.saturating_add(SKEW.saturating_mul(2));

/// What stands in a ticket for the browser that may exchange it: the first half of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrowserHash(Random128);

impl BrowserHash {
    /// The hash of the secret that only the browser holds.
    pub(crate) fn of(secret: &str) -> Self {
        let hash = digest(&SHA256, secret.as_bytes());
        let mut half = Random128::default();
        half.copy_from_slice(&hash.as_ref()[..16]);
        Self(half)
    }
}

/// What a verified ticket says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Names this very ticket.
    pub(crate) id: Random128,
    /// Whose session it is.
    pub(crate) subject: Box<str>,
    /// The token that it is exchanged for. When to rotate it stands in no token, so it is of no meaning here.
    pub(crate) grant: Grant,
    /// The browser that may exchange it.
    pub(crate) browser: BrowserHash,
}

/// The claims as JSON has them.
#[derive(Serialize, Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    aud: Cow<'a, str>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    #[serde(borrow)]
    sid: Cow<'a, str>,
    #[serde(rename = "gen")]
    generation: u64,
    token_iat: u64,
    token_exp: u64,
    #[serde(borrow)]
    browser: Cow<'a, str>,
    exp: u64,
    #[serde(borrow)]
    jti: Cow<'a, str>,
}

impl TokenIssuer {
    /// Signs a ticket, which is good for [`TICKET_LIFETIME`].
    pub(crate) fn sign_ticket(&self, ticket: &Ticket, now: Timestamp) -> Box<str> {
        let texts = [
            ticket.grant.session.as_bytes(),
            &ticket.browser.0,
            &ticket.id,
        ];
        let [sid, browser, jti] = texts.map(Text128::of);
        let claims = Claims {
            iss: (&*self.issuer).into(),
            aud: (&*self.audience).into(),
            sub: (&*ticket.subject).into(),
            sid: sid.as_str().into(),
            generation: ticket.grant.generation.number(),
            token_iat: ticket.grant.issued_at.as_unix(),
            token_exp: ticket.grant.expires_at.as_unix(),
            browser: browser.as_str().into(),
            exp: now.after(TICKET_LIFETIME).as_unix(),
            jti: jti.as_str().into(),
        };
        let claims = serde_json::to_vec(&claims).expect("claims are JSON");
        let ring = self.keys().current();
        let key = ring.signing(now);
        let header = encode_as(TICKET_TYPE, key.algorithm(), key.id());
        sign(key, &header, &claims).into_exposed()
    }

    /// Says what a ticket says, if one of our keys signed it and its time is not over.
    pub(crate) fn verify_ticket(&self, text: &str, now: Timestamp) -> Option<Ticket> {
        if text.len() > TOKEN_BYTES {
            return None;
        }
        let payload = self.authenticate(text, TICKET_TYPE, now)?;
        let claims: Claims<'_> = object(&payload)?;
        let ours = claims.iss == *self.issuer && claims.aud == *self.audience;
        let exp = Timestamp::from_unix(claims.exp);
        // One that is good for longer would outlive what a node remembers of it.
        let is_current = now < exp.after(SKEW) && exp <= now.after(TICKET_LIFETIME + SKEW);
        (ours && is_current).then(|| claims.into_ticket()).flatten()
    }
}

impl Claims<'_> {
    fn into_ticket(self) -> Option<Ticket> {
        let expires_at = Timestamp::from_unix(self.token_exp);
        Some(Ticket {
            id: random128(&self.jti)?,
            subject: self.sub.into(),
            grant: Grant {
                session: SessionId::parse(&self.sid).ok()?,
                generation: Generation::new(self.generation)?,
                issued_at: Timestamp::from_unix(self.token_iat),
                expires_at,
                refresh_at: expires_at,
            },
            browser: BrowserHash(random128(&self.browser)?),
        })
    }
}

fn random128(text: &str) -> Option<Random128> {
    let mut bytes = Random128::default();
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == bytes.len()).then_some(bytes)
}
