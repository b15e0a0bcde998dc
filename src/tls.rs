//! TLS for everything that connects: who is trusted, and with which cryptography.
//!
//! The provider is always given by name. rustls' own choice panics at run time as soon as two
//! providers are compiled in, which any new dependency can cause.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The machine trusts nobody, and no file was given.
    #[error(
        "no root certificates on this machine{}; install them (such as the package \
         ca-certificates), or name a PEM file with --ca or as ca in [rest]", detail(.0)
    )]
    NoRoots(Vec<rustls_native_certs::Error>),
    /// The file with certificates cannot be read.
    #[error("cannot read certificates from {}: {error}", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// Why not.
        error: pem::Error,
    },
    /// The file holds nothing to trust.
    #[error("no certificate in {}; expected PEM, \"-----BEGIN CERTIFICATE-----\"", .0.display())]
    Empty(PathBuf),
    /// A certificate of the file cannot be trusted.
    #[error("a certificate in {} is not usable: {error}", file.display())]
    Certificate {
        /// Which file.
        file: PathBuf,
        /// Why not.
        error: rustls::Error,
    },
    /// The provider lacks what the protocol needs.
    #[error("TLS cannot be set up: {0}")]
    Protocol(rustls::Error),
}

fn detail(errors: &[rustls_native_certs::Error]) -> String {
    errors.first().map_or(String::new(), |error| format!(" ({error})"))
}

/// The configuration of every client: the machine's roots and those in `extra_ca`, a PEM file.
/// Certificates are always verified.
///
/// # Errors
/// [`TlsError`]: nothing to trust, or a file that cannot be used.
pub fn tls_config(extra_ca: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let native = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Machines keep old certificates that no longer parse; the others still serve.
    roots.add_parsable_certificates(native.certs);
    if let Some(file) = extra_ca {
        add(&mut roots, file)?;
    }
    if roots.is_empty() {
        return Err(TlsError::NoRoots(native.errors));
    }
    config(roots).map(Arc::new)
}

/// A configuration under which no connection comes about, for a client that uses no TLS: it needs
/// no roots on this machine.
///
/// # Errors
/// [`TlsError::Protocol`] alone.
pub fn trusting_nobody() -> Result<ClientConfig, TlsError> {
    config(RootCertStore::empty())
}

fn config(roots: RootCertStore) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Protocol)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// What to tell about a certificate that was refused; `None` for an error about anything else.
pub fn distrust(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(refused(why));
        }
        // An error of I/O that wraps another names that one's cause as its own, and skips it.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn refused(why: &CertificateError) -> String {
    let text = format!("the venue's certificate is not trusted ({why})");
    match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "{text}: if a private CA issued it, name the CA's PEM file with --ca or as ca in [rest]"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("{text}: is this machine's clock right?")
        }
        _ => text,
    }
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), TlsError> {
    let unread = |error| TlsError::File { file: file.to_owned(), error };
    // The reader of PEM files panics on a folder.
    if file.is_dir() {
        return Err(unread(pem::Error::Io(io::ErrorKind::IsADirectory.into())));
    }
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(file).map_err(unread)? {
        let certificate = certificate.map_err(unread)?;
        roots
            .add(certificate)
            .map_err(|error| TlsError::Certificate { file: file.to_owned(), error })?;
    }
    if roots.len() == before { Err(TlsError::Empty(file.to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_refused_certificate_is_found_below_errors_of_io() {
        let refused = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, refused));
        let told = distrust(&wrapped).unwrap();
        assert!(told.contains("--ca") && told.contains("UnknownIssuer"), "{told}");
        assert_eq!(distrust(&io::Error::other("reset")), None);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let failed = |text: &str| {
            fs::write(&file, text).unwrap();
            tls_config(Some(&file)).unwrap_err()
        };
        assert!(matches!(failed("not PEM"), TlsError::Empty(_)));
        let broken = "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n";
        assert!(matches!(failed(broken), TlsError::File { .. }));
        let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(failed(hollow), TlsError::Certificate { .. }));
        let gone = tls_config(Some(&folder.path().join("gone"))).unwrap_err();
        assert!(matches!(gone, TlsError::File { .. }), "{gone}");
        assert!(matches!(tls_config(Some(folder.path())), Err(TlsError::File { .. })));
    }
}
