//! Sends calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gosling_engine::Fence;
use gosling_engine::fence::NotConfirmed;
use hyper::ext::ReasonPhrase;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;

use super::pace::{Attempts, Pace};
use super::proxy::Proxy;
use super::{Answer, Endpoint, Method, Request, SendError, log, tls, words};

/// A client of one endpoint. Cheap to clone; connections are shared.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    base: String,
    host: String,
    /// The proxy that the calls go through, for people.
    proxy: Option<String>,
    patience: Duration,
    pace: Arc<Pace>,
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
        if !endpoint.insecure_http && !super::is_private(&url) {
            return Err(words::in_the_clear(&host));
        }
        let proxy = Proxy::of(&url, |name| std::env::var(name).ok());
        let inner = match &proxy {
            Some(proxy) => reqwest::Client::builder().proxy(proxy.connector()?),
            None => reqwest::Client::builder().no_proxy(),
        };
        let inner = inner
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
            proxy: proxy.map(|proxy| proxy.words()),
            patience: endpoint.timeouts.call,
            pace: Arc::new(Pace::new(endpoint.notices.clone())),
        })
    }

    /// The proxy that the calls go through: `the proxy http://proxy:3128 (HTTPS_PROXY)`.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }

    /// The endpoint's host, with its port where it is not the usual one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends a call, and reads its answer whole. What did nothing is sent again: a GET that got no answer, or one that
    /// says "not now", with growing pauses and as long as the endpoint's patience lasts; and any call that the service
    /// refused because it had too many (429), when the service asks for it. Whatever may change something is sent, each
    /// time, only if its fence confirms right before that the lock is still held.
    ///
    /// # Errors
    /// Where no whole answer came; [`SendError::sent`] says whether the API may have heard of it.
    pub async fn send(&self, request: &Request, fence: &dyn Fence) -> Result<Answer, SendError> {
        let mut attempts = Attempts::new(&self.pace, &self.host, request.method, self.patience);
        loop {
            attempts.next().await;
            let began = Instant::now();
            log::begins(&self.host, request);
            let result = self.once(request, fence).await;
            log::ended(&self.host, request, &result, began.elapsed());
            if !attempts.go_on(&result) {
                return result;
            }
        }
    }

    async fn once(&self, request: &Request, fence: &dyn Fence) -> Result<Answer, SendError> {
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
        let lost = |error: reqwest::Error| words::lost(&self.host, self.proxy.as_deref(), &error);
        if request.method != Method::Get {
            fence.confirm().await.map_err(not_confirmed)?;
        }
        let mut response = sent.send().await.map_err(lost)?;
        let status = response.status();
        let phrase = response.extensions().get::<ReasonPhrase>();
        let reason = phrase.map_or_else(
            || status.canonical_reason().unwrap_or_default().to_owned(),
            |phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        );
        let reason = gosling_resource::harmless(&reason);
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

fn not_confirmed(error: NotConfirmed) -> SendError {
    SendError {
        sent: false,
        passing: false,
        message: error.to_string(),
        help: None,
    }
}

fn not_an_address(text: &str) -> SendError {
    SendError {
        sent: false,
        passing: false,
        message: format!("`{}` is not an API address", words::without_password(text)),
        help: Some("write the endpoint like `https://pve.example.com:8006`".to_owned()),
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), gosling_resource::harmless(value)))
    };
    headers.iter().filter_map(text).collect()
}
