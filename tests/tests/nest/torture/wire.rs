//! A wire to a storage: calls over it are counted, and one of them can be carried out without ever being answered.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A port of this machine that is another one.
pub(super) struct Wire {
    /// It listens here.
    pub(super) port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    calls: AtomicUsize,
    /// The number of the call that is not answered; none is the 0th.
    cut: AtomicUsize,
    /// The storage has answered that call, so it was carried out.
    carried_out: AtomicBool,
    over: AtomicBool,
}

impl Wire {
    pub(super) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&wire.seen);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if seen.over.load(Ordering::Relaxed) {
                    return;
                }
                let (client, seen) = (client.unwrap(), Arc::clone(&seen));
                // A client that was killed, or a storage that is gone, ends the connection, and nothing else.
                std::thread::spawn(move || {
                    connection(&client, &TcpStream::connect(("127.0.0.1", port))?, &seen)
                });
            }
        });
        wire
    }

    /// How many calls there were until now.
    pub(super) fn calls(&self) -> usize {
        self.seen.calls.load(Ordering::Relaxed)
    }

    /// The so-manieth call from now on is not answered.
    pub(super) fn cut(&self, nth: usize) {
        self.seen.carried_out.store(false, Ordering::Relaxed);
        self.seen.cut.store(self.calls() + nth, Ordering::Relaxed);
    }

    /// Whether the call that is not answered was carried out.
    pub(super) fn is_cut(&self) -> bool {
        self.seen.carried_out.load(Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.seen.over.store(true, Ordering::Relaxed);
        // It looks when somebody comes.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Hands on what both say. On one connection a call begins when the one before was answered.
fn connection(client: &TcpStream, storage: &TcpStream, seen: &Seen) -> io::Result<()> {
    client.set_nodelay(true)?;
    storage.set_nodelay(true)?;
    let cut = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = answers(storage, client, &cut, seen);
            let _ = client.shutdown(Shutdown::Both);
        });
        let ended = requests(client, storage, &cut, seen);
        let _ = storage.shutdown(Shutdown::Both);
        ended
    })
}

fn requests(client: &TcpStream, mut storage: &TcpStream, cut: &AtomicBool, seen: &Seen) -> io::Result<()> {
    let mut client = BufReader::new(client);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let line = head.len();
            if client.read_line(&mut head)? == 0 {
                return Ok(());
            }
            let line = head[line..].to_ascii_lowercase();
            assert!(!line.starts_with("transfer-encoding"), "{head}");
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let number = seen.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if number == seen.cut.load(Ordering::Relaxed) {
            cut.store(true, Ordering::SeqCst);
        }
        storage.write_all(head.as_bytes())?;
        io::copy(&mut client.by_ref().take(length), &mut storage)?;
    }
}

fn answers(mut storage: &TcpStream, mut client: &TcpStream, cut: &AtomicBool, seen: &Seen) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = storage.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        if cut.load(Ordering::SeqCst) {
            seen.carried_out.store(true, Ordering::Relaxed);
        } else {
            client.write_all(&buffer[..length])?;
        }
    }
}
