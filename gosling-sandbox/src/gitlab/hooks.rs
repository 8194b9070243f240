//! Webhooks of projects and, with a licence, of groups.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure, page};
use super::given::Given;
use super::parameters::EVENTS;
use super::{Ask, Gitlab, WORLD};
use crate::Reply;
use crate::ledger::Ledger;

/// Whose hook it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HookOwner {
    Project(u64),
    Group(u64),
}

impl HookOwner {
    /// How the ledger calls a hook: `project/17/hook/3`.
    fn hook(self, id: u64) -> String {
        match self {
            Self::Project(owner) => format!("project/{owner}/hook/{id}"),
            Self::Group(owner) => format!("group/{owner}/hook/{id}"),
        }
    }
}

/// A webhook.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hook {
    created: Duration,
    /// Everything that its JSON shows and a call can set.
    fields: Map<String, Value>,
    /// Never shown.
    token: Option<String>,
    /// Their values are never shown.
    secrets: Map<String, Value>,
}

/// More hooks than this a project or group may not have.
const MOST: usize = 100;

impl Hook {
    fn new(at: Duration) -> Self {
        let mut fields = Map::new();
        for field in [
            "name",
            "description",
            "push_events_branch_filter",
            "custom_webhook_template",
        ] {
            fields.insert(field.to_owned(), Value::Null);
        }
        fields.insert("branch_filter_strategy".to_owned(), json!("wildcard"));
        fields.insert("enable_ssl_verification".to_owned(), json!(true));
        for (event, otherwise) in EVENTS {
            fields.insert(event.to_owned(), json!(otherwise));
        }
        Self {
            created: at,
            fields,
            token: None,
            secrets: Map::new(),
        }
    }

    /// Takes over what a call gives. Where no hook may lead into the local network, such an address is refused.
    fn set(&mut self, given: &Given, local: bool) -> Result<(), Failure> {
        if let Some(url) = given.text("url") {
            let host = url
                .strip_prefix("https://")
                .or_else(|| url.strip_prefix("http://"));
            let host = host.and_then(|rest| rest.split(['/', '?', '#']).next());
            let host = host.filter(|host| !host.is_empty() && !url.contains(char::is_whitespace));
            if host.is_none_or(|host| !local && is_local(host)) {
                return Err(Failure::Error(422, "Invalid url given".to_owned()));
            }
            self.fields.insert("url".to_owned(), json!(url));
        }
        if let Some(token) = given.text("token") {
            if token.contains('\n') {
                return Err(Failure::invalid("token", "is invalid"));
            }
            self.token = Some(token.to_owned());
        }
        for (name, field) in &mut self.fields {
            if name != "url"
                && let Some(value) = given.value(name)
                && !(value.is_null() && field.is_boolean())
            {
                *field = value.clone();
            }
        }
        for name in ["url_variables", "custom_headers"] {
            if let Some(value) = given.value(name) {
                self.secrets.insert(name.to_owned(), value.clone());
            }
        }
        Ok(())
    }

    fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn json(&self, gitlab: &Gitlab, owner: HookOwner, id: u64) -> Value {
        let mut shown = self.fields.clone();
        shown.insert("id".to_owned(), json!(id));
        shown.insert("created_at".to_owned(), json!(gitlab.clock.date(self.created)));
        shown.insert("alert_status".to_owned(), json!("executable"));
        shown.insert("disabled_until".to_owned(), Value::Null);
        for name in ["url_variables", "custom_headers"] {
            let items = self
                .secrets
                .get(name)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let keys = items.iter().map(|item| json!({ "key": item["key"] }));
            shown.insert(name.to_owned(), keys.collect());
        }
        match owner {
            HookOwner::Project(id) => shown.insert("project_id".to_owned(), json!(id)),
            HookOwner::Group(id) => shown.insert("group_id".to_owned(), json!(id)),
        };
        Value::Object(shown)
    }
}

/// Whether a host of an address is, by its number or its name, this machine or one of the local network.
fn is_local(host: &str) -> bool {
    let host = host.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let name = bracketed.unwrap_or_else(|| host.split(':').next().unwrap_or_default());
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
        }
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

