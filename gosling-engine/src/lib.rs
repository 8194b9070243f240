//! From what is wanted to what is there, and back after any crash.

pub mod apply;
pub mod audit;
pub mod calendar;
pub mod diff;
pub mod durable;
pub mod fence;
pub mod freeze;
pub mod journal;
pub mod marker;
pub mod migrate;
pub mod plan;
pub mod preflight;
pub mod recover;
pub mod refresh;
pub mod repair;
pub mod rollback;
pub mod run;
pub mod state;
pub mod store;
pub mod whole;

mod graph;
mod operation;
mod order;
mod provider;
mod remarks;
mod rollout;
mod stamp;
mod wrong_secret;

pub use apply::{Applied, apply, with_outputs};
pub use diff::{Away, DiffError, PlanOptions, diff, diff_around, moved};
pub use fence::{Fence, Lease};
pub use operation::{Operation, Verb};
pub use plan::{
    Action, AttributeChange, Bound, Change, Correction, Counts, Drift, OpenIntent, Plan, PlanError, Remark,
    Unreadable,
};
pub use preflight::{Finding, Outcome, Service, Tally, preflight};
pub use provider::{
    CallError, Context, Doubt, Known, Marked, Notes, Observed, Presence, Provider, Search, Searched,
    SecretError, Secrets, each, in_order,
};
pub use recover::{Recovered, StillOpen};
pub use refresh::{Looked, Silent, refresh};
pub use remarks::remarks;
pub use rollout::{Fleet, PoolRollout, Unwatched, Work};
pub use run::{Events, JournalWriter, Providers, Run, RunError, Stop};
pub use state::{Held, State, StateError, Written};
pub use store::RemoteStore;
