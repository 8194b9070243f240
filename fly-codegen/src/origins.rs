//! Where things were written.

use std::collections::BTreeMap;

use fly_syntax::Span;
use fly_typeck::checked::CheckedBlock;
use gosling_resource::Origin;

use crate::Source;

impl Source<'_> {
    /// The file and the line.
    pub(crate) fn origin(&self, span: Span) -> Option<Origin> {
        let file = self.files.files.get(span.file.0 as usize)?;
        Some(Origin {
            file: file.path.to_string(),
            line: file.position(span.start).line,
        })
    }

    /// Where each property was written: pairs of a property and the way to its attribute, `runner.tags`.
    pub(crate) fn origins(
        &self,
        block: Option<&CheckedBlock>,
        ways: &[(&str, &str)],
    ) -> BTreeMap<String, Origin> {
        let found = ways.iter().filter_map(|(property, way)| {
            let mut at = block?;
            let mut steps: Vec<&str> = way.split('.').collect();
            let last = steps.pop()?;
            for step in steps {
                at = at.block(step)?;
            }
            let span = match at.attribute(last) {
                Some(attribute) => attribute.name_span,
                None => at.block(last)?.header,
            };
            Some(((*property).to_owned(), self.origin(span)?))
        });
        found.collect()
    }
}
