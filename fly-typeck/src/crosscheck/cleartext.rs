//! Services that a token would reach unencrypted.

use super::{Blocks, placed_text};
use crate::checked::CheckedBlock;
use crate::problems;
use crate::sink::Sink;
use crate::value::Value;
use fly_domain::host;

pub(super) fn check(nest: &Blocks<'_>, sink: &mut Sink) {
    let mut allowed: Vec<String> = Vec::new();
    for provider in nest.of("provider") {
        let may = matches!(provider.value("insecure_http"), Some(Value::Bool(true)));
        let addresses = ["endpoint", "address", "server"].map(|name| placed_text(provider, name));
        for (address, at) in addresses.into_iter().flatten() {
            if may {
                allowed.push(plain(address));
            } else if is_clear(address) {
                let block = format!("`provider \"{}\"`", provider.labels.join("\" \""));
                sink.push(problems::cleartext::problem(at, &block));
                // Said once, not again at each egg of that server.
                allowed.push(plain(address));
            }
        }
    }
    for egg in nest.of("egg").chain(nest.of("eggsbucket")) {
        gitlabs(egg, &mut |gitlab| {
            if let Some((server, at)) = placed_text(gitlab, "server")
                && is_clear(server)
                && !allowed.contains(&plain(server))
            {
                sink.push(problems::cleartext::problem(
                    at,
                    "a `provider \"gitlab\"` of that server",
                ));
            }
        });
    }
}

fn gitlabs(block: &CheckedBlock, found: &mut impl FnMut(&CheckedBlock)) {
    if block.name == "gitlab" {
        found(block);
    }
    block.blocks.iter().for_each(|inner| gitlabs(inner, found));
}

fn plain(address: &str) -> String {
    address.trim_end_matches('/').to_ascii_lowercase()
}

/// Whether what is sent there leaves this machine unencrypted.
fn is_clear(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (host, _) = host::split_port(authority);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<std::net::IpAddr>() {
        Ok(address) => !address.to_canonical().is_loopback(),
        Err(_) => {
            let host = host.to_ascii_lowercase();
            host != "localhost" && !host.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_encryption() {
        for own in [
            "http://localhost:8006",
            "http://127.0.0.1",
            "http://127.8.0.1:1/x",
            "http://[::1]:80",
            "http://git.localhost",
            "https://pve.example.com",
            "pve.example.com",
        ] {
            assert!(!is_clear(own), "{own}");
        }
        for other in [
            "http://pve.example.com:8006",
            "http://10.0.0.1",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com/",
        ] {
            assert!(is_clear(other), "{other}");
        }
    }
}
