//! Whether a plan can be carried out, looked at before its first change. Only reads.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use gosling_resource::{Origin, Properties, SecretBackend, SecretUri, Value};
use serde::Serialize;

use crate::calendar;
use crate::plan::{Action, Change, Plan};
use crate::provider::{Context, SecretError, Secrets};
use crate::run::Providers;

/// How many secrets are looked at together.
const AT_ONCE: usize = 10;

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it has to be.
    Ok,
    /// Apply works; something will be missed, or soon be in the way.
    Warning,
    /// Apply would fail.
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it was found.
    pub outcome: Outcome,
    /// What was looked at: `token`, `privileges`, `egg.app.vm[0]`.
    pub subject: String,
    /// What was found, in words for a person, without a secret.
    #[serde(rename = "message")]
    pub words: String,
    /// What to do about it; none where it is as it has to be.
    #[serde(rename = "help")]
    pub way_out: Option<String>,
    /// The line of the Nest that asks for it, `Eggs/app/config.fly:4`.
    #[serde(serialize_with = "place")]
    pub origin: Option<Origin>,
    /// Whether apply checks this also when its preflight is skipped.
    #[serde(skip)]
    pub always: bool,
}

fn place<S: serde::Serializer>(origin: &Option<Origin>, to: S) -> Result<S::Ok, S::Error> {
    match origin {
        Some(origin) => to.collect_str(origin),
        None => to.serialize_none(),
    }
}

impl Finding {
    /// It is as it has to be.
    #[must_use]
    pub fn ok(subject: impl Into<String>, words: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Ok,
            subject: subject.into(),
            words: words.into(),
            way_out: None,
            origin: None,
            always: false,
        }
    }

    /// Apply works all the same.
    #[must_use]
    pub fn warning(subject: impl Into<String>, words: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Warning,
            way_out: Some(way_out.into()),
            ..Self::ok(subject, words)
        }
    }

    /// Apply would fail.
    #[must_use]
    pub fn failed(subject: impl Into<String>, words: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Failed,
            ..Self::warning(subject, words, way_out)
        }
    }

    /// The same as a check that apply never skips.
    #[must_use]
    pub fn always(self) -> Self {
        Self { always: true, ..self }
    }

    /// The same with the place in the Nest that asks for it.
    #[must_use]
    pub fn at(self, change: &Change) -> Self {
        Self {
            origin: change.origin.clone(),
            ..self
        }
    }
}

/// What was found at one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// As the Nest calls it: `proxmox`, `gitlab.example.com`; `secrets`.
    pub service: String,
    /// In the order in which it was looked at.
    pub findings: Vec<Finding>,
}

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// As they have to be.
    pub ok: usize,
    /// Warnings.
    pub warning: usize,
    /// Failures.
    pub failed: usize,
}

impl Tally {
    /// Counts.
    #[must_use]
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut tally = Self::default();
        for finding in findings {
            match finding.outcome {
                Outcome::Ok => tally.ok += 1,
                Outcome::Warning => tally.warning += 1,
                Outcome::Failed => tally.failed += 1,
            }
        }
        tally
    }
}

/// Looks whether a plan can be carried out: at its secrets, and at each of these providers, all of them at once.
pub async fn preflight(plan: &Plan, providers: &Providers, cx: &Context<'_>) -> Vec<Service> {
    let changes_of = |label: &str| -> Vec<&Change> {
        let changes = plan.changes.iter();
        changes.filter(|change| change.provider == label).collect()
    };
    let asked = providers.iter().map(|(label, provider)| async move {
        Service {
            service: label.to_string(),
            findings: provider.preflight(cx, &changes_of(label)).await,
        }
    });
    let secrets = async {
        vec![Service {
            service: "secrets".to_owned(),
            findings: secrets(plan, cx.secrets).await,
        }]
    };
    let (mut all, services) = futures_util::future::join(secrets, join_all(asked)).await;
    all.extend(services);
    all.retain(|service| !service.findings.is_empty());
    all
}

