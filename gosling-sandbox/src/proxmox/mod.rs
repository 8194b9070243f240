//! Simulated Proxmox VE: who asks, what for, and what there is.

mod access;
mod answer;
mod changes;
mod cloning;
mod containers;
mod drives;
mod firewall;
mod formats;
mod given;
mod guests;
mod iso;
mod machines;
mod nets;
mod nodes;
mod parameters;
mod pools;
mod power;
mod privileges;
mod properties;
mod routes;
mod schema;
mod storage;
mod tasks;
#[cfg(test)]
mod tests;
mod upload;
mod values;

use std::collections::BTreeMap;
use std::time::Duration;

use self::answer::{Answer, Failure, reply};
use self::given::Given;
use self::guests::{Guest, Kind};
use self::pools::Pool;
use self::routes::{ROUTES, Route};
use self::storage::Volume;
use self::tasks::Task;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::world::ProxmoxWorld;
use crate::{Boot, Call, Reply, World, WorldName};

#[cfg(test)]
pub(crate) use self::iso::tests::cidata;

/// The cluster.
pub(crate) struct Proxmox {
    world: ProxmoxWorld,
    secret: String,
    dice: Dice,
    clock: Clock,
    guests: BTreeMap<u32, Guest>,
    /// Every task there ever was, in the order of its making.
    tasks: Vec<Task>,
    volumes: Vec<Volume>,
    pools: BTreeMap<String, Pool>,
    boots: Vec<Boot>,
    /// Machines that are off since the last time somebody asked.
    halts: Vec<(String, Duration)>,
    /// Machines that wait for their jobs before they go off, and until when these run, by the names that their boots had.
    busy: BTreeMap<String, Duration>,
    /// What the first boots of machines have written, by the names that their boots had.
    logs: BTreeMap<String, String>,
    /// The last firewall rule's serial number.
    rules: u64,
}

/// A call, as its handler sees it.
struct Ask<'a> {
    /// Its number in the ledger.
    n: u64,
    at: Duration,
    /// `gosling@pve!ci`.
    user: String,
    /// What stands for the variables of the route's path.
    path: BTreeMap<&'static str, String>,
    given: Given,
    call: &'a Call,
}

impl Ask<'_> {
    fn variable(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    fn node(&self) -> &str {
        self.variable("node")
    }

    /// The guest that the path names; 0, which is none, without one.
    fn vmid(&self) -> u32 {
        self.variable("vmid").parse().unwrap_or(0)
    }

    /// Virtual machine or container, by the path.
    fn kind(&self) -> Kind {
        if self.call.path.contains("/lxc") {
            Kind::Lxc
        } else {
            Kind::Qemu
        }
    }
}

impl Proxmox {
    /// A cluster that accepts any token whose secret is `secret`.
    pub(crate) fn new(world: &ProxmoxWorld, secret: &str, dice: Dice, ledger: &mut Ledger) -> Self {
        let mut proxmox = Self {
            world: world.clone(),
            secret: secret.to_owned(),
            dice,
            clock: Clock::new(),
            guests: BTreeMap::new(),
            tasks: Vec::new(),
            volumes: Vec::new(),
            pools: world
                .pools
                .iter()
                .map(|pool| (pool.clone(), Pool::default()))
                .collect(),
            boots: Vec::new(),
            halts: Vec::new(),
            busy: BTreeMap::new(),
            logs: BTreeMap::new(),
            rules: 0,
        };
        proxmox.furnish(ledger);
        proxmox
    }

    /// The machines that came up since this was last asked.
    pub(crate) fn boots(&mut self) -> Vec<Boot> {
        std::mem::take(&mut self.boots)
    }

    /// What the first boot of a machine has written into its log.
    pub(crate) fn wrote(&mut self, machine: &str, log: String) {
        self.logs.insert(machine.to_owned(), log);
    }

    /// The machines that went off since this was last asked, by the names that their boots had, and when.
    pub(crate) fn halts(&mut self) -> Vec<(String, Duration)> {
        std::mem::take(&mut self.halts)
    }

    /// Which machines wait for their jobs before they go off, and until when these run.
    pub(crate) fn work_until(&mut self, busy: BTreeMap<String, Duration>) {
        self.busy = busy;
    }

    /// The machines that are shutting down, by the names that their boots had.
    pub(crate) fn going_down(&self) -> Vec<String> {
        let guests = self.guests.iter().filter(|(_, guest)| guest.going_down);
        guests.map(|(vmid, guest)| guest.boot_name(*vmid)).collect()
    }

    /// The major version: 8 or 9.
    fn major(&self) -> u32 {
        let major = self.world.version.split('.').next();
        major.and_then(|major| major.parse().ok()).unwrap_or(8)
    }

    /// Who asks. `Err` is the reason phrase of the 401.
    fn user(&self, call: &Call) -> Result<String, String> {
        let token = call
            .header("authorization")
            .and_then(|header| header.strip_prefix("PVEAPIToken="))
            .ok_or("No ticket")?;
        let (user, secret) = token.split_once('=').ok_or("No ticket")?;
        let (_, id) = user
            .split_once('!')
            .filter(|(user, id)| !id.is_empty() && user.contains('@'))
            .ok_or("invalid token value!")?;
        let end = self.world.token_expire;
        if end != 0 && end < self.clock.unix(call.at) {
            return Err(format!("token '{id}' access expired"));
        }
        match secret == self.secret {
            true => Ok(user.to_owned()),
            false => Err("invalid token value!".to_owned()),
        }
    }

