//! What a job is told of what it must reach: each way in which that can go wrong, with real sockets.

use std::collections::BTreeMap;

use gosling_engine::preflight::Outcome;
use gosling_providers::reach::{Target, reach};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::World;

/// Listens, and answers whoever connects with these bytes, or hangs up where there are none.
async fn answering(bytes: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut heard = [0; 4096];
            // Whoever hangs up first is nothing to this test.
            let _ = stream.read(&mut heard).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
        }
    });
    port
}

fn target(host: &str, port: u16) -> Target {
    Target {
        text: format!("{host}:{port}"),
        host: host.to_owned(),
        port,
        tls: false,
        path: None,
        variable: None,
    }
}

/// An address of HTTP without TLS, with a variable or without.
fn address(port: u16, variable: Option<&str>) -> Target {
    Target {
        text: format!("http://127.0.0.1:{port}/x"),
        path: Some("/x".to_owned()),
        variable: variable.map(str::to_owned),
        ..target("127.0.0.1", port)
    }
}

/// What is found, a line each: `Ok route: ... (help)`.
async fn found(target: &Target, extra_ca: Option<&str>) -> Vec<String> {
    let environment = BTreeMap::from([
        ("TOKEN".to_owned(), "hunter2".to_owned()),
        ("EMPTY".to_owned(), " ".to_owned()),
    ]);
    let findings = reach(target, &environment, extra_ca.map(str::as_bytes)).await;
    let lines = findings.iter().map(|finding| {
        let help = finding.way_out.as_deref().unwrap_or_default();
        assert_eq!(help.is_empty(), finding.outcome == Outcome::Ok, "{finding:?}");
        format!(
            "{:?} {}: {} ({help})",
            finding.outcome, finding.subject, finding.words
        )
    });
    let lines: Vec<String> = lines.collect();
    assert!(!lines.join("\n").contains("hunter2"), "{lines:#?}");
    lines
}

#[track_caller]
fn ends(lines: &[String], steps: usize, words: &str) {
    let last = lines.last().map(String::as_str).unwrap_or_default();
    assert!(
        lines.len() == steps && last.contains(words),
        "{steps}, {words}: {lines:#?}"
    );
}

#[tokio::test]
async fn a_name_is_known_or_not() {
    let lines = found(&target("nowhere.invalid", 443), None).await;
    ends(
        &lines,
        1,
        "Failed name: no name server knows nowhere.invalid (is it spelled right",
    );
    let port = answering("").await;
    let lines = found(&target("localhost", port), None).await;
    assert!(lines[0].starts_with("Ok name: localhost is "), "{lines:#?}");
    ends(&lines, 2, &format!("Ok route: 127.0.0.1:{port} answers"));
}

#[tokio::test]
async fn a_route_is_there_or_not() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let lines = found(&target("127.0.0.1", port), None).await;
    ends(
        &lines,
        2,
        &format!("Failed route: 127.0.0.1:{port} refuses the connection (the machine is reached"),
    );
}

#[tokio::test]
async fn tls_is_trusted_or_not() {
    let world = World::start().await;
    let url = world.sandbox.url().to_owned();
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let tls = |host: &str, port| Target {
        tls: true,
        ..target(host, port)
    };
    let lines = found(&tls("127.0.0.1", port), Some(world.sandbox.ca_pem())).await;
    ends(
        &lines,
        3,
        "Ok tls: 127.0.0.1 shows a certificate that is trusted here",
    );
    let lines = found(&tls("127.0.0.1", port), None).await;
    ends(
        &lines,
        3,
        "Failed tls: 127.0.0.1: its certificate is by an unknown authority (put its authority into the image",
    );
    // The certificate is for 127.0.0.1, and for no other address of this machine.
    let lines = found(&tls("127.0.0.2", port), Some(world.sandbox.ca_pem())).await;
    assert!(lines.last().unwrap().starts_with("Failed "), "{lines:#?}");
    // What speaks no TLS, and what hangs up.
    for bytes in ["HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
        let port = answering(bytes).await;
        let lines = found(&tls("127.0.0.1", port), None).await;
        ends(&lines, 3, "Failed tls: ");
    }
}

#[tokio::test]
async fn credentials_are_taken_or_not() {
    let answers = [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            Some("TOKEN"),
            "Ok credentials: ",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            None,
            "Ok credentials: ",
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            Some("TOKEN"),
            "does not take the credentials in TOKEN: 401",
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            None,
            "Warning credentials: ",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            Some("TOKEN"),
            "knows the credentials in TOKEN, and does not allow this: 403 (give their owner the right to it)",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            None,
            "it asks for credentials (write the name of the variable",
        ),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            Some("TOKEN"),
            "answers 404 with the credentials in TOKEN (is the path right?",
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            None,
            "(the service is reached, but reports an error)",
        ),
    ];
    for (answer, variable, words) in answers {
        let port = answering(answer).await;
        let lines = found(&address(port, variable), None).await;
        ends(&lines, 3, words);
    }
    let port = answering("").await;
    for name in ["NO_TOKEN", "EMPTY"] {
        let lines = found(&address(port, Some(name)), None).await;
        ends(
            &lines,
            3,
            &format!("Failed credentials: the environment variable {name} is not set"),
        );
    }
    let lines = found(&address(port, None), None).await;
    ends(&lines, 3, "Failed credentials: ");
}
