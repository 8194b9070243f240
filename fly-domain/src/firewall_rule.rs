//! `10.0.0.0/8 tcp/22`

use std::net::IpAddr;

use smol_str::SmolStr;

use super::{Cidr, Malformed};

/// Who may come in, and where not all is meant, with which protocol and to which ports: `10.0.0.0/8`,
/// `10.0.0.0/8 tcp/22`, `192.168.0.7 icmp`, `+office tcp/80,443,8000:8100`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FirewallRule(SmolStr);

kept_text!(FirewallRule);

/// The protocols with ports.
const WITH_PORTS: [&str; 5] = ["tcp", "udp", "sctp", "dccp", "udplite"];
/// Those in whose port's place the name of a message may stand.
const ICMP: [&str; 3] = ["icmp", "icmpv6", "ipv6-icmp"];
/// Those with neither.
const OTHERS: [&str; 8] = ["ah", "esp", "gre", "igmp", "ipip", "ospf", "pim", "vrrp"];
/// Proxmox VE takes no more numbers in one rule.
const MOST_PORTS: usize = 15;

impl FirewallRule {
    /// Reads `SOURCE`, `SOURCE PROTOCOL` or `SOURCE PROTOCOL/PORTS`.
    ///
    /// # Errors
    /// Why it is none of them.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        super::read_or_suggest(text, Self::read)
    }

    fn read(text: &str) -> Result<Self, Malformed> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (source, service) = match words.as_slice() {
            [] => return Err(Malformed::new("it is empty")),
            [source] => (*source, None),
            [source, service] => (*source, Some(*service)),
            [source, protocol, ports] => {
                return Err(
                    Malformed::new("protocol and ports are one word, with a `/` between")
                        .with_suggestion(format!("{source} {protocol}/{ports}")),
                );
            }
            _ => return Err(Malformed::new("after the network stands one protocol at most")),
        };
        // A protocol alone is a name as an alias is one. That everybody is meant is nobody's slip.
        if service.is_none() && self::service(source).is_ok() {
            return Err(Malformed::new(
                "it says with which protocol, and not from where; `0.0.0.0/0` before it is everywhere",
            ));
        }
        let behind = |better: String| {
            let right = service.map(|word| match self::service(word) {
                Err(malformed) => malformed.suggestion.unwrap_or_else(|| word.to_owned()),
                Ok(()) => word.to_owned(),
            });
            match right {
                Some(service) => format!("{better} {service}"),
                None => better,
            }
        };
        self::source(source).map_err(|malformed| Malformed {
            suggestion: malformed.suggestion.map(behind),
            ..malformed
        })?;
        let Some(service) = service else {
            return Ok(Self(source.into()));
        };
        self::service(service).map_err(|malformed| Malformed {
            suggestion: malformed.suggestion.map(|better| format!("{source} {better}")),
            ..malformed
        })?;
        Ok(Self(format!("{source} {service}").into()))
    }
}

/// Networks, addresses or a range of these, or the name of an alias or an IP set that Proxmox VE has.
fn source(text: &str) -> Result<(), Malformed> {
    let name = text.strip_prefix('+').unwrap_or(text);
    let name = ["dc/", "guest/"]
        .iter()
        .find_map(|place| name.strip_prefix(place))
        .unwrap_or(name);
    let letters = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() > 1
        && name.chars().all(letters)
    {
        return Ok(());
    }
    let parts: Vec<&str> = text.split(',').collect();
    let mut family = None;
    for part in &parts {
        let own = match part.split_once('-') {
            Some(range) if parts.len() == 1 => range_family(range)?,
            Some(_) => return Err(Malformed::new("a range of addresses stands alone, in no list")),
            None => network_family(part)?,
        };
        if family.is_some_and(|family| family != own) {
            return Err(Malformed::new(
                "IPv4 and IPv6 addresses stand in rules of their own",
            ));
        }
        family = Some(own);
    }
    Ok(())
}

/// Whether it is IPv4.
fn network_family(text: &str) -> Result<bool, Malformed> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.is_ipv4());
    }
    if !text.contains('/') {
        return Err(Malformed::new(
            "from where must be a network or an address, as in `10.0.0.0/8 tcp/22`",
        ));
    }
    let cidr = Cidr::parse(text)?;
    if cidr != cidr.network() {
        return Err(Malformed::new("its address has bits behind the prefix")
            .with_suggestion(cidr.network().to_string()));
    }
    Ok(cidr.address().is_ipv4())
}

