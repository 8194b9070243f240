//! A top-level block with everything that presets and providers add to it.

use fly_syntax::Span;
use fly_syntax::tree::{Block, Body, Expr, ExprKind};
use smol_str::SmolStr;

use crate::body::{BodyChecker, Each};
use crate::checked::CheckedBlock;
use crate::declared::Top;
use crate::expr::{ROOTS, path};
use crate::free::free_value;
use crate::globals::Globals;
use crate::merge;
use crate::problems;
use crate::problems::name_place::NamePlace;
use crate::sink::Sink;
use crate::types::Type;

/// The presets that a body names in `use`, with the place of each.
pub(crate) fn preset_uses(body: &Body) -> Vec<(SmolStr, Span)> {
    let Some(attribute) = body.attributes().find(|attribute| attribute.name.name == "use") else {
        return Vec::new();
    };
    let items = match &attribute.value.kind {
        ExprKind::List(items) => items.iter().collect(),
        _ => vec![&attribute.value],
    };
    items
        .into_iter()
        .filter_map(preset_name)
        .map(|preset| (preset.name, preset.whole))
        .collect()
}

/// `preset.name`
struct PresetName {
    name: SmolStr,
    /// Where the name stands.
    at: Span,
    place: NamePlace,
    whole: Span,
}

fn preset_name(expr: &Expr) -> Option<PresetName> {
    let (root, root_span, steps) = path(expr)?;
    let [step] = steps.as_slice() else { return None };
    let (name, at) = step.name().filter(|_| root == "preset")?;
    Some(PresetName {
        name,
        at,
        place: step.place(root_span),
        whole: expr.span,
    })
}

/// Merges the presets that `block` uses into what it says itself; later presets win over earlier ones.
pub(crate) fn add_presets(globals: &Globals<'_>, sink: &mut Sink, checked: &mut CheckedBlock, block: &Block) {
    let Some(attribute) = block
        .body
        .attributes()
        .find(|attribute| attribute.name.name == "use")
    else {
        return;
    };
    let items: Vec<&Expr> = match &attribute.value.kind {
        ExprKind::List(items) => items.iter().collect(),
        ExprKind::Broken => {
            checked.leave_open();
            return;
        }
        _ => vec![&attribute.value],
    };
    for item in items.into_iter().rev() {
        match preset_name(item) {
            Some(PresetName { name, at, place, .. }) => match globals.presets.get(&name) {
                Some(preset) => merge::overlay(checked, preset),
                None => {
                    checked.leave_open();
                    let known = globals.declared.presets.contains_key(&name);
                    if !known && !globals.declared.ghosts.contains(&name) {
                        let names = globals.names_under("preset");
                        sink.push(problems::unknown_preset::problem(at, place, &name, &names));
                    }
                }
            },
            None => {
                checked.leave_open();
                if let Some(problem) = unknown_root(globals, item) {
                    sink.push(problem);
                    continue;
                }
                not_a_preset(globals, sink, item);
            }
        }
    }
}

/// Reports something in `use` that is no preset's name.
fn not_a_preset(globals: &Globals<'_>, sink: &mut Sink, item: &Expr) {
    let (found, hint) = if names_presets(item) {
        match path(item) {
            Some(_) => (
                "a part of a preset".to_owned(),
                "name the whole preset: `use = preset.small`",
            ),
            None => (
                "an expression over presets".to_owned(),
                "presets are named directly, and cannot be chosen by a condition: put what differs into the block \
                 itself, as `cpu = var.big ? 8 : 2`",
            ),
        }
    } else {
        let (ty, _) = free_value(globals, sink, item, None);
        if matches!(ty, Type::Unknown) {
            // Its own problem is reported.
            return;
        }
        (
            ty.to_string(),
            "name a preset: `use = preset.small`, or several: `use = [preset.a, preset.b]`",
        )
    };
    sink.push(problems::type_mismatch::problem(
        item.span,
        "preset",
        &found,
        Some(hint.to_owned()),
    ));
}

/// Whether an expression other than a name mentions presets: `var.big ? preset.a : preset.b`.
fn names_presets(item: &Expr) -> bool {
    let mut found = false;
    crate::walk::expr(item, &mut |root, _, _| found |= root == "preset");
    found
}

/// What is wrong with a `use` whose first word is a slip or lacks `preset.`: `use = prest.small`, `use = small`.
fn unknown_root(globals: &Globals<'_>, item: &Expr) -> Option<fly_syntax::Problem> {
    let (root, root_span, steps) = path(item)?;
    let names = globals.names_under("preset");
    let full: Vec<String> = names.all().iter().map(|name| format!("preset.{name}")).collect();
    let known = ROOTS.contains(&root.as_str());
    (!known && steps.len() <= 1).then(|| {
        // `preset` alone names none.
        let roots: Vec<&str> = match steps.is_empty() {
            true => full.iter().map(String::as_str).collect(),
            false => vec!["preset"],
        };
        problems::unknown_name::problem(root_span, root, &roots)
    })
}

/// An egg, an eggsbucket, a job or any other top-level block with all that presets and providers add.
pub(crate) fn entity_block(
    globals: &Globals<'_>,
    sink: &mut Sink,
    top: Top<'_>,
    each: Option<Each>,
) -> CheckedBlock {
    let schema = top.schema();
    let mut checker = BodyChecker { globals, sink, each };
    let mut checked = checker.block(top.block, schema, schema.kind);
    if schema.uses_presets {
        add_presets(globals, sink, &mut checked, top.block);
    }
    add_provider_defaults(globals, &mut checked);
    checked
}

/// What the provider that a `cloud` block names sets for all of its machines.
fn add_provider_defaults(globals: &Globals<'_>, checked: &mut CheckedBlock) {
    let defaults = |cloud: &CheckedBlock| -> Option<CheckedBlock> {
        let name = cloud.value("provider")?.as_str()?.to_owned();
        let provider = globals.providers.get(name.as_str())?;
        let variant = cloud.schema.variant(name.split('.').next()?);
        let belongs = |attribute: &str| {
            cloud.schema.attribute(attribute).is_some()
                || variant.is_some_and(|schema| schema.attribute(attribute).is_some())
        };
        let blocks = |block: &str| variant.is_some_and(|schema| schema.child(block).is_some());
        let mut defaults = CheckedBlock::clone(provider);
        defaults
            .attributes
            .retain(|attribute| attribute.name != "provider" && belongs(&attribute.name));
        defaults.blocks.retain(|block| blocks(&block.name));
        defaults.incomplete = false;
        Some(defaults)
    };
    let clouds = |block: &&mut CheckedBlock| block.name == "cloud";
    let mut holders = vec![checked];
    while let Some(block) = holders.pop() {
        for cloud in block.blocks.iter_mut().filter(clouds) {
            if let Some(defaults) = defaults(cloud) {
                merge::overlay(cloud, &defaults);
            }
        }
        holders.extend(block.blocks.iter_mut().filter(|block| block.name == "runner"));
    }
}

/// Checks one block of names or rules with everything known.
pub(crate) fn plain_block(globals: &Globals<'_>, sink: &mut Sink, top: Top<'_>) -> CheckedBlock {
    let mut checker = BodyChecker {
        globals,
        sink,
        each: None,
    };
    checker.block(top.block, top.schema(), top.schema().kind)
}
