//! `vault://` against the simulated Vault.

use std::collections::BTreeMap;

use gosling_engine::fence::Unfenced;
use gosling_engine::{SecretError, Secrets};
use gosling_providers::http::{Answer, Body, Client, Method, Request};
use gosling_providers::secrets::{Approle, BackendSettings, Backends, VaultLogin, VaultSettings};
use gosling_sandbox::WorldName;
use serde_json::{Value as Json, json};

use crate::world::{World, fault, secret, uri};

fn settings(world: &World, login: VaultLogin) -> BackendSettings {
    let env = [("VAULT_TOKEN", world.env("VAULT_TOKEN")), ("WRONG", "hvs.wrong")];
    BackendSettings {
        env: env.map(|(name, value)| (name.to_owned(), secret(value))).into(),
        store: None,
        vault: Some(VaultSettings {
            endpoint: world.endpoint(),
            login,
            mount: "secret".to_owned(),
            namespace: None,
        }),
    }
}

fn vault(world: &World) -> Backends {
    let login = VaultLogin::Token(uri("env://VAULT_TOKEN"));
    Backends::new(settings(world, login)).unwrap()
}

/// A call by somebody else.
async fn call(world: &World, method: Method, path: &str, body: Json) -> Answer {
    let request = Request::new(method, format!("/v1/secret/{path}"))
        .header("x-vault-token", secret(world.env("VAULT_TOKEN")))
        .body(Body::Json(body));
    Client::new(&world.endpoint())
        .unwrap()
        .send(&request, &Unfenced)
        .await
        .unwrap()
}

fn writes(world: &World) -> usize {
    let ledger = world.sandbox.ledger();
    let calls = ledger
        .calls()
        .iter()
        .filter(|call| call.world == WorldName::Vault && call.changes);
    calls.count()
}

#[tokio::test]
async fn a_key_is_written_among_the_others_of_its_secret() {
    let world = World::start().await;
    let vault = vault(&world);
    let (token, other) = (uri("vault://ci/gitlab/token"), uri("vault://ci/gitlab/other"));
    vault.writable(&token).await.unwrap();
    assert_eq!(writes(&world), 0);
    assert_eq!(
        vault.read(&token).await.unwrap_err(),
        SecretError::Missing(token.clone())
    );
    assert!(!vault.describe(&token).await.unwrap().present);

    vault.write(&token, &secret("one"), &Unfenced).await.unwrap();
    vault.write(&other, &secret("two"), &Unfenced).await.unwrap();
    vault.write(&token, &secret("three"), &Unfenced).await.unwrap();
    assert_eq!(vault.read(&token).await.unwrap().expose(), "three");
    assert_eq!(vault.read(&other).await.unwrap().expose(), "two");
    let first = uri("vault://ci/gitlab/token?version=1");
    assert_eq!(vault.read(&first).await.unwrap().expose(), "one");
    let missing = uri("vault://ci/gitlab/other?version=1");
    assert_eq!(
        vault.read(&missing).await.unwrap_err(),
        SecretError::Missing(missing)
    );
    let error = vault.write(&first, &secret("x"), &Unfenced).await.unwrap_err();
    assert!(error.to_string().contains("leave `?version=` out"), "{error}");
    let described = vault.describe(&token).await.unwrap();
    assert_eq!(
        (described.present, described.version.as_deref()),
        (true, Some("3"))
    );
    assert!(described.updated.unwrap().starts_with("20"));

    vault
        .write(&uri("vault://ci/deep/er/key"), &secret("x"), &Unfenced)
        .await
        .unwrap();
    let listed = vault.list(&"vault://ci".parse().unwrap()).await.unwrap().uris;
    let listed: Vec<_> = listed.iter().map(gosling_resource::SecretUri::as_str).collect();
    assert_eq!(
        listed,
        [
            "vault://ci/deep/er/key",
            "vault://ci/gitlab/other",
            "vault://ci/gitlab/token"
        ]
    );
    let listed = vault
        .list(&"vault://ci/gitlab".parse().unwrap())
        .await
        .unwrap()
        .uris;
    assert_eq!(listed.len(), 2);
    // A key that no URI can name is listed all the same.
    let odd = json!({ "data": { "my key": "x" } });
    assert!(call(&world, Method::Post, "data/ci/odd", odd).await.is_success());
    let listing = vault.list(&"vault://ci/odd".parse().unwrap()).await.unwrap();
    assert_eq!(listing.uris, []);
    assert_eq!(listing.nameless[0].0, "ci/odd/my key");

    // What was deleted is missing, and can be written again.
    assert_eq!(
        call(&world, Method::Delete, "data/ci/gitlab", json!({}))
            .await
            .status,
        204
    );
    assert_eq!(
        vault.read(&token).await.unwrap_err(),
        SecretError::Missing(token.clone())
    );
    vault.write(&token, &secret("four"), &Unfenced).await.unwrap();
    assert_eq!(vault.read(&token).await.unwrap().expose(), "four");
}

