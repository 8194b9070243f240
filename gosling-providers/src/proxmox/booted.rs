//! What is left to do with a machine once it has booted: its image is put away, its first boot is asked how it went.

use std::net::IpAddr;

use gosling_engine::{CallError, Context, marker};
use gosling_resource::Value;
use smol_str::SmolStr;

use super::Proxmox;
use super::api::pair;
use super::files::Files;
use super::placing::parts;
use super::removing::remove_files;
use super::sign::Sign;
use super::trouble::{Kind, Trouble};
use super::wanted::Config;
use super::work::{Work, path};

/// Where the first boot writes how far it has come; `fly-codegen`'s script says the same.
const LOG: &str = "/var/lib/gosling/first-boot.log";
/// A tag that every machine gets; `fly-codegen` gives it.
const TAG: &str = "gosling";
/// A longer log is none of ours.
const LARGEST: usize = 64 * 1024;

/// The NoCloud image in a machine's drive, by its volume id, where it is the one made for it.
pub(super) fn seed(config: &Config, vmid: u32) -> Option<&str> {
    let volume = config.get("ide2")?.split(',').next()?;
    let (_, name) = volume.split_once(":iso/")?;
    let mut markers = marker::all_in(config.notes());
    markers
        .any(|marker| Files::of(marker.text, vmid).is_some_and(|files| files.is_own(name)))
        .then_some(volume)
}

/// Whether the creation of a machine that gosling made has ended, as far as its configuration shows. One call sets its
/// tags and puts its NoCloud image into the drive; once its runner is online, the drive is empty. A clone that has
/// neither never had its user data, whatever drive its template had.
pub(super) fn is_finished(config: &Config, vmid: u32) -> bool {
    let put_away = config.get("ide2").is_some_and(|drive| drive.starts_with("none"));
    let tags = config.get("tags").unwrap_or_default();
    let tagged = tags.split([';', ',', ' ']).any(|tag| tag == TAG);
    seed(config, vmid).is_some() || (put_away && tagged && config.get("onboot") == Some("1"))
}

impl Proxmox {
    /// Takes the NoCloud image, which has the runner's token in it, out of a machine that has read it, and deletes it.
    /// What is gone already, or carries another marker, is left alone, so that doing it again does no harm.
    ///
    /// # Errors
    /// Any failed call. The image may be there then, in the drive or out of it; both are mended by trying again.
    pub async fn put_seed_away(
        &self,
        cx: &Context<'_>,
        id: &str,
        marker: &str,
        iso_storage: &str,
    ) -> Result<(), CallError> {
        let (node, vmid) = parts(id)?;
        let mut work = self.work(cx, "").await?;
        work.api.signs = vec![Sign::Marker(marker)];
        let found = work.find_unlocked(node, vmid).await.map_err(Trouble::harmless)?;
        let Some(found) = found.filter(|found| marker::is_in(found.config.notes(), marker)) else {
            return Ok(());
        };
        let mut storage = iso_storage.to_owned();
        if let Some(volume) = seed(&found.config, vmid) {
            if let Some((own, _)) = volume.split_once(':') {
                own.clone_into(&mut storage);
            }
            let empty = [pair("ide2", "none,media=cdrom")];
            let path = format!("{}/config", found.path());
            work.api.put(&path, &empty).await.map_err(Trouble::harmless)?;
        }
        let Some(files) = Files::of(marker, vmid) else {
            return Ok(());
        };
        // Also those of earlier machines with its number, which runs left that nobody settled.
        let removed = remove_files(&work, &found.node, &storage, |name| files.is_of_number(name)).await;
        removed.map_err(Trouble::harmless)
    }

    /// What the first boot of a machine has said so far, as its guest agent reads it; `None` where it has said nothing,
    /// or nobody may read it.
    ///
    /// # Errors
    /// A failed call, but for those that the agent itself refuses.
    pub async fn first_boot(&self, cx: &Context<'_>, id: &str) -> Result<Option<String>, CallError> {
        let (node, vmid) = parts(id)?;
        let work = self.work(cx, "").await?;
        let path = format!("{}/agent/file-read", path(node, vmid));
        match work.api.get_with(&path, &[("file", LOG)]).await {
            Ok(answer) => {
                let content = answer.get("content").and_then(serde_json::Value::as_str);
                Ok(content.filter(|text| text.len() <= LARGEST).map(str::to_owned))
            }
            // No agent, no file, no right.
            Err(trouble) if matches!(trouble.kind, Kind::Died | Kind::Refused) => Ok(None),
            Err(trouble) => Err(trouble.harmless()),
        }
    }
}

/// The addresses that a machine's guest agent tells; none where it tells none. They are for people to read.
pub(super) async fn addresses(work: &Work<'_>, path: &str) -> Vec<String> {
    let told = work
        .api
        .get(&format!("{path}/agent/network-get-interfaces"))
        .await;
    let told = told.unwrap_or_default();
    let interfaces = told["result"].as_array().into_iter().flatten();
    let physical = interfaces.filter(|interface| {
        let name = interface["name"].as_str().unwrap_or_default();
        // Bridges and pairs that Docker makes are in every machine and reach nobody.
        !["lo", "docker", "br-", "veth"]
            .iter()
            .any(|begin| name.starts_with(begin))
    });
    let addresses = physical.flat_map(|interface| interface["ip-addresses"].as_array().into_iter().flatten());
    let texts = addresses.filter_map(|address| address["ip-address"].as_str());
    let parsed = texts.filter_map(|text| text.parse::<IpAddr>().ok());
    let link_local = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_loopback(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_loopback(),
    };
    parsed
        .filter(|address| !link_local(address))
        .map(|address| address.to_string())
        .collect()
}

/// The image of a machine as an output, while it is in its drive: it is not known yet that the machine has booted.
pub(super) fn output(config: &Config, vmid: u32) -> Option<(SmolStr, Value)> {
    seed(config, vmid).map(|volume| ("seed".into(), volume.into()))
}
