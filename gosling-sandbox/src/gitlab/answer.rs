//! How GitLab answers: its errors, and its lists in pages.

use serde_json::{Value, json};

use super::Ask;
use crate::Reply;

/// What comes of a call.
pub(super) type Answer = Result<Reply, Failure>;

/// A refusal, in one of the shapes that GitLab has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// `{"message": ...}`.
    Message(u16, Value),
    /// `{"error": "..."}`.
    Error(u16, String),
    /// What was asked for is called otherwise now: the address to ask at.
    Moved(String),
}

impl Failure {
    /// Nobody, or somebody with a token that is not known.
    pub(super) fn unauthorized() -> Self {
        Self::Message(401, json!("401 Unauthorized"))
    }

    /// Somebody who may not do this.
    pub(super) fn forbidden(reason: &str) -> Self {
        let message = match reason {
            "" => "403 Forbidden".to_owned(),
            reason => format!("403 Forbidden - {reason}"),
        };
        Self::Message(403, json!(message))
    }

    /// Something that is not there, or that the asker may not see: GitLab does not say which.
    pub(super) fn missing(what: &str) -> Self {
        let message = match what {
            "" => "404 Not found".to_owned(),
            what => format!("404 {what} Not Found"),
        };
        Self::Message(404, json!(message))
    }

    /// `400 Bad request - Maximum timeout needs to be at least 10 minutes`.
    pub(super) fn bad(reason: &str) -> Self {
        Self::Message(400, json!(format!("400 Bad request - {reason}")))
    }

    /// `{"message": {"maximum_timeout": ["needs to be at least 10 minutes"]}}`.
    pub(super) fn invalid(field: &str, complaint: &str) -> Self {
        Self::Message(400, json!({ field: [complaint] }))
    }

    /// A path that no call has.
    pub(super) fn no_route() -> Self {
        Self::Error(404, "404 Not Found".to_owned())
    }
}

/// The answer as it is sent.
pub(super) fn reply(answer: Answer) -> Reply {
    match answer {
        Ok(reply) => reply,
        Err(Failure::Message(status, message)) => Reply::json(status, &json!({ "message": message })),
        Err(Failure::Error(status, error)) => Reply::json(status, &json!({ "error": error })),
        Err(Failure::Moved(address)) => {
            let message = format!("This resource has been moved permanently to {address}.");
            Reply::json(301, &json!({ "message": message })).header("location", address)
        }
    }
}

/// The page of a list that the call asked for, with the headers that lead to the others.
pub(super) fn page(ask: &Ask, items: &[Value]) -> Answer {
    let asked = |name, otherwise| match ask.given.integer(name) {
        Some(number) => usize::try_from(number).unwrap_or(0),
        None => otherwise,
    };
    let (page, per_page) = (asked("page", 1).max(1), asked("per_page", 20));
    if per_page == 0 {
        return Err(Failure::Error(
            400,
            "per_page does not have a valid value".to_owned(),
        ));
    }
    let per_page = per_page.min(100);
    let pages = items.len().div_ceil(per_page).max(1);
    let first = (page - 1).saturating_mul(per_page);
    let shown: Vec<_> = items.iter().skip(first).take(per_page).collect();
    let neighbour = |number: usize| {
        if (1..=pages).contains(&number) {
            number.to_string()
        } else {
            String::new()
        }
    };
    let link = |number: usize, rel: &str| format!("<{}>; rel=\"{rel}\"", address(ask, number, per_page));
    let mut links = Vec::new();
    if page > 1 {
        links.push(link(page - 1, "prev"));
    }
    if page < pages {
        links.push(link(page + 1, "next"));
    }
    links.push(link(1, "first"));
    let counted = items.len() <= MANY;
    if counted {
        links.push(link(pages, "last"));
    }
    let mut reply = Reply::json(200, &json!(shown))
        .header("link", links.join(", "))
        .header("x-page", page.to_string())
        .header("x-per-page", per_page.to_string())
        .header("x-next-page", neighbour(page + 1))
        .header("x-prev-page", neighbour(page - 1));
    if counted {
        reply = reply
            .header("x-total", items.len().to_string())
            .header("x-total-pages", pages.to_string());
    }
    Ok(reply)
}

/// More than this GitLab does not count.
const MANY: usize = 10_000;

/// The address of another page: the same call, under the name by which the client called.
fn address(ask: &Ask, page: usize, per_page: usize) -> String {
    let call = ask.call;
    let host = call.header("host").unwrap_or("gitlab");
    let mut address = format!("https://{host}{}?page={page}&per_page={per_page}", call.path);
    for (key, value) in &call.query {
        if key != "page" && key != "per_page" {
            address.push_str(&format!("&{}={}", encode(key), encode(value)));
        }
    }
    address
}

/// A query's text, percent-encoded.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
