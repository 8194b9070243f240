//! A Nest without problems, in the types that the rest of the product works with.

use crate::checked::CheckedBlock;
use crate::schema::Block;
use crate::schema::egg::Egg;
use crate::schema::eggsbucket::Eggsbucket;
use crate::schema::job::Job;
use crate::schema::mothergoose::Mothergoose;
use crate::schema::moved::Moved;
use crate::schema::nest::NestSettings;
use crate::schema::provider::Provider;
use crate::schema::rift::Rift;
use crate::schema::state::State;
use crate::schema::uglyfox::Uglyfox;

/// A whole Nest: every value typed and evaluated, presets merged in. Names of the language (`variable`, `locals`,
/// `preset`) have done their work and are gone; `check` blocks hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Nest {
    /// `nest`
    pub settings: Option<NestSettings>,
    /// In the order of their files; a `for_each` has made one for each entry.
    pub eggs: Vec<Egg>,
    /// In the order of their files; a `for_each` has made one for each entry.
    pub eggsbuckets: Vec<Eggsbucket>,
    /// In the order of their files.
    pub jobs: Vec<Job>,
    /// `UF/config.fly`
    pub uglyfox: Option<Uglyfox>,
    /// `MG/config.fly`
    pub mothergoose: Option<Mothergoose>,
    /// `RF/config.fly`
    pub rift: Option<Rift>,
    /// In the order they are written.
    pub providers: Vec<Provider>,
    /// `state`
    pub state: Option<State>,
    /// In the order they are written.
    pub moved: Vec<Moved>,
}

impl Nest {
    /// The Nest of its checked top-level blocks; `None` only where checking let something through.
    #[must_use]
    pub fn from_blocks(blocks: &[CheckedBlock]) -> Option<Self> {
        Some(Self {
            settings: single(blocks)?,
            eggs: all(blocks)?,
            eggsbuckets: all(blocks)?,
            jobs: all(blocks)?,
            uglyfox: single(blocks)?,
            mothergoose: single(blocks)?,
            rift: single(blocks)?,
            providers: all(blocks)?,
            state: single(blocks)?,
            moved: all(blocks)?,
        })
    }
}

fn of_kind<B: Block>(blocks: &[CheckedBlock]) -> impl Iterator<Item = &CheckedBlock> {
    blocks.iter().filter(|block| block.name == B::schema().kind)
}

fn all<B: Block>(blocks: &[CheckedBlock]) -> Option<Vec<B>> {
    of_kind::<B>(blocks).map(B::decode).collect()
}

