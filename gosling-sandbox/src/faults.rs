//! Faults on demand: which calls go wrong, and how.

use std::time::Duration;

use serde::Deserialize;

use crate::WorldName;

/// A fault: which calls, and what becomes of them. A file of `--faults` is a JSON list of these.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only calls to this world; `None` is any.
    #[serde(default)]
    pub world: Option<WorldName>,
    /// Only calls with this method; `None` is any.
    #[serde(default)]
    pub method: Option<String>,
    /// Only calls whose path, without the query, is this; `*` stands for any characters, also slashes.
    pub path: String,
    /// Which of these calls.
    #[serde(default)]
    pub nth: Nth,
    /// What happens to it.
    #[serde(flatten)]
    pub kind: FaultKind,
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
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
        #[serde(default)]
        reason: Option<String>,
        /// Headers to send with it, as `retry-after` with a 429.
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    /// The call is executed, and answered with this status all the same.
    StatusAfter {
        /// The HTTP status.
        code: u16,
        /// The words after it.
        #[serde(default)]
        reason: Option<String>,
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

    /// How much later the answer comes.
    pub(crate) fn delay(&self) -> Duration {
        match self {
            Self::Delay { ms } => Duration::from_millis(*ms),
            _ => Duration::ZERO,
        }
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
