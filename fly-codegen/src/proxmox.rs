//! What an egg asks of Proxmox VE: virtual machines, each with the configuration of its runner.

use std::collections::{BTreeMap, BTreeSet};

use fly_domain::{Cidr, FirewallRule, Size};
use fly_typeck::schema::cloud::{Addressing, Firewall, ProxmoxCloud, Template};
use fly_typeck::schema::rollout::{MaxUnavailable, Rollout as WrittenRollout};
use gosling_resource::{Address, Resource, Rollout, Unavailable, Value};
use smol_str::SmolStr;

use crate::allotment::{Allotment, Share, Shares};
use crate::connections::gitlab_provider;
use crate::error::{LowerError, Reason};
use crate::gitlab::{note_origin, runner_address};
use crate::machine::{self, Authority, Entry, Machine, MachineError};
use crate::source::Owner;
use crate::{Lowering, names};

impl Lowering<'_> {
    /// The machines of an egg or eggsbucket, and what they take of what all machines share.
    pub(crate) fn machines(&self, owner: &Owner<'_>) -> Result<(Vec<Resource>, Shares), LowerError> {
        let Some(cloud) = &owner.pool.cloud.proxmox else {
            return Err(self.internal(owner, "its cloud is not Proxmox VE"));
        };
        let block = owner.address();
        if cloud.nodes.as_ref().is_some_and(Vec::is_empty) {
            return Err(self.error(owner, Reason::NoNodes { block }, &["cloud", "nodes"]));
        }
        let count = self.count(owner)?;
        let addresses: Vec<Option<Cidr>> = match &cloud.address {
            Addressing::Dhcp => vec![None; count],
            Addressing::List(given) if given.len() < count => {
                let reason = Reason::Addresses {
                    block,
                    wanted: count,
                    given: given.len(),
                };
                return Err(self.error(owner, reason, &["cloud", "address"]));
            }
            Addressing::List(given) => given.iter().take(count).copied().map(Some).collect(),
        };
        let entries = self.entries(owner)?;
        let mut machines = Vec::with_capacity(count);
        let mut shares = Shares {
            provider: owner.pool.cloud.provider.as_str().to_owned(),
            range: Some(cloud.vmid_range.clone()),
            machines: Vec::with_capacity(count),
        };
        for (number, address) in addresses.into_iter().enumerate() {
            let name = names::machine(&self.nest, owner.label, number);
            let place = Address::new(owner.kind, owner.label, "vm").keyed(number);
            shares.machines.push(Share {
                machine: place.clone(),
                name: name.clone(),
                address: address.map(Cidr::address),
            });
            machines.push(self.machine(owner, cloud, place, name, address, &entries)?);
        }
        Ok((machines, shares))
    }

    /// Gives an owner's machines what they take of what all machines share, if nobody before them has it.
    pub(crate) fn grant(
        &self,
        owner: &Owner<'_>,
        shares: Shares,
        allotment: &mut Allotment,
    ) -> Result<(), LowerError> {
        let Shares {
            provider,
            range,
            machines,
        } = shares;
        if let Some(range) = range {
            allotment
                .number(&owner.address(), &provider, &range, machines.len())
                .map_err(|reason| self.error(owner, reason, &["cloud", "vmid_range"]))?;
        }
        for Share {
            machine,
            name,
            address,
        } in machines
        {
            allotment
                .name(name, &machine)
                .map_err(|reason| self.error(owner, reason, &[]))?;
            if let Some(address) = address {
                allotment
                    .address(&provider, address, &machine)
                    .map_err(|reason| self.error(owner, reason, &["cloud", "address"]))?;
            }
        }
        Ok(())
    }

    /// How many machines there are to be: as many as always are up, by the `runners_condition` that names the egg.
    fn count(&self, owner: &Owner<'_>) -> Result<usize, LowerError> {
        let Some(condition) = self.conditions.get(owner.label) else {
            return Ok(1);
        };
        usize::try_from(condition.apex.min_count)
            .map_err(|_| self.internal(owner, "its `min_count` is below zero"))
    }

    /// What each machine's gitlab-runner works for.
    fn entries(&self, owner: &Owner<'_>) -> Result<Vec<Entry>, LowerError> {
        let repos = owner.repos.iter().filter_map(|repo| Some((repo, repo.gitlab()?)));
        repos
            .map(|(repo, gitlab)| {
                let provider = gitlab_provider(self.source, &gitlab.server);
                let authority = match provider.and_then(|provider| provider.ca_file.as_ref()) {
                    Some(path) => Some(self.authority(owner, path.as_str())?),
                    None => None,
                };
                Ok(Entry {
                    repo: repo.name.map(str::to_owned),
                    url: gitlab.server.base_url(),
                    token: self.token_secret(owner, repo, gitlab)?,
                    authority,
                })
            })
            .collect()
    }

    /// A server's own certificate authority: its machines have to trust it as gosling does.
    fn authority(&self, owner: &Owner<'_>, path: &str) -> Result<Authority, LowerError> {
        match self.source.files.reader.read(path) {
            Ok(pem) => Ok(Authority(pem.to_string())),
            Err(error) => {
                let reason = Reason::File {
                    path: path.to_owned(),
                    why: words(&error),
                };
                Err(self.error(owner, reason, &[]))
            }
        }
    }

    fn machine(
        &self,
        owner: &Owner<'_>,
        cloud: &ProxmoxCloud,
        place: Address,
        name: String,
        address: Option<Cidr>,
        entries: &[Entry],
    ) -> Result<Resource, LowerError> {
        let machine = Machine {
            name: &name,
            nest: &self.nest,
            pool: owner.pool,
            entries,
            address,
            gateway: cloud.gateway.as_deref(),
            dns: cloud.dns.as_deref().unwrap_or_default(),
            rift: self.source.nest.rift.as_ref(),
        };
        let failed = |error| match error {
            MachineError::Reserved => {
                let block = owner.address();
                self.error(owner, Reason::ReservedCharacter { block }, &["environment"])
            }
            MachineError::Template(what) => self.internal(owner, &what),
        };
        let user_data = machine::user_data(&machine).map_err(failed)?;
        let network_config = machine::network_config(&machine).map_err(failed)?;
        let runners: Vec<Address> = owner
            .repos
            .iter()
            .map(|repo| runner_address(owner, repo))
            .collect();
        let resources = &owner.pool.resources;
        let nodes = cloud.nodes.as_deref().unwrap_or_default();
        let mut properties = BTreeMap::from([
            ("name".into(), Value::from(name.as_str())),
            ("nodes".into(), texts(nodes.iter())),
            ("vmid_range".into(), cloud.vmid_range.as_str().into()),
            ("storage".into(), cloud.storage.as_str().into()),
            ("iso_storage".into(), cloud.iso_storage.as_str().into()),
            ("bridge".into(), cloud.bridge.as_str().into()),
            ("vlan".into(), cloud.vlan.into()),
            ("pool".into(), cloud.pool.as_deref().into()),
            ("cpu_type".into(), cloud.cpu_type.as_deref().into()),
            ("cpu".into(), resources.cpu.into()),
            ("memory".into(), mebibytes(resources.memory).into()),
            ("disk".into(), mebibytes(resources.disk).into()),
            ("tags".into(), self.tags(owner)),
            ("firewall".into(), firewall(cloud.firewall.as_ref())),
            // A machine that somebody turned off is turned on again.
            ("started".into(), true.into()),
            ("user_data".into(), user_data.into()),
            ("network_config".into(), network_config.into()),
            ("runner".into(), outputs(&runners)),
        ]);
        match (&cloud.template, &cloud.image) {
            (Some(Template::Name(name)), _) => properties.insert("template".into(), name.as_str().into()),
            (Some(Template::Id(id)), _) => properties.insert("template".into(), (*id).into()),
            (None, Some(image)) => properties.insert("image".into(), image.as_str().into()),
            (None, None) => return Err(self.internal(owner, "neither template nor image")),
        };
        Ok(Resource {
            address: place,
            kind: "proxmox_vm".into(),
            provider: owner.pool.cloud.provider.as_str().into(),
            properties,
            depends_on: runners.into_iter().collect::<BTreeSet<_>>(),
            rollout: Some(rollout(owner.pool.rollout.as_ref())),
            origin: owner.origin.clone(),
            origins: self.machine_origins(owner),
        })
    }

    fn machine_origins(&self, owner: &Owner<'_>) -> BTreeMap<SmolStr, gosling_resource::Origin> {
        let mut origins = BTreeMap::new();
        for name in [
            "nodes",
            "vmid_range",
            "template",
            "image",
            "storage",
            "iso_storage",
            "bridge",
            "vlan",
            "pool",
            "cpu_type",
            "firewall",
        ] {
            note_origin(&mut origins, name, owner.written(self.source, &["cloud", name]));
        }
        note_origin(
            &mut origins,
            "network_config",
            owner.written(self.source, &["cloud", "address"]),
        );
        for name in ["cpu", "memory", "disk"] {
            note_origin(
                &mut origins,
                name,
                owner.written(self.source, &["resources", name]),
            );
        }
        note_origin(&mut origins, "user_data", owner.written(self.source, &["runner"]));
        origins
    }

    /// What marks a machine in Proxmox VE's own lists.
    fn tags(&self, owner: &Owner<'_>) -> Value {
        let tags = [
            "gosling".to_owned(),
            names::proxmox_tag(&self.nest),
            names::proxmox_tag(owner.label),
        ];
        let tags: BTreeSet<String> = tags.into_iter().filter(|tag| !tag.is_empty()).collect();
        Value::from(tags.into_iter().collect::<Vec<_>>())
    }
}

