//! What the machines of a whole Nest share out among themselves: numbers, names and addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fly_domain::VmidRange;
use gosling_resource::Address;

use crate::error::Reason;

/// What the machines of one owner take.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    /// Where they are made.
    pub(crate) provider: String,
    /// The range that their numbers are from; none where they have no numbers.
    pub(crate) range: Option<VmidRange>,
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
    numbers: BTreeMap<(String, u32, u32), u64>,
    names: BTreeMap<String, Address>,
    addresses: BTreeMap<(String, IpAddr), Address>,
}

impl Allotment {
    /// Takes so many numbers of a range.
    pub(crate) fn number(
        &mut self,
        block: &str,
        provider: &str,
        range: &VmidRange,
        machines: usize,
    ) -> Result<(), Reason> {
        let (size, numbers) = (u64::from(range.count()), range.numbers());
        let wanted = self
            .numbers
            .entry((provider.to_owned(), *numbers.start(), *numbers.end()))
            .or_default();
        *wanted = wanted.saturating_add(u64::try_from(machines).unwrap_or(u64::MAX));
        if *wanted <= size {
            return Ok(());
        }
        Err(Reason::Range {
            block: block.to_owned(),
            provider: provider.to_owned(),
            range: range.to_string(),
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
