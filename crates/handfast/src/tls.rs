//! The certificate that a server shows.

use handfast_core::time::Timestamp;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use x509_cert::{Certificate, der::Decode as _};

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM (RFC 7468) of its kind.
    #[error("{} holds no {what} in PEM", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// What failed.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A certificate is none (RFC 5280).
    #[error("the certificate in {} cannot be read", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: x509_cert::der::Error,
    },
    /// The key is not the certificate's, or is of an unknown kind.
    #[error("the certificate in {} and the key do not go together", certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// What failed.
        #[source]
        source: rustls::Error,
    },
}

/// Until when the certificate in a PEM file is valid; of a chain, the server's own, which stands first.
///
/// # Errors
/// [`TlsError`], which names the file.
pub fn expires_at(certificate: &Path) -> Result<Timestamp, TlsError> {
    let path = || certificate.to_path_buf();
    let der = CertificateDer::from_pem_file(certificate).map_err(|source| TlsError::File {
        path: path(),
        what: "certificate",
        source,
    })?;
    let read = Certificate::from_der(&der).map_err(|source| TlsError::NoCertificate {
        path: path(),
        source,
    })?;
    let end = read.tbs_certificate.validity.not_after.to_unix_duration();
    Ok(Timestamp::from_unix(end.as_secs()))
}

/// Reads a certificate chain and its key, both in PEM, for HTTP/1.1 and HTTP/2.
///
/// # Errors
/// [`TlsError`], which names the file.
pub fn load(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let no = |what, path: &Path| {
        let path = path.to_path_buf();
        move |source| TlsError::File { path, what, source }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(no("certificate", certificate))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(no("private key", key))?;
    let mismatch = |source| TlsError::Mismatch {
        certificate: certificate.to_path_buf(),
        source,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(mismatch)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
