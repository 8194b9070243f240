//! Whoever shows a run to people, as the run sees them.

use std::time::Duration;

use gosling_engine::Events;

/// Shows what a run says while it works. Each method returns at once; what it shows is safe for a terminal or a log only
/// once the implementation has made control characters harmless.
pub trait Reporter: Events {
    /// How far the run is.
    fn say(&self, message: String);

    /// A message that belongs to the result: a warning, a note, a help.
    fn note(&self, message: String);

    /// What the run did beside its plan: operations that it recovered, things that it took over.
    fn done(&self, message: String);

    /// A wait begins that may take up to `within`; `wait` names it for the other two methods.
    fn wait_began(&self, wait: &str, message: &str, within: Duration);

    /// A wait goes on: for a log, which has no line that changes.
    fn still_waiting(&self, message: &str);

    /// A wait is over.
    fn wait_ended(&self, wait: &str);
}
