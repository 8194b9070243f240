//! `gosling secret`

use std::io::{Read, Write};

use clap::{Args, Subcommand};
use gosling_engine::fence::Unfenced;
use gosling_engine::preflight::put_there;
use gosling_engine::{Held, SecretError, Secrets, State};
use gosling_providers::secrets::Listing;
use gosling_resource::{Secret, SecretBackend, SecretPrefix, SecretUri, Value, on_one_line};

use crate::terminal::{Context, Exit};
use crate::terminal::{EngineArgs, open_session};
use crate::{Failure, Host};
use gosling_deploy::{NamedSecret, Session};

/// The largest value that is taken: more than any token or key.
const LARGEST: u64 = 64 * 1024;

/// Store secrets for the Nest, and check that they exist
///
/// A value is read from standard input and never shown: not here, not in a plan, not in a log.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling secret set store://app/registry-password < password.txt
  gosling secret check                                  every secret that the Nest names
  gosling secret check vault://ci/gitlab/token          present? which version? until when?
  gosling secret list                                   what is in the store next to the state
  openssl rand -base64 32 | gosling secret rotate store://app/key
  gosling secret rm store://old-egg/runner-token        what no egg needs any more")]
pub(crate) struct SecretArgs {
    #[command(subcommand)]
    command: SecretCommand,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Debug, Subcommand)]
