//! Whether a server can carry out a plan: reached, of a version that we know, its tokens good and allowed.

use std::collections::BTreeSet;

use gosling_engine::fence::ReadOnly;
use gosling_engine::preflight::{ends_soon, put_there};
use gosling_engine::{Action, CallError, Change, Context, Finding};
use gosling_resource::SecretUri;
use serde_json::Value as Json;

use super::Gitlab;
use super::scopes::{ALL, Place, Rights, rights, role};
use super::session::{Errand, Session};

/// More places are not looked at one by one.
const PLACES: usize = 20;
/// GitLab Free takes so many runners for each project and group.
const FREE: usize = 50;

/// A token, as the server tells of it.
struct Token {
    place: SecretUri,
    session: Session<'static>,
    shown: Json,
}

impl Token {
    fn scopes(&self) -> Vec<&str> {
        let scopes = self.shown["scopes"].as_array().into_iter().flatten();
        scopes.filter_map(Json::as_str).collect()
    }

    /// Whether it may look at projects and groups.
    fn sees(&self) -> bool {
        let scopes = self.scopes();
        scopes.contains(&ALL) || scopes.contains(&"read_api")
    }
}

impl Gitlab {
    pub(super) async fn look(&self, cx: &Context<'_>, changes: &[&Change]) -> Vec<Finding> {
        let mut all = rights(changes, &self.token);
        if all.is_empty() {
            all.insert(self.token.clone(), Rights::default());
        }
        let mut findings = Vec::new();
        let mut asked = false;
        for (place, rights) in all {
            let token = match self.ask_token(cx, &place).await {
                Ok(token) => token,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            if !asked {
                findings.extend(self.version(&token).await);
                asked = true;
            }
            findings.extend(of_token(&token, &rights));
            if token.shown["active"] == false {
                continue;
            }
            if token.sees() {
                findings.extend(self.places(&token, &rights).await);
            } else if !rights.roles.is_empty() {
                findings.push(Finding::warning(
                    "roles",
                    format!(
                        "the token at {place} may not look at projects and groups, so its role is not known"
                    ),
                    "give it the scope `read_api`, too",
                ));
            }
        }
        // Several tokens at a server that is away are one thing.
        let mut said = BTreeSet::new();
        findings.retain(|finding| said.insert((finding.subject.clone(), finding.words.clone())));
        findings
    }

    async fn ask_token(&self, cx: &Context<'_>, place: &SecretUri) -> Result<Token, Finding> {
        let lost = |subject: &str, error: CallError, otherwise: &str| {
            let help = error.way_out().unwrap_or(otherwise).to_owned();
            Finding::failed(subject, error.to_string(), help)
        };
        let value = cx.secrets.read(place).await;
        let value = value.map_err(|error| lost("token", error.into(), &put_there(place)))?;
        let session = Session::new(
            self.client.clone(),
            &self.settings.server,
            value,
            place,
            &ReadOnly,
        );
        let errand = errand("looking at the token", "the token");
        match session.get("personal_access_tokens/self", &errand).await {
            Ok(shown) => Ok(Token {
                place: place.clone(),
                session,
                shown: shown.unwrap_or(Json::Null),
            }),
            Err(error) => Err(lost("service", error, "look at the server")),
        }
    }

    async fn version(&self, token: &Token) -> Vec<Finding> {
        let base = &self.settings.endpoint.base;
        let mut findings = Vec::new();
        if self.settings.endpoint.insecure && self.settings.endpoint.fingerprint.is_none() {
            findings.push(Finding::warning(
                "service",
                format!("{base} is reached; its certificate is not verified"),
                "give its authority as `ca_file`, instead of `insecure`",
            ));
        } else {
            findings.push(Finding::ok("service", format!("{base} is reached")));
        }
        let errand = errand("asking for the version", "the server");
        let metadata = token.session.get("metadata", &errand).await.ok().flatten();
        let version = metadata
            .as_ref()
            .and_then(|metadata| metadata["version"].as_str());
        findings.push(match version {
            None => Finding::warning(
                "version",
                "this token may not read the server's version",
                "give the token the scope `read_user`, so that gosling can check it",
            ),
            Some(version) => match version
                .split('.')
                .next()
                .and_then(|major| major.parse::<u32>().ok())
            {
                Some(16..) => Finding::ok("version", format!("GitLab {version}")),
                _ => Finding::failed(
                    "version",
                    format!("GitLab {version}: gosling needs 16 or newer"),
                    "upgrade the server: older ones have no authentication tokens of runners",
                ),
            },
        });
        findings
    }

    /// The token's role at each place, and whether there is room for runners.
    async fn places(&self, token: &Token, rights: &Rights<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut fine = Vec::new();
        let mut admin = None;
        for (place, (level, change)) in rights.roles.iter().take(PLACES) {
            match level_at(token, *place).await {
                Err(error) => {
                    let help = error.way_out().unwrap_or("check the number").to_owned();
                    let (address, words) = (change.address.to_string(), error.to_string());
                    // What is deleted may be deleted all the same, and the rest with it.
                    let finding = match change.action {
                        Action::Delete => Finding::warning(address, words, help),
                        _ => Finding::failed(address, words, help),
                    };
                    findings.push(finding.at(change));
                    continue;
                }
                Ok(held) if held >= *level => fine.push(format!("{} in {place}", role(held))),
                Ok(held) => {
                    if admin.is_none() {
                        admin = Some(is_admin(token).await);
                    }
                    if admin == Some(true) {
                        fine.push(format!("administrator, for {place}"));
                        continue;
                    }
                    let (is, wanted) = (role(held), role(*level));
                    let words = match place {
                        Place::Server => {
                            format!("the token at {} does not belong to an administrator", token.place)
                        }
                        _ => format!("the token at {} has the role {is} in {place}", token.place),
                    };
                    let help = match place {
                        Place::Server => "instance runners take an administrator's token".to_owned(),
                        _ => format!("it needs the role {wanted} there"),
                    };
                    findings.push(Finding::failed(change.address.to_string(), words, help).at(change));
                    continue;
                }
            }
            findings.extend(room(token, *place, rights.made.get(place).copied(), change).await);
        }
        if !fine.is_empty() {
            let more = match rights.roles.len().saturating_sub(PLACES) {
                0 => String::new(),
                more => format!("; {more} more were not checked"),
            };
            findings.insert(0, Finding::ok("roles", format!("{}{more}", fine.join(", "))));
        }
        findings
    }

    /// The least scopes and roles, for a person.
    pub(super) fn least(&self, changes: &[&Change]) -> String {
        let mut text = String::new();
        for (place, rights) in rights(changes, &self.token) {
            let scopes = rights.least();
            let (every, either) = match scopes.as_slice() {
                [ALL] => (format!("`{ALL}`"), ""),
                scopes => {
                    let each: Vec<_> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
                    (each.join(", "), "; before GitLab 17.2, `api`")
                }
            };
            let roles = rights.roles.iter().map(|(place, (level, _))| match place {
                Place::Server => "# - an administrator's".to_owned(),
                place => format!("# - the role {} in {place}", role(*level)),
            });
            let roles: Vec<_> = roles.collect();
            text.push_str(&format!(
                "# The token at {place}, made in GitLab: Edit profile > Access tokens\n# - scopes: {every}{either}\n{}\n",
                roles.join("\n")
            ));
        }
        text
    }
}

fn errand(doing: &str, of: &str) -> Errand {
    Errand {
        doing: doing.to_owned(),
        of: of.to_owned(),
        needs: "the scope `api`, or what `gosling preflight --role` prints",
    }
}

/// What is to be said of a token itself.
fn of_token(token: &Token, rights: &Rights<'_>) -> Vec<Finding> {
    let place = &token.place;
    if token.shown.is_null() {
        return vec![Finding::warning(
            "token",
            format!("the server does not report what the token at {place} may do"),
            "nothing to do: a missing right shows when the token is used",
        )];
    }
    if token.shown["active"] == false || token.shown["revoked"] == true {
        return vec![Finding::failed(
            "token",
            format!("the token at {place} was revoked, or has ended"),
            "make a new one (`gosling preflight --role` says with which scopes), and put it there",
        )];
    }
    let mut findings = Vec::new();
    let end = token.shown["expires_at"].as_str();
    let soon = end.and_then(|end| {
        ends_soon(
            &format!("the token at {place}"),
            end,
            "make a new one in time, or rotate it in GitLab, and put it there",
        )
    });
    let scopes = token.scopes();
    let missing = rights.missing(&scopes);
    if missing.is_empty() {
        let end = end.map_or("without an end".to_owned(), |end| format!("until {end}"));
        let words = format!(
            "the token at {place} is good {end}, with the scopes {}",
            quoted(&scopes)
        );
        findings.push(Finding::ok("token", words));
    } else {
        let first = rights.roles.values().next();
        let words = format!("the token at {place} lacks the scope {}", quoted(&missing));
        let help = format!(
            "make one with the scopes {}, and put it there",
            quoted(&rights.least())
        );
        let finding = Finding::failed("token", words, help);
        findings.push(match first {
            Some((_, change)) => finding.at(change),
            None => finding,
        });
    }
    findings.extend(soon);
    findings
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// The role's number that a token has at a place; 0 for none that is known.
async fn level_at(token: &Token, place: Place) -> Result<i64, CallError> {
    let of = place.to_string();
    let errand = errand(&format!("looking at {of}"), &of);
    match place {
        Place::Project(id) => {
            let project = token.session.there(&format!("projects/{id}"), &errand).await?;
            let permissions = &project["permissions"];
            let of = ["project_access", "group_access"].iter();
            let of = of.filter_map(|name| permissions[*name]["access_level"].as_i64());
            Ok(of.max().unwrap_or_default())
        }
        Place::Group(id) => {
            token
                .session
                .there(&format!("groups/{id}?with_projects=false"), &errand)
                .await?;
            let Some(user) = token.shown["user_id"].as_i64() else {
                return Ok(0);
            };
            let member = token
                .session
                .get(&format!("groups/{id}/members/all/{user}"), &errand)
                .await?;
            Ok(member
                .and_then(|member| member["access_level"].as_i64())
                .unwrap_or_default())
        }
        Place::Server => Ok(0),
    }
}

async fn is_admin(token: &Token) -> bool {
    let errand = errand("asking whose token it is", "the user");
    let user = token.session.get("user", &errand).await.ok().flatten();
    user.is_some_and(|user| user["is_admin"] == true)
}

/// Whether a project or group takes so many runners more. How many it takes is the server's licence and settings,
/// which it does not tell.
async fn room(token: &Token, place: Place, more: Option<usize>, change: &Change) -> Option<Finding> {
    let more = more?;
    let list = match place {
        Place::Project(id) => format!("projects/{id}/runners?type=project_type"),
        Place::Group(id) => format!("groups/{id}/runners?type=group_type"),
        Place::Server => return None,
    };
    let errand = errand(&format!("listing the runners of {place}"), &place.to_string());
    let there = token.session.all(&list, &errand).await.ok()?.len();
    let words = format!("{place} has {there} runners, and GitLab Free allows {FREE}");
    let help = "delete runners that nobody uses, unless the server takes more";
    let full = there + more > FREE;
    full.then(|| Finding::warning(change.address.to_string(), words, help).at(change))
}