/// What a plan does with the secret at a place.
#[derive(Default)]
struct Use<'a> {
    /// Whose value is read before anything writes it.
    read: Option<&'a Change>,
    /// Whose token or secret is written there.
    written: Option<&'a Change>,
}

/// Looks whether every secret that a plan reads is there, and every place that it writes a token to can be written.
pub async fn secrets(plan: &Plan, secrets: &dyn Secrets) -> Vec<Finding> {
    // Many Nests have one or two of them for each egg, and a backend may be far away.
    let looks = uses(plan)
        .into_iter()
        .map(|(uri, used)| look(uri, used, secrets))
        .collect::<Vec<_>>();
    let looked: Vec<Looked<'_>> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    let (mut read, mut written) = (0, 0);
    let mut findings = Vec::new();
    for looked in looked {
        match looked {
            Looked::Unused => {}
            Looked::Read(ending) => {
                read += 1;
                findings.extend(ending);
            }
            Looked::Writable => written += 1,
            Looked::Refused { uri, change, error } => {
                findings.push(refused(uri, change.address.to_string(), &error).at(change))
            }
        }
    }
    let there = match (read, written) {
        (0, 0) => return findings,
        (read, 0) => format!("{} there", counted(read, "secret is", "secrets are")),
        (0, written) => format!("{} be written", counted(written, "place can", "places can")),
        (read, written) => format!(
            "{} there, {} be written",
            counted(read, "secret is", "secrets are"),
            counted(written, "place can", "places can")
        ),
    };
    findings.insert(0, Finding::ok("secrets", there));
    findings
}

/// What was found of one secret.
enum Looked<'p> {
    /// Nothing that is made or changed needs it.
    Unused,
    /// It is there, and perhaps ends soon.
    Read(Option<Finding>),
    /// A token can be put there.
    Writable,
    /// Neither.
    Refused {
        uri: &'p SecretUri,
        change: &'p Change,
        error: SecretError,
    },
}

async fn look<'p>(uri: &'p SecretUri, used: Use<'p>, secrets: &dyn Secrets) -> Looked<'p> {
    if let Some(change) = used.written {
        return match secrets.writable(uri).await {
            Ok(()) => Looked::Writable,
            Err(error) => Looked::Refused { uri, change, error },
        };
    }
    let Some(change) = used.read else {
        return Looked::Unused;
    };
    if let Err(error) = secrets.read(uri).await {
        return Looked::Refused { uri, change, error };
    }
    // Whoever cannot say when a value ends has just given it: that is enough.
    let end = secrets.expires(uri).await.ok().flatten();
    let ending = end.and_then(|end| {
        let finding = ends_soon(&format!("the secret at {uri}"), &end, "put a new one there");
        finding.map(|finding| finding.at(change))
    });
    Looked::Read(ending)
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Every secret that a plan names in what it makes or changes.
fn uses(plan: &Plan) -> BTreeMap<&SecretUri, Use<'_>> {
    let changes = || {
        let made =
            |change: &&Change| matches!(change.action, Action::Create | Action::Update | Action::Replace);
        plan.changes.iter().filter(made)
    };
    let made_here: BTreeSet<&SecretUri> = changes()
        .filter_map(|change| change.properties.get("token_secret")?.as_secret())
        .collect();
    let mut uses: BTreeMap<&SecretUri, Use<'_>> = BTreeMap::new();
    for change in changes() {
        let generated = change.properties.get("generate_secret").and_then(Value::as_bool);
        for (name, value) in &change.properties {
            let written = is_written(name, generated == Some(true));
            for uri in value.secrets() {
                let used = uses.entry(uri).or_default();
                if written {
                    used.written.get_or_insert(change);
                } else if !made_here.contains(uri) {
                    used.read.get_or_insert(change);
                }
            }
        }
    }
    uses
}

