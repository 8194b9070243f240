//! What the machines of a whole Nest share out among themselves: numbers, names and addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use gosling_resource::Address;

use crate::error::Reason;

/// What the machines of one owner take.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    /// Where they are made.
    pub(crate) provider: String,
    /// The range that their numbers are from: `5000-5999`.
    pub(crate) range: String,
    /// Each of them.
    pub(crate) machines: Vec<Share>,
}

/// What one machine takes.
#[derive(Debug)]
pub(crate) struct Share {
    /// Which.
    pub(crate) machine: Address,
    /// Its host name.
    pub(crate) name: String,
    /// Its address, where it does not ask DHCP.
    pub(crate) address: Option<IpAddr>,
}

/// What has been given out so far.
#[derive(Debug, Default)]
pub(crate) struct Allotment {
    /// How many machines want a number, by provider and range.
    numbers: BTreeMap<(String, String), u64>,
    names: BTreeMap<String, Address>,
    addresses: BTreeMap<(String, IpAddr), Address>,
}

impl Allotment {
    /// Takes so many numbers of a range.
    pub(crate) fn number(
        &mut self,
        block: &str,
        provider: &str,
        range: &str,
        machines: usize,
    ) -> Result<(), Reason> {
        let size = range_size(range);
        let wanted = self
            .numbers
            .entry((provider.to_owned(), range.to_owned()))
            .or_default();
        *wanted = wanted.saturating_add(u64::try_from(machines).unwrap_or(u64::MAX));
        if *wanted <= size {
            return Ok(());
        }
        Err(Reason::Range {
            block: block.to_owned(),
            provider: provider.to_owned(),
            range: range.to_owned(),
            size,
            wanted: *wanted,
        })
    }

    /// Takes a name.
    pub(crate) fn name(&mut self, name: String, machine: &Address) -> Result<(), Reason> {
        match self.names.insert(name.clone(), machine.clone()) {
            None => Ok(()),
            Some(first) => Err(Reason::SameName {
                name,
                first: first.to_string(),
                second: machine.to_string(),
            }),
        }
    }

    /// Takes an address on a provider's networks.
    pub(crate) fn address(
        &mut self,
        provider: &str,
        address: IpAddr,
        machine: &Address,
    ) -> Result<(), Reason> {
        let key = (provider.to_owned(), address);
        match self.addresses.insert(key, machine.clone()) {
            None => Ok(()),
            Some(first) => Err(Reason::SameAddress {
                address: address.to_string(),
                first: first.to_string(),
                second: machine.to_string(),
            }),
        }
    }
}

/// How many numbers `5000-5999` has.
fn range_size(range: &str) -> u64 {
    let ends = range.split_once('-').and_then(|(first, last)| {
        let first: u64 = first.trim().parse().ok()?;
        let last: u64 = last.trim().parse().ok()?;
        last.checked_sub(first)?.checked_add(1)
    });
    ends.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_counts_both_its_ends() {
        assert_eq!(range_size("5000-5999"), 1000);
        assert_eq!(range_size("100 - 100"), 1);
        assert_eq!(range_size("200-100"), 0);
        assert_eq!(range_size("x"), 0);
    }
}
