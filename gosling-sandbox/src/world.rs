//! What a sandbox is made of when it begins. `--world FILE` is this, as JSON; what a file leaves out is as in the
//! default world, which is the one that `examples/proxmox-lab` is written for.

use serde::Deserialize;

/// The file of `--world`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorldFile {
    /// The simulated Proxmox VE.
    pub proxmox: ProxmoxWorld,
    /// The simulated GitLab.
    pub gitlab: GitlabWorld,
    /// The simulated Vault.
    pub vault: VaultWorld,
}

impl WorldFile {
    /// Whether the parts fit together. `Err` says which do not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { proxmox, gitlab, .. } = self;
        once("node", proxmox.nodes.iter().map(|node| &node.name))?;
        for node in &proxmox.nodes {
            if let Some(status) = node.refuses.filter(|status| !(400..600).contains(status)) {
                let name = &node.name;
                return Err(format!(
                    "the node {name} refuses with {status}, which is no refusal: write 403, 500, 595 or the like"
                ));
            }
        }
        for project in &gitlab.projects {
            if let Some(status) = project.refuses.filter(|status| !matches!(status, 403 | 404)) {
                let id = project.id;
                return Err(format!(
                    "the project {id} refuses with {status}: write 403 or 404"
                ));
            }
        }
        once("storage", proxmox.storages.iter().map(|storage| &storage.name))?;
        let machines = || proxmox.templates.iter().chain(&proxmox.machines);
        once("vmid", machines().map(|machine| machine.vmid))?;
        for machine in machines() {
            let TemplateWorld {
                vmid, node, storage, ..
            } = machine;
            if !proxmox.nodes.iter().any(|known| known.name == *node) {
                return Err(format!(
                    "machine {vmid} is on the node `{node}`, which is not among `nodes`"
                ));
            }
            let holds = |known: &StorageWorld| known.content.iter().any(|word| word == "images");
            if !proxmox
                .storages
                .iter()
                .any(|known| known.name == *storage && holds(known))
            {
                return Err(format!(
                    "the disk of machine {vmid} is on `{storage}`, which is no storage for `images`"
                ));
            }
        }
        for machine in machines() {
            let numbered = |family: &str| {
                let key = machine.cloud_init.as_deref()?;
                key.strip_prefix(family)?.parse::<u8>().ok()
            };
            let fits = ["ide", "sata", "scsi"].into_iter().find_map(numbered);
            if let Some(key) = &machine.cloud_init
                && (fits.is_none() || key == "scsi0")
            {
                let vmid = machine.vmid;
                return Err(format!(
                    "machine {vmid} has cloud-init's data on `{key}`, which is no free drive such as `ide2`"
                ));
            }
        }
        for volume in &proxmox.volumes {
            let storage = volume.split_once(':').map(|(storage, _)| storage);
            if !proxmox
                .storages
                .iter()
                .any(|known| Some(known.name.as_str()) == storage)
            {
                return Err(format!(
                    "the volume `{volume}` is on no storage: write STORAGE:CONTENT/FILE"
                ));
            }
        }
        once("project", gitlab.projects.iter().map(|project| project.id))?;
        once("group", gitlab.groups.iter().map(|group| group.id))?;
        let parents = gitlab.projects.iter().filter_map(|project| project.group);
        let parents = parents.chain(gitlab.groups.iter().filter_map(|group| group.parent));
        match parents
            .into_iter()
            .find(|parent| !gitlab.groups.iter().any(|group| group.id == *parent))
        {
            Some(parent) => Err(format!("there is no group {parent} among `groups`")),
            None => Ok(()),
        }
    }
}

/// Fails when a name is there twice.
fn once<T: Ord + std::fmt::Display + Copy>(what: &str, names: impl Iterator<Item = T>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("the {what} {name} is there twice"));
        }
    }
    Ok(())
}

