//! Whose certificate is believed.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

use super::words::unsent;
use super::{Endpoint, SendError};

/// TLS as an endpoint asks for it.
pub(crate) fn config(endpoint: &Endpoint) -> Result<ClientConfig, SendError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unsent(format!("cannot set up TLS: {error}"), None))?;
    let believed = match &endpoint.fingerprint {
        Some(text) => Some(Believed::Only(fingerprint(text)?)),
        None => endpoint.insecure.then_some(Believed::Any),
    };
    Ok(match believed {
        Some(believed) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier { believed, provider }))
            .with_no_client_auth(),
        None => builder
            .with_root_certificates(roots(endpoint)?)
            .with_no_client_auth(),
    })
}

fn roots(endpoint: &Endpoint) -> Result<RootCertStore, SendError> {
    let mut roots = RootCertStore::empty();
    match &endpoint.ca_pem {
        Some(pem) => add(&mut roots, pem, "ca_file")?,
        // One broken file among the system's is no reason to believe none of them.
        None => _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
    }
    if let Some(pem) = &endpoint.extra_ca {
        add(&mut roots, pem, "GOSLING_CA_FILE")?;
    }
    Ok(roots)
}

fn add(roots: &mut RootCertStore, pem: &[u8], name: &str) -> Result<(), SendError> {
    let unreadable = || {
        unsent(
            format!("the file of `{name}` is not a PEM certificate"),
            Some("it should begin with `-----BEGIN CERTIFICATE-----`"),
        )
    };
    let mut none = true;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| unreadable())?;
        roots.add(certificate).map_err(|_| unreadable())?;
        none = false;
    }
    if none { Err(unreadable()) } else { Ok(()) }
}

/// `AB:CD:...` or the same without colons, in letters of any case.
fn fingerprint(text: &str) -> Result<[u8; 32], SendError> {
    let wrong = || {
        unsent(
            format!("`{text}` is not a certificate fingerprint"),
            Some("it is the SHA-256 that the server's certificate page shows: 64 hexadecimal digits"),
        )
    };
    let digits: Vec<u8> = text.bytes().filter(|&byte| byte != b':').collect();
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return Err(wrong());
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

#[derive(Debug)]
enum Believed {
    /// The one with this SHA-256.
    Only([u8; 32]),
    /// Each.
    Any,
}

/// Believes certificates without asking an authority. The server still has to prove that it holds the key.
#[derive(Debug)]
struct Verifier {
    believed: Believed,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.believed {
            Believed::Only(hash) if Sha256::digest(certificate).as_slice() != hash => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            Believed::Only(_) | Believed::Any => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
