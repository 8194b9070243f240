//! Deletes a machine and all that was made with it.

use std::collections::BTreeSet;

use super::api::pair;
use super::files::Files;
use super::power::{Off, turn_off};
use super::sign::Sign;
use super::trouble::{Kind, Trouble};
use super::work::{Found, Limited, Work};
use crate::http::segment;

/// How often a machine is stopped that somebody starts again at once.
const ATTEMPTS: u32 = 3;

/// What to do about a machine that may not be deleted.
pub(super) const PROTECTED: &str = "turn the machine's protection off in Proxmox VE (Options > Protection)";

/// Deletes the machine that was found at a place, where it has this sign, and its files also where the machine is gone. Any other is left alone.
///
/// The files go first: as long as anything is left, the machine is there to be found.
pub(super) async fn remove(
    work: &Work<'_>,
    found: Option<Found>,
    (node, vmid): (&str, u32),
    sign: Sign<'_>,
    iso_storage: &str,
    off: Off,
) -> Result<(), Trouble> {
    let ours = found.filter(|found| sign.is_on(&found.config));
    if let Some(found) = &ours {
        unprotected(found)?;
    }
    let marker = sign.marker(ours.as_ref().map(|found| &found.config));
    let Some(files) = Files::of(marker, vmid) else {
        // An imported machine that gosling never made has no files of gosling's.
        return match &ours {
            Some(found) => {
                turn_off(work, found, off).await?;
                destroy(work, found, sign, off).await
            }
            None => Ok(()),
        };
    };
    let mut places = BTreeSet::from([(node, iso_storage)]);
    if let Some(found) = &ours {
        turn_off(work, found, off).await?;
        places.insert((&found.node, iso_storage));
        // The Nest may name another storage by now than when the machine was made.
        let drive = found
            .config
            .get("ide2")
            .and_then(|drive| drive.split_once(":iso/"));
        if let Some((storage, _)) = drive.filter(|(_, name)| files.is_own(name)) {
            places.extend([(node, storage), (found.node.as_str(), storage)]);
        }
    }
    for (node, storage) in places {
        // Without the machine, its number may be another's by now.
        let goes = |name: &str| match ours {
            Some(_) => files.is_of_number(name),
            None => files.is_own(name),
        };
        remove_files(work, node, storage, goes).await?;
    }
    match &ours {
        Some(found) => destroy(work, found, sign, off).await,
        None => Ok(()),
    }
}

/// Refuses a machine that Proxmox VE would not delete: it is not stopped first.
fn unprotected(found: &Found) -> Result<(), Trouble> {
    match found.config.get("protection") {
        Some("1") => {
            Err(Trouble::refused(format!("{} is protected in Proxmox VE", found.id())).help(PROTECTED))
        }
        _ => Ok(()),
    }
}

async fn destroy(work: &Work<'_>, found: &Found, sign: Sign<'_>, off: Off) -> Result<(), Trouble> {
    let query = [pair("purge", 1), pair("destroy-unreferenced-disks", 1)];
    let (path, id) = (found.path(), found.id());
    let mut attempt = 0;
    loop {
        let destroyed = work
            .in_turn(Limited::Delete, &found.node, "deleting", || {
                work.api.delete(&path, &query)
            })
            .await;
        attempt += 1;
        let trouble = match destroyed {
            Ok(()) => Trouble::died(format!("{id} was deleted but still exists")),
            Err(trouble) if trouble.kind == Kind::Died => trouble,
            Err(trouble) => return Err(trouble),
        };
        work.outlast_all(&found.node, "qmdestroy", Some(found.vmid))
            .await?;
        let left = work.find_unlocked(&found.node, found.vmid).await?;
        if left.is_none_or(|left| !sign.is_on(&left.config)) {
            return Ok(());
        }
        if attempt >= ATTEMPTS || !trouble.message.contains("is running") {
            let protected = trouble.message.contains("protection");
            let help = match protected {
                true => PROTECTED,
                false => "look at the machine in Proxmox VE",
            };
            return Err(trouble.help(help));
        }
        turn_off(work, found, off).await?;
    }
}

/// Deletes the files with such names: the NoCloud image, a disk image that was fetched.
pub(super) async fn remove_files(
    work: &Work<'_>,
    node: &str,
    storage: &str,
    goes: impl Fn(&str) -> bool,
) -> Result<(), Trouble> {
    let content = format!("/nodes/{}/storage/{}/content", segment(node), segment(storage));
    for volume in files(work, &content, &goes).await? {
        let ended = match work.api.delete(&format!("{content}/{volume}"), &[]).await {
            Ok(answer) => work.end_of(&answer, "deleting its files").await,
            Err(trouble) => Err(trouble),
        };
        match ended {
            // Somebody else, or an earlier attempt, may have been faster.
            Err(trouble) if trouble.kind == Kind::Died => {
                work.outlast_all(node, "imgdel", None).await?;
                if files(work, &content, &goes).await?.contains(&volume) {
                    return Err(trouble);
                }
            }
            ended => ended?,
        }
    }
    Ok(())
}

/// The ids of the volumes with such names.
async fn files(work: &Work<'_>, content: &str, goes: &impl Fn(&str) -> bool) -> Result<Vec<String>, Trouble> {
    let list = match work.api.get(content).await {
        Ok(list) => list,
        // With the storage, all that was on it is gone.
        Err(trouble) if trouble.is_missing() => return Ok(Vec::new()),
        Err(trouble) => return Err(trouble),
    };
    let volumes = list.as_array().into_iter().flatten();
    let volumes = volumes.filter_map(|entry| entry.get("volid")?.as_str());
    let ours = volumes.filter(|volume| goes(volume.rsplit('/').next().unwrap_or_default()));
    Ok(ours.map(str::to_owned).collect())
}
