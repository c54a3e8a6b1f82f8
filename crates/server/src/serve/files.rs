//! The files that a server reads when it starts, and again when it reloads.

use crate::{config::Config, data::DataFolder};
use handfast::{
    Serving,
    keys::{KeyFile, KeyFileError, KeyRing},
    tls::{self, TlsError},
};

/// Why a file cannot be used. The message names it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The keys that sign tokens.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
}

/// How clients are served, with the certificate as its files are now.
///
/// # Errors
/// [`FileError`] if it cannot be used.
pub(crate) fn serving(config: &Config) -> Result<Serving, FileError> {
    let tls = config.tls.as_ref();
    Ok(Serving {
        handshake: config.limits.handshake,
        tls: tls.map(|tls| tls::load(&tls.cert, &tls.key)).transpose()?,
    })
}

/// The keys as their file is now.
///
/// # Errors
/// [`FileError`] if they cannot be used.
pub(crate) fn keys(config: &Config) -> Result<KeyRing, FileError> {
    Ok(KeyFile::new(DataFolder(&config.data).keys()).load()?)
}
