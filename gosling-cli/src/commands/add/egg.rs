//! `gosling add egg`, `gosling add eggsbucket`

use clap::Args;
use fly_domain::{Fqdn, SecretUri, Url};

use super::facts::Facts;
use super::machine::{Machine, MachineArgs};
use crate::fly_text::quoted;
use crate::questions::{Question, Questions, label, number, refused};
use crate::terminal::Target;
use crate::{Failure, Host};

/// Add an egg: runners for one project, group or repository
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling add egg api                                     asks for the rest
  gosling add egg api --use vm --project-id 42            on the Nest's own GitLab
  gosling add egg api --use vm --memory 8GiB --group-id 7 with more memory than the preset has")]
pub(crate) struct EggArgs {
    /// Its name: letters, digits, - and _; a letter or digit first
    pub(crate) name: String,
    #[command(flatten)]
    machine: MachineArgs,
    /// The GitLab server
    #[arg(long, value_name = "HOST")]
    server: Option<String>,
    /// A GitLab project
    #[arg(long, value_name = "ID", conflicts_with_all = ["group_id", "github"])]
    project_id: Option<String>,
    /// A GitLab group
    #[arg(long, value_name = "ID", conflicts_with = "github")]
    group_id: Option<String>,
    /// A GitHub repository, or an organization
    #[arg(long, value_name = "OWNER/REPO|ORGANIZATION", conflicts_with = "server")]
    github: Option<String>,
    /// Where its token is kept: store://path/key, env://NAME, ...
    #[arg(long, value_name = "URI")]
    token: Option<String>,
}

/// Add an eggsbucket: runners shared by several repositories
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling add eggsbucket libraries --use vm --repo core=gitlab.example.com/12 --repo web=gitlab.example.com/13
  gosling add eggsbucket tools --use vm --repo all=gitlab.example.com/group:7")]
pub(crate) struct EggsbucketArgs {
    /// Its name: letters, digits, - and _; a letter or digit first
    pub(crate) name: String,
    #[command(flatten)]
    machine: MachineArgs,
    /// A repository: NAME=SERVER/PROJECT_ID, NAME=SERVER/group:ID or NAME=github.com/OWNER/REPO
    #[arg(long = "repo", value_name = "REPOSITORY")]
    repositories: Vec<String>,
    /// Where the token is kept: store://path/key, env://NAME, ...
    #[arg(long, value_name = "URI")]
    token: Option<String>,
}

/// Where jobs come from. The server is as it is written in Fly: `"gitlab.example.com"` or `var.gitlab_server`.
#[derive(Debug, Clone)]
enum Source {
    Project { server: String, id: u64 },
    Group { server: String, id: u64 },
    GitHub { path: String },
}

/// All answers about an egg.
#[derive(Debug)]
pub(crate) struct Egg {
    name: String,
    machine: Machine,
    source: Source,
    token: Option<String>,
    /// Whether the Nest names anybody to whom GitLab could report.
    listens: bool,
}

/// All answers about an eggsbucket.
#[derive(Debug)]
pub(crate) struct Eggsbucket {
    name: String,
    machine: Machine,
    repositories: Vec<(String, Source)>,
    token: Option<String>,
    /// Whether the Nest names anybody to whom GitLab could report.
    listens: bool,
}

