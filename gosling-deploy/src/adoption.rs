//! Which resource of the Nest something is that the state does not know, and what is known of it once it is taken in.

use gosling_engine::{Action, Change, Marked, Observed, Plan, SecretError, Secrets, State, moved};
use gosling_resource::{Address, Properties, Resource, Resources, SecretUri, Value};

use crate::failure::Failure;
use crate::orphans::Orphan;
use crate::session::Session;
use crate::tokens::TokenOf;

/// The place of a runner's token.
const TOKEN: &str = "token_secret";
/// The place of a webhook's secret.
const SECRET: &str = "secret";
/// What a machine is set up with at its first boot, the runner's token in it.
const USER_DATA: &str = "user_data";

/// A resource that the Nest asks for.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    address: &'a Address,
    provider: &'a str,
    kind: &'a str,
    properties: &'a Properties,
}

impl<'a> From<&'a Resource> for Asked<'a> {
    fn from(resource: &'a Resource) -> Self {
        Self {
            address: &resource.address,
            provider: &resource.provider,
            kind: &resource.kind,
            properties: &resource.properties,
        }
    }
}

impl<'a> From<&'a Change> for Asked<'a> {
    fn from(change: &'a Change) -> Self {
        Self {
            address: &change.address,
            provider: &change.provider,
            kind: &change.kind,
            properties: &change.properties,
        }
    }
}

/// By what something is a resource of the Nest, the surest first. A marker keeps the address of its creation, so that
/// what something is called says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is called so, and was created with this address.
    Both,
    /// It is called so: a machine's name, a runner's scope and description, a webhook's project and URL.
    Identity,
    /// It was created with this address, or with one that has moved here.
    Address,
}

/// The resource that something is, of those that are asked for.
fn meant<'a>(orphan: &Orphan, asked: &[Asked<'a>], moves: &[(String, String)]) -> Option<(Fit, &'a Address)> {
    let marked = &orphan.marked;
    let created = marked.address.as_ref().filter(|_| orphan.copy_of.is_none())?;
    let now = match asked.iter().any(|asked| asked.address == created) {
        true => created.clone(),
        false => moved(created, moves),
    };
    let same = asked
        .iter()
        .filter(|asked| asked.provider == orphan.provider && asked.kind == marked.kind);
    let fits = same.filter_map(|asked| {
        let mut called = marked.properties.iter();
        let called = called.all(|(name, value)| asked.properties.get(name) == Some(value));
        let fit = match (called, *asked.address == now) {
            (true, true) => Fit::Both,
            (true, false) => Fit::Identity,
            (false, true) => Fit::Address,
            (false, false) => return None,
        };
        Some((fit, asked.address))
    });
    fits.min()
}

/// The address at which the Nest asks for something.
pub fn asked_as<'w>(wanted: &'w Resources, orphan: &Orphan) -> Option<&'w Address> {
    let asked: Vec<_> = wanted.iter().map(Asked::from).collect();
    meant(orphan, &asked, &wanted.moved).map(|(_, address)| address)
}

/// The change of a plan that would create what is there already.
pub fn would_be_made<'p>(plan: &'p Plan, orphan: &Orphan, moves: &[(String, String)]) -> Option<&'p Change> {
    let stays = plan
        .changes
        .iter()
        .filter(|change| change.action != Action::Delete);
    let asked: Vec<_> = stays.map(Asked::from).collect();
    let (_, address) = meant(orphan, &asked, moves)?;
    let mut changes = plan.changes.iter();
    changes.find(|change| change.action == Action::Create && change.address == *address)
}

impl Session {
    /// From each old address of the Nest to the one that it has now.
    pub fn moves(&self) -> Vec<(String, String)> {
        fly_codegen::moves(&self.nest.moved)
    }

