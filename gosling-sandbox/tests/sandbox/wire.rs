//! What only shows on the wire: reason phrases, refusals of the HTTP server itself, and faults.

use std::sync::Arc;

use gosling_sandbox::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::{export, sandbox};

/// Sends bytes over one connection and reads until it ends.
pub(crate) async fn exchange(running: &Running, request: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(running.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let url = running.url();
    let tcp = TcpStream::connect(url.trim_start_matches("https://"))
        .await
        .unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut tls = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .unwrap();
    tls.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A cut connection ends without TLS's goodbye: what came before it is the answer.
    let _ = tls.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// One request of Proxmox VE with the right token.
async fn ask(running: &Running, method: &str, path: &str, body: &str) -> String {
    let token = export(running, "PROXMOX_TOKEN");
    let request = format!(
        "{method} /api2/json{path} HTTP/1.1\r\nhost: pve\r\nauthorization: PVEAPIToken=a@pve!b={token}\r\n\
         connection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(running, &request).await
}

fn first_line(answer: &str) -> &str {
    answer.lines().next().unwrap_or_default()
}

const CLONE: &str = "/nodes/pve1/qemu/9000/clone";

#[tokio::test]
async fn what_went_wrong_stands_in_the_reason_phrase() {
    let running = sandbox("[]").await;
    let answer = ask(&running, "GET", "/nodes/pve1/qemu/500/config", "").await;
    let expected = "HTTP/1.1 500 Configuration file 'nodes/pve1/qemu-server/500.conf' does not exist";
    assert_eq!(first_line(&answer), expected);
    let answer = ask(&running, "GET", "/nodes/pve1/nothing", "").await;
    assert_eq!(
        first_line(&answer),
        "HTTP/1.1 501 Method 'GET /nodes/pve1/nothing' not implemented"
    );
    let request = "GET /api2/json/version HTTP/1.1\r\nhost: pve\r\nconnection: close\r\n\r\n";
    let answer = exchange(&running, request).await;
    assert_eq!(first_line(&answer), "HTTP/1.1 401 No ticket");
    assert!(
        answer.ends_with("\r\n\r\n"),
        "a refused token gets no body: {answer}"
    );
    let request = request.replace("connection", "authorization: PVEAPIToken=a@pve!b=c\r\nconnection");
    assert_eq!(
        first_line(&exchange(&running, &request).await),
        "HTTP/1.1 401 invalid token value!"
    );
}

#[tokio::test]
async fn the_server_itself_refuses_what_the_real_one_cannot_read() {
    let running = sandbox("[]").await;
    let answer = ask(&running, "DELETE", "/nodes/pve1/qemu/9000", "purge=1").await;
    assert_eq!(
        first_line(&answer),
        "HTTP/1.1 501 Unexpected content for method 'DELETE'"
    );
    let large = "x".repeat(600 * 1024);
    let answer = ask(&running, "POST", CLONE, &large).await;
    assert_eq!(first_line(&answer), "HTTP/1.1 501 for data too large");
    let chunked = "POST /api2/json/version HTTP/1.1\r\nhost: pve\r\nconnection: close\r\n\
                   transfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let answer = exchange(&running, chunked).await;
    assert_eq!(
        first_line(&answer),
        "HTTP/1.1 501 chunked transfer encoding not supported"
    );
    let statuses: Vec<_> = running.ledger().calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [501, 501, 501]);
}

#[tokio::test]
async fn a_response_is_lost_before_and_after_the_call_was_executed() {
    let running = sandbox(
        r#"[{"path": "*/clone", "nth": 1, "kind": "lose_before"}, {"path": "*/clone", "nth": 2, "kind": "lose_after"}]"#,
    )
    .await;
    assert_eq!(ask(&running, "POST", CLONE, "newid=101").await, "");
    assert_eq!(ask(&running, "POST", CLONE, "newid=102").await, "");
    let answer = ask(&running, "POST", CLONE, "newid=102").await;
    assert!(
        first_line(&answer).contains("VM 102: config file already exists"),
        "{answer}"
    );
    let ledger = running.ledger();
    let seen: Vec<_> = ledger
        .calls()
        .iter()
        .map(|call| (call.status, call.changes))
        .collect();
    assert_eq!(seen, [(0, false), (0, true), (500, false)]);
    let made: Vec<_> = ledger
        .objects()
        .iter()
        .filter_map(|object| Some((object.created?, object.id.as_str())))
        .collect();
    assert_eq!(made, [(2, "102")]);
}

#[tokio::test]
async fn an_answer_is_cut_spoilt_or_replaced() {
    let running = sandbox(
        r#"[
            {"path": "*/version", "nth": 1, "kind": "truncate"},
            {"path": "*/version", "nth": 2, "kind": "bad_json"},
            {"path": "*/version", "nth": 3, "kind": "status", "code": 429, "headers": [["retry-after", "1"]]},
            {"path": "*/clone", "kind": "status_after", "code": 596, "reason": "Connection timed out"}
        ]"#,
    )
    .await;
    let half = ask(&running, "GET", "/version", "").await;
    let (head, body) = half.split_once("\r\n\r\n").unwrap();
    let promised = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    assert_eq!(body.len(), promised.parse::<usize>().unwrap() / 2, "{half}");
    assert!(body.starts_with("{\"data\""), "{half}");
    let spoilt = ask(&running, "GET", "/version", "").await;
    assert!(
        first_line(&spoilt).contains("200") && spoilt.contains("<html>"),
        "{spoilt}"
    );
    let limited = ask(&running, "GET", "/version", "").await;
    assert!(
        first_line(&limited).contains("429") && limited.contains("retry-after: 1"),
        "{limited}"
    );
    assert!(
        ask(&running, "GET", "/version", "")
            .await
            .contains("\"version\":\"8.4.0\"")
    );
    running.inject(serde_json::from_str(r#"{"path": "*/version", "kind": "status", "code": 503}"#).unwrap());
    assert!(first_line(&ask(&running, "GET", "/version", "").await).contains("503"));
    let clone = ask(&running, "POST", CLONE, "newid=101").await;
    assert_eq!(first_line(&clone), "HTTP/1.1 596 Connection timed out");
    assert!(
        running.ledger().objects().iter().any(|object| object.id == "101"),
        "it was executed"
    );
}

#[tokio::test]
async fn the_ledger_needs_no_token() {
    let running = sandbox("[]").await;
    ask(&running, "POST", CLONE, "newid=101&description=mark").await;
    let answer = exchange(
        &running,
        "GET /_sandbox/ledger HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(first_line(head), "HTTP/1.1 200 OK");
    let ledger: serde_json::Value = serde_json::from_str(body).unwrap();
    let path = format!("/api2/json{CLONE}");
    let call = serde_json::json!(
        {"n": 1, "world": "proxmox", "method": "POST", "path": path, "status": 200, "changes": true}
    );
    assert_eq!(ledger["calls"], serde_json::json!([call]));
    let object = ledger["objects"].as_array().unwrap().last().unwrap();
    let expected = serde_json::json!({
        "world": "proxmox", "kind": "vm", "id": "101", "name": "Copy-of-VM-debian-12-cloud", "marker": "mark",
        "created": 1, "deleted": null,
    });
    assert_eq!(*object, expected);
}
