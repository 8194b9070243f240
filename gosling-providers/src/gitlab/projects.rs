//! What a server is, and which projects there are.

use gosling_engine::{CallError, Context};
use serde_json::Value as Json;

use super::Gitlab;
use super::session::Errand;

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// `18.5.0-ee`.
    pub version: String,
    /// Whether it is the Enterprise Edition. It may run without a licence all the same: what needs Premium can then
    /// still be refused.
    pub enterprise: bool,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its number.
    pub id: i64,
    /// Its full path: `platform/api`.
    pub path: String,
    /// The branch that a pipeline runs on where nobody says another; none in an empty repository.
    pub default_branch: Option<String>,
    /// Where a browser finds it.
    pub web_url: String,
}

impl Project {
    fn read(shown: &Json) -> Option<Self> {
        let text = |name: &str| shown[name].as_str().map(str::to_owned);
        Some(Self {
            id: shown["id"].as_i64()?,
            path: text("path_with_namespace")?,
            default_branch: text("default_branch"),
            web_url: text("web_url").unwrap_or_default(),
        })
    }
}

impl Gitlab {
    /// The server's version and edition.
    ///
    /// # Errors
    /// Any failed call.
    pub async fn metadata(&self, cx: &Context<'_>) -> Result<Metadata, CallError> {
        let errand = Errand {
            doing: "asking for the version".to_owned(),
            of: "the server".to_owned(),
            needs: "the scope `api` or `read_user`",
        };
        let shown = self.asking(cx).await?.get("metadata", &errand).await?;
        let shown = shown.ok_or_else(|| {
            CallError::failed(format!(
                "{} does not answer like a GitLab",
                self.settings.endpoint.base
            ))
            .help("gosling needs GitLab 16 or newer; look at the address in `provider \"gitlab\"`")
        })?;
        Ok(Metadata {
            version: shown["version"].as_str().unwrap_or_default().to_owned(),
            enterprise: shown["enterprise"].as_bool() == Some(true),
        })
    }

    /// One project.
    ///
    /// # Errors
    /// Any failed call; that it is not there, or not for this token.
    pub async fn project(&self, cx: &Context<'_>, id: i64) -> Result<Project, CallError> {
        let errand = Errand {
            doing: format!("looking at project {id}"),
            of: format!("project {id}"),
            needs: "the scope `api` and a role in the project",
        };
        let shown = self
            .asking(cx)
            .await?
            .there(&format!("projects/{id}"), &errand)
            .await?;
        Project::read(&shown)
            .ok_or_else(|| CallError::unknown(format!("GitLab's answer for project {id} cannot be read")))
    }

    /// Every project of a group and of the groups in it that is not archived, by number.
    ///
    /// # Errors
    /// Any failed call; that the group is not there, or not for this token.
    pub async fn group_projects(&self, cx: &Context<'_>, group_id: i64) -> Result<Vec<Project>, CallError> {
        let errand = Errand {
            doing: format!("listing the projects of group {group_id}"),
            of: format!("group {group_id}"),
            needs: "the scope `api` and a role in the group",
        };
        let path = format!(
            "groups/{group_id}/projects?include_subgroups=true&with_shared=false&archived=false&order_by=id&sort=asc"
        );
        let shown = self.asking(cx).await?.all(&path, &errand).await?;
        let mut projects: Vec<_> = shown.iter().filter_map(Project::read).collect();
        // A project that was made while the pages were read may stand on two of them.
        projects.sort_by_key(|project| project.id);
        projects.dedup_by_key(|project| project.id);
        Ok(projects)
    }
}
