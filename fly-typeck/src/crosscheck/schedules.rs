//! Schedules that never come round, or that nobody can tell the time of.

use super::Blocks;
use crate::checked::CheckedBlock;
use crate::literal;
use crate::problems;
use crate::sink::Sink;
use crate::types::Type;
use fly_domain::{TextForm, check_time_zone};

pub(super) fn check(nest: &Blocks<'_>, sink: &mut Sink) {
    // Only these hold schedules: walking every egg of a large Nest would find none.
    for block in nest
        .of("job")
        .chain(nest.of("mothergoose"))
        .chain(nest.of("uglyfox"))
    {
        within(block, sink);
    }
}

fn within(block: &CheckedBlock, sink: &mut Sink) {
    for attribute in &block.attributes {
        let schema = block.schema.attribute(&attribute.name);
        if let Some(Type::Text(TextForm::Cron)) = schema.map(|schema| &schema.ty)
            && let Some(text) = attribute.value.as_ref().and_then(|value| value.as_str())
            && literal::never_fires(text)
        {
            sink.push(problems::never_fires::problem(attribute.value_span, text));
        }
        if attribute.name == "timezone"
            && schema.is_some()
            && let Some(text) = attribute.value.as_ref().and_then(|value| value.as_str())
            && let Err(malformed) = check_time_zone(text)
        {
            let at = attribute.value_span;
            sink.push(problems::malformed::problem(at, "time zone", text, &malformed));
        }
    }
    for child in &block.blocks {
        within(child, sink);
    }
}
