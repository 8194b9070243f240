//! Looks for runner records and webhooks that carry a Nest's marker.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::{CallError, Context, Marked, Search, Searched, in_order, marker};
use gosling_resource::{Properties, SecretUri};
use serde_json::Value as Json;

use super::kinds::{HOOK, RUNNER};
use super::runner::Scope;
use super::session::Session;
use super::{Gitlab, hook, runner, text};
use crate::http::Listing;

/// How many places are looked at together.
const AT_ONCE: usize = 10;

/// What is looked for at one place.
struct Place<'a> {
    session: Session<'a>,
    properties: &'a Properties,
    /// What the runners are called that the place is for.
    descriptions: BTreeSet<&'a str>,
}

impl Gitlab {
    pub(super) async fn search(&self, cx: &Context<'_>, search: &Search<'_>) -> Searched {
        let mut searched = Searched::default();
        let mut runners: BTreeMap<(Scope, &SecretUri), Place<'_>> = BTreeMap::new();
        let mut hooks: BTreeMap<(i64, &SecretUri), Place<'_>> = BTreeMap::new();
        for (kind, properties) in &search.places {
            let token = self.token_of(properties);
            let session = match self.session(cx, properties).await {
                Ok(session) => session,
                Err(error) => {
                    searched.unseen.push(error.to_string());
                    continue;
                }
            };
            let place = Place {
                session,
                properties,
                descriptions: BTreeSet::new(),
            };
            match (*kind, Scope::of(properties), hook::project(properties)) {
                (RUNNER, Ok(scope), _) => {
                    let place = runners.entry((scope, token)).or_insert(place);
                    place.descriptions.insert(text(properties, "description"));
                }
                (HOOK, _, Ok(project)) => {
                    hooks.entry((project, token)).or_insert(place);
                }
                _ => {}
            }
        }
        let runners = runners.iter().map(|((scope, _), place)| async move {
            let words = format!("the runners of {}", scope.words());
            Ok::<_, ()>(search.within(&words, place.runners(*scope, search)).await)
        });
        let hooks = hooks.iter().map(|((project, _), place)| async move {
            let words = format!("the webhooks of project {project}");
            Ok::<_, ()>(search.within(&words, place.hooks(*project, search)).await)
        });
        // Of the webhooks there is one list each, which tells all.
        let hooks = in_order(hooks, AT_ONCE).await;
        let runners = in_order(runners, AT_ONCE).await;
        for found in [runners, hooks].into_iter().flatten().flatten() {
            match found {
                Ok(marked) => searched.marked.extend(marked),
                Err(error) => searched.unseen.push(error.to_string()),
            }
        }
        searched.unseen.sort();
        searched.unseen.dedup();
        searched
    }
}

impl Place<'_> {
    async fn runners(&self, scope: Scope, search: &Search<'_>) -> Result<Vec<Marked>, CallError> {
        let errand = runner::listing(scope);
        // One that an egg had under an earlier name: all of a Nest's are called `NEST/EGG`.
        let is_ours = |description: &str| {
            let rest = description.strip_prefix(search.nest);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let mut marked = Vec::new();
        let mut looking = Listing::default();
        // A project that is not there has no runners.
        let list = self
            .session
            .list(&scope.list(), &errand)
            .await?
            .unwrap_or_default();
        for shown in list {
            let description = shown["description"].as_str().unwrap_or_default();
            let Some(id) = shown["id"].as_i64() else { continue };
            let id = id.to_string();
            if search.known.contains(&(RUNNER, id.as_str()))
                || !(search.thorough || self.descriptions.contains(description) || is_ours(description))
            {
                continue;
            }
            // However long the list was, and however slow each answer is.
            looking.page(self.session.host(), 0)?;
            // No list tells the note.
            let Some(shown) = self.session.get(&format!("runners/{id}"), &errand).await? else {
                continue;
            };
            let note = shown["maintenance_note"].as_str().unwrap_or_default();
            marked.extend(self.marked(RUNNER, id, note, description, search));
        }
        Ok(marked)
    }

    async fn hooks(&self, project: i64, search: &Search<'_>) -> Result<Vec<Marked>, CallError> {
        let hooks = hook::list(&self.session, project).await?;
        let marked = hooks.iter().filter_map(|(number, shown)| {
            let id = format!("{project}/{number}");
            let text = |name: &str| shown.get(name).and_then(Json::as_str).unwrap_or_default();
            if search.known.contains(&(HOOK, id.as_str())) {
                return None;
            }
            self.marked(HOOK, id, text("description"), text("url"), search)
        });
        Ok(marked.collect())
    }

    fn marked(
        &self,
        kind: &'static str,
        id: String,
        text: &str,
        name: &str,
        search: &Search<'_>,
    ) -> Option<Marked> {
        let marker = marker::all_in(text).find(|marker| marker.nest == search.nest)?;
        let place = ["server", "scope", "project_id", "group_id", "api_token"];
        let mut properties: Properties = self
            .properties
            .iter()
            .filter(|(name, _)| place.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let called = if kind == HOOK { "url" } else { "description" };
        properties.insert(called.into(), name.into());
        Some(Marked {
            kind,
            id,
            marker: marker.text.to_owned(),
            address: Some(marker.address),
            name: name.to_owned(),
            // What its creation did not end with, the token, is looked for by itself.
            finished: true,
            properties,
        })
    }
}
