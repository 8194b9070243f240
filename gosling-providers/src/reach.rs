//! Whether a machine reaches what its jobs need: name, route, TLS, credentials, one after the other, in words for
//! whoever has to open a firewall or renew a certificate. It sends nothing but a GET to an address that asks for one.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gosling_engine::Finding;
use gosling_engine::fence::Unfenced;
use gosling_resource::Secret;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::http::{Client, Endpoint, Request, SendError, Timeouts, tls_config, tls_words};

/// How long a name, a connection or a handshake may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something to reach, as whoever parsed it understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As it was written, without the variable.
    pub text: String,
    /// A name or an address, one of IPv6 without brackets.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// Whether TLS is spoken there.
    pub tls: bool,
    /// The path to be asked for, where the target is an address of HTTP.
    pub path: Option<String>,
    /// The environment variable with the credentials.
    pub variable: Option<String>,
}

/// Looks whether a target is reached. `environment` is where credentials are; `extra_ca` are authorities, as PEM, that
/// are believed beside those of the system. Ends with the first step that fails.
pub async fn reach(
    target: &Target,
    environment: &BTreeMap<String, String>,
    extra_ca: Option<&[u8]>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    match steps(target, environment, extra_ca, &mut findings).await {
        Ok(()) => {}
        Err(finding) => findings.push(finding),
    }
    findings
}

async fn steps(
    target: &Target,
    environment: &BTreeMap<String, String>,
    extra_ca: Option<&[u8]>,
    findings: &mut Vec<Finding>,
) -> Result<(), Finding> {
    let Target { host, port, .. } = target;
    let addresses = name(host, *port).await?;
    let shown: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    findings.push(Finding::ok("name", format!("{host} is {}", shown.join(", "))));
    let stream = route(host, &addresses).await?;
    let at = stream
        .peer_addr()
        .map_or_else(|_| host.clone(), |address| address.to_string());
    findings.push(Finding::ok("route", format!("{at} answers")));
    if !target.tls && target.path.is_none() {
        return Ok(());
    }
    let endpoint = Endpoint {
        extra_ca: extra_ca.map(<[u8]>::to_vec),
        timeouts: Timeouts {
            connect: PATIENCE,
            call: PATIENCE,
        },
        ..Endpoint::new(target.base())
    };
    match target.tls {
        true => findings.push(handshake(host, stream, &endpoint).await?),
        // A service that serves one after the other would wait for this one to speak.
        false => drop(stream),
    }
    if let Some(path) = &target.path {
        findings.push(credentials(target, path, &endpoint, environment).await?);
    }
    Ok(())
}

impl Target {
    fn base(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        match self.host.contains(':') {
            true => format!("{scheme}://[{}]:{}", self.host, self.port),
            false => format!("{scheme}://{}:{}", self.host, self.port),
        }
    }
}

async fn name(host: &str, port: u16) -> Result<Vec<SocketAddr>, Finding> {
    let help = "is it spelled right, and does this machine ask the name server that knows it? (`getent hosts`, /etc/resolv.conf)";
    match timeout(PATIENCE, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(found)) => {
            let mut addresses: Vec<SocketAddr> = found.collect();
            addresses.sort_unstable();
            addresses.dedup();
            match addresses.is_empty() {
                true => Err(Finding::failed("name", format!("{host} has no address"), help)),
                false => Ok(addresses),
            }
        }
        Ok(Err(_)) => Err(Finding::failed(
            "name",
            format!("no name server knows {host}"),
            help,
        )),
        Err(_) => Err(Finding::failed(
            "name",
            format!(
                "no name server answered for {host} within {} s",
                PATIENCE.as_secs()
            ),
            "can this machine reach its name server? (/etc/resolv.conf, UDP and TCP port 53)",
        )),
    }
}

async fn route(host: &str, addresses: &[SocketAddr]) -> Result<TcpStream, Finding> {
    let mut last = None;
    for address in addresses {
        last = Some(match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => match error.kind() {
                ErrorKind::ConnectionRefused => (
                    format!("{address} refuses the connection"),
                    "the machine is reached, and nothing listens there: is the port right, is the service running?",
                ),
                ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => (
                    format!("there is no route to {address}"),
                    "look at this machine's network, VLAN and gateway (`ip route get`)",
                ),
                _ => (
                    format!("no connection to {address}: {error}"),
                    "look at this machine's network",
                ),
            },
            Err(_) => (
                format!("{address} does not answer within {} s", PATIENCE.as_secs()),
                "a firewall on the way drops it: open it for this machine's network",
            ),
        });
    }
    let (words, help) = last.unwrap_or_else(|| (format!("{host} has no address"), "look at its name"));
    Err(Finding::failed("route", words, help))
}

