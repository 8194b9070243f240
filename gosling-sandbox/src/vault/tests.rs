#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use serde_json::{Value, json};

use super::Vault;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::world::VaultWorld;
use crate::{Call, World as _, WorldName};

struct Client {
    vault: Vault,
    ledger: Ledger,
    token: String,
    at: Duration,
}

impl Client {
    fn new() -> Self {
        Self {
            vault: Vault::new(&VaultWorld::default(), "hvs.root", Dice::new(7)),
            ledger: Ledger::default(),
            token: "hvs.root".to_owned(),
            at: Duration::ZERO,
        }
    }

    /// Sends a call; what follows a `?` in the path is its query.
    fn send(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let call = Call {
            method: method.to_owned(),
            path: format!("/v1/{path}"),
            query: crate::call::pairs(query),
            headers: vec![("x-vault-token".to_owned(), self.token.clone())],
            body: if body.is_null() {
                Vec::new()
            } else {
                body.to_string().into_bytes()
            },
            at: self.at,
        };
        let n = self.ledger.begin(WorldName::Vault, method, path);
        let reply = self.vault.answer(n, &call, &mut self.ledger);
        self.ledger.answered(n, reply.status);
        (
            reply.status,
            serde_json::from_slice(&reply.body).unwrap_or_default(),
        )
    }

    fn changes(&self) -> bool {
        self.ledger.calls().last().unwrap().changes
    }
}

#[test]
fn a_secret_is_written_read_and_kept_in_versions() {
    let mut client = Client::new();
    let path = "secret/data/gitlab/app/runner-token";
    let (status, written) = client.send("POST", path, &json!({ "data": { "value": "one" } }));
    assert_eq!((status, &written["data"]["version"]), (200, &json!(1)));
    let (_, written) = client.send("PUT", path, &json!({ "data": { "value": "two" } }));
    assert_eq!(written["data"]["version"], 2);
    let (status, read) = client.send("GET", path, &Value::Null);
    assert_eq!((status, &read["data"]["data"]["value"]), (200, &json!("two")));
    assert!(!client.changes());
    let (_, read) = client.send("GET", &format!("{path}?version=1"), &Value::Null);
    assert_eq!(read["data"]["data"]["value"], "one");
    assert_eq!(read["data"]["metadata"]["destroyed"], false);

    let objects = serde_json::to_value(client.ledger.objects()).unwrap();
    assert_eq!(
        objects,
        json!([{
            "world": "vault", "kind": "secret", "id": "secret/gitlab/app/runner-token",
            "name": "gitlab/app/runner-token", "marker": "", "created": 1, "deleted": null,
        }])
    );
}

#[test]
fn check_and_set_lets_only_the_first_of_two_writers_through() {
    let mut client = Client::new();
    let write = |cas: u64| json!({ "data": { "value": cas }, "options": { "cas": cas } });
    assert_eq!(client.send("POST", "secret/data/a", &write(1)).0, 400);
    assert!(!client.changes());
    assert_eq!(client.send("POST", "secret/data/a", &write(0)).0, 200);
    let (status, refused) = client.send("POST", "secret/data/a", &write(0));
    assert_eq!(
        (status, refused),
        (
            400,
            json!({ "errors": ["check-and-set parameter did not match the current version"] })
        )
    );
    assert_eq!(client.send("POST", "secret/data/a", &write(1)).0, 200);

    assert_eq!(
        client
            .send("POST", "secret/metadata/a", &json!({ "cas_required": true }))
            .0,
        204
    );
    let (status, refused) = client.send("POST", "secret/data/a", &json!({ "data": {} }));
    assert_eq!(
        (status, refused),
        (
            400,
            json!({ "errors": ["check-and-set parameter required for this call"] })
        )
    );
}

