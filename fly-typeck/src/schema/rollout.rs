//! `rollout`: how the machines of a pool are changed.

use super::Typed;
use crate::block;
use crate::types::Type;
use crate::value::Value;
use fly_domain::{Duration, Percent};

block! {
    /// How the machines of a pool are replaced and restarted, so that it goes on taking jobs and no running job is lost.
    pub struct Rollout("rollout") {
        attributes {
            /// How many of the machines may be out of service at once: a number, or a share of the pool such as `25%`,
            /// rounded down but at least one. The next is taken only once the one before is online again.
            max_unavailable: MaxUnavailable = "1", range("1", "1000");
            /// How long the running jobs of a machine may take before it is stopped. It takes no new jobs in the meantime.
            /// After that time it is stopped anyway, and the jobs fail.
            drain_timeout: Duration = "1h", range("0s", "24h");
            /// Whether a machine that is replaced is deleted only once the new one is online. Until then the pool has
            /// one machine more, which needs room on the nodes and an address by DHCP.
            create_before_delete: bool = "false";
        }
    }
}

/// How many machines may be out of service at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxUnavailable {
    /// So many.
    Machines(i64),
    /// A share of the pool.
    Share(Percent),
}

impl Typed for MaxUnavailable {
    fn ty() -> Type {
        Type::union([Type::Int, Percent::ty()])
    }
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Int(machines) => Some(Self::Machines(*machines)),
            other => Percent::read(other).map(Self::Share),
        }
    }
}
