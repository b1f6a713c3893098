//! The certificate of the encrypted port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Encrypted MQTT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Address and port.
    pub listen: SocketAddr,
    /// The certificate, then those that lead to its root: a PEM file.
    pub certificate: PathBuf,
    /// Its private key: a PEM file.
    pub key: PathBuf,
}

/// Reads both files.
///
/// # Errors
/// When one cannot be read, or they do not belong together; the message names the file.
pub(crate) fn acceptor(options: &TlsOptions) -> anyhow::Result<TlsAcceptor> {
    let certificates = certificates(&options.certificate)
        .with_context(|| format!("certificate {}", options.certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(&options.key)
        .with_context(|| format!("private key {}", options.key.display()))?;
    // Named here: with two providers in the program, rustls would not know which.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .with_context(|| {
            format!("certificate {} with key {}", options.certificate.display(), options.key.display())
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() {
        bail!("there is no certificate in this file");
    }
    Ok(certificates)
}
