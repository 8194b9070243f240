//! What a plan says of resources that it leaves as they are.

use gosling_resource::Resources;

use crate::plan::{Change, Remark};
use crate::run::Providers;
use crate::state::State;

/// What the providers remark on the resources of these changes, in their order: all that a plan of these targets is
/// about. `state` is what was saved last, `now` what was seen.
#[must_use]
pub fn remarks(
    changes: &[Change],
    (state, now): (&State, &State),
    wanted: &Resources,
    providers: &Providers,
    targets: &[String],
) -> Vec<Remark> {
    let asked = changes
        .iter()
        .filter(|change| targets.is_empty() || change.address.is_among(targets));
    let of_change = |change: &Change| {
        let at = change.moved_from.as_ref().unwrap_or(&change.address);
        let (held, now) = (state.resources.get(at)?, now.resources.get(at)?);
        let mut remarks = providers.get(&held.provider)?.remarks(held, now, change);
        for remark in &mut remarks {
            let resource = wanted.get(&change.address);
            remark.origin = resource.and_then(|resource| resource.origins.get(&remark.attribute).cloned());
        }
        Some(remarks)
    };
    asked.filter_map(of_change).flatten().collect()
}
