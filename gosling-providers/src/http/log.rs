//! What is logged of a call: never a header, a query or a body, which may hold a secret.

use std::time::Duration;

use super::{Answer, Method, Request, SendError};

/// Logs a call that is about to be sent.
pub(super) fn begins(host: &str, request: &Request) {
    tracing::debug!("{} {host}{} ...", word(request.method), path(request));
}

/// Logs a call that has ended.
pub(super) fn ended(host: &str, request: &Request, result: &Result<Answer, SendError>, took: Duration) {
    let (method, path, took) = (word(request.method), path(request), took.as_millis());
    match result {
        Ok(answer) => tracing::info!("{method} {host}{path}: {} in {took} ms", answer.status),
        Err(error) => {
            let sent = if error.sent { "no answer" } else { "not sent" };
            tracing::info!("{method} {host}{path}: {sent} after {took} ms");
        }
    }
}

fn word(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    }
}

/// The path alone.
fn path(request: &Request) -> &str {
    request.path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_not_logged_wherever_it_stands() {
        let request = Request::get("/api/v4/user?private_token=secret").query("token", "secret");
        assert_eq!(path(&request), "/api/v4/user");
    }
}