    fn handle(&mut self, n: u64, call: &Call, user: String, ledger: &mut Ledger) -> Answer {
        let parts = call.parts();
        let json = parts.get(1).is_some_and(|format| format == "json");
        let matched = parts.get(2..).filter(|_| json).and_then(|parts| {
            let routes = ROUTES.iter().filter(|route| route.method == call.method);
            routes
                .filter_map(|route| Some((route, route.variables(parts)?)))
                .next()
        });
        let Some((route, path)) = matched else {
            let index = parts.get(2..).filter(|_| json && call.method == "GET");
            if let Some(children) = index.and_then(routes::children) {
                return Ok(children.into());
            }
            let path = call.path.strip_prefix("/api2/json").unwrap_or(&call.path);
            return Err(Failure::Unknown(format!(
                "Method '{} {path}' not implemented",
                call.method
            )));
        };
        let mut ask = Ask {
            n,
            at: call.at,
            user,
            path,
            given: Given::default(),
            call,
        };
        self.reach(&ask)?;
        // An upload's body is no form: its handler reads it.
        ask.given = if route.path.ends_with("/upload") {
            upload::fields(call)?
        } else {
            Given::read(call)?
        };
        // A variable of the path may be given again as a parameter, with the same value.
        for (name, value) in &ask.path {
            if ask.given.remove(name).is_some_and(|again| again != *value) {
                let complaint = "duplicate parameter (already defined in URI) with conflicting values!";
                return Err(Failure::parameter(name, complaint));
            }
        }
        ask.given
            .check(route.parameters.iter().copied().flatten(), self.major())?;
        if let Some(vmid) = ask.path.get("vmid")
            && !vmid
                .parse::<u32>()
                .is_ok_and(|vmid| (100..1_000_000_000).contains(&vmid))
        {
            let complaint = format!("invalid format - value '{vmid}' does not look like a valid VM ID\n");
            return Err(Failure::parameter("vmid", complaint));
        }
        for option in ["skiplock", "keepActive"] {
            if ask.given.flag(option) == Some(true) {
                return Err(Failure::parameter(option, "Only root may use this option."));
            }
        }
        if let Some(drive) = ask.given.remove("cdrom") {
            if ask.given.text("ide2").is_some() {
                return Err(Failure::parameter("cdrom", "option conflicts with '-ide2'"));
            }
            ask.given.insert("ide2", drive);
        }
        for list in ["delete", "revert"] {
            if let Some(names) = ask.given.remove(list) {
                let names = given::words(&names).map(|name| if name == "cdrom" { "ide2" } else { name });
                let names: Vec<_> = names.collect();
                ask.given.insert(list, names.join(","));
            }
        }
        self.permit(route, &ask)?;
        (route.handler)(self, &ask, ledger)
    }

    /// The node that is to answer has to be there.
    fn reach(&self, ask: &Ask) -> Result<(), Failure> {
        let Some(name) = ask.path.get("node") else {
            return Ok(());
        };
        match self.world.nodes.iter().find(|node| node.name == *name) {
            Some(node) if node.online => match node.refuses {
                Some(status) => Err(Failure::Refused(status)),
                None => Ok(()),
            },
            Some(_) => Err(Failure::Unreachable("No route to host".to_owned())),
            None => Failure::die(format!(
                "hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known"
            )),
        }
    }

    /// What the call takes, whatever its values are.
    fn permit(&self, route: &Route, ask: &Ask) -> Result<(), Failure> {
        let place = match (
            ask.path.get("vmid"),
            ask.path.get("storage"),
            ask.path.get("poolid").or_else(|| ask.given.name("poolid")),
        ) {
            (Some(vmid), ..) => format!("/vms/{vmid}"),
            (_, Some(storage), _) => format!("/storage/{storage}"),
            (_, _, Some(pool)) => format!("/pool/{pool}"),
            _ => ask
                .path
                .get("node")
                .map_or("/".to_owned(), |node| format!("/nodes/{node}")),
        };
        if route.privileges.is_empty() {
            Ok(())
        } else {
            self.need(&place, route.privileges)
        }
    }
}

impl World for Proxmox {
    fn answer(&mut self, n: u64, call: &Call, ledger: &mut Ledger) -> Reply {
        match self.user(call) {
            Ok(user) => reply(self.handle(n, call, user, ledger)),
            Err(reason) => Reply {
                delay: Duration::from_millis(self.world.auth_delay_ms),
                content_type: "",
                ..Reply::empty(401).reason(reason)
            },
        }
    }

    fn pass(&mut self, at: Duration, ledger: &mut Ledger) {
        self.proceed(at, ledger);
    }
}

/// Proxmox VE's objects in the ledger.
const WORLD: WorldName = WorldName::Proxmox;
