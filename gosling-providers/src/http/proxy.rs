//! The proxy that the environment names for an address.

use std::net::IpAddr;

use reqwest::Url;

use super::{SendError, words};

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// The variable that names it.
    pub(super) variable: &'static str,
    /// Its address.
    pub(super) address: String,
}

impl Proxy {
    /// The proxy for an address: that of `HTTPS_PROXY` or `ALL_PROXY`, unless `NO_PROXY` excepts the host. For `http`
    /// only the small `http_proxy` counts: a web server sets the large one from a header that anybody can send.
    pub(super) fn of(url: &Url, environment: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let variables: &[&'static str] = match url.scheme() {
            "https" => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
            _ => &["http_proxy", "ALL_PROXY", "all_proxy"],
        };
        let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        let (variable, address) = variables.iter().find_map(|name| Some((*name, set(name)?)))?;
        let exceptions = set("NO_PROXY").or_else(|| set("no_proxy")).unwrap_or_default();
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let excepted = exceptions
            .split(',')
            .any(|exception| excepts(exception.trim(), host));
        (!excepted).then(|| Self {
            variable,
            address: address.trim().to_owned(),
        })
    }

    /// What a client needs to use it.
    pub(super) fn connector(&self) -> Result<reqwest::Proxy, SendError> {
        reqwest::Proxy::all(&self.address).map_err(|_| {
            words::unsent(
                // The value is not repeated: where it is no address, nobody knows where in it a password stands.
                format!("the value of {} is not the address of a proxy", self.variable),
                Some("write it like `http://proxy.example.com:3128`"),
            )
        })
    }

    /// The proxy for a person, without a password: `the proxy http://proxy:3128 (HTTPS_PROXY)`.
    pub(super) fn words(&self) -> String {
        format!(
            "the proxy {} ({})",
            words::without_password(&self.address),
            self.variable
        )
    }
}

/// Whether an exception means a host: `*`, the host itself, a domain that it is in, an address or a range of them.
fn excepts(exception: &str, host: &str) -> bool {
    if exception == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return match exception.split_once('/') {
            Some((network, length)) => in_network(address, network, length) == Some(true),
            None => exception.trim_matches(['[', ']']).parse() == Ok(address),
        };
    }
    let domain = exception
        .trim_start_matches("*.")
        .trim_start_matches('.')
        .to_lowercase();
    let host = host.to_lowercase();
    !domain.is_empty()
        && (host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.')))
}

/// Whether an address is in a network of so many leading bits; `None` where that is no network.
fn in_network(address: IpAddr, network: &str, length: &str) -> Option<bool> {
    let length: u32 = length.parse().ok()?;
    Some(match (address, network.parse().ok()?) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let shift = 32_u32.checked_sub(length)?;
            let bits = |address: u32| u64::from(address) >> shift;
            bits(address.to_bits()) == bits(network.to_bits())
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let shift = 128_u32.checked_sub(length)?;
            let bits = |address: u128| address.checked_shr(shift).unwrap_or_default();
            bits(address.to_bits()) == bits(network.to_bits())
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(address: &str, set: &[(&str, &str)]) -> Option<String> {
        let value = |name: &str| {
            set.iter()
                .find(|(own, _)| *own == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Proxy::of(&Url::parse(address).ok()?, value).map(|proxy| proxy.words())
    }

    #[test]
    fn a_proxy_is_named_without_its_password() {
        let set = [
            ("HTTPS_PROXY", "http://me:secret@proxy:3128"),
            ("ALL_PROXY", "http://other"),
        ];
        let https = proxy("https://git.example.com", &set);
        assert_eq!(
            https.as_deref(),
            Some("the proxy http://proxy:3128 (HTTPS_PROXY)")
        );
        let http = proxy(
            "http://127.0.0.1:1",
            &[("HTTP_PROXY", "http://proxy"), ("all_proxy", "socks5://s")],
        );
        assert_eq!(http.as_deref(), Some("the proxy socks5://s (all_proxy)"));
        assert_eq!(proxy("https://git.example.com", &[("HTTPS_PROXY", " ")]), None);
        for misspelt in [
            "htp:/me:secret@proxy:3128",
            "me:secret@proxy:3128",
            "a@b://c:secret@proxy:3128",
        ] {
            let words = proxy("https://git.example.com", &[("HTTPS_PROXY", misspelt)]);
            assert_eq!(
                words.as_deref(),
                Some("the proxy proxy:3128 (HTTPS_PROXY)"),
                "{misspelt}"
            );
        }
    }

    #[test]
    fn no_proxy_excepts_hosts_domains_addresses_networks_and_everything() {
        let is_excepted = |address: &str, exceptions: &str| {
            proxy(
                address,
                &[("https_proxy", "http://proxy"), ("NO_PROXY", exceptions)],
            )
            .is_none()
        };
        for (address, exceptions) in [
            ("https://git.example.com", "*"),
            ("https://git.example.com", "localhost, .example.com"),
            ("https://git.example.com", "example.com"),
            ("https://git.example.com:8443", "GIT.example.com"),
            ("https://10.1.2.3", "10.0.0.0/8"),
            ("https://10.1.2.3", "10.1.2.3"),
            ("https://[::1]:8006", "::1"),
            ("https://[fd00::5]", "fd00::/16"),
            ("https://10.1.2.3", "0.0.0.0/0"),
        ] {
            assert!(is_excepted(address, exceptions), "{address} {exceptions}");
        }
        for (address, exceptions) in [
            ("https://git.example.com", ""),
            ("https://mygit.example.com", "git.example.com"),
            ("https://notexample.com", "example.com"),
            ("https://11.1.2.3", "10.0.0.0/8"),
            ("https://10.1.2.3", "10.0.0.0/99"),
            ("https://10.1.2.3", "fd00::/8"),
        ] {
            assert!(!is_excepted(address, exceptions), "{address} {exceptions}");
        }
    }
}
