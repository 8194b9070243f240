//! `gosling add job`

use clap::Args;
use fly_domain::{Cron, Duration};

use crate::fly_text::{quoted, script, strings};
use crate::questions::{Question, Questions, list, one_of, refused, text};
use crate::{Failure, Host};

/// Add a job: a script on a schedule
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling add job nightly --schedule '15 1 * * *' --script 'make nightly' --tags docker
  gosling add job sweep --schedule '0 4 * * 1' --script 'make sweep'    weekly")]
pub(crate) struct JobArgs {
    /// Its name: letters, digits, - and _; a letter or digit first
    pub(crate) name: String,
    /// When, as in cron: minute hour day month weekday
    #[arg(long, value_name = "CRON")]
    schedule: Option<String>,
    /// What it runs
    #[arg(long)]
    script: Option<String>,
    /// The time zone of the schedule
    #[arg(long)]
    timezone: Option<String>,
    /// How long it may take, as in 5m
    #[arg(long)]
    timeout: Option<String>,
    /// Kind of machine: vm, container or serverless
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Tags of the runner, separated by commas
    #[arg(long)]
    tags: Option<String>,
}

/// All answers about a job.
#[derive(Debug)]
pub(crate) struct Job {
    name: String,
    schedule: String,
    timezone: String,
    timeout: String,
    script: String,
    kind: String,
    tags: Vec<String>,
}

/// From options and from whoever is there.
pub(crate) fn answers(host: &mut Host, args: JobArgs, yes: bool) -> Result<Job, Failure> {
    let mut questions = Questions::new(host, yes);
    let mut ask = |option, words, given, default, read: &dyn Fn(&str) -> _| {
        questions
            .ask(
                Question {
                    option,
                    words,
                    given,
                    default,
                    secret: false,
                },
                read,
            )
            .map(Option::unwrap_or_default)
    };
    let cron = |text: &str| Cron::parse(text).map(|_| text.to_owned()).map_err(refused);
    let duration = |text: &str| {
        Duration::parse(text)
            .map(|time| time.to_string())
            .map_err(refused)
    };
    let schedule = ask(
        "--schedule",
        "When: minute hour day month weekday, as in 15 1 * * *",
        args.schedule,
        None,
        &cron,
    )?;
    let command = ask("--script", "What it runs", args.script, None, &text)?;
    let timezone = ask("--timezone", "Time zone", args.timezone, Some("UTC"), &text)?;
    let timeout = ask(
        "--timeout",
        "How long it may take",
        args.timeout,
        Some("10m"),
        &duration,
    )?;
    let words = ["vm", "container", "serverless"];
    let kind = ask(
        "--type",
        "Kind of machine: vm, container, serverless",
        args.kind,
        Some("vm"),
        &one_of(&words),
    )?;
    let tags = Question {
        option: "--tags",
        words: "Tags of the runner, separated by commas",
        given: args.tags,
        default: Some(&args.name),
        secret: false,
    };
    let tags = questions.ask(tags, list)?.unwrap_or_default();
    questions.finish()?;
    Ok(Job {
        name: args.name,
        schedule,
        timezone,
        timeout,
        script: command,
        kind,
        tags,
    })
}

impl Job {
    /// The file, before it is formatted.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "job {} {{\n  schedule = {}\n",
            quoted(&self.name),
            quoted(&self.schedule)
        );
        // What a reader would expect anyway is not written.
        if self.timezone != "UTC" {
            text.push_str(&format!("  timezone = {}\n", quoted(&self.timezone)));
        }
        text.push_str(&format!(
            "  timeout = {}\n  script = {}\n\n",
            self.timeout,
            script(&self.script)
        ));
        text.push_str(&format!("  runner {{\n    type = {}\n", quoted(&self.kind)));
        text.push_str(&format!("    tags = {}\n  }}\n}}\n", strings(&self.tags)));
        text
    }
}
