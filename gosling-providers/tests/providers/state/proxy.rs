//! A proxy that loses requests or answers of a plain HTTP service.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is lost of a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    Request,
    Answer,
}

/// The PUT, counted from 0, that goes wrong.
type Fault = Arc<Mutex<Option<(usize, Lost)>>>;

pub(super) struct Proxy {
    pub(super) port: u16,
    fault: Fault,
}

impl Proxy {
    pub(super) async fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Fault::default();
        let shared = Arc::clone(&fault);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, upstream, Arc::clone(&shared)));
            }
        });
        Self { port, fault }
    }

    /// Loses the PUT with this number among those to come.
    pub(super) fn lose(&self, number: usize, lost: Lost) {
        *self.fault.lock().unwrap() = Some((number, lost));
    }

    /// Whether that has not happened yet.
    pub(super) fn is_armed(&self) -> bool {
        self.fault.lock().unwrap().is_some()
    }
}

/// One message: its head, and as many bytes as that says.
async fn message(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let head = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
                .unwrap_or(0);
            if bytes.len() >= head + 4 + length {
                return Some(bytes);
            }
        }
        if from.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Passes one request on. The connection ends with it.
async fn pass(mut client: TcpStream, upstream: u16, fault: Fault) -> Option<()> {
    let request = message(&mut client).await?;
    let lost = request.starts_with(b"PUT").then(|| {
        let mut fault = fault.lock().unwrap();
        match fault.as_mut() {
            Some((0, lost)) => {
                let lost = *lost;
                *fault = None;
                Some(lost)
            }
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        }
    });
    let lost = lost.flatten();
    if lost == Some(Lost::Request) {
        return None;
    }
    let mut service = TcpStream::connect(("127.0.0.1", upstream)).await.ok()?;
    service.write_all(&request).await.ok()?;
    let answer = message(&mut service).await?;
    if lost == Some(Lost::Answer) {
        return None;
    }
    client.write_all(&answer).await.ok()
}