/// A Proxmox VE cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxmoxWorld {
    /// What the cluster is called: one of another name is another cluster, with certificates of its own.
    pub cluster: String,
    /// What `GET /version` says, `8.4.0` or `9.1.3`. It also decides which parameters are known.
    pub version: String,
    /// How long a refused token is made to wait, in milliseconds.
    pub auth_delay_ms: u64,
    /// How long tasks take, in milliseconds.
    pub speed: Speed,
    /// How many of a hundred new tasks are not yet visible when their status is asked for the first time.
    pub late_tasks_percent: u32,
    /// How many full clones a storage takes at once before its lock times out and the next one fails; `None` is any
    /// number.
    pub clones_at_once: Option<usize>,
    /// The nodes of the cluster.
    pub nodes: Vec<NodeWorld>,
    /// The storages; a storage is on all nodes.
    pub storages: Vec<StorageWorld>,
    /// The bridges of every node.
    pub bridges: Vec<String>,
    /// The vnets of SDN, which every node has as a bridge, each with its zone.
    pub vnets: std::collections::BTreeMap<String, String>,
    /// The resource pools.
    pub pools: Vec<String>,
    /// The templates for virtual machines.
    pub templates: Vec<TemplateWorld>,
    /// Virtual machines of other people, which no tool may touch.
    pub machines: Vec<TemplateWorld>,
    /// Files that are there from the beginning, on every node: `local:vztmpl/debian.tar.zst`.
    pub volumes: Vec<String>,
    /// The privileges that the token has, everywhere; `None` is all of them.
    pub privileges: Option<Vec<String>>,
    /// When tokens end, in seconds since 1970; 0 is never.
    pub token_expire: u64,
    /// The privileges that the token has by paths, in place of `privileges`: `/vms/9000`, `/pool/ci`.
    pub acl: Option<std::collections::BTreeMap<String, Vec<String>>>,
}

/// How long the tasks of Proxmox VE take, in milliseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speed {
    /// A full clone, or an import of a disk.
    pub clone: u64,
    /// A start.
    pub start: u64,
    /// From the end of the start to the end of cloud-init.
    pub boot: u64,
    /// A stop or a shutdown.
    pub stop: u64,
    /// Everything else.
    pub other: u64,
}

/// A node of the cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeWorld {
    /// Its name.
    pub name: String,
    /// Memory, in GiB.
    #[serde(default = "sixty_four")]
    pub memory_gib: u64,
    /// Logical processors.
    #[serde(default = "sixteen")]
    pub cpus: u32,
    /// Whether it can be reached.
    #[serde(default = "yes")]
    pub online: bool,
    /// The status with which every call to it is answered, although the cluster calls it online: 595, 596, 403.
    #[serde(default)]
    pub refuses: Option<u16>,
}

/// A storage, on every node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageWorld {
    /// Its name.
    pub name: String,
    /// `dir`, `lvmthin`, `nfs`...
    #[serde(rename = "type")]
    pub kind: String,
    /// What it may hold: `images`, `rootdir`, `iso`, `vztmpl`, `import`, `backup`, `snippets`.
    pub content: Vec<String>,
    /// Whether all nodes see the same files.
    #[serde(default)]
    pub shared: bool,
    /// Whether it is mounted: one that is not is listed, and of no use.
    #[serde(default = "yes")]
    pub active: bool,
    /// Its size, in GiB, on each node.
    #[serde(default = "two_thousand")]
    pub total_gib: u64,
    /// What is taken from the beginning, in GiB.
    #[serde(default)]
    pub used_gib: u64,
}

/// A virtual machine that is there from the beginning.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateWorld {
    /// Its number.
    pub vmid: u32,
    /// Its name.
    pub name: String,
    /// The node that it is on.
    pub node: String,
    /// Its disk, in GiB.
    #[serde(default = "four")]
    pub disk_gib: u64,
    /// The storage of its disk.
    #[serde(default = "local_lvm")]
    pub storage: String,
    /// Whether the QEMU guest agent is installed in it.
    #[serde(default = "yes")]
    pub agent: bool,
    /// The drive with cloud-init's data that Proxmox VE writes: `ide2`.
    #[serde(default)]
    pub cloud_init: Option<String>,
}

