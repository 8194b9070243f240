//! Sends calls.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hyper::ext::ReasonPhrase;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use tokio::time::sleep;

use super::{Answer, Endpoint, Method, Request, SendError, tls, words};

/// How often a GET is sent at most.
const ATTEMPTS: u32 = 5;
/// Longer than this is not waited between two attempts, whatever the API asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A client of one endpoint. Cheap to clone; connections are shared.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    base: String,
    host: String,
    patience: Duration,
}

impl Client {
    /// Makes ready, and calls nobody.
    ///
    /// # Errors
    /// Where the address is none, or a certificate file or a fingerprint cannot be read; nothing was sent.
    pub fn new(endpoint: &Endpoint) -> Result<Self, SendError> {
        let base = endpoint.base.trim_end_matches('/').to_owned();
        let url = reqwest::Url::parse(&base).map_err(|_| not_an_address(&endpoint.base))?;
        let host = match (url.scheme(), url.host_str(), url.port()) {
            ("http" | "https", Some(host), Some(port)) => format!("{host}:{port}"),
            ("http" | "https", Some(host), None) => host.to_owned(),
            _ => return Err(not_an_address(&endpoint.base)),
        };
        let inner = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(endpoint)?)
            .http1_only()
            // A redirect may turn a POST into a GET, or hand the token to someone else.
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(endpoint.timeouts.connect)
            .timeout(endpoint.timeouts.call)
            // pveproxy closes idle connections after 5 s, and a call on a dying one has an unknown outcome.
            .pool_idle_timeout(Duration::from_secs(3))
            .user_agent(concat!("gosling/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| words::not_ready(&host, &error))?;
        Ok(Self {
            inner,
            base,
            host,
            patience: endpoint.timeouts.call,
        })
    }

    /// The endpoint's host, with its port where it is not the usual one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends a call, and reads its answer whole. A GET is sent again, with growing pauses and as long as the
    /// endpoint's patience lasts, when it got no answer or one that says "not now" (429, 502 to 504, Proxmox VE's 595
    /// to 599); anything else is sent once.
    ///
    /// # Errors
    /// Where no whole answer came; [`SendError::sent`] says whether the API may have heard of it.
    pub async fn send(&self, request: &Request) -> Result<Answer, SendError> {
        let began = Instant::now();
        let mut attempt = 0;
        loop {
            let result = self.once(request).await;
            attempt += 1;
            if request.method != Method::Get || attempt >= ATTEMPTS || began.elapsed() >= self.patience {
                return result;
            }
            let pause = match &result {
                Ok(answer) if is_not_now(answer.status) => asked_pause(answer),
                Err(error) if error.sent || error.passing => None,
                _ => return result,
            };
            let pause = pause.unwrap_or_else(|| backoff(attempt));
            if pause > LONGEST_PAUSE {
                return result;
            }
            sleep(pause).await;
        }
    }

    async fn once(&self, request: &Request) -> Result<Answer, SendError> {
        let mut url = reqwest::Url::parse(&format!("{}{}", self.base, request.path))
            .map_err(|_| not_an_address(&format!("{}{}", self.base, request.path)))?;
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut sent = self.inner.request(method, url).headers(self.headers(request)?);
        if let Some((content_type, bytes)) = request.body.encode() {
            sent = sent.header(CONTENT_TYPE, content_type).body(bytes);
        } else if matches!(request.method, Method::Post | Method::Put) {
            sent = sent.header(CONTENT_LENGTH, 0);
        }
        if let Some(timeout) = request.timeout {
            sent = sent.timeout(timeout);
        }
        let lost = |error: reqwest::Error| words::lost(&self.host, &error);
        let mut response = sent.send().await.map_err(lost)?;
        let status = response.status();
        let phrase = response.extensions().get::<ReasonPhrase>();
        let reason = phrase.map_or_else(
            || status.canonical_reason().unwrap_or_default().to_owned(),
            |phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        );
        let headers = texts(response.headers());
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(lost)? {
            body.extend_from_slice(&piece);
            if body.len() > request.longest {
                return Err(words::too_long(&self.host, request.longest));
            }
        }
        Ok(Answer {
            status: status.as_u16(),
            reason,
            headers,
            body,
        })
    }

    fn headers(&self, request: &Request) -> Result<HeaderMap, SendError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            // The error of a value would repeat it.
            let mut value =
                HeaderValue::from_str(value.expose()).map_err(|_| words::no_header(&self.host, name))?;
            value.set_sensitive(true);
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| words::no_header(&self.host, name))?;
            headers.append(name, value);
        }
        Ok(headers)
    }
}

fn not_an_address(text: &str) -> SendError {
    SendError {
        sent: false,
        passing: false,
        message: format!("`{}` is no address of an API", words::without_password(text)),
        help: Some("write the endpoint like `https://pve.example.com:8006`".to_owned()),
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

fn is_not_now(status: u16) -> bool {
    matches!(status, 429 | 502..=504 | 595..=599)
}

/// How long the API asks to be left alone: in seconds, or, as GitLab does behind some proxies, until a time.
fn asked_pause(answer: &Answer) -> Option<Duration> {
    let number = |name: &str| answer.header(name)?.trim().parse().ok();
    if let Some(seconds) = number("retry-after") {
        return Some(Duration::from_secs(seconds));
    }
    let until = UNIX_EPOCH.checked_add(Duration::from_secs(number("ratelimit-reset")?))?;
    // Its clock may be behind ours.
    Some(until.duration_since(SystemTime::now()).unwrap_or_default() + Duration::from_secs(1))
}

/// 0.1 to 0.2 s, and twice as much each time: no two helpers of one cluster ask in step.
pub(crate) fn backoff(attempt: u32) -> Duration {
    let base = 100_u64 << attempt.saturating_sub(1).min(6);
    Duration::from_millis(base + fastrand::u64(0..=base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_says_for_how_long_or_until_when() {
        let asked = |headers: &[(&str, &str)]| {
            asked_pause(&Answer {
                status: 429,
                reason: String::new(),
                headers: headers
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
                body: Vec::new(),
            })
        };
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&[("retry-after", "soon")]), None);
        assert_eq!(asked(&[("ratelimit-reset", &u64::MAX.to_string())]), None);
        let both = [("ratelimit-reset", "1"), ("retry-after", "7")];
        assert_eq!(asked(&both), Some(Duration::from_secs(7)));
        // Long over.
        assert_eq!(asked(&[("ratelimit-reset", "1")]), Some(Duration::from_secs(1)));
        let far = asked(&[("ratelimit-reset", "32503680000")]);
        assert!(far.is_some_and(|pause| pause > LONGEST_PAUSE));
    }
}