#[test]
fn deleted_is_not_destroyed_and_destroyed_is_not_forgotten() {
    let mut client = Client::new();
    client.send("POST", "secret/data/a", &json!({ "data": { "value": 1 } }));
    assert_eq!(client.send("DELETE", "secret/data/a", &Value::Null).0, 204);
    let (status, gone) = client.send("GET", "secret/data/a", &Value::Null);
    assert_eq!((status, &gone["data"]["data"]), (404, &Value::Null));
    assert_ne!(gone["data"]["metadata"]["deletion_time"], "");
    assert_eq!(
        client
            .send("POST", "secret/undelete/a", &json!({ "versions": [1] }))
            .0,
        204
    );
    assert_eq!(client.send("GET", "secret/data/a", &Value::Null).0, 200);
    assert_eq!(
        client
            .send("POST", "secret/destroy/a", &json!({ "versions": [1] }))
            .0,
        204
    );
    let (status, gone) = client.send("GET", "secret/data/a", &Value::Null);
    assert_eq!(
        (status, &gone["data"]["metadata"]["destroyed"]),
        (404, &json!(true))
    );
    assert_eq!(client.ledger.objects()[0].deleted, None);
    assert_eq!(client.send("DELETE", "secret/metadata/a", &Value::Null).0, 204);
    assert_eq!(client.ledger.objects()[0].deleted, Some(8));
    assert_eq!(
        client.send("GET", "secret/data/a", &Value::Null),
        (404, json!({ "errors": [] }))
    );
    client.send("DELETE", "secret/metadata/a", &Value::Null);
    assert!(!client.changes());
}

#[test]
fn lists_show_folders_once() {
    let mut client = Client::new();
    for path in ["gitlab/a/token", "gitlab/b", "gitlab/a/other"] {
        client.send("POST", &format!("secret/data/{path}"), &json!({ "data": {} }));
    }
    let (status, listed) = client.send("LIST", "secret/metadata/gitlab", &Value::Null);
    assert_eq!((status, &listed["data"]["keys"]), (200, &json!(["a/", "b"])));
    let (_, listed) = client.send("GET", "secret/metadata/?list=true", &Value::Null);
    assert_eq!(listed["data"]["keys"], json!(["gitlab/"]));
    assert_eq!(
        client.send("LIST", "secret/metadata/nothing", &Value::Null).0,
        404
    );
}

#[test]
fn tokens_come_from_a_login_too_and_end() {
    let mut client = Client::new();
    client.token = "hvs.wrong".to_owned();
    assert_eq!(
        client.send("GET", "secret/data/a", &Value::Null),
        (403, json!({ "errors": ["permission denied"] }))
    );
    assert_eq!(client.send("GET", "sys/health", &Value::Null).1["sealed"], false);
    let wrong = json!({ "role_id": "gosling", "secret_id": "guess" });
    assert_eq!(
        client.send("POST", "auth/approle/login", &wrong),
        (400, json!({ "errors": ["invalid role or secret ID"] }))
    );
    let right = json!({ "role_id": "gosling", "secret_id": "hvs.root" });
    let (_, login) = client.send("POST", "auth/approle/login", &right);
    client.token = login["auth"]["client_token"].as_str().unwrap().to_owned();
    assert_eq!(client.send("GET", "auth/token/lookup-self", &Value::Null).0, 200);
    let (_, mount) = client.send("GET", "sys/internal/ui/mounts/secret", &Value::Null);
    assert_eq!(mount["data"]["options"], json!({ "version": "2" }));
    client.at = Duration::from_secs(3600);
    assert_eq!(client.send("GET", "auth/token/lookup-self", &Value::Null).0, 403);
}

#[test]
fn the_wrong_path_says_what_it_is() {
    let mut client = Client::new();
    let (status, refused) = client.send("GET", "secret/gitlab/a", &Value::Null);
    assert_eq!(status, 404);
    assert!(
        refused["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("Invalid path for a versioned K/V")
    );
    let (status, refused) = client.send("GET", "other/data/a", &Value::Null);
    assert_eq!(status, 404);
    assert_eq!(
        refused["errors"][0],
        "no handler for route \"other/data/a\". route entry not found."
    );
}
