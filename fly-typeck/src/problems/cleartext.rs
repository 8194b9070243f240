//! FLY509: a token would go over the network unencrypted.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A token would go over the network unencrypted.
pub(crate) static KIND: Kind = Kind {
    code: "FLY509",
    title: "a token would go over the network unencrypted",
    severity: Severity::Error,
    explanation: r#"Every call to a service carries a token. Over `http://` everybody on the way can read it and use it. Give the service a
certificate and write `https://`; `ca_file` or `fingerprint` names a certificate of your own. `http://` is fine for a
service on this machine (`localhost`, `127.0.0.1`, `[::1]`). Where nothing else is possible, `insecure_http = true` in the
provider's block allows it.
"#,
    wrong: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "http://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
"#,
    right: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
"#,
};

/// `provider` is the block that may allow it: `provider "gitlab"`.
pub(crate) fn problem(at: Span, provider: &str) -> Problem {
    Problem::new(&KIND, at, "a token would go over the network unencrypted")
        .note("`http://` to another machine")
        .help(format!(
            "write `https://`; where that is impossible, `insecure_http = true` in {provider} allows it"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn names_the_block_that_may_allow_it() {
        let help = problem(here(0, 4), "`provider \"gitlab\"`").help.unwrap_or_default();
        assert!(help.contains("in `provider \"gitlab\"` allows it"), "{help}");
    }
}