impl Gitlab {
    fn project_owner(&self, ask: &Ask) -> Result<HookOwner, Failure> {
        Ok(HookOwner::Project(self.project(ask)?.id))
    }

    /// Without a licence these calls are not there at all.
    fn group_owner(&self, ask: &Ask) -> Result<HookOwner, Failure> {
        if self.premium() {
            Ok(HookOwner::Group(self.group(ask)?.id))
        } else {
            Err(Failure::no_route())
        }
    }

    fn list_hooks(&self, ask: &Ask, owner: HookOwner) -> Answer {
        let hooks = self.hooks.iter().filter(|((own, _), _)| *own == owner);
        let hooks: Vec<_> = hooks.map(|((_, id), hook)| hook.json(self, owner, *id)).collect();
        page(ask, &hooks)
    }

    fn create_hook(&mut self, ask: &Ask, owner: HookOwner, ledger: &mut Ledger) -> Answer {
        let mut hook = Hook::new(ask.at);
        hook.set(&ask.given, self.world.local_hooks)?;
        if self.hooks.keys().filter(|(own, _)| *own == owner).count() >= MOST {
            let kind = match owner {
                HookOwner::Project(_) => "project",
                HookOwner::Group(_) => "group",
            };
            let complaint = format!("Maximum number of {kind} hooks ({MOST}) exceeded");
            return Err(Failure::invalid("base", &complaint));
        }
        let id = self.number();
        let url = hook.text("url");
        let marker = format!("{url} {} {}", hook.text("name"), hook.text("description"));
        ledger.created(
            Some(ask.n),
            WORLD,
            "hook",
            &owner.hook(id),
            url,
            marker.trim_end(),
        );
        let shown = hook.json(self, owner, id);
        self.hooks.insert((owner, id), hook);
        Ok(Reply::json(201, &shown))
    }

    fn show_hook(&self, ask: &Ask, owner: HookOwner) -> Answer {
        let id = ask.given.number("hook_id");
        let hook = self.hooks.get(&(owner, id)).ok_or_else(|| Failure::missing(""))?;
        Ok(Reply::json(200, &hook.json(self, owner, id)))
    }

    fn update_hook(&mut self, ask: &Ask, owner: HookOwner, ledger: &mut Ledger) -> Answer {
        let id = ask.given.number("hook_id");
        let local = self.world.local_hooks;
        let hook = self
            .hooks
            .get_mut(&(owner, id))
            .ok_or_else(|| Failure::missing(""))?;
        let before = hook.clone();
        let mut after = before.clone();
        after.set(&ask.given, local)?;
        if after != before {
            ledger.renamed(ask.n, WORLD, "hook", &owner.hook(id), after.text("url"));
        }
        *hook = after;
        self.show_hook(ask, owner)
    }

    fn delete_hook(&mut self, ask: &Ask, owner: HookOwner, ledger: &mut Ledger) -> Answer {
        let id = ask.given.number("hook_id");
        self.hooks
            .remove(&(owner, id))
            .ok_or_else(|| Failure::missing(""))?;
        ledger.deleted(ask.n, WORLD, "hook", &owner.hook(id));
        Ok(Reply::empty(204))
    }

    pub(super) fn project_hooks(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        self.list_hooks(ask, self.project_owner(ask)?)
    }

    pub(super) fn create_project_hook(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.create_hook(ask, self.project_owner(ask)?, ledger)
    }

    pub(super) fn show_project_hook(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        self.show_hook(ask, self.project_owner(ask)?)
    }

    pub(super) fn update_project_hook(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.update_hook(ask, self.project_owner(ask)?, ledger)
    }

    pub(super) fn delete_project_hook(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.delete_hook(ask, self.project_owner(ask)?, ledger)
    }

    pub(super) fn group_hooks(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        self.list_hooks(ask, self.group_owner(ask)?)
    }

    pub(super) fn create_group_hook(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.create_hook(ask, self.group_owner(ask)?, ledger)
    }

    pub(super) fn show_group_hook(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        self.show_hook(ask, self.group_owner(ask)?)
    }

    pub(super) fn update_group_hook(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.update_hook(ask, self.group_owner(ask)?, ledger)
    }

    pub(super) fn delete_group_hook(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.delete_hook(ask, self.group_owner(ask)?, ledger)
    }
}