async fn handshake(host: &str, stream: TcpStream, endpoint: &Endpoint) -> Result<Finding, Finding> {
    let lost = |error: SendError| {
        let help = error.help.unwrap_or_default();
        Finding::failed("tls", error.message, help)
    };
    let config = tls_config(endpoint).map_err(lost)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| {
        Finding::failed(
            "tls",
            format!("{host} is no name that a certificate can have"),
            "write its name",
        )
    })?;
    let connector = TlsConnector::from(Arc::new(config));
    match timeout(PATIENCE, connector.connect(name, stream)).await {
        Ok(Ok(_)) => Ok(Finding::ok(
            "tls",
            format!("{host} shows a certificate that is trusted here"),
        )),
        Ok(Err(error)) => {
            let inner = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<rustls::Error>());
            let (words, help) = match inner {
                Some(error) => tls_words(error),
                None => (
                    "the connection was cut during the handshake".to_owned(),
                    "does the service speak TLS, or is a proxy in between?",
                ),
            };
            let help = match words.contains("unknown authority") {
                true => {
                    "put its authority into the image that jobs run in (update-ca-certificates), or name it in \
                     GOSLING_CA_FILE"
                }
                false => help,
            };
            Err(Finding::failed("tls", format!("{host}: {words}"), help))
        }
        Err(_) => Err(Finding::failed(
            "tls",
            format!("{host} did not end the handshake within {} s", PATIENCE.as_secs()),
            "does the service speak TLS, or is a proxy in between?",
        )),
    }
}

/// What the service says to a GET with the credentials, where there are any.
async fn credentials(
    target: &Target,
    path: &str,
    endpoint: &Endpoint,
    environment: &BTreeMap<String, String>,
) -> Result<Finding, Finding> {
    let text = &target.text;
    let mut request = Request::get(path);
    if let Some(name) = &target.variable {
        let value = environment
            .get(name)
            .map(|value| value.trim())
            .unwrap_or_default();
        if value.is_empty() {
            return Err(Finding::failed(
                "credentials",
                format!("the environment variable {name} is not set"),
                "set it in the egg's `environment`, or as a variable of the project: protected ones are not there on other branches",
            ));
        }
        let header = match value.contains(':') {
            true => format!("Basic {}", STANDARD.encode(value)),
            false => format!("Bearer {value}"),
        };
        request = request.header("authorization", Secret::new(header));
    }
    let failed = |error: SendError| {
        let help = error.help.unwrap_or_else(|| "look at the service".to_owned());
        Finding::failed("credentials", error.message, help)
    };
    let client = Client::new(endpoint).map_err(failed)?;
    let status = client.send(&request, &Unfenced).await.map_err(failed)?.status;
    let with = |name: &String| format!(" with the credentials in {name}");
    let said = format!(
        "{text} answers {status}{}",
        target.variable.as_ref().map(with).unwrap_or_default()
    );
    Ok(match (status, &target.variable) {
        (401, Some(name)) => Finding::failed(
            "credentials",
            format!("{text} does not take the credentials in {name}: 401"),
            format!("have they ended, or is it another service's? {name} is `user:password`, or a token"),
        ),
        (403, Some(name)) => Finding::failed(
            "credentials",
            format!("{text} knows the credentials in {name}, and does not allow this: 403"),
            "give their owner the right to it",
        ),
        (401 | 403, None) => Finding::warning(
            "credentials",
            format!("{said}: it asks for credentials"),
            "write the name of the variable that has them after the address",
        ),
        (404, _) => Finding::warning(
            "credentials",
            said,
            "is the path right? some services say so for want of a right, too",
        ),
        (500.., _) => Finding::warning(
            "credentials",
            said,
            "the service is reached, but reports an error",
        ),
        _ => Finding::ok("credentials", said),
    })
}
