//! `gosling schema`

use std::io::Write;

use clap::{Args, ValueEnum};
use fly_typeck::reference;

use crate::terminal::Exit;
use crate::{Failure, Host};

/// Print every block kind and attribute of the language
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling schema > reference.md
  gosling schema --format json-schema > fly.schema.json")]
pub(crate) struct SchemaArgs {
    /// The output format
    #[arg(long, value_enum, default_value_t = SchemaFormat::Markdown)]
    format: SchemaFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemaFormat {
    /// The reference page
    Markdown,
    /// A JSON Schema of `gosling eval --json`
    JsonSchema,
}

pub(crate) fn cmd_schema(host: &mut Host, args: &SchemaArgs) -> Result<Exit, Failure> {
    let format = if host.asked.json {
        SchemaFormat::JsonSchema
    } else {
        args.format
    };
    let text = match format {
        SchemaFormat::Markdown => reference::markdown(),
        SchemaFormat::JsonSchema => format!("{:#}", reference::json_schema()),
    };
    writeln!(host.out, "{}", text.trim_end())?;
    Ok(Exit::Clean)
}
