//! Files that come in by upload or by a download of the node's own.

use serde_json::json;
use sha2::{Digest, Sha256, Sha512};

use super::answer::{Answer, Failure};
use super::drives::GIB;
use super::given::Given;
use super::storage::Volume;
use super::tasks::{Effect, Work};
use super::{Ask, Proxmox};
use crate::Call;
use crate::ledger::Ledger;

/// How large everything is that is downloaded, in bytes.
const DOWNLOAD: u64 = GIB / 2;

/// A part of a multipart body.
struct Part<'a> {
    name: String,
    filename: Option<String>,
    data: &'a [u8],
}

/// The fields of an upload; that of the file holds its name. As the real one, it wants the file to come last.
pub(super) fn fields(call: &Call) -> Result<Given, Failure> {
    let mut given = Given::default();
    for part in parts(call)? {
        if given.text("filename").is_some() {
            return Failure::die("wrong field order: the file has to be the last part");
        }
        match part.filename {
            Some(filename) if part.name == "filename" => given.insert("filename", filename),
            _ => given.insert(&part.name, String::from_utf8_lossy(part.data).into_owned()),
        }
    }
    Ok(given)
}

fn parts(call: &Call) -> Result<Vec<Part<'_>>, Failure> {
    let content_type = call.header("content-type").unwrap_or_default();
    let boundary = content_type
        .split(';')
        .find_map(|word| word.trim().strip_prefix("boundary="));
    let Some(boundary) = boundary.filter(|_| content_type.starts_with("multipart/form-data")) else {
        return Failure::die("unable to parse content type of upload: not multipart/form-data");
    };
    let delimiter = format!("\r\n--{}", boundary.trim_matches('"'));
    let broken = || Failure::Die("unable to parse upload: broken multipart body".to_owned());
    // The first delimiter has no line end before it.
    let start = call
        .body
        .strip_prefix(&delimiter.as_bytes()[2..])
        .ok_or_else(broken)?;
    let mut rest = start;
    let mut parts = Vec::new();
    while let Some(after) = rest.strip_prefix(b"\r\n") {
        let (head, body) = split(after, b"\r\n\r\n").ok_or_else(broken)?;
        let (data, next) = split(body, delimiter.as_bytes()).ok_or_else(broken)?;
        let head = String::from_utf8_lossy(head).into_owned();
        let disposition = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))
            .ok_or_else(broken)?;
        let attribute = |name: &str| {
            let mut words = disposition.split(';').map(str::trim);
            let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))?;
            Some(value.trim_matches('"').to_owned())
        };
        parts.push(Part {
            name: attribute("name").ok_or_else(broken)?,
            filename: attribute("filename"),
            data,
        });
        rest = next;
    }
    if rest.starts_with(b"--") {
        Ok(parts)
    } else {
        Err(broken())
    }
}

fn split<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = text.windows(at.len()).position(|window| window == at)?;
    Some((&text[..found], &text[found + at.len()..]))
}

/// The file name's endings that a kind of content may have.
fn endings(content: &str) -> &'static [&'static str] {
    match content {
        "iso" => &[".iso", ".img"],
        "vztmpl" => &[".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2"],
        _ => &[".ova", ".qcow2", ".raw", ".vmdk"],
    }
}

impl Proxmox {
    /// An empty volume for the file that a call names.
    fn incoming(&self, ask: &Ask) -> Result<Volume, Failure> {
        let storage = self.storage(ask.variable("storage"))?;
        let content = ask.given.text("content").unwrap_or_default();
        if !storage.content.iter().any(|word| word == content) {
            return Failure::die(format!(
                "storage '{}' does not support '{content}' content",
                storage.name
            ));
        }
        let asked = ask.given.text("filename").unwrap_or_default();
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
        let name: String = asked
            .chars()
            .map(|letter| if plain(letter) { letter } else { '_' })
            .collect();
        let name = name.trim_start_matches('.');
        if !endings(content)
            .iter()
            .any(|ending| name.to_ascii_lowercase().ends_with(ending))
        {
            return Err(Failure::parameter("filename", "wrong file extension"));
        }
        Ok(Volume {
            node: (!storage.shared).then(|| ask.node().to_owned()),
            storage: storage.name.clone(),
            name: format!("{content}/{name}"),
            content: content.to_owned(),
            size: 0,
            vmid: None,
            data: Vec::new(),
        })
    }

    pub(super) fn upload(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let mut volume = self.incoming(ask)?;
        let file = parts(ask.call)?.pop().map(|part| part.data).unwrap_or_default();
        if self.free(ask.node(), &volume.storage) < file.len() as u64 {
            return Failure::die(format!("not enough free space on storage '{}'", volume.storage));
        }
        volume.size = file.len() as u64;
        volume.data = file.to_vec();
        let fails = checksum_error(ask, file);
        let mut new = Work::new("imgcopy", "", self.world.speed.other, Effect::Store(volume));
        new.fails = fails;
        Ok(self.begin(ask, new, ledger))
    }

    /// Size, type and name of the file at an address, as the node finds them.
    pub(super) fn query_url(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        self.need_for_url(ask)?;
        let url = ask.given.text("url").unwrap_or_default();
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let filename = path.rsplit('/').next().unwrap_or_default();
        Ok(json!({"filename": filename, "size": DOWNLOAD, "mimetype": "application/octet-stream"}).into())
    }

    pub(super) fn download(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.need_for_url(ask)?;
        let mut volume = self.incoming(ask)?;
        if self.volume(ask.node(), &volume.volid()).is_some() {
            let words = format!("refusing to override existing file '{}'", volume.name);
            return Failure::die(words);
        }
        volume.size = DOWNLOAD;
        let name = volume.name.rsplit('/').next().unwrap_or_default().to_owned();
        let new = Work::new("download", &name, self.world.speed.clone, Effect::Store(volume));
        Ok(self.begin(ask, new, ledger))
    }
}

/// What the task of an upload ends with, when the file is not the one that was meant.
fn checksum_error(ask: &Ask, file: &[u8]) -> Option<String> {
    let (wanted, algorithm) = (ask.given.text("checksum")?, ask.given.text("checksum-algorithm")?);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let got = match algorithm {
        "sha256" => hex(&Sha256::digest(file)),
        "sha512" => hex(&Sha512::digest(file)),
        // The others are not simulated: such a file is taken as it is.
        _ => return None,
    };
    let wrong = !got.eq_ignore_ascii_case(wanted);
    wrong.then(|| format!("checksum mismatch: got '{got}' != expect '{wanted}'"))
}
