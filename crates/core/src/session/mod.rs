//! What a session is, and the rule that every ledger decides by.

mod history;
mod id;
mod record;
mod rule;

pub use history::{AttemptHash, Consumption, History, REMEMBERED_GENERATIONS};
pub use id::{ConnectionId, Generation, InvalidSessionId, SessionId, Thumbprint};
pub use record::{Revocation, RevocationReason, Session, SessionRecord};
pub use rule::{
    Acknowledged, Evidence, Presentation, Presented, Pushed, Refusal, TokenPolicy, acknowledge,
    create, present, push, revoke,
};
