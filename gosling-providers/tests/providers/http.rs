//! What the HTTP client believes, says and repeats.

use std::time::Duration;

use gosling_engine::CallError;
use gosling_engine::fence::Unfenced;
use gosling_providers::http::{Body, Client, Endpoint, Method, Request, SendError};
use gosling_resource::Secret;
use gosling_sandbox::{Fault, FaultKind, Nth, Options, Running, Sandbox};

async fn sandbox() -> Running {
    Sandbox::start(Options::default()).await.unwrap()
}

fn endpoint(running: &Running) -> Endpoint {
    Endpoint {
        extra_ca: Some(running.ca_pem().as_bytes().to_vec()),
        ..Endpoint::new(running.url())
    }
}

/// A call that the sandbox's Proxmox VE lets in.
fn with_token(running: &Running, request: Request) -> Request {
    let token = running
        .exports()
        .into_iter()
        .find(|(name, _)| name == "PROXMOX_TOKEN");
    let header = format!("PVEAPIToken=gosling@pve!ci={}", token.unwrap().1);
    request.header("authorization", Secret::new(header))
}

fn fault(method: &str, path: &str, kind: FaultKind) -> Fault {
    Fault {
        world: None,
        method: Some(method.to_owned()),
        path: path.to_owned(),
        nth: Nth::default(),
        kind,
    }
}

async fn lost(endpoint: &Endpoint) -> SendError {
    let client = Client::new(endpoint).unwrap();
    client
        .send(&Request::get("/api2/json/version"), &Unfenced)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn an_unknown_authority_is_named_with_a_way_out() {
    let running = sandbox().await;
    let error = lost(&Endpoint::new(running.url())).await;
    assert!(!error.sent);
    let host = running.url().replace("https://", "");
    assert_eq!(
        error.message,
        format!("{host}: its certificate is by an unknown authority")
    );
    assert!(error.help.unwrap().contains("GOSLING_CA_FILE"));
}

#[tokio::test]
async fn a_fingerprint_is_believed_alone() {
    let running = sandbox().await;
    let pinned = Endpoint {
        fingerprint: Some("AB:".repeat(31) + "AB"),
        ..endpoint(&running)
    };
    let error = lost(&pinned).await;
    assert!(!error.sent);
    assert!(error.message.contains("fingerprint"), "{}", error.message);
    let insecure = Endpoint {
        insecure: true,
        ..Endpoint::new(running.url())
    };
    let client = Client::new(&insecure).unwrap();
    let answer = client
        .send(&Request::get("/_sandbox/ledger"), &Unfenced)
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn nobody_listens_and_nobody_has_the_name() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = lost(&Endpoint::new(format!("https://127.0.0.1:{port}"))).await;
    assert_eq!(
        error.message,
        format!("127.0.0.1:{port}: the connection was refused")
    );
    assert!(matches!(CallError::from(error), CallError::Failed { .. }));
    let error = lost(&Endpoint::new("https://nobody.invalid")).await;
    assert_eq!(error.message, "nobody.invalid: no such host in DNS");
    assert!(!error.sent);
}

#[tokio::test]
async fn what_is_no_address_is_said_without_a_password() {
    for base in ["pve1:8006", "ftp://pve1", "https://", "user:hunter2@pve1"] {
        let error = Client::new(&Endpoint::new(base)).unwrap_err();
        assert!(!error.sent, "{base}");
    }
    let error = Client::new(&Endpoint::new("ftp://user:hunter2@pve1")).unwrap_err();
    assert_eq!(error.message, "`ftp://pve1` is not an API address");
    let broken = Endpoint {
        ca_pem: Some(b"no pem".to_vec()),
        ..Endpoint::new("https://pve1")
    };
    assert!(Client::new(&broken).unwrap_err().message.contains("ca_file"));
}

#[tokio::test]
async fn a_get_is_asked_again_and_a_post_only_after_too_many_calls() {
    let running = sandbox().await;
    let client = Client::new(&endpoint(&running)).unwrap();
    let busy = || FaultKind::Status {
        code: 429,
        reason: None,
        headers: vec![("retry-after".to_owned(), "0".to_owned())],
    };
    let kinds: [fn() -> FaultKind; 4] = [
        || FaultKind::LoseBefore,
        || FaultKind::LoseAfter,
        || FaultKind::Truncate,
        || FaultKind::Status {
            code: 596,
            reason: None,
            headers: Vec::new(),
        },
    ];
    let get = with_token(&running, Request::get("/api2/json/version"));
    for kind in kinds.iter().map(|kind| kind()).chain([busy()]) {
        running.inject(fault("GET", "/api2/json/version", kind.clone()));
        let answer = client.send(&get, &Unfenced).await.unwrap();
        assert_eq!((answer.status, answer.reason.as_str()), (200, "OK"), "{kind:?}");
    }

    let path = "/api2/json/nodes/pve1/qemu";
    let form = [("vmid", "100"), ("name", "x")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let post = with_token(&running, Request::new(Method::Post, path)).body(Body::Form(form.to_vec()));
    running.inject(fault("POST", path, FaultKind::LoseBefore));
    let error = client.send(&post, &Unfenced).await.unwrap_err();
    assert!(error.sent);
    assert!(matches!(CallError::from(error), CallError::Unknown { .. }));
    running.inject(fault("POST", path, busy()));
    let answer = client.send(&post, &Unfenced).await.unwrap();
    assert_eq!(answer.status, 200);
    let posts = running
        .ledger()
        .calls()
        .iter()
        .filter(|call| call.method == "POST")
        .count();
    assert_eq!(posts, 3);
}

#[tokio::test]
async fn the_reason_phrase_and_the_kind_of_a_refusal_are_kept() {
    let running = sandbox().await;
    let client = Client::new(&endpoint(&running)).unwrap();
    let get = with_token(&running, Request::get("/api2/json/nodes/pve1/qemu/4711/config"));
    let answer = client.send(&get, &Unfenced).await.unwrap();
    assert_eq!(answer.status, 500);
    assert_eq!(
        answer.reason,
        "Configuration file 'nodes/pve1/qemu-server/4711.conf' does not exist"
    );
    assert!(matches!(answer.refusal("gone"), CallError::Unknown { .. }));
}

#[tokio::test]
async fn a_silent_server_is_left_after_a_while() {
    let running = sandbox().await;
    running.inject(fault("POST", "*", FaultKind::Hang));
    let client = Client::new(&endpoint(&running)).unwrap();
    let request = with_token(&running, Request::new(Method::Post, "/api2/json/nodes/pve1/qemu"));
    let error = client
        .send(&request.timeout(Duration::from_millis(200)), &Unfenced)
        .await
        .unwrap_err();
    assert!(error.sent);
    assert!(
        error.message.ends_with(": no answer in time"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_not_repeated() {
    let running = sandbox().await;
    let client = Client::new(&endpoint(&running)).unwrap();
    let request = Request::get("/").header("authorization", Secret::new("hunter2\n".to_owned()));
    let error = client.send(&request, &Unfenced).await.unwrap_err();
    assert!(!error.sent);
    assert!(!format!("{error:?}").contains("hunter2"));
}
