//! Which Nest the commands of plan and apply work with.

use clap::Args;
use fly_syntax::Severity;
use fly_workspace::Workspace;
use gosling_deploy::Session;
use gosling_resource::Resources;

use super::{Context, Interrupts, Target, VariableArgs, runtime};
use crate::render::{self, Format, Report};
use crate::{Failure, Host};

/// Which Nest, with which variables.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct EngineArgs {
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
}

/// A Nest without errors, and the values that its variables were given.
type Sound = (Workspace, Vec<(String, String)>);

impl EngineArgs {
    pub(crate) fn target(&self, host: &Host) -> Result<Target, Failure> {
        Target::around(host)
    }

    /// The Nest as it is on disk, whatever its problems are.
    pub(crate) fn workspace(&self, host: &Host) -> Result<Workspace, Failure> {
        let variables = self.variables.variables(host)?;
        let files = self.variables.files(host)?;
        Ok(Workspace::open(self.target(host)?.root, &files, &variables))
    }

    /// The checked Nest; its problems are shown, and `None` is given back, where it has errors.
    fn check(&self, host: &mut Host, context: Context) -> Result<Option<Sound>, Failure> {
        let target = self.target(host)?;
        let variables = self.variables.variables(host)?;
        let files = self.variables.files(host)?;
        let workspace = Workspace::open(target.root.clone(), &files, &variables);
        let nest = &workspace.nest;
        let is_error = |severity| severity == Severity::Error;
        if nest.problems.iter().any(|problem| is_error(problem.severity())) {
            let problems = nest
                .problems
                .iter()
                .filter(|problem| is_error(problem.severity()));
            let report = Report {
                problems: problems.collect(),
                ..target.report(host, nest)
            };
            show_problems(host, context, report)?;
            return Ok(None);
        }
        let given = variables
            .given
            .iter()
            .map(|given| (given.name.to_string(), given.text.clone()));
        Ok(Some((workspace, given.collect())))
    }
}

/// A Nest made ready for the engine; `None` where it has problems, which were shown.
pub(crate) fn open_session(
    host: &mut Host,
    context: Context,
    args: &EngineArgs,
) -> Result<Option<Session>, Failure> {
    let Some((workspace, given)) = args.check(host, context)? else {
        return Ok(None);
    };
    let session = Session::open(&host.environment, workspace, &given);
    Ok(Some(runtime()?.block_on(session)?))
}

/// The same, where a signal ends it as it ends the run that follows.
pub(crate) fn open_session_or_stop(
    host: &mut Host,
    context: Context,
    args: &EngineArgs,
    interrupts: &Interrupts,
) -> Result<Option<Session>, Failure> {
    let Some((workspace, given)) = args.check(host, context)? else {
        return Ok(None);
    };
    let session = Session::open(&host.environment, workspace, &given);
    Ok(Some(runtime()?.block_on(interrupts.end_soon(session))?))
}

/// Everything that the Nest asks for, as far as that is known without asking anybody: a group has no projects here.
/// `None`: it has problems, which were shown.
pub(crate) fn wanted_unasked(
    host: &mut Host,
    context: Context,
    args: &EngineArgs,
) -> Result<Option<Resources>, Failure> {
    let Some((workspace, _)) = args.check(host, context)? else {
        return Ok(None);
    };
    Ok(Some(gosling_deploy::wanted_unasked(&workspace)?))
}

/// An error as the command line says it.
pub(crate) fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::wrong_use(error.to_string())
}

/// Shows the problems that keep a Nest from being used: on standard error, or as the one document.
pub(crate) fn show_problems(host: &mut Host, context: Context, report: Report) -> Result<(), Failure> {
    if host.asked.json {
        render::write(Format::Json, &[report], context.out, &mut host.out)?;
        return Ok(());
    }
    let more = render::more(std::slice::from_ref(&report));
    render::write(Format::Human, &[report], context.err, &mut host.err)?;
    if let Some(more) = more {
        host.say(more)?;
    }
    Ok(())
}
