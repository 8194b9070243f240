//! What a Nest has already: it gives the questions their defaults.

use fly_syntax::tree::{Block, ExprKind};

use super::super::target::Target;
use crate::nest;

/// What a Nest has already.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The clouds that have a `provider` block, in order, each once.
    pub(crate) clouds: Vec<String>,
    /// The presets, in order.
    pub(crate) presets: Vec<String>,
    /// The GitLab server, where there is one `provider "gitlab"` that says it in plain text.
    pub(crate) gitlab: Option<String>,
}

impl Facts {
    /// Of the Nest as its files say, whether they are sound or not.
    pub(crate) fn of(target: &Target) -> Self {
        let files = nest::load(&target.root, &[]);
        let mut facts = Self::default();
        for file in &files.files {
            for block in fly_syntax::parse(file).tree.body.blocks() {
                facts.learn(block);
            }
        }
        facts
    }

    fn learn(&mut self, block: &Block) {
        let Some(label) = block.labels.first().and_then(|label| label.text.literal()) else {
            return;
        };
        match (block.kind.name.as_str(), label.as_str()) {
            ("provider", "gitlab") => self.gitlab = self.gitlab.take().or_else(|| literal(block, "server")),
            ("provider", cloud @ ("proxmox" | "aws" | "yandex"))
                if !self.clouds.iter().any(|seen| seen == cloud) =>
            {
                self.clouds.push(cloud.to_owned());
            }
            ("preset", preset) => self.presets.push(preset.to_owned()),
            _ => {}
        }
    }
}

fn literal(block: &Block, name: &str) -> Option<String> {
    let attribute = block
        .body
        .attributes()
        .find(|attribute| attribute.name.name == name)?;
    match &attribute.value.kind {
        ExprKind::String(template) => template.literal().map(|text| text.to_string()),
        _ => None,
    }
}