enum SecretCommand {
    /// Read a value from standard input and store it
    Set {
        /// Where: store://path/key, vault://path/key
        uri: SecretUri,
    },
    /// Show which secrets exist: version and expiry, never a value
    Check {
        /// Which; without it every secret that the Nest names
        uris: Vec<SecretUri>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the secrets of a backend
    List {
        /// Under which place: vault://ci
        #[arg(default_value = "store://")]
        under: SecretPrefix,
    },
    /// Replace an existing value with one from standard input
    Rotate {
        /// Where
        uri: SecretUri,
    },
    /// Remove a value that nothing needs any more
    Rm {
        /// Where
        uri: SecretUri,
        /// Also where the Nest or its state names it
        #[arg(long)]
        force: bool,
    },
}

impl SecretCommand {
    /// Whether it changes what is stored.
    const fn changes(&self) -> bool {
        match self {
            Self::Set { .. } | Self::Rotate { .. } | Self::Rm { .. } => true,
            Self::Check { .. } | Self::List { .. } => false,
        }
    }
}

pub(crate) fn cmd_secret(host: &mut Host, context: Context, args: &SecretArgs) -> Result<Exit, Failure> {
    let Some(mut session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    crate::terminal::block_on(async {
        if args.command.changes() {
            session.at.may_be_edited().await?;
        }
        match &args.command {
            SecretCommand::Set { uri } => {
                writable(&session, uri).await?;
                let value = value(host, "set")?;
                let (state, _) = session.at.peek().await?;
                suits(&session, &state, uri, &value).await??;
                session
                    .secrets
                    .write(uri, &value, &Unfenced)
                    .await
                    .map_err(|error| unusable(&error))?;
                host.done(format_args!("{uri} is set"))?;
                Ok(Exit::Clean)
            }
            SecretCommand::Rotate { uri } => {
                writable(&session, uri).await?;
                let before = session
                    .secrets
                    .read(uri)
                    .await
                    .map_err(|error| unusable(&error))?;
                let value = value(host, "rotate")?;
                if before.expose() == value.expose() {
                    return Err(
                        Failure::wrong_use(format!("{uri} already has this value")).hint("give it a new one")
                    );
                }
                let (state, _) = session.at.peek().await?;
                suits(&session, &state, uri, &value).await??;
                session
                    .secrets
                    .write(uri, &value, &Unfenced)
                    .await
                    .map_err(|error| unusable(&error))?;
                let (state, _) = session.at.peek().await?;
                let at_gitlab = state.resources.values().any(|held| {
                    held.kind == "gitlab_hook"
                        && held.properties.get("secret").and_then(Value::as_secret) == Some(uri)
                });
                if at_gitlab && uri.backend() != SecretBackend::Env {
                    host.done(format_args!(
                        "{uri} has a new value; `gosling apply` gives it to GitLab's webhooks"
                    ))?;
                } else {
                    host.done(format_args!("{uri} has a new value; machines that were created with the old one keep it until they are replaced"))?;
                }
                Ok(Exit::Clean)
            }
            SecretCommand::Rm { uri, force } => {
                let (state, _) = session.at.peek().await?;
                let named = session.named_secrets().await?;
                let held = state.resources.iter().find(|(_, held)| names(held, uri));
                let by = match held {
                    Some((address, _)) => Some(address.to_string()),
                    // What the next apply writes is not read before that.
                    None => named
                        .iter()
                        .any(|named| named.uri == *uri && !named.to_come)
                        .then(|| "the Nest".to_owned()),
                };
                if let Some(by) = by.filter(|_| !force) {
                    return Err(Failure::wrong_use(format!("{by} needs {uri}"))
                        .hint("take it out of the Nest and apply first, or say --force"));
                }
                session
                    .secrets
                    .remove(uri, &Unfenced)
                    .await
                    .map_err(|error| unusable(&error))?;
                host.done(format_args!("{uri} is removed"))?;
                Ok(Exit::Clean)
            }
            SecretCommand::Check { uris, json } => {
                let all = uris.is_empty();
                let named = if all {
                    session.named_secrets().await?
                } else {
                    session.with_what_is_to_come(uris.clone()).await?
                };
                let unused = match all {
                    true => session.unused_secrets(&named).await?,
                    false => Vec::new(),
                };
                check(host, &session, &named, &unused, *json || host.asked.json).await
            }
            SecretCommand::List { under } => {
                let listing = session.secrets.list(under).await;
                let Listing { uris, nameless } = listing.map_err(|error| unusable(&error))?;
                let scheme = under.backend().scheme();
                for (place, why) in nameless {
                    let place = on_one_line(&place);
                    host.say(format_args!(
                        "warning: {scheme}://{place} is there, and no Nest can name it: {why}"
                    ))?;
                }
                if host.asked.json {
                    host.document(serde_json::json!({ "secrets": uris }))?;
                    return Ok(Exit::Clean);
                }
                for uri in uris {
                    writeln!(host.out, "{uri}")?;
                }
                Ok(Exit::Clean)
            }
        }
    })
}

/// Whether a resource of the state has a secret at this place.
fn names(held: &Held, uri: &SecretUri) -> bool {
    held.properties
        .values()
        .any(|value| value.secrets().contains(&uri))
}

/// Whether a value may be at this place: the place of a runner's token is for that runner's token alone. Fails where
/// GitLab cannot be asked.
async fn suits(
    session: &Session,
    state: &State,
    uri: &SecretUri,
    value: &Secret,
) -> Result<Result<(), Failure>, Failure> {
    let mut runners = state.resources.iter();
    let runner = runners.find(|(_, held)| {
        held.kind == "gitlab_runner"
            && held.properties.get("token_secret").and_then(Value::as_secret) == Some(uri)
    });
    let Some((address, held)) = runner else {
        return Ok(Ok(()));
    };
    let gitlab = session.gitlab_of(held)?;
    let of = session.token_of(&gitlab, &held.id, value).await;
    let of = of?;
    let Some(whose) = of.wrong() else {
        return Ok(Ok(()));
    };
    Ok(Err(Failure::wrong_use(format!(
        "this is not the token of runner {} ({address}): {whose}",
        held.id
    ))
    .hint(format!(
        "`gosling apply --replace {address}` makes a runner with a new token"
    ))))
}

/// A value from standard input, without the line break that a file or `echo` ends it with.
fn value(host: &mut Host, command: &str) -> Result<Secret, Failure> {
    if host.interactive {
        let prompt = host.prompt();
        writeln!(
            prompt,
            "Type the value, then Ctrl-D. It is shown as you type; a file or a pipe (`< FILE`) keeps it off the screen."
        )?;
        prompt.flush()?;
    }
    let mut text = String::new();
    host.input.by_ref().take(LARGEST + 1).read_to_string(&mut text)?;
    let text = text
        .strip_suffix('\n')
        .map(|text| text.strip_suffix('\r').unwrap_or(text).to_owned())
        .unwrap_or(text);
    if text.len() as u64 > LARGEST {
        return Err(Failure::wrong_use(format!(
            "the value is longer than {LARGEST} bytes"
        )));
    }
    if text.is_empty() {
        return Err(Failure::wrong_use("there is no value on standard input")
            .hint(format!("gosling secret {command} URI < FILE")));
    }
    Ok(Secret::new(text))
}

/// Why a secret cannot be used, with what to do about it.
fn unusable(error: &SecretError) -> Failure {
    let failure = crate::terminal::failure(error);
    match error.way_out() {
        Some(help) => failure.hint(help),
        None => failure,
    }
}

/// Refuses a place that cannot be written, before anybody has to type a value.
async fn writable(session: &Session, uri: &SecretUri) -> Result<(), Failure> {
    let writable = session.secrets.writable(uri).await;
    writable.map_err(|error| match uri.backend() {
        SecretBackend::Env => Failure::wrong_use(format!(
            "{uri} is a variable of the environment, which gosling only reads"
        ))
        .hint(put_there(uri)),
        _ => unusable(&error),
    })
}

async fn check(
    host: &mut Host,
    session: &Session,
    named: &[NamedSecret],
    unused: &[SecretUri],
    json: bool,
) -> Result<Exit, Failure> {
    let mut all = true;
    let mut list = Vec::new();
    let (state, _) = session.at.peek().await?;
    for NamedSecret { uri, to_come } in named {
        let described = session.secrets.describe(uri).await;
        let present = described.as_ref().is_ok_and(|known| known.present);
        // A token whose runner was deleted is there, and no machine can use it.
        let doubt = match session.secrets.read(uri).await {
            Ok(value) if present => match suits(session, &state, uri, &value).await {
                Ok(Ok(())) => None,
                Ok(Err(unsuited)) => {
                    all = false;
                    Some(unsuited)
                }
                Err(unasked) => Some(unasked),
            },
            _ => None,
        };
        let doubt = doubt.map(|doubt| match doubt.help() {
            Some(help) => format!("{doubt}\n  help: {help}"),
            None => doubt.to_string(),
        });
        let to_come = *to_come && described.is_ok();
        all &= present || to_come;
        match described {
            Ok(known) if json => list.push(serde_json::json!({
                "uri": uri, "present": known.present, "written_by_apply": to_come && !known.present, "version": known.version, "updated": known.updated, "expires": known.expires, "error": doubt,
            })),
            Err(error) if json => list.push(serde_json::json!({ "uri": uri, "present": false, "error": error.to_string() })),
            Ok(known) => {
                let mut words = match (known.present, to_come) {
                    (true, _) => "there".to_owned(),
                    (false, true) => "not written yet; apply writes it".to_owned(),
                    (false, false) => format!("missing\n  help: {}", put_there(uri)),
                };
                for (name, value) in [("version", known.version), ("written", known.updated), ("until", known.expires)] {
                    if let Some(value) = value {
                        words.push_str(&format!(", {name} {value}"));
                    }
                }
                if let Some(doubt) = doubt {
                    words.push_str(&format!(", but {doubt}"));
                }
                writeln!(host.out, "{uri}: {words}")?;
            }
            Err(error) => {
                let help = error.way_out().map(|help| format!("\n  help: {help}"));
                writeln!(host.out, "{error}{}", help.unwrap_or_default())?;
            }
        }
    }
    let exit = if all { Exit::Clean } else { Exit::Problems };
    if json {
        host.document(serde_json::json!({ "secrets": list, "unused": unused }))?;
        return Ok(exit);
    }
    for uri in unused {
        writeln!(
            host.out,
            "{uri}: neither the Nest nor its state needs it; `gosling secret rm {uri}` removes it"
        )?;
    }
    Ok(exit)
}