/// What changes in the runner's record is a change of its machines.
fn outputs(runners: &[Address]) -> Value {
    let output = |of: &Address| Value::output(of.clone(), "id");
    match runners {
        [only] => output(only),
        several => Value::List(several.iter().map(output).collect()),
    }
}

/// How a pool is changed; what is left out is as in an empty block.
fn rollout(written: Option<&WrittenRollout>) -> Rollout {
    let Some(written) = written else {
        return Rollout::default();
    };
    let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Rollout {
        max_unavailable: match written.max_unavailable {
            MaxUnavailable::Machines(machines) => Unavailable::Machines(number(machines)),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a share of a pool is at most the pool"
            )]
            MaxUnavailable::Share(share) => Unavailable::Percent(number(share.as_f64().min(100.0) as i64)),
        },
        drain_timeout: written.drain_timeout.as_millis() / 1000,
        create_before_delete: written.create_before_delete,
    }
}

fn firewall(firewall: Option<&Firewall>) -> Value {
    firewall.map_or(Value::Null, |firewall| {
        Value::Map(BTreeMap::from([
            ("policy_in".into(), firewall.policy_in.word().into()),
            ("allow".into(), rules(&firewall.allow)),
        ]))
    })
}

fn rules(rules: &[FirewallRule]) -> Value {
    Value::List(rules.iter().map(|rule| rule.as_str().into()).collect())
}

fn texts<'t>(texts: impl Iterator<Item = &'t SmolStr>) -> Value {
    Value::List(texts.map(|text| text.as_str().into()).collect())
}

/// Whole MiB, a part of one counted as one.
fn mebibytes(size: Size) -> i64 {
    i64::try_from(size.as_bytes().div_ceil(1024 * 1024)).unwrap_or(i64::MAX)
}

fn words(error: &fly_typeck::ReadError) -> String {
    use fly_typeck::ReadError;
    match error {
        ReadError::OutsideNest => "it is outside the Nest".to_owned(),
        ReadError::Missing => "there is no such file".to_owned(),
        ReadError::TooLarge(bytes) => format!("it has {bytes} bytes, which is too many"),
        ReadError::NotText => "it is not text".to_owned(),
        ReadError::Unreadable(why) => why.clone(),
    }
}
