//! The HTTPS server in front of the worlds.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::ext::ReasonPhrase;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Sleep, sleep};
use tokio_rustls::TlsAcceptor;

use crate::call::pairs;
use crate::certificates;
use crate::dice::Dice;
use crate::faults::Faults;
use crate::simulation::{Outcome, Simulation, Tokens};
use crate::{Call, Fault, Ledger, Reply, WorldFile, WorldName};

/// The largest body that Proxmox VE reads outside an upload.
const SMALL: usize = 512 * 1024;
/// The largest body that is read at all: a NoCloud image or a small disk, not a real one.
const LARGE: usize = 64 * 1024 * 1024;

/// How a sandbox is to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 is any free one.
    pub listen: SocketAddr,
    /// The same seed gives the same tokens and the same quirks.
    pub seed: u64,
    /// Every answer comes this much later.
    pub latency: Duration,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What there is.
    pub world: WorldFile,
    /// What else the certificate is good for, beside this machine's own names: the names under which clients on other
    /// machines know the sandbox.
    pub names: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: 0,
            latency: Duration::ZERO,
            faults: Vec::new(),
            world: WorldFile::default(),
            names: Vec::new(),
        }
    }
}

/// Why a sandbox could not begin.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The world's parts do not fit together.
    #[error("the world is not one: {0}")]
    World(String),
    /// The address is taken, or not one of this machine.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate's key is not one that TLS takes.
    #[error("cannot use the certificate's key: {0}")]
    Key(&'static str),
    /// TLS does not take the certificate.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// The simulated services, not running yet.
pub struct Sandbox;

impl Sandbox {
    /// Begins to listen. The sandbox runs on the current tokio runtime until [`Running::stop`], or until `Running`
    /// is dropped.
    ///
    /// # Errors
    /// When the world's parts do not fit together, the address cannot be listened on, or no certificate can be made.
    pub async fn start(options: Options) -> Result<Running, SandboxError> {
        options.world.check().map_err(SandboxError::World)?;
        let listener = TcpListener::bind(options.listen).await;
        let failed = |error| SandboxError::Listen(options.listen, error);
        let listener = listener.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (ca, tls) = certificates::made(address.ip(), &options.names)?;
        let mut dice = Dice::new(options.seed);
        let tokens = Tokens::new(&mut dice);
        let simulation = Simulation::new(&options.world, &tokens, Faults::new(options.faults), dice);
        let shared = Arc::new(Shared {
            simulation: Mutex::new(simulation),
            began: Instant::now(),
            latency: options.latency,
        });
        let server = tokio::spawn(serve(listener, TlsAcceptor::from(tls), Arc::clone(&shared)));
        Ok(Running {
            address,
            ca,
            tokens,
            shared,
            server,
        })
    }
}

/// A sandbox that answers. Dropping it stops it.
pub struct Running {
    address: SocketAddr,
    ca: String,
    tokens: Tokens,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Running {
    /// The origin of all simulated services: `https://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        let port = self.address.port();
        match self.address.ip() {
            ip if ip.is_unspecified() => format!("https://localhost:{port}"),
            _ => format!("https://{}", self.address),
        }
    }

    /// The certificate of the authority that clients have to trust, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca
    }

    /// The environment in which a Nest runs against this sandbox, without `GOSLING_CA_FILE`.
    #[must_use]
    pub fn exports(&self) -> Vec<(String, String)> {
        let endpoints =
            ["PROXMOX", "GITLAB", "VAULT"].map(|name| (format!("GOSLING_ENDPOINT_{name}"), self.url()));
        let tokens = [
            ("PROXMOX_TOKEN", &self.tokens.proxmox),
            ("GITLAB_TOKEN", &self.tokens.gitlab),
            ("VAULT_TOKEN", &self.tokens.vault),
        ];
        let tokens = tokens.map(|(name, token)| (name.to_owned(), token.clone()));
        endpoints.into_iter().chain(tokens).collect()
    }

    /// What happened until now.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        let at = self.shared.began.elapsed();
        let mut simulation = self.shared.lock();
        simulation.pass(at);
        simulation.ledger.clone()
    }

    /// How many calls came until now: as many as the ledger has, without a copy of it.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.shared.lock().ledger.calls().len()
    }

    /// The machines that are up without a gitlab-runner that GitLab hears of (`qemu/101`), with the reasons that
    /// their logs would give.
    #[must_use]
    pub fn silent(&self) -> Vec<(String, String)> {
        let at = self.shared.began.elapsed();
        let mut simulation = self.shared.lock();
        simulation.pass(at);
        simulation.silent()
    }

    /// The bytes that were uploaded as the volume that the ledger calls `id` (`pve1/local:iso/app.iso`); `None` where
    /// there is no such volume, nothing for a disk.
    #[must_use]
    pub fn volume(&self, id: &str) -> Option<Vec<u8>> {
        self.shared.lock().volume(id)
    }

    /// From now on this goes wrong too. Calls that were made before do not count.
    pub fn inject(&self, fault: Fault) {
        self.shared.lock().inject(fault);
    }

    /// From now on nothing goes wrong any more.
    pub fn end_faults(&self) {
        self.shared.lock().end_faults();
    }

    /// From now on the token of Proxmox VE has these privileges; `None` is all of them.
    pub fn allow(&self, privileges: Option<Vec<String>>) {
        self.shared.lock().allow(privileges);
    }

    /// From now on the token of Proxmox VE has these privileges, each path's own, which go down to what is under it
    /// until a deeper path says otherwise: what `pveum acl modify PATH` gives it.
    pub fn allow_at(&self, acl: std::collections::BTreeMap<String, Vec<String>>) {
        self.shared.lock().allow_at(acl);
    }

    /// Stops listening and cuts every connection.
    pub async fn stop(mut self) {
        self.server.abort();
        // Aborted is what it should be: there is nothing else to hear.
        let _ = (&mut self.server).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Shared {
    simulation: Mutex<Simulation>,
    began: Instant,
    latency: Duration,
}

impl Shared {
    /// A world whose thread panicked is still the best one there is.
    fn lock(&self) -> MutexGuard<'_, Simulation> {
        self.simulation.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts until it is aborted; the connections end with it.
async fn serve(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, tls.clone(), Arc::clone(&shared)));
                }
                // Out of file handles, say: some connection will end.
                Err(_) => sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) {
    // A client that does not trust the authority, or is gone, is its own concern.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    let service = service_fn(|request| answer(request, &shared));
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The connection is to be cut without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
struct Cut;

async fn answer(request: Request<Incoming>, shared: &Shared) -> Result<Response<Content>, Cut> {
    let outcome = match world_of(request.uri().path()) {
        Some(world) => ask(world, request, shared).await?,
        None if request.uri().path() == "/_sandbox/ledger" => Outcome::Answer(ledger(shared)),
        None => Outcome::Answer(Reply::empty(404)),
    };
    let (reply, half) = match outcome {
        Outcome::Answer(reply) => (reply, false),
        Outcome::Half(reply) => (reply, true),
        Outcome::Cut => return Err(Cut),
        Outcome::Silence => return std::future::pending().await,
    };
    sleep(reply.delay + shared.latency).await;
    Ok(response(reply, half))
}

fn world_of(path: &str) -> Option<WorldName> {
    let under = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match () {
        () if under("/api2") => Some(WorldName::Proxmox),
        () if under("/api/v4") => Some(WorldName::Gitlab),
        () if under("/v1") => Some(WorldName::Vault),
        () => None,
    }
}

fn ledger(shared: &Shared) -> Reply {
    let at = shared.began.elapsed();
    let mut simulation = shared.lock();
    simulation.pass(at);
    match serde_json::to_value(&simulation.ledger) {
        Ok(value) => Reply::json(200, &value),
        Err(_) => Reply::empty(500),
    }
}

/// Reads a request whole and hands it to its world.
async fn ask(world: WorldName, request: Request<Incoming>, shared: &Shared) -> Result<Outcome, Cut> {
    let (head, body) = request.into_parts();
    let sent = head
        .uri
        .path_and_query()
        .map_or_else(|| head.uri.path().to_owned(), |whole| whole.as_str().to_owned());
    let method = head.method.as_str();
    let refuse = |why: &str| {
        let reply = Reply::empty(501).reason(why);
        Ok(shared.lock().refuse(world, method, &sent, reply))
    };
    let proxmox = world == WorldName::Proxmox;
    if proxmox && head.headers.contains_key(TRANSFER_ENCODING) {
        return refuse("chunked transfer encoding not supported");
    }
    if proxmox && matches!(method, "GET" | "DELETE") && body.size_hint().lower() > 0 {
        return refuse(&format!("Unexpected content for method '{method}'"));
    }
    let limit = if proxmox && !head.uri.path().ends_with("/upload") {
        SMALL
    } else {
        LARGE
    };
    let body = match Limited::new(body, limit).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(error) if error.is::<LengthLimitError>() => return refuse("for data too large"),
        Err(_) => return Err(Cut),
    };
    let headers = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let call = Call {
        method: method.to_owned(),
        path: head.uri.path().to_owned(),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers: headers.collect(),
        body,
        at: shared.began.elapsed(),
    };
    Ok(shared.lock().call(world, &call, &sent))
}

fn response(reply: Reply, half: bool) -> Response<Content> {
    let content_type = reply.content_type;
    let mut response = Response::new(Content::new(reply.body, half));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    if let Some(Ok(reason)) = reply.reason.map(ReasonPhrase::try_from) {
        response.extensions_mut().insert(reason);
    }
    response
}

/// The body of an answer, or the first half of it and then a cut.
struct Content {
    /// What is still to be sent; `None` once it was.
    data: Option<Bytes>,
    /// What the `content-length` promises.
    length: u64,
    /// Gives the half that was sent time to leave before the connection is cut.
    cut: Option<Pin<Box<Sleep>>>,
}

impl Content {
    fn new(body: Vec<u8>, half: bool) -> Self {
        let length = body.len();
        let mut data = Bytes::from(body);
        if half {
            data.truncate(length / 2);
        }
        Self {
            data: Some(data),
            length: length as u64,
            cut: half.then(|| Box::pin(sleep(Duration::from_millis(20)))),
        }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match &mut self.cut {
            Some(sleep) => sleep.as_mut().poll(context).map(|()| Some(Err(Cut))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
