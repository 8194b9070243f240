//! An object service in memory, on which every call is two points at which the process could die, and any answer can
//! be lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gosling_engine::store::remote::{Expect, Objects, PutError};
use gosling_engine::store::{StoreError, Version};

use crate::life::Life;

/// What goes wrong with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The service never hears of it.
    Before,
    /// It is done, and the answer is lost.
    After,
    /// It is done long after: when the next write comes, before that.
    Late,
}

#[derive(Default)]
struct Contents {
    objects: BTreeMap<String, (Vec<u8>, u64)>,
    written: u64,
    /// How many writes came in.
    puts: usize,
    faults: BTreeMap<usize, Lost>,
    late: Vec<(String, Vec<u8>, Option<Option<Version>>)>,
    deleted: Vec<String>,
    /// So many writes are heard, and none after them.
    good_writes: Option<usize>,
    ignores_absent: bool,
    ignores_version: bool,
    /// Looks first and writes then.
    races: bool,
}

/// The service.
pub(crate) struct Memory {
    contents: Mutex<Contents>,
    life: Arc<Life>,
}

impl Memory {
    pub(crate) fn new(life: &Arc<Life>) -> Arc<Self> {
        Arc::new(Self {
            contents: Mutex::default(),
            life: Arc::clone(life),
        })
    }

    /// A service that knows no `If-None-Match`, or no `If-Match`.
    pub(crate) fn careless(absent: bool, version: bool) -> Arc<Self> {
        let memory = Self::new(&Arc::default());
        memory.contents.lock().unwrap().ignores_absent = absent;
        memory.contents.lock().unwrap().ignores_version = version;
        memory
    }

    /// A service that looks whether a condition holds, and writes a moment later.
    pub(crate) fn racing() -> Arc<Self> {
        let memory = Self::new(&Arc::default());
        memory.contents.lock().unwrap().races = true;
        memory
    }

    /// Something goes wrong with a write to come, counted from 0.
    pub(crate) fn lose(&self, number: usize, lost: Lost) {
        let mut contents = self.contents.lock().unwrap();
        let number = contents.puts + number;
        contents.faults = [(number, lost)].into();
    }

    /// Whether the fault is still to come.
    pub(crate) fn is_armed(&self) -> bool {
        !self.contents.lock().unwrap().faults.is_empty()
    }

    /// Forgets faults to come.
    pub(crate) fn mend(&self) {
        let mut contents = self.contents.lock().unwrap();
        contents.faults.clear();
        contents.good_writes = None;
    }

    /// Lets so many writes through, and none after them.
    pub(crate) fn good_writes(&self, number: usize) {
        self.contents.lock().unwrap().good_writes = Some(number);
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.contents.lock().unwrap().objects.keys().cloned().collect()
    }

    pub(crate) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let contents = self.contents.lock().unwrap();
        contents.objects.get(name).map(|(bytes, _)| bytes.clone())
    }

    pub(crate) fn plant(&self, name: &str, bytes: &[u8]) {
        self.contents.lock().unwrap().set(name, bytes);
    }

    pub(crate) fn take_deleted(&self) -> Vec<String> {
        std::mem::take(&mut self.contents.lock().unwrap().deleted)
    }
}

fn unanswered() -> PutError {
    PutError::Unknown(StoreError::Io {
        what: "memory".to_owned(),
        why: std::io::Error::other("the answer was lost"),
    })
}

impl Contents {
    fn version(&self, name: &str) -> Option<Version> {
        let object = self.objects.get(name);
        object.map(|(_, version)| Version(version.to_string()))
    }

    fn set(&mut self, name: &str, bytes: &[u8]) -> Version {
        self.written += 1;
        let written = self.written;
        self.objects.insert(name.to_owned(), (bytes.to_vec(), written));
        Version(written.to_string())
    }

    /// `None`: the condition does not hold.
    fn write(&mut self, name: &str, bytes: &[u8], expect: Option<Option<Version>>) -> Option<Version> {
        let honoured = match &expect {
            Some(None) => !self.ignores_absent,
            Some(Some(_)) => !self.ignores_version,
            None => false,
        };
        if honoured && expect.is_some_and(|expected| expected != self.version(name)) {
            return None;
        }
        Some(self.set(name, bytes))
    }
}

#[async_trait]
impl Objects for Memory {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    async fn get(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        tokio::task::yield_now().await;
        let contents = self.contents.lock().unwrap();
        let object = contents.objects.get(name);
        Ok(object.map(|(bytes, version)| (bytes.clone(), Version(version.to_string()))))
    }

    async fn put(&self, name: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Version, PutError> {
        self.life.point().await;
        tokio::task::yield_now().await;
        let expected = match expect {
            Expect::Any => None,
            Expect::Absent => Some(None),
            Expect::Version(version) => Some(Some(version.clone())),
        };
        let (races, holds) = {
            let contents = self.contents.lock().unwrap();
            let holds = expected
                .as_ref()
                .is_none_or(|wanted| *wanted == contents.version(name));
            (contents.races, holds)
        };
        if races {
            tokio::task::yield_now().await;
            let mut contents = self.contents.lock().unwrap();
            return holds.then(|| contents.set(name, bytes)).ok_or(PutError::Changed);
        }
        let outcome = {
            let mut contents = self.contents.lock().unwrap();
            match contents.good_writes.as_mut() {
                Some(0) => return Err(unanswered()),
                Some(left) => *left -= 1,
                None => {}
            }
            for (name, bytes, expected) in std::mem::take(&mut contents.late) {
                contents.write(&name, &bytes, expected);
            }
            let number = contents.puts;
            contents.puts += 1;
            match contents.faults.remove(&number) {
                Some(Lost::Before) => Err(unanswered()),
                Some(Lost::Late) => {
                    contents.late.push((name.to_owned(), bytes.to_vec(), expected));
                    Err(unanswered())
                }
                Some(Lost::After) => {
                    contents.write(name, bytes, expected);
                    Err(unanswered())
                }
                None => contents.write(name, bytes, expected).ok_or(PutError::Changed),
            }
        };
        self.life.point().await;
        outcome
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.life.point().await;
        {
            let mut contents = self.contents.lock().unwrap();
            contents.objects.remove(name);
            contents.deleted.push(name.to_owned());
        }
        self.life.point().await;
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let names = self.names();
        Ok(names
            .into_iter()
            .filter(|name| name.starts_with(prefix))
            .collect())
    }
}