fn range_family((first, last): (&str, &str)) -> Result<bool, Malformed> {
    match (first.parse::<IpAddr>(), last.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) if one.is_ipv4() != other.is_ipv4() => Err(Malformed::new(
            "a range is from one IPv4 or IPv6 address to another",
        )),
        (Ok(one), Ok(other)) if one > other => {
            Err(Malformed::new("its range goes backwards").with_suggestion(format!("{last}-{first}")))
        }
        (Ok(one), Ok(_)) => Ok(one.is_ipv4()),
        _ => Err(Malformed::new(
            "a range is two addresses, as in `10.0.0.1-10.0.0.9`",
        )),
    }
}

/// `tcp/22`, `udp/53,60:70`, `icmp`.
fn service(text: &str) -> Result<(), Malformed> {
    let (protocol, ports) = match text.split_once('/') {
        Some((protocol, ports)) => (protocol, Some(ports)),
        None => (text, None),
    };
    let known = || WITH_PORTS.iter().chain(&ICMP).chain(&OTHERS).copied();
    let number = protocol.parse::<u8>().is_ok();
    if !known().any(|name| name == protocol) && !number {
        return Err(unknown(text, protocol, ports, known()));
    }
    let Some(ports) = ports else {
        // A number alone is a protocol's, and nobody means it so: 22 is ssh's port.
        return match number {
            true => {
                Err(Malformed::new("before a port stands its protocol")
                    .with_suggestion(format!("tcp/{text}")))
            }
            false => Ok(()),
        };
    };
    if ICMP.contains(&protocol) {
        let message = |letter: char| letter.is_ascii_alphabetic() || letter == '-';
        return match !ports.is_empty() && ports.chars().all(message) {
            true => Ok(()),
            false => Err(
                Malformed::new("behind it stands the name of a message, as in `icmp/echo-request`")
                    .with_suggestion(protocol),
            ),
        };
    }
    if !WITH_PORTS.contains(&protocol) && !number {
        return Err(Malformed::new(format!("{protocol} has no ports")).with_suggestion(protocol));
    }
    self::ports(ports).map_err(|malformed| Malformed {
        suggestion: malformed.suggestion.map(|better| format!("{protocol}/{better}")),
        ..malformed
    })
}