/// From options and from whoever is there.
pub(crate) fn answers(host: &mut Host, target: &Target, args: EggArgs, yes: bool) -> Result<Egg, Failure> {
    let facts = Facts::of(target);
    let mut questions = Questions::new(host, yes);
    let machine = args.machine.ask(&mut questions, &facts, &args.name)?;
    let given = match (&args.project_id, &args.group_id, args.github) {
        (Some(id), ..) => Some(id.clone()),
        (None, Some(id), _) => Some(format!("group:{id}")),
        (None, None, github) => github,
    };
    let asked = given.is_none();
    let source = Question {
        option: "--project-id (or --group-id, --github)",
        words: "Run jobs of: a GitLab project's id, `group:` and a group's id, or a GitHub OWNER/REPO",
        given,
        default: None,
        secret: false,
    };
    let source = questions.ask(source, |text| match text {
        "" => Err("enter a project's id (42), group:ID or OWNER/REPO".to_owned()),
        // A word alone is an organization of GitHub only where somebody says so, with an option.
        text if asked && !text.contains('/') && !text.contains(':') => {
            number(text).map_err(|_| "enter a project's id (42), group:ID or OWNER/REPO".to_owned())?;
            source_of("", text)
        }
        text => source_of("", text),
    })?;
    let source = match source {
        Some(Source::GitHub { path }) => Some(Source::GitHub { path }),
        source => {
            // A server that the Nest writes as an expression is written so again.
            let own = facts.gitlab.as_deref().unwrap_or("gitlab.com").trim_matches('"');
            let is_expression = facts
                .gitlab
                .as_deref()
                .is_some_and(|written| !written.starts_with('"'));
            let question = Question {
                option: "--server",
                words: "GitLab server",
                given: args.server,
                default: Some(own),
                secret: false,
            };
            let server = questions.ask(question, |text| {
                if is_expression && text == own {
                    return Ok(text.to_owned());
                }
                server_name(text).map(|name| quoted(&name))
            })?;
            source.zip(server).map(|(source, server)| source.at(server))
        }
    };
    let token = token(&mut questions, args.token, source.iter())?;
    questions.finish()?;
    let source = source.ok_or_else(|| Failure::wrong_use("no project, group or repository is given"))?;
    Ok(Egg {
        name: args.name,
        machine,
        source,
        token,
        listens: facts.listens,
    })
}

/// From options and from whoever is there.
pub(crate) fn bucket_answers(
    host: &mut Host,
    target: &Target,
    args: EggsbucketArgs,
    yes: bool,
) -> Result<Eggsbucket, Failure> {
    let facts = Facts::of(target);
    let mut questions = Questions::new(host, yes);
    let machine = args.machine.ask(&mut questions, &facts, &args.name)?;
    let question = Question {
        option: "--repo",
        words: "Repositories, separated by commas: NAME=SERVER/PROJECT_ID, NAME=SERVER/group:ID, \
                NAME=github.com/OWNER/REPO",
        given: (!args.repositories.is_empty()).then(|| args.repositories.join(",")),
        default: None,
        secret: false,
    };
    let repositories = questions.ask(question, repositories)?.unwrap_or_default();
    let token = token(
        &mut questions,
        args.token,
        repositories.iter().map(|(_, source)| source),
    )?;
    questions.finish()?;
    Ok(Eggsbucket {
        name: args.name,
        machine,
        repositories,
        token,
        listens: facts.listens,
    })
}

/// Where the token is kept: GitHub needs one, for GitLab the provider's is the default.
fn token<'s>(
    questions: &mut Questions,
    given: Option<String>,
    mut sources: impl Iterator<Item = &'s Source>,
) -> Result<Option<String>, Failure> {
    let needed = sources.any(|source| matches!(source, Source::GitHub { .. }));
    if given.is_none() && !needed {
        return Ok(None);
    }
    let question = Question {
        option: "--token",
        words: "Where the token is kept",
        given,
        default: Some("env://GITHUB_TOKEN"),
        secret: true,
    };
    questions.ask(question, |text| match SecretUri::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(malformed) => Err(refused(malformed)),
    })
}

fn server_name(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Url::parse(text).map(|url| url.to_string()).map_err(refused);
    }
    Fqdn::parse(text).map(|name| name.to_string()).map_err(refused)
}