#[tokio::test]
async fn many_writers_to_one_secret_lose_no_key() {
    let world = World::start().await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..4 {
        let vault = vault(&world);
        writers.spawn(async move {
            let place = uri(&format!("vault://ci/pool/key{number}"));
            vault
                .write(&place, &secret(&format!("value {number}")), &Unfenced)
                .await
                .unwrap();
        });
    }
    writers.join_all().await;
    let vault = vault(&world);
    let read = vault
        .list(&"vault://ci/pool".parse().unwrap())
        .await
        .unwrap()
        .uris;
    assert_eq!(read.len(), 4);
}

#[tokio::test]
async fn a_lost_answer_to_a_write_is_looked_after() {
    for (kind, there) in [("lose_before", false), ("lose_after", true), ("truncate", true)] {
        let world = World::start().await;
        let vault = vault(&world);
        let place = uri("vault://ci/gitlab/token");
        world.sandbox.inject(fault(&json!({
            "world": "vault", "method": "POST", "path": "*/data/*", "kind": kind,
        })));
        let written = vault.write(&place, &secret("one"), &Unfenced).await;
        assert_eq!(written.is_ok(), there, "{kind}: {written:?}");
        assert_eq!(vault.read(&place).await.is_ok(), there, "{kind}");
        vault.write(&place, &secret("one"), &Unfenced).await.unwrap();
        assert_eq!(vault.read(&place).await.unwrap().expose(), "one");
    }
}

#[tokio::test]
async fn a_machine_logs_in_once_and_again_when_its_token_has_ended() {
    let world = World::start().await;
    let login = |secret_id: &str| {
        VaultLogin::Approle(Approle {
            role_id: "gosling".to_owned(),
            secret_id: uri(secret_id),
        })
    };
    let vault = Backends::new(settings(&world, login("env://VAULT_TOKEN"))).unwrap();
    let place = uri("vault://ci/gitlab/token");
    vault.write(&place, &secret("one"), &Unfenced).await.unwrap();
    assert_eq!(vault.read(&place).await.unwrap().expose(), "one");
    let logins = || {
        let ledger = world.sandbox.ledger();
        ledger
            .calls()
            .iter()
            .filter(|call| call.path == "/v1/auth/approle/login")
            .count()
    };
    assert_eq!(logins(), 1);
    world.sandbox.inject(fault(&json!({
        "world": "vault", "method": "GET", "path": "*/data/*", "kind": "status", "code": 403,
    })));
    assert_eq!(vault.read(&place).await.unwrap().expose(), "one");
    assert_eq!(logins(), 2);

    let vault = Backends::new(settings(&world, login("env://WRONG"))).unwrap();
    let error = vault.read(&place).await.unwrap_err();
    assert!(matches!(error, SecretError::Refused { .. }), "{error}");
    assert!(
        error.to_string().contains("refuses the login of role gosling"),
        "{error}"
    );
    assert!(!error.to_string().contains("hvs.wrong"), "{error}");
}

#[tokio::test]
async fn every_refusal_says_what_to_do() {
    let world = World::start().await;
    let place = uri("vault://ci/gitlab/token");
    let wrong = Backends::new(settings(&world, VaultLogin::Token(uri("env://WRONG")))).unwrap();
    for error in [
        wrong.read(&place).await.unwrap_err(),
        wrong.writable(&place).await.unwrap_err(),
        wrong
            .write(&place, &secret("canary"), &Unfenced)
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, SecretError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("403 permission denied"), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let inside = Backends::new(settings(&world, VaultLogin::Token(place.clone()))).unwrap();
    let error = inside.read(&place).await.unwrap_err();
    assert!(error.to_string().contains("cannot be kept in Vault"), "{error}");
    let vault = vault(&world);
    let error = vault
        .read(&uri("vault://ci/gitlab/token?version=x"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("a version in Vault is a number"),
        "{error}"
    );
    let nobody = Backends::new(BackendSettings {
        env: BTreeMap::new(),
        ..settings(&world, VaultLogin::Token(uri("env://VAULT_TOKEN")))
    });
    let error = nobody.unwrap().read(&place).await.unwrap_err();
    assert_eq!(error, SecretError::Missing(uri("env://VAULT_TOKEN")));
    // An engine that is not there is no empty place.
    let mut elsewhere = settings(&world, VaultLogin::Token(uri("env://VAULT_TOKEN")));
    elsewhere.vault.as_mut().unwrap().mount = "other".to_owned();
    let elsewhere = Backends::new(elsewhere).unwrap();
    for error in [
        elsewhere.read(&place).await.unwrap_err(),
        elsewhere.writable(&place).await.unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("version 2 mounted at other?"),
            "{error}"
        );
    }
}
