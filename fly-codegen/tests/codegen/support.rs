//! Compiles Nests, and reads what machines would make of their files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fly_codegen::{Facts, LowerError, Source};
use fly_syntax::Severity;
use fly_typeck::checked::CheckedBlock;
use fly_typeck::nest::Nest;
use fly_typeck::{NestFiles, Variables};
use gosling_resource::{Address, Part, Resource, Resources, Secret, Template, Value};

/// A Nest without errors.
pub(crate) struct Compiled {
    nest: Nest,
    blocks: Vec<CheckedBlock>,
    files: NestFiles,
}

impl Compiled {
    pub(crate) fn source(&self) -> Source<'_> {
        Source {
            nest: &self.nest,
            blocks: &self.blocks,
            files: &self.files,
        }
    }

    pub(crate) fn lower(&self) -> Result<Resources, Vec<LowerError>> {
        fly_codegen::lower(&self.source(), &facts())
    }

    /// The resources, whose references all lead somewhere.
    pub(crate) fn resources(&self) -> Resources {
        let resources = self.lower().unwrap();
        resources.check().unwrap();
        resources
    }
}

/// What GitLab would have said.
pub(crate) fn facts() -> Facts {
    Facts {
        folder: Some("Some Folder".to_owned()),
        group_projects: BTreeMap::from([(("gitlab.lab.example.com".to_owned(), 5), vec![42, 17, 41])]),
    }
}

pub(crate) fn compile(files: NestFiles) -> Compiled {
    let (trees, mut problems) = files.parse();
    let checked = fly_typeck::check(&files, &trees, &Variables::default());
    problems.extend(checked.problems.iter().cloned());
    let errors = problems
        .iter()
        .filter(|problem| problem.severity() == Severity::Error);
    let errors: Vec<&str> = errors.map(|problem| problem.message.as_str()).collect();
    assert_eq!(errors, Vec::<&str>::new());
    Compiled {
        nest: checked.nest().unwrap(),
        blocks: checked.blocks,
        files,
    }
}

/// Where `provider "proxmox"` is.
const PROVIDER: &str = r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.lab:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
"#;

/// A Nest of these files, written after lines `-- path --`, and one Proxmox cluster.
pub(crate) fn nest(archive: &str) -> Compiled {
    compile(NestFiles::from_archive(&format!("{PROVIDER}{archive}")))
}

/// An egg called `app`, with `cloud` inside its cloud block and `rest` after its own.
pub(crate) fn egg(cloud: &str, rest: &str) -> String {
    named_egg("app", cloud, rest)
}

pub(crate) fn named_egg(name: &str, cloud: &str, rest: &str) -> String {
    format!(
        r#"-- Eggs/{name}/config.fly --
egg "{name}" {{
  type = "vm"
  cloud {{
    provider = "proxmox"
    template = 9000
    {cloud}
  }}
  resources {{
    cpu = 2
    memory = 4GB
    disk = 20GiB
  }}
  runner {{
    tags = ["linux", "{name}"]
  }}
  gitlab {{
    server = "gitlab.lab"
    project_id = 17
  }}
  {rest}
}}
"#
    )
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `examples/proxmox-lab`, as it lies there.
pub(crate) fn example() -> Compiled {
    let folder = root().join("examples/proxmox-lab");
    let mut files = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    compile(NestFiles::in_memory(files))
}

/// The resource of this address.
pub(crate) fn get<'r>(resources: &'r Resources, address: &str) -> &'r Resource {
    let parsed: Address = address.parse().unwrap();
    resources.get(&parsed).unwrap_or_else(|| {
        let all: Vec<String> = resources
            .iter()
            .map(|resource| resource.address.to_string())
            .collect();
        panic!("no {address} among {all:?}")
    })
}

pub(crate) fn template<'r>(resource: &'r Resource, name: &str) -> &'r Template {
    match &resource.properties[name] {
        Value::Template(template) => template,
        other => panic!("{name} is {other:?}"),
    }
}

/// The text with secrets shown as their places and what they go through.
pub(crate) fn shown(template: &Template) -> String {
    let parts = template.parts.iter().map(|part| match part {
        Part::Text(text) => text.to_string(),
        Part::Secret { uri, escapes } => format!("<{uri} as {escapes:?}>"),
    });
    parts.collect()
}

/// The text that a machine gets, each secret having the value that `value` gives its place.
pub(crate) fn filled(template: &Template, value: impl Fn(&str) -> String) -> String {
    let filled = template.fill(|uri| Ok::<_, ()>(Secret::new(value(uri.as_str()))));
    filled.unwrap().expose().to_owned()
}

/// A machine's files and commands, as cloud-init reads them.
pub(crate) fn cloud_config(text: &str) -> serde_norway::Value {
    assert!(text.starts_with("#cloud-config\n"), "{text}");
    serde_norway::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What a cloud-config writes to a path.
pub(crate) fn written(config: &serde_norway::Value, path: &str) -> String {
    let files = config["write_files"].as_sequence().unwrap();
    let file = files.iter().find(|file| file["path"].as_str() == Some(path));
    file.unwrap_or_else(|| panic!("nothing writes {path}"))["content"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The `config.toml` in a machine's user-data.
pub(crate) fn config_toml(user_data: &str) -> toml::Table {
    let text = written(&cloud_config(user_data), "/etc/gitlab-runner/config.toml");
    toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
