//! The commands: one module each, with its arguments.

mod add;
mod answer;
mod apply;
mod candidates;
mod carry_out;
mod complete;
mod completions;
mod demo;
mod eval;
mod explain;
mod fix;
mod fmt;
mod graph;
mod groups;
mod import;
mod init;
mod man;
mod orphans;
mod parse;
mod plan;
mod preflight;
mod refresh;
mod render;
mod rollback;
mod run_args;
mod sandbox;
mod schema;
mod secret;
mod smoke;
mod state;
mod status;
mod team;
mod validate;
mod version;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand, ValueEnum};

use crate::harmless::Harmless;
use crate::render::Look;
use crate::terminal::{Context, Exit};
use crate::{Asked, Failure, Host};

/// The heading of the options that every command has.
const GLOBAL: &str = "Options of every command";

/// Help is not set wider than this.
const HELP_WIDTH: usize = 100;

/// CI runners as code: check a Nest, plan its changes, and apply them.
#[derive(Debug, Parser)]
#[command(
    name = "gosling",
    version = version::LINE.as_str(),
    propagate_version = false,
    max_term_width = HELP_WIDTH,
    arg_required_else_help = true,
    subcommand_required = true,
    styles = Styles::styled()
        .header(AnsiColor::Yellow.on_default().bold())
        .usage(AnsiColor::Yellow.on_default().bold())
        .literal(AnsiColor::Cyan.on_default().bold())
        .placeholder(AnsiColor::Cyan.on_default()),
    after_help = "\
Examples:
  gosling demo                                see all of it in a minute, against simulated services
  gosling init lab --provider proxmox --yes   start a Nest
  gosling -C lab validate                     find every mistake in it
  gosling -C lab plan                         show what would change
  gosling -C lab apply                        make the changes

