//! What a crowd tells whoever started it, a line of JSON each; and the one word that it is told.

/// The word on which every client of a crowd rotates its token.
pub(super) const ROTATE: &str = "rotate";

/// What a crowd tells.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub(super) enum Told {
    /// A client is logged in whose session may be revoked.
    Watched {
        /// Its account.
        name: String,
        /// Its session.
        session: String,
    },
    /// How far it is, twice a second while it is getting anywhere.
    Progress {
        /// Clients that are logged in.
        logged_in: u64,
        /// Clients that rotated their tokens since the word.
        rotated: u64,
    },
    /// Every client is logged in.
    AllLoggedIn,
    /// Every client has rotated its token since the word.
    AllRotated,
    /// A session that was revoked has lost its connection.
    Closed {
        /// The session.
        session: String,
        /// When, in nanoseconds of the machine's monotonic clock.
        at_nanos: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        let told = Told::Closed {
            session: "s".to_owned(),
            at_nanos: 7,
        };
        let line = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<Told>(&line).unwrap(), told);
    }
}
