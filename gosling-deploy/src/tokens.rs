//! Whether the stored token of a runner is still that runner's.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::preflight::written_by_apply;
use gosling_engine::{
    Action, CallError, Change, Doubt, Finding, Plan, SecretError, Secrets, Service, in_order,
};
use gosling_providers::gitlab::Gitlab;
use gosling_resource::{Address, Secret, SecretUri, Value};

use crate::preflight::add;
use crate::session::Session;

/// How many calls that only look are under way at once.
const AT_ONCE: usize = 10;

/// Whose a runner's token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOf {
    /// The runner's that it should be of.
    Itself,
    /// Another runner's.
    Another(i64),
    /// Nobody's: its runner was deleted, or it was reset.
    Nobody,
}

impl TokenOf {
    /// What is wrong with it; `None` where nothing is.
    pub fn wrong(self) -> Option<String> {
        match self {
            Self::Itself => None,
            Self::Another(other) => Some(format!("it is the token of runner {other}")),
            Self::Nobody => Some("GitLab does not know it".to_owned()),
        }
    }
}

impl Session {
    /// Whose a token is, asked of GitLab.
    ///
    /// # Errors
    /// Where GitLab could not be asked.
    pub async fn token_of(
        &self,
        gitlab: &Gitlab,
        runner: &str,
        token: &Secret,
    ) -> Result<TokenOf, CallError> {
        let owner = gitlab.runner_of(&self.context(), token).await?;
        Ok(match owner {
            Some(owner) if owner.to_string() == runner => TokenOf::Itself,
            Some(other) => TokenOf::Another(other),
            None => TokenOf::Nobody,
        })
    }

    /// Looks whether machines that a plan makes would get a token that works: that of a runner which is there already.
    pub(crate) async fn stored_tokens(&self, plan: &Plan, services: &mut Vec<Service>) {
        let used = runners_of_new_machines(plan);
        let looked = used.iter().map(|(runner, machine)| async {
            Ok::<_, std::convert::Infallible>(self.stored_token(runner, machine).await)
        });
        let Ok(looked) = in_order(looked, AT_ONCE).await;
        let mut good: BTreeMap<&str, usize> = BTreeMap::new();
        let mut findings = Vec::new();
        for ((runner, _), finding) in used.iter().zip(looked) {
            match finding {
                Looked::Good => *good.entry(&runner.provider).or_default() += 1,
                Looked::Wrong(finding) => findings.push((runner.provider.to_string(), *finding)),
                Looked::Elsewhere => {}
            }
        }
        for (provider, count) in good {
            let words = match count {
                1 => "the token of the runner that new machines use is good".to_owned(),
                many => format!("the tokens of the {many} runners that new machines use are good"),
            };
            findings.push((provider.to_owned(), Finding::ok("runner tokens", words)));
        }
        for (provider, finding) in findings {
            add(services, provider, finding);
        }
    }

    /// What is wrong with the token that is kept for a runner; `None` where nothing is, or where nobody says: who only
    /// looks may lack the right to read it.
    pub async fn token_doubt(
        &self,
        gitlab: &Gitlab,
        (runner, id): (&Address, &str),
        place: &SecretUri,
    ) -> Option<Doubt> {
        let wrong = match self.secrets.read(place).await {
            Err(SecretError::Missing(_)) => "there is none".to_owned(),
            Err(error @ SecretError::Damaged { .. }) => {
                return Some(Doubt {
                    message: format!("the token of runner {id} cannot be read: {error}"),
                    help: error.way_out().unwrap_or_default().to_owned(),
                });
            }
            Err(_) => return None,
            Ok(token) => self.token_of(gitlab, id, &token).await.ok()?.wrong()?,
        };
        Some(Doubt {
            message: format!("the token at {place} is not that of runner {id}: {wrong}"),
            help: format!(
                "somebody reset it at GitLab, or replaced what is stored; `gosling apply --replace {runner}` makes a new \
                 runner and its machines"
            ),
        })
    }

    /// Where the token of a runner is that is there, its id, and GitLab with the token for it.
    fn stored<'c>(&self, runner: &'c Change) -> Option<(&'c SecretUri, &'c str, Gitlab)> {
        let secret = |name: &str| -> Option<&'c SecretUri> { runner.prior.get(name)?.as_secret() };
        let gitlab = self.gitlab(&runner.provider).ok()?;
        let gitlab = match secret("api_token") {
            Some(token) => gitlab.with_token(token),
            None => (*gitlab).clone(),
        };
        Some((secret("token_secret")?, runner.id.as_deref()?, gitlab))
    }

    /// The secrets that runs wrote for what a plan deletes, and that are kept.
    pub async fn kept_secrets(&self, plan: &Plan) -> Vec<SecretUri> {
        let deleted = plan
            .changes
            .iter()
            .filter(|change| change.action == Action::Delete);
        let written: BTreeSet<&SecretUri> = deleted
            .flat_map(|change| written_by_apply(&change.properties))
            .collect();
        let looked = written.into_iter().map(|uri| async move {
            let described = self.secrets.describe(uri).await;
            let kept = described.is_ok_and(|known| known.present);
            Ok::<_, std::convert::Infallible>(kept.then(|| uri.clone()))
        });
        let Ok(looked) = in_order(looked, AT_ONCE).await;
        looked.into_iter().flatten().collect()
    }

    async fn stored_token(&self, runner: &Change, machine: &Change) -> Looked {
        let Some((place, id, gitlab)) = self.stored(runner) else {
            return Looked::Elsewhere;
        };
        let Ok(token) = self.secrets.read(place).await else {
            // The checks of secrets say so.
            return Looked::Elsewhere;
        };
        let subject = machine.address.to_string();
        let finding = match self.token_of(&gitlab, id, &token).await {
            Ok(of) => match of.wrong() {
                None => return Looked::Good,
                Some(wrong) => Finding::failed(
                    subject,
                    format!("the token at {place} is not that of runner {id}: {wrong}"),
                    format!(
                        "`gosling apply --replace {}` makes a new runner and its machines",
                        runner.address
                    ),
                ),
            },
            Err(error) => Finding::warning(
                subject,
                format!("whether the token at {place} is that of runner {id} is not known: {error}"),
                error.way_out().unwrap_or("`gosling secret check` asks again"),
            ),
        };
        Looked::Wrong(Box::new(finding.at(machine)))
    }
}

/// What was found of a runner's token.
enum Looked {
    Good,
    Wrong(Box<Finding>),
    /// Something else says what is wrong.
    Elsewhere,
}

/// Whether a change is of a runner that is there and stays.
fn stays(change: &Change) -> bool {
    matches!(change.action, Action::NoOp | Action::Update) && change.kind == "gitlab_runner"
}

/// The runners that are there and stay, and whose tokens machines get that a plan makes: each with the first of them.
fn runners_of_new_machines(plan: &Plan) -> Vec<(&Change, &Change)> {
    let by_address: BTreeMap<&Address, &Change> = plan
        .changes
        .iter()
        .map(|change| (&change.address, change))
        .collect();
    let made = plan.changes.iter().filter(|change| {
        matches!(change.action, Action::Create | Action::Replace)
            && change
                .properties
                .values()
                .any(|value| matches!(value, Value::Template(_)))
    });
    let mut known = BTreeSet::new();
    let used = made.flat_map(|machine| machine.needs.iter().map(move |need| (need, machine)));
    used.filter_map(|(need, machine)| {
        let runner = by_address.get(need).copied()?;
        (stays(runner) && known.insert(need)).then_some((runner, machine))
    })
    .collect()
}
