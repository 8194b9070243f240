//! `gosling graph`

use std::io::Write;

use clap::{Args, ValueEnum};
use gosling_resource::Resources;
use serde_json::json;

use crate::terminal::{Context, Exit};
use crate::terminal::{EngineArgs, open_session};
use crate::{Failure, Host};

/// Draw the Nest's resources and their dependencies
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling graph | dot -Tsvg > nest.svg
  gosling graph --format mermaid    for a README or a merge request")]
pub(crate) struct GraphArgs {
    /// The output format
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    format: GraphFormat,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GraphFormat {
    /// For Graphviz
    Dot,
    /// For Mermaid
    Mermaid,
}

pub(crate) fn cmd_graph(host: &mut Host, context: Context, args: &GraphArgs) -> Result<Exit, Failure> {
    let Some(mut session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    crate::terminal::block_on(async {
        let wanted = session.all_wanted().await?;
        if host.asked.json {
            let resources = wanted.iter().map(|resource| {
                let needs: Vec<String> = resource.needs().iter().map(ToString::to_string).collect();
                json!({ "address": resource.address, "kind": resource.kind, "needs": needs })
            });
            host.document(json!({ "resources": resources.collect::<Vec<_>>() }))?;
            return Ok(Exit::Clean);
        }
        write!(host.out, "{}", drawn(&wanted, args.format))?;
        Ok(Exit::Clean)
    })
}

/// An arrow leads from what is needed to what needs it.
fn drawn(resources: &Resources, format: GraphFormat) -> String {
    let mut text = match format {
        GraphFormat::Dot => "digraph nest {\n  rankdir = LR\n  node [shape = box]\n".to_owned(),
        GraphFormat::Mermaid => "flowchart LR\n".to_owned(),
    };
    let addresses: Vec<String> = resources
        .iter()
        .map(|resource| resource.address.to_string())
        .collect();
    let number = |address: &str| addresses.iter().position(|other| other == address).unwrap_or(0);
    for (index, resource) in resources.iter().enumerate() {
        let line = match format {
            GraphFormat::Dot => format!(
                "  \"{}\" [label = \"{0}\\n{}\"]\n",
                resource.address, resource.kind
            ),
            GraphFormat::Mermaid => format!("  n{index}[\"{}<br/>{}\"]\n", resource.address, resource.kind),
        };
        text.push_str(&line);
    }
    for (index, resource) in resources.iter().enumerate() {
        for need in resource.needs() {
            let line = match format {
                GraphFormat::Dot => format!("  \"{need}\" -> \"{}\"\n", resource.address),
                GraphFormat::Mermaid => format!("  n{} --> n{index}\n", number(&need.to_string())),
            };
            text.push_str(&line);
        }
    }
    if format == GraphFormat::Dot {
        text.push_str("}\n");
    }
    text
}
