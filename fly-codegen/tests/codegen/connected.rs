//! Whom a Nest names.

use fly_codegen::{VaultLogin, connections};

use crate::support::{egg, example, nest};

#[test]
fn the_example_names_its_services() {
    let example = example();
    let found = connections(&example.source());
    assert_eq!(found.nest_name.as_deref(), Some("proxmox-lab"));
    let [cluster] = found.proxmoxes.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(cluster.label, "proxmox");
    assert_eq!(cluster.endpoint, "https://pve.lab.example.com:8006");
    assert_eq!(cluster.token_id, "gosling@pve!ci");
    assert_eq!(cluster.token.as_str(), "env://PROXMOX_TOKEN");
    assert_eq!((cluster.insecure, cluster.ca_file.as_deref()), (false, None));
    assert_eq!(
        cluster.origin.as_ref().map(|origin| origin.file.as_str()),
        Some("nest.fly")
    );
    let [server] = found.gitlabs.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(server.server, "gitlab.lab.example.com");
    assert_eq!(server.base_url, "https://gitlab.lab.example.com");
    assert_eq!(server.token.as_str(), "env://GITLAB_TOKEN");
    assert_eq!(found.vault, None);
}

const MORE: &str = r#"nest {
  secrets {
    recipients = ["age1qqqq"]
  }
}
provider "gitlab" {
  server = "https://gitlab.lab/"
  token = "store://gitlab/token"
  insecure = true
}
provider "gitlab" "old" {
  server = "old.lab"
  token = "env://OLD"
}
provider "vault" {
  address = "https://vault.lab:8200/"
  mount = "kv"
  namespace = "ci"
  approle {
    role_id = "r"
    secret_id = "env://VAULT_SECRET_ID"
  }
}
"#;

#[test]
fn a_server_is_the_same_however_it_is_written() {
    let compiled = nest(&(MORE.to_owned() + &egg("", "")));
    let found = connections(&compiled.source());
    let servers: Vec<(&str, &str, bool)> = found
        .gitlabs
        .iter()
        .map(|server| (server.server.as_str(), server.token.as_str(), server.insecure))
        .collect();
    assert_eq!(
        servers,
        [
            ("gitlab.lab", "store://gitlab/token", true),
            ("https://gitlab.lab/", "store://gitlab/token", true),
            ("old.lab", "env://OLD", false),
        ]
    );
    assert_eq!(found.recipients, ["age1qqqq"]);
    let vault = found.vault.unwrap();
    assert_eq!(
        (vault.address.as_str(), vault.mount.as_str()),
        ("https://vault.lab:8200", "kv")
    );
    assert_eq!(vault.namespace.as_deref(), Some("ci"));
    let secret_id = "env://VAULT_SECRET_ID".parse().unwrap();
    assert_eq!(
        vault.login,
        VaultLogin::Approle {
            role_id: "r".to_owned(),
            secret_id
        }
    );
}

#[test]
fn without_a_provider_the_token_is_the_eggs_or_the_environments() {
    let token = |archive: &str| {
        let compiled = nest(archive);
        connections(&compiled.source()).gitlabs[0].token.to_string()
    };
    assert_eq!(token(&egg("", "")), "env://GITLAB_TOKEN");
    let own = egg("", "").replace("project_id = 17", "project_id = 17\n api_token = \"env://OWN\"");
    assert_eq!(token(&own), "env://OWN");
}
