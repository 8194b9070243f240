//! Makes a machine, or ends the making of one.

use std::time::Duration;

use gosling_engine::{Observed, Operation, marker};
use serde_json::Value;
use tokio::time::sleep;

use super::api::pair;
use super::cluster::Cluster;
use super::files::Files;
use super::power::{Off, start};
use super::removing::{remove, remove_files};
use super::seed::Seed;
use super::shaping::{observed, shape};
use super::sign::Sign;
use super::trouble::{Kind, Trouble};
use super::wanted::{Origin, Wanted};
use super::work::{Found, Limited, Work};
use crate::http::segment;

/// A call that was on its way when its sender died arrives within this time.
const GRACE: Duration = Duration::from_millis(500);

/// One machine to make.
pub(super) struct Making<'a> {
    pub(super) work: &'a Work<'a>,
    pub(super) operation: &'a Operation,
    pub(super) wanted: &'a Wanted,
    pub(super) node: &'a str,
    pub(super) vmid: u32,
}

impl Making<'_> {
    /// Makes it. What went definitely wrong is taken back, so that nothing of it is left.
    pub(super) async fn make(&self) -> Result<Observed, Trouble> {
        let mut changed = self.operation.again;
        let trouble = match self.build(&mut changed).await {
            Ok(observed) => return Ok(observed),
            Err(trouble) => trouble,
        };
        if trouble.kind == Kind::Unknown || !changed {
            return Err(trouble);
        }
        self.work.progress("deleting what was created");
        let place = (self.node, self.vmid);
        let removed = match self.work.find_unlocked(self.node, self.vmid).await {
            Ok(found) => {
                remove(
                    self.work,
                    found,
                    place,
                    self.sign(),
                    &self.wanted.iso_storage,
                    Off::NOW,
                )
                .await
            }
            Err(trouble) => Err(trouble),
        };
        match removed {
            Ok(()) => Err(Trouble {
                kind: Kind::Refused,
                ..trouble
            }),
            Err(other) => Err(Trouble {
                kind: Kind::Unknown,
                message: format!(
                    "{}; what it created still exists: {}",
                    trouble.message, other.message
                ),
                help: trouble.help,
            }),
        }
    }

    async fn build(&self, changed: &mut bool) -> Result<Observed, Trouble> {
        let found = self.look().await?;
        let seed = self.seed(found.as_ref(), changed).await?;
        let found = match found {
            Some(found) => found,
            None => {
                *changed = true;
                self.bring_up().await?
            }
        };
        if found.config.boot_disk().is_none() {
            return Err(Trouble::died(format!("{} was made without a disk", found.id())));
        }
        if found.config.get("protection") == Some("1") {
            // The template handed it on, and gosling could neither take back nor replace what it made.
            *changed = true;
            let off = [pair("protection", 0)];
            self.work
                .api
                .put(&format!("{}/config", found.path()), &off)
                .await?;
        }
        if let Some((_, name)) = self.address() {
            // Its disk is a copy.
            remove_files(self.work, self.node, &self.wanted.iso_storage, |own| own == name).await?;
        }
        shape(self.work, &found, self.wanted, seed.as_deref(), changed).await?;
        if self.wanted.started && !self.work.runs(&found).await? {
            *changed = true;
            start(self.work, &found, self.wanted).await?;
        }
        let now = self.look().await?;
        let now = now.ok_or_else(|| Trouble::unknown(format!("{} is gone", found.id())))?;
        observed(self.work, &now, &self.operation.properties, None).await
    }

    fn sign(&self) -> Sign<'_> {
        Sign::Marker(&self.operation.marker)
    }

    /// The machine, if it is there: made by an earlier attempt.
    async fn look(&self) -> Result<Option<Found>, Trouble> {
        let again = self.operation.again;
        if again {
            for task in &self.operation.tasks {
                self.outlast(task).await?;
            }
        }
        let mut found = self.work.find_unlocked(self.node, self.vmid).await?;
        if found.is_none() && again {
            sleep(GRACE).await;
            found = self.work.find_unlocked(self.node, self.vmid).await?;
        }
        match found {
            Some(found) if !self.sign().is_on(&found.config) => Err(self.foreign(&found)),
            found => Ok(found),
        }
    }

    /// Waits for the end of an earlier attempt's task, however it ends: what it left is looked at.
    async fn outlast(&self, task: &str) -> Result<(), Trouble> {
        let node = task.split(':').nth(1).unwrap_or_default();
        let path = format!("/nodes/{}/tasks/{}/status", segment(node), segment(task));
        match self.work.api.get(&path).await {
            Ok(status) if status.get("status").and_then(Value::as_str) == Some("running") => {
                match self.work.follow(task, "waiting for an earlier task").await {
                    Err(trouble) if trouble.kind != Kind::Died => Err(trouble),
                    _ => Ok(()),
                }
            }
            // Proxmox VE forgets old tasks.
            Ok(_) => Ok(()),
            Err(trouble) if trouble.kind == Kind::Refused => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    fn foreign(&self, found: &Found) -> Trouble {
        let (id, name) = (found.id(), found.config.get("name").unwrap_or_default());
        let owner = match marker::all_in(found.config.notes()).next() {
            Some(marker) => format!("made by gosling as `{}`", marker.text),
            None => "not made by gosling".to_owned(),
        };
        Trouble::refused(format!(
            "the VMID {} is taken by `{name}` ({id}), {owner}",
            self.vmid
        ))
        .help("keep `vmid_range` for this Nest alone; the next apply takes another VMID")
    }

    /// Uploads the NoCloud image: its volume id. A machine that runs with it has read it already.
    async fn seed(&self, found: Option<&Found>, changed: &mut bool) -> Result<Option<String>, Trouble> {
        let (wanted, work) = (self.wanted, self.work);
        let Some(user_data) = &wanted.user_data else {
            return Ok(None);
        };
        let storage = &wanted.iso_storage;
        let name = self.file("iso");
        let volume = format!("{storage}:iso/{name}");
        if let Some(found) = found {
            let in_drive = found
                .config
                .get("ide2")
                .is_some_and(|drive| drive.starts_with(&volume));
            if in_drive && work.runs(found).await? {
                return Ok(Some(volume));
            }
        }
        let network = wanted.network_config.as_ref();
        let seed = Seed::of(work.cx, &self.operation.op, &wanted.name, user_data, network).await?;
        let image = seed.image()?;
        *changed = true;
        let node = found.map_or(self.node, |found| &found.node);
        let words = "uploading the NoCloud image";
        work.progress(words);
        let answer = work
            .api
            .upload(&segment(node), &segment(storage), &name, image)
            .await;
        if answer.as_ref().is_err_and(|trouble| trouble.kind == Kind::Died) {
            // Should its task run in spite of the error, the file is not there before its end.
            work.outlast_all(node, "imgcopy", None).await?;
        }
        work.end_of(&answer.map_err(|trouble| trouble.during(words))?, words)
            .await?;
        Ok(Some(volume))
    }

    fn file(&self, ending: &str) -> String {
        let Operation { marker, op, .. } = self.operation;
        match Files::of(marker, self.vmid) {
            Some(files) => files.name(ending),
            None => format!("gosling-{}-{op}.{ending}", self.vmid),
        }
    }

    /// The address of the image, and the name of the file that it is fetched to, for this machine alone.
    fn address(&self) -> Option<(&str, String)> {
        let Origin::Image(image) = &self.wanted.from else {
            return None;
        };
        // What Proxmox VE reads goes by its ending; the `.img` of the distributions is qcow2.
        let mut endings = ["raw", "vmdk"].into_iter();
        let ending = endings.find(|ending| image.ends_with(&format!(".{ending}")));
        let fetched = image.starts_with("https://") || image.starts_with("http://");
        fetched.then(|| (image.as_str(), self.file(ending.unwrap_or("qcow2"))))
    }

    /// The volume that holds an image. What is at an address is fetched by the node.
    async fn volume_of(&self, image: &str) -> Result<String, Trouble> {
        let Some((image, name)) = self.address() else {
            return Ok(image.to_owned());
        };
        let (work, storage, node) = (self.work, &self.wanted.iso_storage, segment(self.node));
        // An earlier attempt may have fetched it, or a part of it: the node does not write over a file.
        remove_files(work, self.node, storage, |own| own == name).await?;
        let form = [
            pair("content", "import"),
            pair("filename", &name),
            pair("url", image),
        ];
        let path = format!("/nodes/{node}/storage/{}/download-url", segment(storage));
        let words = "fetching the image";
        let answer = work.api.post(&path, &form).await;
        if answer.as_ref().is_err_and(|trouble| trouble.kind == Kind::Died) {
            work.outlast_all(self.node, "download", None).await?;
        }
        work.end_of(&answer.map_err(|trouble| trouble.during(words))?, words)
            .await?;
        Ok(format!("{storage}:import/{name}"))
    }

    /// Clones the template, or imports the image.
    async fn bring_up(&self) -> Result<Found, Trouble> {
        let (wanted, work) = (self.wanted, self.work);
        let cluster = Cluster::of(&work.api).await?;
        let mut form = vec![
            pair("name", &wanted.name),
            pair("description", &self.operation.marker),
        ];
        form.extend(wanted.pool.as_ref().map(|pool| pair("pool", pool)));
        let path = if let Origin::Image(image) = &wanted.from {
            let image = self.volume_of(image).await?;
            form.extend([
                pair("vmid", self.vmid),
                pair("memory", wanted.memory),
                pair("ostype", "l26"),
                // The default, kvm64, is older than what today's distributions are built for.
                pair("cpu", wanted.cpu_type.as_deref().unwrap_or("x86-64-v2-AES")),
                pair("scsihw", "virtio-scsi-single"),
                pair(
                    "scsi0",
                    format!(
                        "{}:0,import-from={image},discard=on,iothread=1,ssd=1",
                        wanted.storage
                    ),
                ),
                pair("boot", "order=scsi0"),
                pair("serial0", "socket"),
            ]);
            format!("/nodes/{}/qemu", segment(self.node))
        } else {
            let source = cluster.source(&work.api, &wanted.from, self.node).await?;
            let source = source.ok_or_else(|| {
                let node = self.node;
                Trouble::refused(format!("the template is not there any more for {node}"))
            })?;
            form.extend([
                pair("newid", self.vmid),
                pair("full", 1),
                pair("storage", &wanted.storage),
            ]);
            if source.node != self.node {
                form.push(pair("target", self.node));
            }
            format!("/nodes/{}/qemu/{}/clone", segment(&source.node), source.vmid)
        };
        let shared = cluster
            .storage(self.node, &wanted.storage)
            .is_some_and(|storage| storage.shared);
        let storage = match shared {
            true => wanted.storage.clone(),
            false => format!("{}/{}", self.node, wanted.storage),
        };
        let words = match &wanted.from {
            Origin::Image(_) => "importing the image",
            Origin::Named(_) | Origin::Numbered(_) => "cloning the template",
        };
        let brought = work
            .in_turn(Limited::Clone, &storage, words, || work.api.post(&path, &form))
            .await;
        match brought {
            Err(trouble) if trouble.kind == Kind::Died => {
                // It is over. Whose machine is there now says what became of it.
                self.look().await?.ok_or(trouble)
            }
            Err(trouble) => Err(trouble),
            Ok(()) => {
                let found = self.look().await?;
                found.ok_or_else(|| {
                    Trouble::died(format!(
                        "{words} succeeded, but {}/{} does not exist",
                        self.node, self.vmid
                    ))
                })
            }
        }
    }
}
