//! `--json`: one document on standard output, whatever the command is and however it ends.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::Host;

/// A stream that knows whether anything was written to it.
struct Watched {
    inner: Box<dyn Write>,
    written: Arc<AtomicBool>,
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.written.fetch_or(count > 0, Ordering::Relaxed);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Does `work`. With `json`, a command that prints no document of its own gets one: its messages and its exit code.
pub(super) fn one_document(host: &mut Host, json: bool, work: impl FnOnce(&mut Host) -> u8) -> u8 {
    if !json {
        return work(host);
    }
    let written = Arc::new(AtomicBool::new(false));
    let inner = std::mem::replace(&mut host.out, Box::new(io::sink()));
    host.out = Box::new(Watched {
        inner,
        written: Arc::clone(&written),
    });
    let collecting = std::mem::replace(&mut host.asked.json, true);
    let exit = work(host);
    host.asked.json = collecting;
    let messages = std::mem::take(&mut host.asked.said);
    if !written.load(Ordering::Relaxed) {
        // Where this cannot be written there is nobody left to tell.
        let _ = host.document(json!({ "exit": exit, "messages": messages }));
        let _ = host.out.flush();
    }
    exit
}
