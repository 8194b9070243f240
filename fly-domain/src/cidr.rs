//! `10.0.0.0/16`

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Malformed;

/// An address and how many of its first bits name the network: `10.0.0.0/16`, `fd00::/8`.
///
/// The bits after the prefix are kept, because `10.0.0.5/24` also says which address a runner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// Reads `address/prefix`.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let Some((address, prefix)) = text.split_once('/') else {
            let Ok(address) = text.parse::<IpAddr>() else {
                return Err(Malformed::new(
                    "it must be an address and a prefix, as in `10.0.0.0/16`",
                ));
            };
            let network = match address {
                IpAddr::V4(_) => 24,
                IpAddr::V6(_) => 64,
            };
            return Err(Malformed::new(format!(
                "it has no prefix: write that of its network, as in `{address}/{network}`; `/{}` is this address alone",
                bits(address)
            )));
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return Err(Malformed::new(
                "what stands before its `/` is not an IPv4 or IPv6 address",
            ));
        };
        let most = bits(address);
        let digits =
            !prefix.is_empty() && prefix.len() <= 3 && prefix.bytes().all(|byte| byte.is_ascii_digit());
        match prefix.parse::<u8>() {
            Ok(prefix) if digits && prefix <= most => Ok(Self { address, prefix }),
            _ => match netmask_prefix(prefix) {
                Some(prefix) if prefix <= most => {
                    Err(Malformed::new("its prefix is a number of bits, not a mask")
                        .with_suggestion(format!("{address}/{prefix}")))
                }
                _ => Err(Malformed::new(format!(
                    "its prefix must be a number from 0 to {most}"
                ))),
            },
        }
    }

    /// The address as written: `10.0.0.5` of `10.0.0.5/24`.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits name the network.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// How many bits are left for addresses.
    #[must_use]
    pub fn host_bits(self) -> u8 {
        bits(self.address) - self.prefix
    }

    /// The network alone: `10.0.0.0/24` of `10.0.0.5/24`.
    #[must_use]
    pub fn network(self) -> Self {
        let host_bits = u32::from(self.host_bits());
        let number = number(self.address);
        let network = number
            .checked_shr(host_bits)
            .and_then(|high| high.checked_shl(host_bits))
            .unwrap_or(0);
        Self {
            address: self.with_number(network),
            prefix: self.prefix,
        }
    }

    /// The network's address number `index`; a negative one counts from the end, -1 is the last. None beyond its end.
    #[must_use]
    pub fn host(self, index: i64) -> Option<IpAddr> {
        let last = u128::MAX
            .checked_shr(128 - u32::from(self.host_bits()))
            .unwrap_or(0);
        let distance = if index < 0 {
            u128::from(index.unsigned_abs()) - 1
        } else {
            u128::from(index.unsigned_abs())
        };
        if distance > last {
            return None;
        }
        let offset = if index < 0 { last - distance } else { distance };
        Some(self.with_number(number(self.network().address) | offset))
    }

    /// The part number `index` of the network, when it is cut into parts whose prefix is `new_bits` longer. None where
    /// the prefix becomes too long or there are not so many parts.
    #[must_use]
    pub fn subnet(self, new_bits: u8, index: u64) -> Option<Self> {
        let left = self.host_bits().checked_sub(new_bits)?;
        if new_bits < 64 && index >> new_bits != 0 {
            return None;
        }
        // Shifting by all 128 bits happens only where nothing is cut off `::/0`, and `index` is 0 then.
        let offset = u128::from(index).checked_shl(left.into()).unwrap_or(0);
        let address = self.with_number(number(self.network().address) | offset);
        Some(Self {
            address,
            prefix: self.prefix + new_bits,
        })
    }

    /// An address of the same family.
    fn with_number(self, number: u128) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX))),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(number)),
        }
    }
}