/// A word in a protocol's place that is none.
fn unknown<'n>(
    text: &str,
    protocol: &str,
    ports: Option<&str>,
    known: impl Iterator<Item = &'n str>,
) -> Malformed {
    let malformed = Malformed::new(format!(
        "`{}` is no protocol: write `tcp`, `udp` or `icmp`, and a port after a `/`",
        protocol.chars().take(20).collect::<String>()
    ));
    if let Some((protocol, ports)) = text.split_once(':').filter(|_| ports.is_none()) {
        return malformed.with_suggestion(format!("{protocol}/{ports}"));
    }
    let small: String = protocol.chars().take(20).collect::<String>().to_ascii_lowercase();
    let near = known
        .map(|name| (strsim::osa_distance(name, &small), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 && name.len() > 2);
    match near {
        Some((_, name)) => malformed.with_suggestion(match ports {
            Some(ports) => format!("{name}/{ports}"),
            None => name.to_owned(),
        }),
        None => malformed,
    }
}

/// `22`, `80,443`, `8000:8100`, `ssh`.
fn ports(text: &str) -> Result<(), Malformed> {
    let mut count = 0;
    for item in text.split(',') {
        let name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if item.starts_with(|first: char| first.is_ascii_alphabetic()) && item.chars().all(name) {
            count += 1;
            continue;
        }
        let numbers: Vec<Option<u16>> = item.split(':').map(port).collect();
        count += numbers.len();
        match numbers.as_slice() {
            [Some(_)] => {}
            [Some(first), Some(last)] if first <= last => {}
            [Some(first), Some(last)] => {
                return Err(Malformed::new("its range of ports goes backwards")
                    .with_suggestion(text.replace(item, &format!("{last}:{first}"))));
            }
            _ => {
                let malformed = Malformed::new("a port is a number from 1 to 65535, a range `8000:8100`");
                return Err(match item.contains('-') {
                    true => malformed.with_suggestion(text.replace('-', ":")),
                    false => malformed,
                });
            }
        }
    }
    match count {
        0..=MOST_PORTS => Ok(()),
        _ => Err(Malformed::new("it has more than 15 ports: write several rules")),
    }
}

fn port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{accepts, holds, refuses, texts};
    use super::*;

    #[test]
    fn reads_networks_protocols_and_ports() {
        accepts(
            FirewallRule::parse,
            &[
                ("10.0.0.0/8", "10.0.0.0/8"),
                (" 10.0.0.0/8   tcp/22 ", "10.0.0.0/8 tcp/22"),
                ("192.168.0.7 icmp", "192.168.0.7 icmp"),
                ("fd00::/8 udp/53:60", "fd00::/8 udp/53:60"),
                (
                    "10.0.0.1-10.0.0.9 tcp/80,443,8000:8100",
                    "10.0.0.1-10.0.0.9 tcp/80,443,8000:8100",
                ),
                (
                    "10.0.0.0/8,192.168.0.0/16 tcp/ssh",
                    "10.0.0.0/8,192.168.0.0/16 tcp/ssh",
                ),
                ("+office tcp/22", "+office tcp/22"),
                ("dc/office", "dc/office"),
                ("10.0.0.0/8 icmp/echo-request", "10.0.0.0/8 icmp/echo-request"),
                ("10.0.0.0/8 vrrp", "10.0.0.0/8 vrrp"),
            ],
        );
    }

    #[test]
    fn says_what_to_write_instead() {
        refuses(
            FirewallRule::parse,
            &[
                ("", "empty", None),
                ("10.0.0.1/8", "bits behind", Some("10.0.0.0/8")),
                ("10.0.0.1/8 tcp/22", "bits behind", Some("10.0.0.0/8 tcp/22")),
                ("10.0.0.1/8 tpc/22", "bits behind", Some("10.0.0.0/8 tcp/22")),
                ("10.0.0.0/8 tpc/22", "no protocol", Some("10.0.0.0/8 tcp/22")),
                ("10.0.0.0/8 TCP/22", "no protocol", Some("10.0.0.0/8 tcp/22")),
                ("10.0.0.0/8 tcp:22", "no protocol", Some("10.0.0.0/8 tcp/22")),
                ("10.0.0.0/8 tcp 22", "one word", Some("10.0.0.0/8 tcp/22")),
                ("10.0.0.0/8 22", "before a port", Some("10.0.0.0/8 tcp/22")),
                ("10.0.0.0/8 ssh", "no protocol", None),
                (
                    "10.0.0.0/8 tcp/8000-8100",
                    "a port is",
                    Some("10.0.0.0/8 tcp/8000:8100"),
                ),
                ("10.0.0.0/8 tcp/90:80", "backwards", Some("10.0.0.0/8 tcp/80:90")),
                ("10.0.0.0/8 tcp/70000", "a port is", None),
                ("10.0.0.0/8 tcp/", "a port is", None),
                ("10.0.0.0/8 gre/22", "no ports", Some("10.0.0.0/8 gre")),
                ("10.0.0.0/8 icmp/8", "name of a message", Some("10.0.0.0/8 icmp")),
                ("tcp/22", "not from where", None),
                ("tcp", "not from where", None),
                ("10.0.0/8", "not an IPv4", None),
                ("10.0.0.0/33 tcp", "from 0 to 32", None),
                ("10.0.0.300", "a network or an address", None),
                ("10.0.0.9-10.0.0.1", "backwards", Some("10.0.0.1-10.0.0.9")),
                ("10.0.0.1-fd00::1", "one IPv4 or IPv6", None),
                ("10.0.0.1-10.0.0.9,10.1.0.0/16", "stands alone", None),
                ("10.0.0.0/8,fd00::/8", "of their own", None),
                ("10.0.0.0/8 tcp/22 udp/53 x", "one protocol", None),
                (
                    "10.0.0.0/8 tcp/1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
                    "more than 15",
                    None,
                ),
            ],
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(FirewallRule::parse, &text)?;
        }

        #[test]
        fn a_network_and_a_service_are_read_back(text in "[0-9a-f.:/,+-]{1,20} [a-zA-Z0-9]{0,6}[/: ]?[0-9a-z:,-]{0,12}") {
            holds(FirewallRule::parse, &text)?;
        }
    }
}
