//! What a Nest has already: it gives the questions their defaults.

use fly_syntax::SourceFile;
use fly_syntax::tree::Block;

use crate::terminal::Target;

/// What a Nest has already.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The clouds that have a `provider` block, in order, each once.
    pub(crate) clouds: Vec<String>,
    /// The presets, in order.
    pub(crate) presets: Vec<String>,
    /// The GitLab server of the first `provider "gitlab"`, as it is written there: `"gitlab.example.com"` or
    /// `var.gitlab_server`.
    pub(crate) gitlab: Option<String>,
    /// Whether it names anybody to whom GitLab could report: MotherGoose, or an address of its own.
    pub(crate) listens: bool,
}

impl Facts {
    /// Of the Nest as its files say, whether they are sound or not.
    pub(crate) fn of(target: &Target) -> Self {
        let files = fly_workspace::load(&target.root, &[]);
        let mut facts = Self::default();
        for file in &files.files {
            for block in fly_syntax::parse(file).tree.body.blocks() {
                facts.learn(block, file);
            }
        }
        facts
    }

    fn learn(&mut self, block: &Block, file: &SourceFile) {
        self.listens |= block.kind.name == "mothergoose" || names(block, "webhook_url");
        let Some(label) = block.labels.first().and_then(|label| label.text.literal()) else {
            return;
        };
        match (block.kind.name.as_str(), label.as_str()) {
            ("provider", "gitlab") => {
                self.gitlab = self.gitlab.take().or_else(|| written(block, "server", file))
            }
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

/// An attribute's value as it is written.
fn written(block: &Block, name: &str, file: &SourceFile) -> Option<String> {
    let attribute = block
        .body
        .attributes()
        .find(|attribute| attribute.name.name == name)?;
    Some(file.slice(attribute.value.span).to_owned())
}

/// Whether the block, or one in it, has this attribute.
fn names(block: &Block, name: &str) -> bool {
    let mut attributes = block.body.attributes();
    attributes.any(|attribute| attribute.name.name == name)
        || block.body.blocks().any(|inner| names(inner, name))
}
