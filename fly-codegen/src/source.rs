//! A checked Nest, and where in it everything is written.

use std::iter;

use fly_syntax::Span;
use fly_typeck::NestFiles;
use fly_typeck::checked::CheckedBlock;
use fly_typeck::nest::Nest;
use fly_typeck::schema::egg::{Github, Gitlab, Pool};
use gosling_resource::Origin;

/// A checked Nest with what its places are told from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The Nest.
    pub nest: &'a Nest,
    /// Its checked top-level blocks, from which the Nest was made: they know where everything is written.
    pub blocks: &'a [CheckedBlock],
    /// Its files.
    pub files: &'a NestFiles,
}

/// An egg or an eggsbucket: a pool of machines, and whose jobs it runs.
#[derive(Debug, Clone)]
pub(crate) struct Owner<'a> {
    /// `egg` or `eggsbucket`.
    pub(crate) kind: &'static str,
    /// Its label.
    pub(crate) label: &'a str,
    /// What its machines are like.
    pub(crate) pool: &'a Pool,
    /// Whose jobs it runs: one for an egg.
    pub(crate) repos: Vec<Repo<'a>>,
    /// Where its header is.
    pub(crate) origin: Option<Origin>,
    block: Option<&'a CheckedBlock>,
}

/// A project or a group whose jobs are run.
#[derive(Debug, Clone)]
pub(crate) struct Repo<'a> {
    /// Its name in an eggsbucket; an egg has only one, without a name.
    pub(crate) name: Option<&'a str>,
    /// Where it is.
    pub(crate) host: CodeHost<'a>,
    /// Where its `gitlab` or `github` block is.
    pub(crate) origin: Option<Origin>,
    block: Option<&'a CheckedBlock>,
}

/// A code server, with what is asked of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CodeHost<'a> {
    /// GitLab.
    Gitlab(&'a Gitlab),
    /// GitHub.
    Github(&'a Github),
}

impl<'a> Source<'a> {
    /// The file and the line of a place.
    pub(crate) fn origin(&self, span: Span) -> Option<Origin> {
        let file = self.files.files.get(usize::try_from(span.file.0).ok()?)?;
        Some(Origin {
            file: file.path.clone().into(),
            line: file.position(span.start).line,
        })
    }

    /// Every egg and eggsbucket, eggs first.
    pub(crate) fn owners(&self) -> Vec<Owner<'a>> {
        let eggs = self
            .nest
            .eggs
            .iter()
            .zip(self.blocks_of("egg"))
            .map(|(egg, block)| Owner {
                kind: "egg",
                label: &egg.label,
                pool: &egg.pool,
                repos: self
                    .repo(None, block, egg.gitlab.as_ref(), egg.github.as_ref())
                    .into_iter()
                    .collect(),
                origin: self.origin(egg.span),
                block,
            });
        let buckets = self
            .nest
            .eggsbuckets
            .iter()
            .zip(self.blocks_of("eggsbucket"))
            .map(|(bucket, block)| {
                let repositories = block.and_then(|block| block.block("repositories"));
                let blocks = repositories
                    .map(|block| block.blocks_named("repo"))
                    .unwrap_or_default();
                let blocks = blocks.into_iter().map(Some).chain(iter::repeat(None));
                let repos = bucket.repositories.repo.iter().zip(blocks);
                Owner {
                    kind: "eggsbucket",
                    label: &bucket.label,
                    pool: &bucket.pool,
                    repos: repos
                        .filter_map(|(repo, block)| {
                            self.repo(
                                Some(&repo.label),
                                block,
                                repo.gitlab.as_ref(),
                                repo.github.as_ref(),
                            )
                        })
                        .collect(),
                    origin: self.origin(bucket.span),
                    block,
                }
            });
        eggs.chain(buckets).collect()
    }

    /// The checked blocks of a kind in their order, which is that of the Nest, and then none for ever.
    fn blocks_of(&self, kind: &'static str) -> impl Iterator<Item = Option<&'a CheckedBlock>> + use<'a> {
        let blocks = self.blocks.iter().filter(move |block| block.name == kind);
        blocks.map(Some).chain(iter::repeat(None))
    }

    fn repo(
        &self,
        name: Option<&'a str>,
        block: Option<&'a CheckedBlock>,
        gitlab: Option<&'a Gitlab>,
        github: Option<&'a Github>,
    ) -> Option<Repo<'a>> {
        let (host, kind, span) = match (gitlab, github) {
            (Some(gitlab), _) => (CodeHost::Gitlab(gitlab), "gitlab", gitlab.span),
            (None, Some(github)) => (CodeHost::Github(github), "github", github.span),
            (None, None) => return None,
        };
        Some(Repo {
            name,
            host,
            origin: self.origin(span),
            block: block.and_then(|block| block.block(kind)),
        })
    }
}

impl Owner<'_> {
    /// `egg.app`
    pub(crate) fn address(&self) -> String {
        format!("{}.{}", self.kind, self.label)
    }

    /// Where `["runner", "tags"]` is written, in whatever it came from.
    pub(crate) fn written(&self, source: &Source<'_>, path: &[&str]) -> Option<Origin> {
        source.origin(place(self.block?, path)?)
    }

    /// Where it is written, else where the block's header is.
    pub(crate) fn nearest(&self, source: &Source<'_>, path: &[&str]) -> Option<Origin> {
        self.written(source, path).or_else(|| self.origin.clone())
    }
}

impl<'a> Repo<'a> {
    /// The `gitlab` block, where it is one.
    pub(crate) fn gitlab(&self) -> Option<&'a Gitlab> {
        match self.host {
            CodeHost::Gitlab(gitlab) => Some(gitlab),
            CodeHost::Github(_) => None,
        }
    }

    /// Where `project_id` is written.
    pub(crate) fn written(&self, source: &Source<'_>, name: &str) -> Option<Origin> {
        source.origin(place(self.block?, &[name])?)
    }
}

fn place(block: &CheckedBlock, path: &[&str]) -> Option<Span> {
    let (last, blocks) = path.split_last()?;
    let holder = blocks.iter().try_fold(block, |block, name| block.block(name))?;
    let attribute = holder.attribute(last).map(|attribute| attribute.value_span);
    attribute.or_else(|| holder.block(last).map(|block| block.header))
}
