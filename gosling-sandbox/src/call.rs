//! One HTTP call as a world sees it, and what the world answers.

use std::time::Duration;

use serde_json::Value;

/// A request, read whole. The server has bounded its size already.
#[derive(Debug, Clone)]
pub struct Call {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// The path as it was sent, still percent-encoded, without the query: `/api/v4/projects/a%2Fb`.
    pub path: String,
    /// The query's pairs, decoded, in the order in which they were sent.
    pub query: Vec<(String, String)>,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body as it was sent.
    pub body: Vec<u8>,
    /// How long the sandbox has been running: the only clock a world knows.
    pub at: Duration,
}

impl Call {
    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The path's parts, each decoded: `/api/v4/projects/a%2Fb` is `["api", "v4", "projects", "a/b"]`.
    #[must_use]
    pub fn parts(&self) -> Vec<String> {
        let parts = self.path.split('/').filter(|part| !part.is_empty());
        parts.map(decode).collect()
    }
}

/// The pairs of a query or of a form, decoded, in their order.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let decode = |part: &str| decode(&part.replace('+', " "));
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// Undoes percent-encoding; what is not a valid escape stands for itself.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = after.get(..2).and_then(|two| {
            let two = std::str::from_utf8(two).ok()?;
            u8::from_str_radix(two, 16).ok()
        });
        match (first, escape) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a world answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The words after the status, where the real service says something there that matters (Proxmox VE).
    pub reason: Option<String>,
    /// Headers beside `content-type` and `content-length`, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// How long the answer is held back, as when Proxmox VE refuses a token. It holds back no other call.
    pub delay: Duration,
}

impl Reply {
    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            reason: None,
            headers: Vec::new(),
            content_type: "application/json",
            body: body.to_string().into_bytes(),
            delay: Duration::ZERO,
        }
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self {
            body: Vec::new(),
            ..Self::json(status, &Value::Null)
        }
    }

    /// The same answer with another reason phrase.
    #[must_use]
    pub fn reason(mut self, words: impl Into<String>) -> Self {
        self.reason = Some(words.into());
        self
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