/// A GitLab.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GitlabWorld {
    /// What `GET /version` says.
    pub version: String,
    /// The licence.
    pub tier: Tier,
    /// The projects.
    pub projects: Vec<ProjectWorld>,
    /// The groups.
    pub groups: Vec<GroupWorld>,
    /// Whether the token's user is an administrator, who alone may make instance runners and list all runners.
    pub admin: bool,
    /// For how many seconds after its last contact a runner counts as online: two hours in the real one.
    pub online_seconds: u64,
    /// How many calls with the token are answered in a minute; `None` is any number.
    pub rate_limit: Option<u32>,
    /// Whether webhooks may lead into the local network, which an administrator has to allow.
    pub local_hooks: bool,
    /// Whether the machines of the simulated Proxmox VE have a way to this GitLab.
    pub machines_reach: bool,
    /// What the first boot of each of those machines writes last, without coming further: this GitLab never hears of it.
    pub machines_stop_at: Option<String>,
    /// How long each job runs on those machines, in milliseconds.
    pub job_ms: u64,
    /// The token.
    pub token: TokenWorld,
}

/// GitLab's personal access token.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenWorld {
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The day on which it ends, `2027-01-31`. It is shown, and the token good after it all the same.
    pub expires_at: Option<String>,
    /// The number of its user's role everywhere: 40 is Maintainer, 50 Owner. Without it, nobody is refused for a role.
    pub role: Option<u64>,
}

impl Default for TokenWorld {
    fn default() -> Self {
        Self {
            scopes: vec!["api".to_owned(), "create_runner".to_owned()],
            expires_at: None,
            role: None,
        }
    }
}

/// GitLab's licence tier, as far as it changes what the API does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// No group hooks, 50 runners a group or project.
    Free,
    /// Group hooks, 1000 runners.
    Premium,
}

/// A project.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectWorld {
    /// Its number.
    pub id: u64,
    /// Its full path: `apps/app`.
    pub path: String,
    /// The number of the group that it belongs to, if that is one of `groups`.
    #[serde(default)]
    pub group: Option<u64>,
    /// The paths that it had before.
    #[serde(default)]
    pub was: Vec<String>,
    /// The tags of the job that every pipeline of this project has.
    #[serde(default)]
    pub ci_tags: Vec<String>,
    /// The status with which every call about it is answered: 403 where the token's role was taken away or the project
    /// is archived, 404 where the token does not see it.
    #[serde(default)]
    pub refuses: Option<u16>,
}

/// A group.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupWorld {
    /// Its number.
    pub id: u64,
    /// Its full path.
    pub path: String,
    /// The number of the group that it is a subgroup of.
    #[serde(default)]
    pub parent: Option<u64>,
}

/// A Vault.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VaultWorld {
    /// The path at which a KV v2 engine is mounted.
    pub mount: String,
}

impl Default for ProxmoxWorld {
    fn default() -> Self {
        let node = |name: &str| NodeWorld {
            name: name.to_owned(),
            memory_gib: sixty_four(),
            cpus: sixteen(),
            online: true,
            refuses: None,
        };
        let storage = |name: &str, kind: &str, content: &[&str]| StorageWorld {
            name: name.to_owned(),
            kind: kind.to_owned(),
            content: content.iter().map(|&word| word.to_owned()).collect(),
            shared: false,
            active: true,
            total_gib: two_thousand(),
            used_gib: 0,
        };
        let nodes = ["pve1", "pve2", "pve3"];
        // Templates on a storage that is not shared can be cloned on their own node only: one for each.
        let templates = (9000..).zip(nodes).map(|(vmid, node)| TemplateWorld {
            vmid,
            name: "debian-12-cloud".to_owned(),
            node: node.to_owned(),
            disk_gib: four(),
            storage: local_lvm(),
            agent: true,
            cloud_init: None,
        });
        Self {
            cluster: "sandbox".to_owned(),
            version: "8.4.0".to_owned(),
            auth_delay_ms: 3000,
            speed: Speed::default(),
            late_tasks_percent: 20,
            clones_at_once: None,
            nodes: nodes.map(node).to_vec(),
            storages: vec![
                storage("local", "dir", &["iso", "vztmpl", "import", "backup"]),
                storage("local-lvm", "lvmthin", &["images", "rootdir"]),
            ],
            bridges: vec!["vmbr0".to_owned()],
            vnets: std::collections::BTreeMap::new(),
            pools: vec!["ci".to_owned()],
            templates: templates.collect(),
            machines: Vec::new(),
            volumes: vec!["local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".to_owned()],
            privileges: None,
            token_expire: 0,
            acl: None,
        }
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self {
            clone: 400,
            start: 200,
            boot: 300,
            stop: 150,
            other: 50,
        }
    }
}

