//! HTTP for every world: what is sent, what comes back, and what may be believed of a call that went wrong.

mod body;
mod client;
mod log;
mod outside;
mod pace;
mod proxy;
mod tls;
mod words;

use std::time::Duration;

use gosling_engine::CallError;
use gosling_resource::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

pub use body::{Body, Upload};
pub use client::Client;
pub use outside::Listing;
pub use pace::Notices;
pub(crate) use pace::backoff;
pub(crate) use tls::config as tls_config;
pub(crate) use words::of_tls as tls_words;

/// Where an API is, and whose certificate is believed there.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its address, perhaps with a path: `https://pve.example.com:8006`.
    pub base: String,
    /// The only authorities that are believed, as PEM: a provider's `ca_file`. Without it, those of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// Authorities that are believed too, as PEM: `GOSLING_CA_FILE`.
    pub extra_ca: Option<Vec<u8>>,
    /// Believe any certificate.
    pub insecure: bool,
    /// Send over `http://` to other machines too, where everybody on the way can read the token: `insecure_http`.
    pub insecure_http: bool,
    /// Believe the one certificate whose SHA-256 is this, as Proxmox VE shows it: `AB:CD:...`, 32 bytes.
    pub fingerprint: Option<String>,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// Where it is said that a call waits for a service that has had too many.
    pub notices: Notices,
}

/// How long is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For a whole call, unless the [`Request`] says otherwise; the repetitions of a GET begin within as much.
    pub call: Duration,
}

impl Endpoint {
    /// An address with the system's authorities and the usual patience: 10 s to connect, 30 s a call.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        Self {
            base: base.into(),
            ca_pem: None,
            extra_ca: None,
            insecure: false,
            insecure_http: false,
            fingerprint: None,
            timeouts: Timeouts {
                connect: Duration::from_secs(10),
                call: Duration::from_secs(30),
            },
            notices: Notices::default(),
        }
    }
}

/// Whether whatever is sent to this address stays on this machine or is encrypted on its way. The one place for the
/// rule that a token goes over `http://` only to this machine.
#[must_use]
pub fn is_private(url: &reqwest::Url) -> bool {
    if url.scheme() != "http" {
        return true;
    }
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V6(address)) => address.to_canonical().is_loopback(),
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost"),
    }
}

/// What is done to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads, and changes nothing: it is repeated when it got no answer.
    Get,
    /// Makes something.
    Post,
    /// Changes something.
    Put,
    /// Deletes something.
    Delete,
}

impl Method {
    /// As it stands in a request: `GET`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A call.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// To which path, after the endpoint's; segments that are not plain words go through [`segment`].
    pub path: String,
    /// With which query.
    pub query: Vec<(String, String)>,
    /// With which headers beside those of the body. None of them is ever shown.
    pub headers: Vec<(&'static str, Secret)>,
    /// With which body.
    pub body: Body,
    /// How long it may take, where that is not the endpoint's usual.
    pub timeout: Option<Duration>,
    /// How many bytes the answer may have.
    pub longest: usize,
}

impl Request {
    /// No answer of an API that is asked page by page is longer.
    const LONGEST: usize = 16 * 1024 * 1024;

    /// A call without query, headers and body.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::None,
            timeout: None,
            longest: Self::LONGEST,
        }
    }

    /// Reads a path.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    /// The same with one more pair in the query.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: Secret) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// The same for an answer that may have so many bytes.
    #[must_use]
    pub fn longest(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    /// The same with a patience of its own.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

/// Text as one segment of a path: `a/b` is `a%2Fb`.
#[must_use]
pub fn segment(text: &str) -> String {
    const OTHERS: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    utf8_percent_encode(text, OTHERS).to_string()
}

/// What came back, whatever its status.
#[derive(Clone)]
pub struct Answer {
    /// The status: 200, or 596 from Proxmox VE's proxy.
    pub status: u16,
    /// The words behind the status, as sent; those usual for it where none were.
    pub reason: String,
    /// The headers, names in small letters. Values that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The whole body. It may hold a secret: it is never shown.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let length = self.body.len();
        write!(f, "{} {} ({length} bytes)", self.status, self.reason)
    }
}

impl Answer {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of that name, written in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(its, _)| its == name);
        named.next().map(|(_, value)| value.as_str())
    }

    /// The body as JSON; an empty one is null.
    ///
    /// # Errors
    /// [`CallError::Unknown`] where it is not JSON: what the call did is not known then.
    pub fn json(&self) -> Result<Value, CallError> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        if outside::values(&self.body) > outside::MOST_VALUES {
            let message = format!(
                "the answer ({}) has more values than any list of an API",
                self.status
            );
            return Err(CallError::unknown(message).help("is it the API's own answer?"));
        }
        let parsed = serde_json::from_slice(&self.body);
        parsed.map(outside::harmless_json).map_err(|_| {
            let message = format!("the answer ({}) is not JSON", self.status);
            CallError::unknown(message).help("is there a proxy or a login page in front of the API?")
        })
    }

    /// Whether the answer is a web page: something in front of the API gave it.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
    }

    /// Where a redirect leads, for a person: without its query, in which a login page may have a token.
    #[must_use]
    pub fn redirect(&self) -> Option<String> {
        let to = self
            .header("location")
            .filter(|_| (300..400).contains(&self.status))?;
        let plain = to.split(['?', '#']).next().unwrap_or_default();
        Some(
            plain
                .chars()
                .filter(|letter| !letter.is_control())
                .take(200)
                .collect(),
        )
    }

    /// What an answer that is no success means for the call that it answers: the one place where that is decided.
    /// 400, 401, 403, 404, 422 and 429 say that nothing was done; nobody knows what happened before any other.
    #[must_use]
    pub fn refusal(&self, message: impl Into<String>) -> CallError {
        match self.status {
            400 | 401 | 403 | 404 | 422 | 429 => CallError::failed(message),
            _ => CallError::unknown(message),
        }
    }
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// Whether anything may have reached the API. If not, nothing was done.
    pub sent: bool,
    /// Whether the same call may work a moment later: nobody listens yet, a name server is busy.
    pub passing: bool,
    /// What happened, with the host and without a secret.
    pub message: String,
    /// A way out.
    pub help: Option<String>,
}

impl From<SendError> for CallError {
    fn from(error: SendError) -> Self {
        let SendError { message, help, .. } = error;
        if error.sent {
            Self::Unknown { message, help }
        } else {
            Self::Failed { message, help }
        }
    }
}
