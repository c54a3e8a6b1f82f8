//! What the service manager is told, where there is one that listens (sd_notify(3)).

use sd_notify::NotifyState;

/// Clients can connect.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// What can be taken anew is taken anew; [`ready`] follows.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the service manager is not told of the reload"),
    }
}

/// The server is about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager cannot be told how the server is");
    }
}