impl Default for GitlabWorld {
    fn default() -> Self {
        let project = |id, path: &str, group| ProjectWorld {
            id,
            path: path.to_owned(),
            group,
            was: Vec::new(),
            ci_tags: Vec::new(),
            refuses: None,
        };
        // The project that the first egg of a new Nest names.
        let hello = ProjectWorld {
            ci_tags: vec!["docker".to_owned()],
            ..project(1, "demo/hello", None)
        };
        Self {
            version: "18.5.0".to_owned(),
            tier: Tier::Free,
            projects: vec![
                hello,
                project(17, "apps/app", None),
                project(41, "sites/docs", None),
                project(42, "sites/shop", None),
                project(51, "platform/api", Some(5)),
                project(52, "platform/web", Some(5)),
            ],
            groups: vec![GroupWorld {
                id: 5,
                path: "platform".to_owned(),
                parent: None,
            }],
            admin: true,
            online_seconds: 2 * 3600,
            local_hooks: false,
            machines_reach: true,
            machines_stop_at: None,
            job_ms: 1000,
            rate_limit: None,
            token: TokenWorld::default(),
        }
    }
}

impl Default for VaultWorld {
    fn default() -> Self {
        Self {
            mount: "secret".to_owned(),
        }
    }
}

const fn yes() -> bool {
    true
}

const fn four() -> u64 {
    4
}

const fn sixteen() -> u32 {
    16
}

const fn sixty_four() -> u64 {
    64
}

const fn two_thousand() -> u64 {
    2000
}

fn local_lvm() -> String {
    "local-lvm".to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        serde_json::from_str::<WorldFile>(text).unwrap().check()
    }

    #[test]
    fn the_default_world_and_the_one_in_the_documentation_fit_together() {
        assert_eq!(WorldFile::default().check(), Ok(()));
        let page = include_str!("../../docs/sandbox.md");
        let section = page.split("## Another world").nth(1).unwrap();
        let json = section
            .split("```json")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        assert_eq!(check(json), Ok(()));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let wrong = |text: &str| check(text).unwrap_err();
        let nodes = r#"{"proxmox": {"nodes": [{"name": "a"}, {"name": "a"}]}}"#;
        assert_eq!(wrong(nodes), "the node a is there twice");
        let nodes = r#"{"proxmox": {"nodes": [{"name": "pve9"}]}}"#;
        assert!(wrong(nodes).contains("the node `pve1`, which is not among `nodes`"));
        let machine =
            r#"{"proxmox": {"machines": [{"vmid": 1, "name": "a", "node": "pve1", "storage": "local"}]}}"#;
        assert!(wrong(machine).contains("no storage for `images`"));
        let machine = r#"{"proxmox": {"machines": [
            {"vmid": 1, "name": "a", "node": "pve1", "cloud_init": "scsi0"}
        ]}}"#;
        assert!(wrong(machine).contains("`scsi0`, which is no free drive"));
        let node = r#"{"proxmox": {"nodes": [{"name": "pve1", "refuses": 200}]}}"#;
        assert!(wrong(node).contains("the node pve1 refuses with 200, which is no refusal"));
        let project = r#"{"gitlab": {"projects": [{"id": 1, "path": "a/b", "refuses": 500}]}}"#;
        assert_eq!(wrong(project), "the project 1 refuses with 500: write 403 or 404");
        let project = r#"{"gitlab": {"projects": [{"id": 1, "path": "a/b", "group": 9}]}}"#;
        assert_eq!(wrong(project), "there is no group 9 among `groups`");
        assert!(serde_json::from_str::<WorldFile>(r#"{"proxmix": {}}"#).is_err());
    }
}