/// How many bits an address of this family has.
const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// `24` of `255.255.255.0`.
fn netmask_prefix(text: &str) -> Option<u8> {
    let mask = text.parse::<Ipv4Addr>().ok()?.to_bits();
    (mask.leading_ones() + mask.trailing_zeros() == 32).then(|| u8::try_from(mask.leading_ones()).ok())?
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{accepts, holds, refuses, texts};

    #[test]
    fn reads_addresses_with_a_prefix() {
        accepts(
            Cidr::parse,
            &[
                ("10.0.0.0/16", "10.0.0.0/16"),
                ("10.0.0.5/24", "10.0.0.5/24"),
                ("0.0.0.0/0", "0.0.0.0/0"),
                ("FD00:0:0::/8", "fd00::/8"),
                ("::1/128", "::1/128"),
            ],
        );
    }

    #[test]
    fn says_what_to_write_instead() {
        refuses(
            Cidr::parse,
            &[
                ("", "an address and a prefix", None),
                (
                    "10.0.0.5",
                    "as in `10.0.0.5/24`; `/32` is this address alone",
                    None,
                ),
                ("fd00::1", "no prefix", None),
                ("10.0.0/24", "not an IPv4 or IPv6", None),
                ("10.0.0.256/24", "not an IPv4 or IPv6", None),
                ("10.0.0.0/33", "from 0 to 32", None),
                ("fd00::/129", "from 0 to 128", None),
                ("10.0.0.0/255.255.255.0", "not a mask", Some("10.0.0.0/24")),
                ("10.0.0.0/255.0.255.0", "from 0 to 32", None),
                ("10.0.0.0/", "from 0 to 32", None),
                ("10.0.0.0/+8", "from 0 to 32", None),
                ("10.0.0.0/-1", "from 0 to 32", None),
                ("example.com/24", "not an IPv4 or IPv6", None),
            ],
        );
    }

    #[test]
    fn cuts_networks() {
        for (text, network) in [
            ("10.1.2.3/16", "10.1.0.0/16"),
            ("10.1.2.3/32", "10.1.2.3/32"),
            ("10.1.2.3/0", "0.0.0.0/0"),
            ("fd00::1/8", "fd00::/8"),
            ("fd00::1/0", "::/0"),
        ] {
            assert_eq!(Cidr::parse(text).unwrap().network().to_string(), network);
        }
        for (text, index, host) in [
            ("10.0.0.0/24", 5, Some("10.0.0.5")),
            ("10.0.0.9/24", 5, Some("10.0.0.5")),
            ("10.0.0.0/24", 256, None),
            ("10.0.0.0/24", -1, Some("10.0.0.255")),
            ("10.0.0.0/24", -257, None),
            ("10.0.0.0/24", i64::MIN, None),
            ("10.0.0.7/32", 0, Some("10.0.0.7")),
            ("10.0.0.7/32", 1, None),
            ("::/0", -1, Some("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")),
            ("fd00::/64", i64::MAX, Some("fd00::7fff:ffff:ffff:ffff")),
        ] {
            let found = Cidr::parse(text)
                .unwrap()
                .host(index)
                .map(|host| host.to_string());
            assert_eq!(found.as_deref(), host, "{text} {index}");
        }
        for (text, new_bits, index, subnet) in [
            ("10.0.0.0/16", 8, 2, Some("10.0.2.0/24")),
            ("10.0.9.9/16", 8, 255, Some("10.0.255.0/24")),
            ("10.0.0.0/16", 8, 256, None),
            ("10.0.0.0/16", 17, 0, None),
            ("10.0.0.0/16", 0, 0, Some("10.0.0.0/16")),
            ("::/0", 0, 0, Some("::/0")),
            ("::/0", 128, 1, Some("::1/128")),
            ("fd00::/48", 16, 10, Some("fd00:0:0:a::/64")),
        ] {
            let found = Cidr::parse(text)
                .unwrap()
                .subnet(new_bits, index)
                .map(|subnet| subnet.to_string());
            assert_eq!(found.as_deref(), subnet, "{text} {new_bits} {index}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(Cidr::parse, &text)?;
        }

        #[test]
        fn hosts_lie_in_their_network(address: u32, prefix in 0..=32_u8, index: i64) {
            let cidr = Cidr { address: IpAddr::V4(Ipv4Addr::from_bits(address)), prefix };
            if let Some(host) = cidr.host(index) {
                prop_assert_eq!(Cidr { address: host, prefix }.network(), cidr.network());
            }
        }

        #[test]
        fn subnets_lie_in_their_network(address: u128, prefix in 0..=128_u8, new_bits: u8, index: u64) {
            let cidr = Cidr { address: IpAddr::V6(Ipv6Addr::from_bits(address)), prefix };
            if let Some(subnet) = cidr.subnet(new_bits, index) {
                prop_assert_eq!(Cidr { prefix, ..subnet }.network(), cidr.network());
                prop_assert_eq!(subnet.network(), subnet);
            }
        }
    }
}
