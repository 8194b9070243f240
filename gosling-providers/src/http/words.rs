//! Says what went wrong with a call that got no answer: which host, what, and a way out.

use std::error::Error;
use std::io::ErrorKind;

use rustls::CertificateError;

use super::SendError;

/// A token would go over the network unencrypted.
pub(super) fn in_the_clear(host: &str) -> SendError {
    SendError {
        sent: false,
        passing: false,
        message: format!("{host}: over `http://` everybody on the way could read the token, so nothing was sent"),
        help: Some(
            "use `https://`; `http://` is for a service on this machine, or with `insecure_http = true` in its provider"
                .to_owned(),
        ),
    }
}

/// A call got no answer, or a part of one.
pub(super) fn lost(host: &str, proxy: Option<&str>, error: &reqwest::Error) -> SendError {
    let way = match proxy {
        Some(proxy) => format!("{host} through {proxy}"),
        None => host.to_owned(),
    };
    let (passing, message, help) = said(&way, error);
    // What was not reached is the proxy.
    let help = match proxy {
        Some(_) if error.is_connect() || error.is_dns() => Some(
            "is the proxy right, and does it let gosling through? `NO_PROXY` names the hosts that need none",
        ),
        _ => help,
    };
    SendError {
        sent: !(error.is_connect() || error.is_builder()),
        passing,
        message,
        help: help.map(str::to_owned),
    }
}

fn said(host: &str, error: &reqwest::Error) -> (bool, String, Option<&'static str>) {
    if let Some(tls) = cause::<rustls::Error>(error) {
        let (what, help) = of_tls(tls);
        return (false, format!("{host}: {what}"), Some(help));
    }
    if error.is_dns() {
        let help = "check the endpoint's spelling and this machine's name server";
        return (true, format!("{host}: no such host in DNS"), Some(help));
    }
    let kind = cause::<std::io::Error>(error).map(std::io::Error::kind);
    if error.is_connect() {
        let (what, help) = match kind {
            Some(ErrorKind::ConnectionRefused) => (
                "the connection was refused",
                "is the service running, and is the endpoint's port right?",
            ),
            Some(ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) => (
                "no route to the host",
                "is this machine in the right network or VPN? `GOSLING_ENDPOINT_...` sends the calls to another address",
            ),
            Some(ErrorKind::InvalidData) => (
                "it does not speak TLS",
                "is the endpoint `https` and its port right?",
            ),
            _ if error.is_timeout() => (
                "no connection in time",
                "is a firewall between? `GOSLING_ENDPOINT_...` sends the calls through a tunnel or proxy",
            ),
            _ => (
                "no connection",
                "is the endpoint right, and is the service running?",
            ),
        };
        return (true, format!("{host}: {what}"), Some(help));
    }
    if error.is_timeout() {
        return (false, format!("{host}: no answer in time"), None);
    }
    if error.is_builder() {
        return (false, format!("{host}: the request could not be made"), None);
    }
    let what = "the connection was closed before the answer was complete";
    (false, format!("{host}: {what}"), None)
}

/// A handshake that failed, and what to do.
pub(crate) fn of_tls(error: &rustls::Error) -> (String, &'static str) {
    const TRUST: &str =
        "give its authority as `ca_file` or `GOSLING_CA_FILE`, or the certificate's `fingerprint`";
    let rustls::Error::InvalidCertificate(certificate) = error else {
        let help = "is the endpoint `https`, and is its port right?";
        return (format!("TLS failed: {error}"), help);
    };
    let (what, help) = match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "its certificate has expired",
            "renew it; check this machine's clock, too",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("its certificate is not valid yet", "check this machine's clock")
        }
        CertificateError::UnknownIssuer => ("its certificate is by an unknown authority", TRUST),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "its certificate is for another name",
            "write the endpoint as the certificate has it, or give the certificate's `fingerprint`",
        ),
        CertificateError::ApplicationVerificationFailure => (
            "its certificate does not have the given `fingerprint`",
            "look at the certificate on the server itself before you change the fingerprint",
        ),
        other => return (format!("its certificate is not trusted: {other}"), TRUST),
    };
    (what.to_owned(), help)
}

/// The first cause of that type, also inside of what `io::Error`s wrap.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    // Chains are short; a ring of causes must not hold us.
    let mut next = Some(error);
    let mut found = None;
    for _ in 0..16 {
        let Some(error) = next else { break };
        if let Some(error) = error.downcast_ref::<T>() {
            found = Some(error);
        }
        next = match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    found
}

/// The client could not be set up.
pub(super) fn not_ready(host: &str, error: &reqwest::Error) -> SendError {
    unsent(format!("{host}: cannot set up HTTP: {error}"), None)
}

/// An answer that never ends.
pub(super) fn too_long(host: &str, longest: usize) -> SendError {
    SendError {
        sent: true,
        passing: false,
        message: format!("{host}: the answer is longer than {} MiB", longest >> 20),
        help: None,
    }
}

/// A header whose value no header can have. The value is not shown.
pub(super) fn no_header(host: &str, name: &str) -> SendError {
    let help = "a token is one line of plain letters: was a line break saved with it?";
    unsent(
        format!("{host}: the value for the header `{name}` cannot be sent"),
        Some(help),
    )
}

pub(super) fn unsent(message: String, help: Option<&str>) -> SendError {
    SendError {
        sent: false,
        passing: false,
        message,
        help: help.map(str::to_owned),
    }
}

/// An address without the `user:password@` that someone may have written into it, however its beginning is spelt.
pub(super) fn without_password(address: &str) -> String {
    let Some((_, rest)) = address.rsplit_once('@') else {
        return address.to_owned();
    };
    match address.split_once("://") {
        Some((scheme, _)) if !scheme.contains('@') => format!("{scheme}://{rest}"),
        _ => rest.to_owned(),
    }
}