fn source_of(server: &str, text: &str) -> Result<Source, String> {
    let server = server.to_owned();
    if let Some(id) = text.strip_prefix("group:") {
        return number(id).map(|id| Source::Group { server, id });
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text).map(|id| Source::Project { server, id });
    }
    let names: Vec<&str> = text.split('/').collect();
    let word = |name: &&str| {
        !name.is_empty()
            && name
                .chars()
                .all(|next| next.is_ascii_alphanumeric() || matches!(next, '-' | '_' | '.'))
    };
    if names.len() <= 2 && names.iter().all(word) {
        Ok(Source::GitHub {
            path: text.to_owned(),
        })
    } else {
        Err("write a project's id (42), group:ID or OWNER/REPO".to_owned())
    }
}

fn repositories(text: &str) -> Result<Vec<(String, Source)>, String> {
    let mut repositories: Vec<(String, Source)> = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let shape = || {
            format!(
                "`{item}` is not NAME=SERVER/PROJECT_ID, NAME=SERVER/group:ID or NAME=github.com/OWNER/REPO"
            )
        };
        let (name, place) = item.split_once('=').ok_or_else(shape)?;
        let name = label(name).map_err(|why| format!("`{name}`: {why}"))?;
        let (server, rest) = place.split_once('/').ok_or_else(shape)?;
        let source = match (server, source_of(server, rest)) {
            ("github.com", Ok(source @ Source::GitHub { .. })) => source,
            (_, Ok(source @ (Source::Project { .. } | Source::Group { .. }))) => {
                source.at(quoted(&server_name(server)?))
            }
            _ => return Err(shape()),
        };
        if repositories.iter().any(|(seen, _)| *seen == name) {
            return Err(format!("two repositories are called `{name}`"));
        }
        repositories.push((name, source));
    }
    if repositories.is_empty() {
        Err("give at least one repository".to_owned())
    } else {
        Ok(repositories)
    }
}

impl Source {
    fn at(self, server: String) -> Self {
        match self {
            Self::Project { id, .. } => Self::Project { server, id },
            Self::Group { id, .. } => Self::Group { server, id },
            github @ Self::GitHub { .. } => github,
        }
    }

    fn text(&self, token: Option<&str>, listens: bool) -> String {
        let (kind, mut lines) = match self {
            Self::Project { server, id } => (
                "gitlab",
                vec![format!("server = {server}"), format!("project_id = {id}")],
            ),
            Self::Group { server, id } => (
                "gitlab",
                vec![format!("server = {server}"), format!("group_id = {id}")],
            ),
            Self::GitHub { path } => {
                let name = if path.contains('/') {
                    "repository"
                } else {
                    "organization"
                };
                ("github", vec![format!("{name} = {}", quoted(path))])
            }
        };
        if let Some(token) = token {
            let name = if kind == "gitlab" { "api_token" } else { "token" };
            lines.push(format!("{name} = {}", quoted(token)));
        }
        // Without an address there is no webhook: that is said, so that nobody has to wonder whether it was meant.
        if kind == "gitlab" && !listens {
            lines.push("events = []".to_owned());
        }
        format!("{kind} {{\n{}\n}}\n", lines.join("\n"))
    }
}

impl Egg {
    /// The file, before it is formatted.
    pub(crate) fn text(&self) -> String {
        let source = self.source.text(self.token.as_deref(), self.listens);
        format!(
            "egg {} {{\n{}\n{source}}}\n",
            quoted(&self.name),
            self.machine.text()
        )
    }
}

impl Eggsbucket {
    /// The file, before it is formatted.
    pub(crate) fn text(&self) -> String {
        let repositories = self.repositories.iter().map(|(name, source)| {
            format!(
                "repo {} {{\n{}}}\n",
                quoted(name),
                source.text(self.token.as_deref(), self.listens)
            )
        });
        let repositories: Vec<String> = repositories.collect();
        format!(
            "eggsbucket {} {{\n{}\nrepositories {{\n{}}}\n}}\n",
            quoted(&self.name),
            self.machine.text(),
            repositories.join("\n")
        )
    }
}