fn single<B: Block>(blocks: &[CheckedBlock]) -> Option<Option<B>> {
    of_kind::<B>(blocks)
        .next()
        .map(B::decode)
        .map_or(Some(None), |block| block.map(Some))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use fly_syntax::{FileId, Span};
    use smol_str::SmolStr;

    use super::*;
    use crate::checked::CheckedAttribute;
    use crate::schema::cloud::{Addressing, Template};
    use crate::schema::egg::{Executor, HookEvent, MachineType};
    use crate::schema::mothergoose::ServerCloud;
    use crate::schema::{BlockSchema, PlainOrSecret, Rest, top_level};
    use crate::value::Value;
    use fly_domain::{Duration, Size};

    fn nowhere() -> Span {
        Span::new(FileId(0), 0..0)
    }

    fn block(schema: &'static BlockSchema, name: &str, labels: &[&str]) -> CheckedBlock {
        CheckedBlock {
            schema,
            name: name.into(),
            labels: labels.iter().map(SmolStr::new).collect(),
            header: nowhere(),
            attributes: Vec::new(),
            blocks: Vec::new(),
            incomplete: false,
        }
    }

    fn top(kind: &str, labels: &[&str]) -> CheckedBlock {
        let schema = top_level()
            .iter()
            .map(|top| (top.schema)())
            .find(|schema| schema.kind == kind)
            .unwrap();
        block(schema, kind, labels)
    }

    impl CheckedBlock {
        fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
            self.attributes.push(CheckedAttribute {
                name: name.into(),
                name_span: nowhere(),
                value: Some(value.into()),
                value_span: nowhere(),
            });
            self
        }

        fn inside(
            mut self,
            name: &str,
            labels: &[&str],
            fill: impl FnOnce(CheckedBlock) -> CheckedBlock,
        ) -> Self {
            let schema = match (self.schema.child(name), &self.schema.rest) {
                (Some(child), _) => (child.schema)(),
                (None, Rest::Blocks(any)) => any(),
                (None, _) => panic!("{name} is no block of {}", self.schema.kind),
            };
            self.blocks.push(fill(block(schema, name, labels)));
            self
        }
    }

    impl From<&str> for Value {
        fn from(text: &str) -> Self {
            Self::string(text)
        }
    }

    impl From<i64> for Value {
        fn from(number: i64) -> Self {
            Self::Int(number)
        }
    }

    fn egg() -> CheckedBlock {
        top("egg", &["api"])
            .with("type", "vm")
            .inside("cloud", &[], |cloud| {
                cloud
                    .with("provider", "proxmox.dc2")
                    .with("template", 9000)
                    .with("vlan", 20)
            })
            .inside("resources", &[], |resources| {
                let (memory, disk) = (Size::parse("4GiB").unwrap(), Size::parse("20GiB").unwrap());
                resources
                    .with("cpu", 2)
                    .with("memory", Value::Size(memory))
                    .with("disk", Value::Size(disk))
            })
            .inside("runner", &[], |runner| {
                runner.with("tags", Value::list(["linux".into(), "docker".into()]))
            })
            .inside("gitlab", &[], |gitlab| {
                gitlab.with("server", "gitlab.example.com").with("project_id", 7)
            })
            .inside("environment", &[], |environment| {
                environment.with("CACHE", "s3://cache")
            })
    }

    #[test]
    fn an_egg_has_its_values_and_its_defaults() {
        let nest = Nest::from_blocks(&[egg()]).unwrap();
        let [egg] = nest.eggs.as_slice() else {
            panic!("{} eggs", nest.eggs.len())
        };
        assert_eq!((egg.label.as_str(), egg.pool.machine), ("api", MachineType::Vm));
        assert_eq!(egg.pool.cloud.provider.kind(), "proxmox");
        let proxmox = egg.pool.cloud.proxmox.as_ref().unwrap();
        assert_eq!(
            (proxmox.template.clone(), proxmox.vlan),
            (Some(Template::Id(9000)), Some(20))
        );
        assert_eq!(
            (proxmox.storage.as_str(), &proxmox.address),
            ("local-lvm", &Addressing::Dhcp)
        );
        assert_eq!(
            (egg.pool.cloud.aws.is_some(), egg.pool.cloud.yandex.is_some()),
            (false, false)
        );
        assert_eq!(egg.pool.runner.tags.len(), 2);
        assert_eq!(
            (egg.pool.runner.concurrent, egg.pool.runner.executor),
            (1, Executor::Docker)
        );
        assert_eq!(egg.pool.runner.idle_timeout, Duration::from_secs(600));
        let gitlab = egg.gitlab.as_ref().unwrap();
        assert_eq!((gitlab.project_id, gitlab.events.len()), (Some(7), 4));
        assert!(gitlab.events.contains(&HookEvent::MergeRequest));
        assert_eq!(egg.github, None);
        let environment = egg.pool.environment.as_ref().unwrap();
        assert_eq!(
            environment.variables.get("CACHE"),
            Some(&PlainOrSecret::Plain("s3://cache".into()))
        );
    }

    #[test]
    fn blocks_of_any_name_keep_their_names() {
        let mothergoose = top("mothergoose", &[])
            .inside("cloud", &[], |cloud| {
                cloud.with("provider", "yandex").with("zone", "ru-central1-a")
            })
            .inside("celery_workers", &[], |workers| {
                workers.with("name", "workers").with("image", "goose:1")
            })
            .inside("message_queues", &[], |queues| {
                let queues = queues.inside("failed", &["failed"], |queue| {
                    queue.with("name", "gosling-failed")
                });
                queues.inside("webhooks", &["webhooks"], |queue| {
                    queue
                        .with("name", "gosling-webhooks")
                        .with("dead_letter_queue", "failed")
                })
            });
        let nest = Nest::from_blocks(&[mothergoose]).unwrap();
        let mothergoose = nest.mothergoose.unwrap();
        assert_eq!(mothergoose.cloud.unwrap().provider, ServerCloud::Yandex);
        let workers = mothergoose.celery_workers.unwrap();
        assert_eq!(
            (workers.role.name.as_str(), workers.role.concurrency),
            ("workers", 16)
        );
        let queues = mothergoose.message_queues.unwrap().queues;
        let names: Vec<&str> = queues.iter().map(|queue| queue.label.as_str()).collect();
        assert_eq!(names, ["failed", "webhooks"]);
        assert_eq!(queues[1].dead_letter_queue.as_ref().unwrap().as_str(), "failed");
        assert_eq!(queues[0].message_retention, Duration::parse("4d").unwrap());
    }

    #[test]
    fn a_provider_is_known_by_its_address() {
        let provider = top("provider", &["vault", "main"]).with("address", "https://vault.example.com:8200");
        let nest = Nest::from_blocks(&[provider, top("nest", &[])]).unwrap();
        assert_eq!(
            (nest.providers[0].label.as_str(), nest.providers[0].kind()),
            ("vault.main", "vault")
        );
        assert_eq!(nest.providers[0].vault.as_ref().unwrap().mount, "secret");
        assert_eq!(nest.providers[0].proxmox, None);
        assert_eq!(nest.settings.unwrap().default_secrets.word(), "store");
    }

    #[test]
    fn what_is_missing_or_of_another_type_makes_no_nest() {
        let mut unnamed = egg();
        unnamed.attributes.clear();
        assert_eq!(Nest::from_blocks(&[unnamed]), None);
        let mut wrong = egg();
        wrong.attributes[0].value = Some(Value::Int(1));
        assert_eq!(Nest::from_blocks(&[wrong]), None);
        assert_eq!(Nest::from_blocks(&[]).map(|nest| nest.eggs.len()), Some(0));
    }
}