    /// Takes over what a plan would create twice. Returns the state with it, and what was taken over.
    pub async fn adopt(
        &self,
        wanted: &Resources,
        mut state: State,
        orphans: &[Orphan],
    ) -> Result<(State, Vec<String>), Failure> {
        let mut said = Vec::new();
        let asked: Vec<_> = wanted.iter().map(Asked::from).collect();
        let meant = orphans.iter().filter_map(|orphan| {
            let (fit, address) = meant(orphan, &asked, &wanted.moved)?;
            Some((orphan, fit, wanted.get(address)?))
        });
        let mut meant: Vec<(&Orphan, Fit, &Resource)> = meant.collect();
        // What others need comes first, so that they find its outputs; of several, the one that fits best.
        meant.sort_by_key(|(_, fit, resource)| (resource.needs().len(), *fit));
        for (orphan, _, resource) in meant {
            if state.resources.contains_key(&resource.address) {
                continue;
            }
            let marked = &orphan.marked;
            let observed = self.observe(resource, &marked.id, &marked.marker).await?;
            said.push(format!(
                "{} is taken over as {}",
                orphan.words(),
                resource.address
            ));
            let unknown = self
                .take_in(&mut state, wanted, resource, Some(marked), observed)
                .await?;
            said.extend(unknown);
        }
        Ok((state, said))
    }

    /// Puts something into the state, with what needs it there. Gives back what is not known of it, and what apply does
    /// about that. `marked`: what its marker says, where gosling made it.
    pub async fn take_in(
        &self,
        state: &mut State,
        wanted: &Resources,
        resource: &Resource,
        marked: Option<&Marked>,
        observed: Observed,
    ) -> Result<Vec<String>, Failure> {
        let (address, id) = (&resource.address, observed.id.clone());
        state.adopt(
            resource,
            marked.map_or("", |marked| marked.marker.as_str()),
            observed,
        );
        let needed_by = state.restore_needs(wanted, address);
        let mut said = Vec::new();
        let mut unknown = |state: &mut State, address: &Address, attribute: &str, words: String| {
            if let Some(held) = state.resources.get_mut(address)
                && held.properties.remove(attribute).is_some()
            {
                said.push(format!("warning: {address}: {words}"));
            }
        };
        let place = resource.properties.get(TOKEN).and_then(Value::as_secret);
        if let Some(place) = place
            && !self.has_token(resource, place, &id).await?
        {
            let words = format!(
                "the token of runner {id} is not at {place}: apply makes a new one, and whatever uses the present one is cut off"
            );
            unknown(state, address, TOKEN, words);
            for machine in &needed_by {
                unknown(state, machine, USER_DATA, has_lost_token(address));
            }
        }
        let secret = resource.properties.get(SECRET).and_then(Value::as_secret);
        let made = resource
            .properties
            .get("generate_secret")
            .and_then(Value::as_bool);
        if let (Some(place), Some(true)) = (secret, made)
            && matches!(self.secrets.read(place).await, Err(SecretError::Missing(_)))
        {
            let words =
                format!("its secret is not at {place}: apply makes a new one, and gives it to GitLab");
            unknown(state, address, SECRET, words);
        }
        let lost = |state: &State, need: &Address| {
            let has_place = wanted
                .get(need)
                .is_some_and(|need| need.properties.contains_key(TOKEN));
            let held = state.resources.get(need);
            has_place && held.is_some_and(|held| !held.properties.contains_key(TOKEN))
        };
        let without_token = resource.needs().into_iter().find(|need| lost(state, need));
        let words = match (marked, without_token) {
            (None, _) => Some(format!(
                "gosling did not create {id}, so its setup is unknown: apply creates another machine instead, and leaves {id} where it is. `gosling state rm '{address}'` forgets it"
            )),
            (Some(marked), _) if !marked.finished => {
                Some(format!("the creation of {id} did not end: apply replaces it"))
            }
            (_, Some(runner)) => Some(has_lost_token(&runner)),
            _ => None,
        };
        if let Some(words) = words {
            unknown(state, address, USER_DATA, words);
        }
        Ok(said)
    }

    /// Whether the token at a place is that of a runner.
    async fn has_token(&self, resource: &Resource, place: &SecretUri, id: &str) -> Result<bool, Failure> {
        let token = match self.secrets.read(place).await {
            Ok(token) => token,
            Err(SecretError::Missing(_)) => return Ok(false),
            Err(error) => return Err(Failure::from_error(error)),
        };
        let gitlab = self.gitlab(&resource.provider)?;
        let of = self.token_of(&gitlab, id, &token).await;
        Ok(of? == TokenOf::Itself)
    }
}

/// What is the matter with a machine whose runner's token is lost.
fn has_lost_token(runner: &Address) -> String {
    format!("it uses the token of {runner} that is lost: apply replaces it")
}
