//! `eggsbucket`: one pool of machines for several repositories.

use super::Rule;
use super::egg::{Github, Gitlab, Pool};
use crate::block;

block! {
    /// One pool of runners that serves several repositories, also of different servers: a machine takes jobs of
    /// whichever has one.
    pub struct Eggsbucket("eggsbucket") {
        extends { pool: Pool }
        attributes {}
        blocks {
            repositories: Repositories;
        }
        labels ["name"]
        accepts [presets, for_each]
    }
}

block! {
    /// The repositories that an eggsbucket serves.
    pub struct Repositories("repositories") {
        attributes {}
        blocks {
            repo: Vec<Repo>;
        }
    }
}

block! {
    /// One of the repositories, on GitLab or on GitHub.
    pub struct Repo("repo") {
        attributes {}
        blocks {
            gitlab: Option<Gitlab>;
            github: Option<Github>;
        }
        labels ["name"]
        rules [Rule::ExactlyOne(&["gitlab", "github"])]
        accepts [for_each]
    }
}
