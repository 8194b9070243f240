//! What a handler says, and how it looks on the wire.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::Reply;

/// What a handler made of a call.
pub(super) type Answer = Result<Success, Failure>;

/// The `data` of an answer.
#[derive(Debug)]
pub(super) struct Success {
    pub(super) data: Value,
    /// How many entries there are in all, where only some are given.
    pub(super) total: Option<usize>,
    /// How long the call waited for a lock.
    pub(super) delay: Duration,
}

impl From<Value> for Success {
    fn from(data: Value) -> Self {
        Self {
            data,
            total: None,
            delay: Duration::ZERO,
        }
    }
}

/// Why a call was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// 400, with what is wrong with each parameter.
    Parameters(BTreeMap<String, String>),
    /// 403.
    Forbidden(String),
    /// 500: what the code behind the API died of.
    Die(String),
    /// 501: no such path, or not with this method.
    Unknown(String),
    /// 506: a body of a kind that is not read.
    ContentType(String),
    /// 595: the node that is to answer cannot be reached.
    Unreachable(String),
    /// The status with which a node of the world refuses.
    Refused(u16),
}

impl Failure {
    /// A complaint about one parameter.
    pub(super) fn parameter(name: &str, complaint: impl Into<String>) -> Self {
        Self::Parameters([(name.to_owned(), complaint.into())].into())
    }

    pub(super) fn die<T>(words: impl Into<String>) -> Result<T, Self> {
        Err(Self::Die(words.into()))
    }
}

/// What the proxy in front of a node says with a status.
fn refusal(status: u16) -> &'static str {
    match status {
        403 => "Permission check failed",
        595 => "No route to host",
        596 => "Broken pipe",
        599 => "Too many redirections",
        _ => "the node refuses",
    }
}

/// The answer as it is sent.
pub(super) fn reply(answer: Answer) -> Reply {
    let (status, words, errors) = match answer {
        Ok(success) => {
            let mut body = Map::from_iter([("data".to_owned(), success.data)]);
            if let Some(total) = success.total {
                body.insert("total".to_owned(), total.into());
            }
            let mut reply = Reply::json(200, &Value::Object(body));
            reply.content_type = "application/json;charset=UTF-8";
            reply.delay = success.delay;
            return reply;
        }
        Err(Failure::Parameters(errors)) => (400, "Parameter verification failed.".to_owned(), Some(errors)),
        Err(Failure::Forbidden(words)) => (403, words, None),
        Err(Failure::Die(words)) => (500, words, None),
        Err(Failure::Unknown(words)) => (501, words, None),
        Err(Failure::ContentType(kind)) => (
            506,
            format!("upload 'Content-Type '{kind}' not implemented"),
            None,
        ),
        Err(Failure::Unreachable(words)) => (595, words, None),
        Err(Failure::Refused(status)) => (status, refusal(status).to_owned(), None),
    };
    let mut body = json!({"data": null, "message": format!("{words}\n")});
    if let Some(errors) = errors {
        body["errors"] = json!(errors);
    }
    // A line end in a reason phrase would end the answer's first line.
    let mut reply = Reply::json(status, &body).reason(words.replace(['\r', '\n'], " "));
    reply.content_type = "application/json;charset=UTF-8";
    reply
}