/// Whether apply writes the secret that a property names, which is then not there before.
fn is_written(property: &str, generated: bool) -> bool {
    property == "token_secret" || (property == "secret" && generated)
}

/// The places of a resource's secrets that apply itself writes.
pub fn written_by_apply(properties: &Properties) -> impl Iterator<Item = &SecretUri> {
    let generated = properties.get("generate_secret").and_then(Value::as_bool) == Some(true);
    let written = properties
        .iter()
        .filter(move |(name, _)| is_written(name, generated));
    written.filter_map(|(_, value)| value.as_secret())
}

fn refused(uri: &SecretUri, subject: impl Into<String>, error: &SecretError) -> Finding {
    let (subject, words) = (subject.into(), error.to_string());
    match error {
        // A pipeline's plan job may only read the state's folder; apply runs where it may write.
        SecretError::ReadOnly { .. } => Finding::warning(
            subject,
            words,
            "apply has to run where it may write there; whether it may is checked then",
        ),
        SecretError::Missing(_) => Finding::failed(subject, words, put_there(uri)),
        SecretError::Refused { .. } => {
            let help = match uri.backend() {
                SecretBackend::Store => {
                    "`nest { secrets { recipients = [...] } }` says who may decrypt it, and GOSLING_AGE_IDENTITY with which identity"
                }
                SecretBackend::Vault => "correct the address, or the `provider \"vault\"` block",
                _ => "correct the address, or keep the secret in store:// or vault://",
            };
            Finding::failed(subject, words, help)
        }
        SecretError::Damaged { .. } => Finding::failed(subject, words, error.way_out().unwrap_or_default()),
        SecretError::Unreachable { .. } => {
            Finding::failed(subject, words, "check how its backend is reached")
        }
    }
}

/// How a secret gets to its place.
#[must_use]
pub fn put_there(uri: &SecretUri) -> String {
    match uri.backend() {
        SecretBackend::Env => format!(
            "set the variable where gosling runs: `export {}=...`",
            uri.place()
        ),
        _ => format!("put it there: `gosling secret set {uri} < FILE`"),
    }
}

/// Looks whether the secrets that providers are called with can be read.
pub async fn tokens(uris: &[SecretUri], secrets: &dyn Secrets) -> Vec<Finding> {
    let mut findings = Vec::new();
    for uri in uris {
        if let Err(error) = secrets.read(uri).await {
            findings.push(refused(uri, "token", &error));
        }
    }
    findings
}

/// Days until which an end is told of.
const SOON: i64 = 14;

/// What there is to say of a thing that ends at a time, RFC 3339 or only a date: nothing while that is far away, or
/// cannot be read.
#[must_use]
pub fn ends_soon(what: &str, end: &str, way_out: &str) -> Option<Finding> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    let today = i64::try_from(now.as_secs() / 86_400).ok()?;
    let day = calendar::days(end)?;
    let date = calendar::date(day);
    match day - today {
        left @ ..=-1 => Some(Finding::failed(
            "expiry",
            format!("{what} ended on {date} ({} days ago)", -left),
            way_out,
        )),
        left @ 0..=SOON => Some(Finding::warning(
            "expiry",
            format!("{what} ends on {date} (in {left} days)"),
            way_out,
        )),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_of_two_weeks_before() {
        let outcome = |end: &str| ends_soon("it", end, "renew it").map(|finding| finding.outcome);
        assert_eq!(outcome("2000-01-01"), Some(Outcome::Failed));
        assert_eq!(outcome("9999-01-01"), None);
        assert_eq!(outcome("never"), None);
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let today = i64::try_from(now.as_secs() / 86_400).unwrap();
        assert_eq!(outcome(&calendar::date(today - 1)), Some(Outcome::Failed));
        assert_eq!(outcome(&calendar::date(today)), Some(Outcome::Warning));
        assert_eq!(outcome(&calendar::date(today + 13)), Some(Outcome::Warning));
        assert_eq!(outcome(&calendar::date(today + 30)), None);
    }
}
