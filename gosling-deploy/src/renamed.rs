//! A service that the Nest calls by another name now: what was made there is still there.

use gosling_engine::{Known, Observed, Presence, State};
use gosling_resource::Value;

use crate::failure::Failure;
use crate::session::Session;

/// Attributes in which the marker stands: they are empty where it is missing.
const MARKED: [&str; 2] = ["maintenance_note", "description"];

impl Session {
    /// The state with the names that its services have now. A server with a new host name has the same runners and
    /// webhooks, with the same numbers and markers: they are not made a second time.
    pub async fn with_new_names(&mut self, mut state: State) -> Result<State, Failure> {
        let labels = &self.labels;
        let is_old = |label: &str| !labels.contains(label);
        if !state.resources.values().any(|held| is_old(&held.provider)) {
            return Ok(state);
        }
        let old: Vec<_> = state
            .resources
            .iter()
            .filter(|(_, held)| is_old(&held.provider) && !held.marker.is_empty())
            .map(|(address, _)| address.clone())
            .collect();
        let wanted = self.wanted().await?;
        for address in old {
            let (Some(resource), Some(held)) = (wanted.get(&address), state.resources.get_mut(&address))
            else {
                continue;
            };
            let Some(provider) = self.providers().get(&resource.provider) else {
                continue;
            };
            let known = Known {
                kind: &held.kind,
                id: &held.id,
                marker: &held.marker,
                properties: &held.properties,
                outputs: &held.outputs,
            };
            let found = provider.read(&self.context(), &known).await;
            // Where it is not found, it is the diff's to say that it is made elsewhere now.
            let Ok(Presence::Here(observed)) = found else {
                continue;
            };
            if resource.kind != held.kind || !carries_marker(&observed) {
                continue;
            }
            held.provider = resource.provider.clone();
            if let Some(server) = resource.properties.get("server") {
                held.properties.insert("server".into(), server.clone());
            }
        }
        Ok(state)
    }
}

/// Whether the marker itself was found, and not only something that looks the same.
fn carries_marker(observed: &Observed) -> bool {
    let mut texts = MARKED.iter().filter_map(|name| observed.properties.get(*name));
    texts.all(|text| text.as_text().is_none_or(|text| !text.is_empty()) && *text != Value::Null)
}
