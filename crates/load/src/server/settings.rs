//! How the measured server is set up: by its environment, as anybody could.

use std::process::Command;

/// What every variable that handfast reads begins with.
const PREFIX: &str = "HANDFAST_";

/// Limits that protect a server from exactly what a measurement does.
const LIFTED: [(&str, &str); 8] = [
    ("HANDFAST_LIMITS__LOGINS_PER_ACCOUNT", "off"),
    ("HANDFAST_LIMITS__LOGINS_PER_ADDRESS", "off"),
    ("HANDFAST_LIMITS__PRESENTATIONS_PER_SESSION", "off"),
    ("HANDFAST_LIMITS__SESSIONS_PER_SUBJECT", "off"),
    ("HANDFAST_LIMITS__CONNECTIONS_PER_ADDRESS", "off"),
    ("HANDFAST_LIMITS__UNAUTHENTICATED_PER_ADDRESS", "off"),
    // The next measurement must not wait for this one's clients.
    ("HANDFAST_DRAIN__SPREAD", "0s"),
    // Some scenarios log in more clients at once than a server is set up for.
    ("HANDFAST_PASSWORD__QUEUE", "1024"),
];

/// Argon2 at the least that its specification allows.
const CHEAP: [(&str, &str); 2] = [
    ("HANDFAST_PASSWORD__MEMORY_KIB", "8"),
    ("HANDFAST_PASSWORD__ITERATIONS", "1"),
];

/// What hashing a password costs the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hashing {
    /// Next to nothing, so that everything else shows.
    TurnedDown,
    /// What it costs by default.
    Default,
}

/// What differs from one measured server to the next.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// What hashing a password costs.
    pub(crate) hashing: Hashing,
    /// Variables beside those that every measured server has. Their values may be secret.
    pub(crate) more: Vec<(&'static str, String)>,
}

impl From<Hashing> for Settings {
    fn from(hashing: Hashing) -> Self {
        Self {
            hashing,
            more: Vec::new(),
        }
    }
}

/// Sets the variables of a server's process and takes away what its parent's environment would change.
pub(super) fn apply(command: &mut Command, settings: &Settings) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(PREFIX) {
            command.env_remove(name);
        }
    }
    command.envs(LIFTED);
    command.envs(settings.more.iter().map(|(name, value)| (name, value)));
    match settings.hashing {
        Hashing::TurnedDown => {
            command.envs(CHEAP);
        }
        Hashing::Default => {}
    }
}
