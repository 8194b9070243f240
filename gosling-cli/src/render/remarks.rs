//! What a plan leaves as it is although it is not as the Nest asks for, or was changed outside gosling.

use std::collections::BTreeMap;
use std::io::{self, Write};

use gosling_engine::{Plan, Remark};
use gosling_resource::Address;

/// So many machines of a block are named for one and the same reason; of the others, how many there are.
const NAMED: usize = 3;

/// Writes the remarks of a plan.
///
/// # Errors
/// Where `out` cannot be written.
pub(super) fn write(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    if plan.remarks.is_empty() {
        return Ok(());
    }
    // Machines of a pool mostly have one and the same reason.
    let mut alike: BTreeMap<(String, &str), Vec<&Remark>> = BTreeMap::new();
    for remark in &plan.remarks {
        let key = (remark.address.block(), remark.attribute.as_str());
        alike.entry(key).or_default().push(remark);
    }
    writeln!(out, "Not changed by this plan:\n")?;
    for ((block, _), remarks) in &alike {
        for remark in remarks.iter().take(NAMED) {
            let origin = remark.origin.as_ref();
            let origin = origin.map(|origin| format!("  # {origin}")).unwrap_or_default();
            writeln!(out, "  {} {}{origin}", remark.address, remark.message)?;
        }
        if let Some(more) = remarks.len().checked_sub(NAMED).filter(|more| *more > 0) {
            writeln!(
                out,
                "  and {more} more of {block}: `gosling plan --json` lists them"
            )?;
        }
        if let Some(help) = remarks.iter().find_map(|remark| remark.help.as_deref()) {
            writeln!(out, "    help: {help}")?;
        }
        let replaced = remarks.iter().filter(|remark| remark.replace);
        let replaced: Vec<&Address> = replaced.map(|remark| &remark.address).collect();
        if !replaced.is_empty() {
            writeln!(
                out,
                "    help: `{}` creates it again as the Nest asks for",
                command(&replaced)
            )?;
        }
    }
    writeln!(out)
}

/// What replaces these: all of them, or one as an example.
fn command(addresses: &[&Address]) -> String {
    let named = if addresses.len() > NAMED {
        1
    } else {
        addresses.len()
    };
    let addresses = addresses.iter().take(named);
    let replaced: String = addresses
        .map(|address| format!(" --replace '{address}'"))
        .collect();
    format!("gosling apply{replaced}")
}
