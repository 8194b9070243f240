//! Standard input.

use std::io::Read;

use crate::{Failure, Host};

/// All of standard input, as far as a Fly file may be long.
pub(crate) fn standard_input(host: &mut Host) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let longest = fly_workspace::LIMIT;
    host.input.by_ref().take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(Failure::wrong_use(format!(
            "standard input is longer than a Fly file may be: {longest} bytes"
        )));
    }
    Ok(bytes)
}
