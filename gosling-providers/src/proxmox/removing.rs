//! Deletes a machine and all that was made with it.

use serde_json::Value;

use super::api::pair;
use super::trouble::{Kind, Trouble};
use super::work::{Found, Limited, Work};
use crate::http::segment;

/// How often a machine is stopped that somebody starts again at once.
const ATTEMPTS: u32 = 3;

/// The file name of a machine's NoCloud image: the operation that made it is in it.
pub(super) fn seed_name(vmid: u32, op: &str) -> String {
    format!("gosling-{vmid}-{op}.iso")
}

/// Deletes the machine that carries the marker, and its NoCloud image also where the machine is gone. What carries
/// another marker is left alone.
///
/// The image goes first: as long as anything is left, the machine is there to be found.
pub(super) async fn remove(
    work: &Work<'_>,
    node: &str,
    vmid: u32,
    marker: &str,
    iso_storage: &str,
) -> Result<(), Trouble> {
    let found = work.find_unlocked(node, vmid).await?;
    let ours = found.filter(|found| found.config.marker() == marker);
    let mut nodes = vec![node];
    if let Some(found) = &ours {
        stop(work, found).await?;
        nodes.push(&found.node);
        nodes.dedup();
    }
    let op = marker.rsplit(':').next().unwrap_or_default();
    for node in nodes {
        remove_seed(work, node, iso_storage, &seed_name(vmid, op)).await?;
    }
    match &ours {
        Some(found) => destroy(work, found, marker).await,
        None => Ok(()),
    }
}

/// Stops a machine that runs. One that is gone by now, an earlier attempt's task having ended, does not.
async fn stop(work: &Work<'_>, found: &Found) -> Result<(), Trouble> {
    match stop_if_running(work, found).await {
        Err(trouble) if trouble.is_missing() => Ok(()),
        stopped => stopped,
    }
}

async fn stop_if_running(work: &Work<'_>, found: &Found) -> Result<(), Trouble> {
    if !work.runs(found).await? {
        return Ok(());
    }
    let answer = work
        .api
        .post(&format!("{}/status/stop", found.path()), &[])
        .await?;
    work.end_of(&answer, "stopping").await
}

async fn destroy(work: &Work<'_>, found: &Found, marker: &str) -> Result<(), Trouble> {
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
            Ok(()) => Trouble::died(format!("{id} was deleted, and is still there")),
            Err(trouble) if trouble.kind == Kind::Died => trouble,
            Err(trouble) => return Err(trouble),
        };
        work.outlast_all(&found.node, "qmdestroy", Some(found.vmid))
            .await?;
        let left = work.find_unlocked(&found.node, found.vmid).await?;
        if left.is_none_or(|left| left.config.marker() != marker) {
            return Ok(());
        }
        if attempt >= ATTEMPTS || !trouble.message.contains("is running") {
            let protected = trouble.message.contains("protection");
            let help = match protected {
                true => "turn the machine's protection off in Proxmox VE: somebody turned it on",
                false => "look at the machine in Proxmox VE",
            };
            return Err(trouble.help(help));
        }
        stop(work, found).await?;
    }
}

/// Deletes a NoCloud image, if it is there.
async fn remove_seed(work: &Work<'_>, node: &str, storage: &str, name: &str) -> Result<(), Trouble> {
    let content = format!("/nodes/{}/storage/{}/content", segment(node), segment(storage));
    let volume = format!("{storage}:iso/{name}");
    let is_there = || async {
        match work.api.get_with(&content, &[("content", "iso")]).await {
            Ok(list) => {
                let is = |entry: &Value| entry.get("volid").and_then(Value::as_str) == Some(&volume);
                Ok(list.as_array().into_iter().flatten().any(is))
            }
            // With the storage, all that was on it is gone.
            Err(trouble) if trouble.is_missing() => Ok(false),
            Err(trouble) => Err(trouble),
        }
    };
    if !is_there().await? {
        return Ok(());
    }
    let answer = work.api.delete(&format!("{content}/{volume}"), &[]).await?;
    match work.end_of(&answer, "deleting the NoCloud image").await {
        // Somebody else, or an earlier attempt, was faster.
        Err(trouble) if trouble.kind == Kind::Died => match is_there().await? {
            true => Err(trouble),
            false => Ok(()),
        },
        ended => ended,
    }
}
