//! Whether a token is good, for who is shown one (RFC 7662).

use crate::Handfast;
use handfast_core::{
    session::{Consumption, Generation, SessionId, SessionRecord, Thumbprint},
    time::Timestamp,
};
use handfast_ledger::LedgerError;

/// What an active token says (RFC 7662 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introspection {
    /// Whose session it goes on with: `sub`.
    pub subject: Box<str>,
    /// The session: `sid`.
    pub session: SessionId,
    /// The token's number in it.
    pub generation: Generation,
    /// When it was issued: `iat`.
    pub issued_at: Timestamp,
    /// From when on it is refused: `exp`.
    pub expires_at: Timestamp,
    /// The key without whose proof it is refused, if there is one: `cnf` with `jkt` (RFC 7800, RFC 9449 section 6.1).
    pub key: Option<Thumbprint>,
}

impl Handfast {
    /// Says what a token says, if it is active; `None` if it is not, whatever the reason. Nothing changes by it.
    ///
    /// A token is active if we signed it, its time is not over, its session is live, and its generation is one that the
    /// client is to hold: the newest, or the one before it while a pushed token is on its way. A token that was
    /// exchanged is not, although a client whose answer was lost may still show it again.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot answer.
    pub async fn introspect(&self, token: &str) -> Result<Option<Introspection>, LedgerError> {
        let node = &self.node;
        let now = node.clock.now().unix;
        let Ok(token) = node.tokens.verify(token, now) else {
            return Ok(None);
        };
        let Some(session) = node.ledger.session(token.session).await? else {
            return Ok(None);
        };
        let record = session.record;
        let is_active = record.is_live(now)
            && is_held(&record, token.generation)
            && session.subject == token.subject;
        Ok(is_active.then_some(Introspection {
            subject: token.subject,
            session: token.session,
            generation: token.generation,
            issued_at: token.issued_at,
            expires_at: token.expires_at.min(record.expires_at),
            key: record.key,
        }))
    }
}

/// Whether the client is to hold `generation`.
fn is_held(record: &SessionRecord, generation: Generation) -> bool {
    let waits_for_push =
        generation == record.confirmed && record.history.of_confirmed() == Consumption::Nothing;
    generation == record.issued || waits_for_push
}