`gosling help COMMAND` has examples of each command."
)]
struct Cli {
    /// The Nest: its folder, or one in it [default: the current folder]
    #[arg(short = 'C', long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    nest: Option<PathBuf>,
    /// Print one JSON document on standard output
    #[arg(long, global = true, help_heading = GLOBAL)]
    json: bool,
    /// When to use colour; never where NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto, help_heading = GLOBAL)]
    color: Color,
    /// Log each call on standard error; -vv logs when it begins, too
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = GLOBAL)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Whether a stream gets colour.
    fn on(self, host: &Host, terminal: bool) -> bool {
        match self {
            Self::Auto => host.color(terminal),
            // Both are explicit; the one that cannot garble a log counts.
            Self::Always => !host.no_color(),
            Self::Never => false,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Add(Box<add::AddArgs>),
    Validate(validate::ValidateArgs),
    Fmt(fmt::FmtArgs),
    Fix(fix::FixArgs),
    Explain(explain::ExplainArgs),
    Eval(eval::EvalArgs),
    Render(render::RenderArgs),
    Schema(schema::SchemaArgs),
    Plan(Box<plan::PlanArgs>),
    Preflight(Box<preflight::PreflightArgs>),
    Apply(Box<apply::ApplyArgs>),
    Destroy(Box<apply::DestroyArgs>),
    Rollback(Box<rollback::RollbackArgs>),
    Lock(team::LockArgs),
    Freeze(team::FreezeArgs),
    Audit(team::AuditArgs),
    Refresh(refresh::RefreshArgs),
    Status(status::StatusArgs),
    Smoke(smoke::SmokeArgs),
    Show(state::ShowArgs),
    State(state::StateArgs),
    Import(import::ImportArgs),
    Orphans(Box<orphans::OrphansArgs>),
    Unlock(state::UnlockArgs),
    Graph(graph::GraphArgs),
    Secret(secret::SecretArgs),
    Sandbox(sandbox::SandboxArgs),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Version(version::VersionArgs),
}

impl Command {
    /// Whether its exit codes are those of the engine: 1 for wrong use too, since 2 means that changes are pending.
    fn is_engine(&self) -> bool {
        match self {
            Self::Plan(_)
            | Self::Preflight(_)
            | Self::Apply(_)
            | Self::Destroy(_)
            | Self::Rollback(_)
            | Self::Lock(_)
            | Self::Freeze(_)
            | Self::Audit(_)
            | Self::Refresh(_)
            | Self::Status(_)
            | Self::Smoke(_)
            | Self::Show(_)
            | Self::State(_)
            | Self::Import(_)
            | Self::Orphans(_)
            | Self::Unlock(_)
            | Self::Graph(_)
            | Self::Secret(_)
            | Self::Sandbox(_)
            | Self::Demo(_) => true,
            Self::Init(_)
            | Self::Add(_)
            | Self::Validate(_)
            | Self::Fmt(_)
            | Self::Fix(_)
            | Self::Explain(_)
            | Self::Eval(_)
            | Self::Render(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Version(_) => false,
        }
    }
}

/// The engine's commands by name, for arguments that could not be read.
const ENGINE: [&str; 20] = [
    "plan",
    "preflight",
    "apply",
    "destroy",
    "rollback",
    "lock",
    "freeze",
    "audit",
    "refresh",
    "status",
    "smoke",
    "show",
    "state",
    "import",
    "orphans",
    "unlock",
    "graph",
    "secret",
    "sandbox",
    "demo",
];

/// Runs `gosling` with `args`, the program's name first. Returns the exit code: 0 clean, 1 problems, 2 wrong use.
pub fn run(args: impl IntoIterator<Item = OsString>, host: &mut Host) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    host.asked.color = parse::color_of(&args).on(host, host.err_is_terminal);
    match complete::answered(&args, host) {
        Ok(false) => {}
        Ok(true) => return Exit::Clean.code(),
        Err(failure) => return report_failure(&failure, false, host),
    }
    // Not before: a shell's script separates its words by control characters.
    let inner = std::mem::replace(&mut host.out, Box::new(std::io::sink()));
    host.out = Box::new(Harmless::new(inner));
    let inner = std::mem::replace(&mut host.err, Box::new(std::io::sink()));
    host.err = Box::new(Harmless::for_words(inner));
    match parse::parse(&args, host) {
        Ok(cli) => {
            let engine = cli.command.is_engine();
            answer::one_document(host, cli.json, |host| {
                execute(cli, host).map_or_else(|failure| report_failure(&failure, engine, host), Exit::code)
            })
        }
        Err(exit) => {
            // `gosling plna --detailed-exitcode` is no command, and has no changes pending.
            let engine = parse::command_of(&args).is_some_and(|word| ENGINE.contains(&word))
                || args.iter().any(|word| word == "--detailed-exitcode");
            // Help and the version are text, whoever asks for them.
            let json = !matches!(exit, Ok(Exit::Clean)) && args.iter().any(|word| word == "--json");
            answer::one_document(host, json, |host| match exit {
                Ok(Exit::WrongUse) if engine => Exit::Problems.code(),
                Ok(exit) => exit.code(),
                Err(failure) => report_failure(&failure, engine, host),
            })
        }
    }
}

fn execute(cli: Cli, host: &mut Host) -> Result<Exit, Failure> {
    if cli.command.is_engine() {
        gosling_deploy::can_be(std::time::SystemTime::now())?;
    }
    let log = crate::logging::begin(host, cli.verbose)?;
    let look = |terminal: bool| Look {
        color: cli.color.on(host, terminal),
        unicode: terminal && host.unicode(),
        width: if terminal {
            host.width().clamp(40, 140)
        } else {
            Look::PLAIN.width
        },
    };
    let context = Context {
        out: look(host.out_is_terminal),
        err: look(host.err_is_terminal),
    };
    let before = host.asked.clone();
    host.asked = Asked {
        nest: cli.nest,
        json: cli.json,
        color: context.err.color,
        log,
        said: Vec::new(),
    };
    let exit = dispatch(cli.command, host, context);
    // One command may run another, as the demo does.
    let said = std::mem::take(&mut host.asked.said);
    host.asked = Asked { said, ..before };
    let exit = exit?;
    host.out.flush()?;
    Ok(exit)
}

fn dispatch(command: Command, host: &mut Host, context: Context) -> Result<Exit, Failure> {
    match command {
        Command::Init(args) => init::cmd_init(host, args),
        Command::Add(args) => add::cmd_add(host, context, *args),
        Command::Fix(args) => fix::cmd_fix(host, context, &args),
        Command::Validate(args) => validate::cmd_validate(host, context, &args),
        Command::Fmt(args) => fmt::cmd_fmt(host, context, &args),
        Command::Explain(args) => explain::cmd_explain(host, &args),
        Command::Eval(args) => eval::cmd_eval(host, context, &args),
        Command::Render(args) => render::cmd_render(host, context, &args),
        Command::Schema(args) => schema::cmd_schema(host, &args),
        Command::Plan(args) => plan::cmd_plan(host, context, &args),
        Command::Preflight(args) => preflight::cmd_preflight(host, context, &args),
        Command::Apply(args) => apply::cmd_apply(host, context, &args),
        Command::Destroy(args) => apply::cmd_destroy(host, context, &args),
        Command::Rollback(args) => rollback::cmd_rollback(host, context, &args),
        Command::Lock(args) => team::cmd_lock(host, &args),
        Command::Freeze(args) => team::cmd_freeze(host, &args),
        Command::Audit(args) => team::cmd_audit(host, &args),
        Command::Refresh(args) => refresh::cmd_refresh(host, context, &args),
        Command::Status(args) => status::cmd_status(host, context, &args),
        Command::Smoke(args) => smoke::cmd_smoke(host, context, &args),
        Command::Show(args) => state::cmd_show(host, context, &args),
        Command::State(args) => state::cmd_state(host, &args),
        Command::Import(args) => import::cmd_import(host, context, &args),
        Command::Orphans(args) => orphans::cmd_orphans(host, context, &args),
        Command::Unlock(args) => state::cmd_unlock(host, &args),
        Command::Graph(args) => graph::cmd_graph(host, context, &args),
        Command::Secret(args) => secret::cmd_secret(host, context, &args),
        Command::Sandbox(args) => sandbox::cmd_sandbox(host, &args),
        Command::Demo(args) => demo::cmd_demo(host, context, &args),
        Command::Completions(args) => completions::cmd_completions(host, &args),
        Command::Man(args) => man::cmd_man(host, &args),
        Command::Version(args) => version::cmd_version(host, &args),
    }
}

/// Says why a command ended early. A reader that went away (`gosling ... | head`) needs no words.
fn report_failure(failure: &Failure, engine: bool, host: &mut Host) -> u8 {
    if let Failure::Stream(error) = failure
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        return Exit::Problems.code();
    }
    if failure.is_interrupted() {
        let _ = host.say(failure);
        return Exit::Interrupted.code();
    }
    // Where even this cannot be written there is nobody left to tell.
    let _ = host.say(format_args!("error: {failure}"));
    if let Some(help) = failure.help() {
        let _ = host.say(format_args!("  help: {help}"));
    }
    if engine {
        Exit::Problems.code()
    } else {
        Exit::WrongUse.code()
    }
}
