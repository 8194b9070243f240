//! Whether a plan can be carried out, looked at by the services themselves.

use std::collections::BTreeSet;

use fly_domain::Version;
use gosling_engine::{Action, Finding, Plan, PlanOptions, Providers, Service};
use gosling_resource::{SecretUri, Value};

use crate::failure::Failure;
use crate::session::Session;

/// Which services are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Every one that the Nest names.
    All,
    /// Those at which the plan changes something.
    Changed,
    /// None; only what the plan would create a second time is searched for.
    OnlyTwice,
}

/// What a plan is made against that looks at nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// What the state holds.
    Next,
    /// Nothing: all of the Nest is to be made.
    Whole,
}

/// Adds what was found at a service to what was found there before.
pub(crate) fn add(services: &mut Vec<Service>, label: String, finding: Finding) {
    match services.iter_mut().find(|service| service.service == label) {
        Some(service) => service.findings.push(finding),
        None => services.push(Service {
            service: label,
            findings: vec![finding],
        }),
    }
}

impl Session {
    /// Looks whether a plan can be carried out.
    pub async fn preflight(&self, plan: &Plan, looked: Looked) -> Vec<Service> {
        if looked == Looked::OnlyTwice {
            let mut services = Vec::new();
            let (twice, unseen) = self.twice(plan).await;
            for (label, finding) in twice {
                add(&mut services, label, finding);
            }
            for words in unseen {
                let finding = Finding::warning(
                    "existing resources",
                    format!("what exists already was not searched for everywhere: {words}"),
                    "`gosling orphans` searches again",
                );
                add(&mut services, "search".to_owned(), finding);
            }
            return services;
        }
        let is_changed = |label: &str| {
            let mut changes = plan.changes.iter();
            changes.any(|change| change.provider == label && change.action != Action::NoOp)
        };
        let providers = self.providers.iter();
        let providers: Providers = providers
            .filter(|(label, _)| looked == Looked::All || is_changed(label))
            .map(|(label, provider)| (label.clone(), provider.clone()))
            .collect();
        let mut services = gosling_engine::preflight(plan, &providers, &self.context()).await;
        // What could not be looked at is said by the checks of the service itself.
        for (label, finding) in self.twice(plan).await.0 {
            add(&mut services, label, finding);
        }
        self.stored_tokens(plan, &mut services).await;
        if looked == Looked::All {
            for service in &mut services {
                service
                    .findings
                    .extend(self.runner_versions(&service.service).await);
            }
        }
        services
    }

    /// Whether the secrets are there that a plan needs, and those that its services are called with.
    pub async fn secrets_of(&self, plan: &Plan) -> Vec<Finding> {
        let named: BTreeSet<&SecretUri> = plan
            .changes
            .iter()
            .flat_map(|change| change.properties.values().flat_map(Value::secrets))
            .collect();
        let called = plan.changes.iter().filter(|change| change.action != Action::NoOp);
        let called: BTreeSet<&str> = called.map(|change| change.provider.as_str()).collect();
        let tokens = self.tokens.iter();
        let tokens: Vec<SecretUri> = tokens
            .filter(|(label, uri)| called.contains(label.as_str()) && !named.contains(uri))
            .map(|(_, uri)| uri.clone())
            .collect();
        let mut findings = gosling_engine::preflight::tokens(&tokens, &self.secrets).await;
        findings.extend(gosling_engine::preflight::secrets(plan, &self.secrets).await);
        findings
    }

    /// The least rights that a plan needs, service by service.
    pub async fn rights(&self, plan: &Plan) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (label, provider) in &self.providers {
            let changes = plan.changes.iter();
            let changes: Vec<_> = changes.filter(|change| change.provider == *label).collect();
            let rights = provider.rights(&self.context(), &changes).await;
            if !rights.is_empty() {
                all.push((label.to_string(), rights));
            }
        }
        all
    }

    /// Whether the gitlab-runner that an egg asks for suits its server: it should not be newer.
    async fn runner_versions(&self, server: &str) -> Vec<Finding> {
        let eggs = self.nest.eggs.iter().filter_map(|egg| {
            let ours = egg
                .gitlab
                .as_ref()
                .is_some_and(|gitlab| gitlab.server.as_str() == server);
            let version = egg.pool.runner.version.as_ref().filter(|_| ours)?;
            Some((format!("egg.{}", egg.label), version))
        });
        let asked: Vec<(String, &Version)> = eggs.collect();
        if asked.is_empty() {
            return Vec::new();
        }
        let Some(gitlab) = self.gitlab(server).ok() else {
            return Vec::new();
        };
        // That the server does not answer was said before.
        let Ok(metadata) = gitlab.metadata(&self.context()).await else {
            return Vec::new();
        };
        let numbers = |text: &str| -> Option<(u32, u32)> {
            let mut parts = text.split(['.', '-']).map(str::parse);
            Some((parts.next()?.ok()?, parts.next()?.ok()?))
        };
        let is = numbers(&metadata.version);
        let findings = asked.into_iter().map(|(egg, version)| {
            let text = version.to_string();
            let newer = numbers(&text).zip(is).is_some_and(|(runner, is)| runner > is);
            let words = format!("{egg} asks for GitLab Runner {text}, and the server is GitLab {}", metadata.version);
            match newer {
                true => Finding::warning(
                    "runner",
                    words,
                    "a runner may be older than its server, and not newer: ask for a `version` like the server's",
                ),
                false => Finding::ok("runner", words),
            }
        });
        findings.collect()
    }

    /// A plan without a look at what is there: enough to know what it needs.
    pub async fn plan_unseen(&mut self, options: &PlanOptions, unseen: Unseen) -> Result<Plan, Failure> {
        self.even_unasked = true;
        let (mut state, mut open) = self.at.peek().await?;
        if unseen == Unseen::Whole && !options.destroy {
            state.resources.clear();
            open.clear();
        }
        self.plan_from(&state, &open, options, false).await
    }
}
