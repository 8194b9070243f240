//! Faults on demand: which calls go wrong, and how.

use serde::Deserialize;

use crate::WorldName;

/// A fault: which calls, and what becomes of them. A file of `--faults` is a JSON list of these.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Fault {
    /// Only calls to this world; `None` is any.
    pub world: Option<WorldName>,
    /// Only calls with this method; `None` is any.
    pub method: Option<String>,
    /// Only calls whose path, without the query, is this; `*` stands for any characters, also slashes.
    pub path: String,
    /// Which of these calls.
    pub nth: Nth,
    /// What happens to it.
    pub kind: FaultKind,
}

/// A fault as a file has it: flat, and with no member that nobody knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    world: Option<WorldName>,
    method: Option<String>,
    path: String,
    #[serde(default)]
    nth: Nth,
    kind: String,
    ms: Option<u64>,
    code: Option<u16>,
    reason: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
}

impl TryFrom<Written> for Fault {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written {
            ms,
            code,
            reason,
            headers,
            ..
        } = written;
        let code = || {
            let code = code.filter(|code| (200..600).contains(code));
            code.ok_or_else(|| format!("the fault `{}` needs a `code` from 200 to 599", written.kind))
        };
        let kind = match written.kind.as_str() {
            "lose_before" => FaultKind::LoseBefore,
            "lose_after" => FaultKind::LoseAfter,
            "delay" => FaultKind::Delay {
                ms: ms.ok_or("the fault `delay` needs `ms`, how many milliseconds")?,
            },
            "status" => FaultKind::Status {
                code: code()?,
                reason,
                headers,
            },
            "status_after" => FaultKind::StatusAfter {
                code: code()?,
                reason,
                headers,
            },
            "truncate" => FaultKind::Truncate,
            "bad_json" => FaultKind::BadJson,
            "hang" => FaultKind::Hang,
            other => {
                return Err(format!(
                    "there is no fault `{other}`: it is lose_before, lose_after, delay, status, status_after, \
                     truncate, bad_json or hang"
                ));
            }
        };
        Ok(Self {
            world: written.world,
            method: written.method,
            path: written.path,
            nth: written.nth,
            kind,
        })
    }
}

/// Which of the calls that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Nth {
    /// Only this one, counted from 1.
    One(u64),
    /// A word: `"every"`.
    All(All),
}

/// Every call that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum All {
    /// Every one.
    Every,
}

impl Default for Nth {
    fn default() -> Self {
        Self::One(1)
    }
}

/// What happens to a call that a fault hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The connection is cut; the call was not executed.
    LoseBefore,
    /// The connection is cut after the call was executed.
    LoseAfter,
    /// The answer comes this much later.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The call is not executed and answered with this status.
    Status {
        /// The HTTP status.
        code: u16,
        /// The words after it.
        reason: Option<String>,
        /// Headers to send with it, as `retry-after` with a 429.
        headers: Vec<(String, String)>,
    },
    /// The call is executed, and answered with this status all the same.
    StatusAfter {
        /// The HTTP status.
        code: u16,
        /// The words after it.
        reason: Option<String>,
        /// Headers to send with it.
        headers: Vec<(String, String)>,
    },
    /// The call is executed; half of the answer's body is sent, then the connection is cut.
    Truncate,
    /// The call is executed; the body of the answer is not JSON.
    BadJson,
    /// The call is executed; no answer ever comes.
    Hang,
}

impl FaultKind {
    /// Whether the call is executed.
    #[must_use]
    pub fn executes(&self) -> bool {
        !matches!(self, Self::LoseBefore | Self::Status { .. })
    }
}

/// The faults of a running sandbox, each with the number of calls that matched it so far.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    faults: Vec<(Fault, u64)>,
}

impl Faults {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self {
            faults: faults.into_iter().map(|fault| (fault, 0)).collect(),
        }
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.faults.push((fault, 0));
    }

    pub(crate) fn end(&mut self) {
        self.faults.clear();
    }

    /// What happens to this call. Every fault that matches counts it; the first that it hits decides.
    pub(crate) fn hit(&mut self, world: WorldName, method: &str, path: &str) -> Option<FaultKind> {
        let mut hit = None;
        for (fault, seen) in &mut self.faults {
            let matches = fault.world.is_none_or(|wanted| wanted == world)
                && fault.method.as_deref().is_none_or(|wanted| wanted == method)
                && glob(&fault.path, path);
            if !matches {
                continue;
            }
            *seen += 1;
            let now = match fault.nth {
                Nth::One(nth) => nth == *seen,
                Nth::All(All::Every) => true,
            };
            if now && hit.is_none() {
                hit = Some(fault.kind.clone());
            }
        }
        hit
    }
}

/// Whether `text` is like `pattern`, in which `*` stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        assert!(glob("/api2/json/nodes/*/qemu", "/api2/json/nodes/pve1/qemu"));
        assert!(glob("*/clone", "/api2/json/nodes/pve1/qemu/9000/clone"));
        assert!(glob("/a*b*c", "/a1b2b3c"));
        assert!(glob("*", ""));
        assert!(!glob("/a", "/a/b"));
        assert!(!glob("/a*", "/b"));
        assert!(!glob("*/a/*/b", "/a/b"));
    }

    #[test]
    fn a_fault_that_nobody_knows_is_refused() {
        let refused = |text: &str| serde_json::from_str::<Fault>(text).unwrap_err().to_string();
        assert!(refused(r#"{"path": "*", "kind": "loose"}"#).contains("there is no fault `loose`"));
        assert!(refused(r#"{"path": "*", "kind": "status"}"#).contains("needs a `code`"));
        assert!(refused(r#"{"path": "*", "kind": "hang", "nht": 2}"#).contains("unknown field `nht`"));
    }

    #[test]
    fn a_fault_hits_the_call_that_it_names() {
        let text = r#"[
            {"world": "proxmox", "method": "POST", "path": "*/clone", "nth": 2, "kind": "lose_after"},
            {"path": "*", "nth": "every", "kind": "delay", "ms": 5}
        ]"#;
        let mut faults = Faults::new(serde_json::from_str(text).unwrap());
        let mut hit = |method, path| faults.hit(WorldName::Proxmox, method, path);
        assert_eq!(hit("POST", "/a/clone"), Some(FaultKind::Delay { ms: 5 }));
        assert_eq!(hit("GET", "/a/clone"), Some(FaultKind::Delay { ms: 5 }));
        assert_eq!(hit("POST", "/b/clone"), Some(FaultKind::LoseAfter));
        assert_eq!(hit("POST", "/b/clone"), Some(FaultKind::Delay { ms: 5 }));
    }
}
