//! The power goes at every operation on the disk; what was not synced may be lost, torn or there. A kill cannot see a
//! missing `fsync`, this can: with one left out, the same test finds what is wrong.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use gosling_engine::durable::{Files, Lock, OpenFile};

use super::drive::Cut;
use super::matrix::{Cell, Deed, cells};
use super::setting::{FOLDER, Setting};
use super::table::{Table, Tally, of};
use crate::nest::Nest;

/// What is left of what was not synced: nothing, all, and so many throws of the dice.
fn cuts(throws: u64) -> Vec<Cut> {
    let some = (0..throws).map(Cut::Some);
    [Cut::Nothing, Cut::All].into_iter().chain(some).collect()
}

/// One power cut at every so-manieth point.
async fn cut_once(cell: Cell, setting: &Setting, stride: usize, throws: u64) -> Tally {
    let mut tally = Tally::default();
    for cut in cuts(throws) {
        let once = cell
            .once(setting, stride, |nest: &Nest, _| nest.drive.cut(cut))
            .await;
        tally.add(once, || format!("{cut:?}"));
    }
    tally
}

/// Two deaths: the power goes at both, or only at the second, when what a killed process did not sync is still pending.
async fn cut_twice(cell: Cell, setting: &Setting, strides: (usize, usize), throws: u64) -> Tally {
    let mut tally = Tally::default();
    for cut in cuts(throws) {
        for first_too in [true, false] {
            let between = |nest: &Nest, death| {
                if first_too || death == 2 {
                    nest.drive.cut(cut);
                }
            };
            let twice = cell.twice(setting, strides, between).await;
            tally.add(twice, || format!("{cut:?}, also at the first: {first_too}"));
        }
    }
    tally
}

#[tokio::test]
async fn torture_power_cut_at_every_operation_on_the_disk() {
    let mut table = Table::new("power cut");
    let setting = Setting::on(FOLDER);
    for cell in cells() {
        let once = cut_once(cell, &setting, of(1, 5), of(6, 1)).await;
        let twice = cut_twice(cell, &setting, of((3, 7), (29, 23)), of(2, 0)).await;
        table.line(format!("{}, once", cell.name()), once);
        table.line(format!("{}, twice", cell.name()), twice);
    }
    table.clean(of(20_000, 1000));
}

/// A file by its path, and what is still to be written into it.
type Late = (PathBuf, Vec<u8>);

/// A file system that forgets something that durable writes need.
#[derive(Debug)]
struct Forgetful {
    files: Arc<dyn Files>,
    forgets: Forgets,
    /// What was written to temporaries that are not yet written, where renames come first.
    late: Arc<Mutex<Vec<Late>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forgets {
    /// No file is ever synced.
    Files,
    /// No folder is ever synced.
    Folders,
    /// A file gets its name before it is written.
    Order,
    /// What an earlier process left unsynced is taken as it is.
    TheDead,
}

fn forgetful(files: Arc<dyn Files>, forgets: Forgets) -> Arc<dyn Files> {
    Arc::new(Forgetful {
        files,
        forgets,
        late: Arc::default(),
    })
}

struct ForgetfulFile {
    file: Box<dyn OpenFile>,
    forgets: Forgets,
    path: PathBuf,
    is_new: bool,
    is_written: bool,
    late: Arc<Mutex<Vec<Late>>>,
}

impl OpenFile for ForgetfulFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.is_written = true;
        if self.forgets == Forgets::Order && self.is_new {
            self.late
                .lock()
                .unwrap()
                .push((self.path.clone(), bytes.to_vec()));
            return Ok(());
        }
        self.file.append(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.is_written = true;
        self.file.cut(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        let forgotten = match self.forgets {
            Forgets::Files => true,
            Forgets::Order => self.is_new,
            Forgets::TheDead => !self.is_written,
            Forgets::Folders => false,
        };
        if forgotten { Ok(()) } else { self.file.sync() }
    }
}

impl Forgetful {
    fn opened(&self, path: &Path, file: Box<dyn OpenFile>, is_new: bool) -> Box<dyn OpenFile> {
        Box::new(ForgetfulFile {
            file,
            forgets: self.forgets,
            path: path.to_owned(),
            // The journal is not renamed: it is no temporary.
            is_new: is_new && path.extension().is_some_and(|extension| extension == "new"),
            is_written: false,
            late: Arc::clone(&self.late),
        })
    }
}

impl Files for Forgetful {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.read(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.files.names(folder)
    }

    fn examine(&self, folder: &Path) -> io::Result<()> {
        self.files.examine(folder)
    }

    fn is_there(&self, path: &Path) -> bool {
        self.files.is_there(path)
    }

    fn make_one_folder(&self, path: &Path) -> io::Result<()> {
        self.files.make_one_folder(path)
    }

    fn may_write_into(&self, folder: &Path) -> io::Result<()> {
        self.files.may_write_into(folder)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let file = self.files.create(path)?;
        Ok(self.opened(path, file, true))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let file = self.files.open(path)?;
        Ok(self.opened(path, file, false))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.files.rename(from, to)?;
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        for (_, bytes) in late.iter().filter(|(path, _)| path == from) {
            let mut file = self.files.open(to)?;
            file.append(bytes)?;
            file.sync()?;
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        match self.forgets {
            Forgets::Folders => Ok(()),
            _ => self.files.sync_folder(folder),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        self.files.lock(path)
    }
}

#[tokio::test]
async fn torture_power_cut_finds_every_sync_that_is_left_out() {
    type Mutant = (&'static str, fn(Arc<dyn Files>) -> Arc<dyn Files>);
    let mutants: [Mutant; 4] = [
        ("no fsync of files", |files| forgetful(files, Forgets::Files)),
        ("no fsync of folders", |files| forgetful(files, Forgets::Folders)),
        ("renamed before it is written", |files| {
            forgetful(files, Forgets::Order)
        }),
        ("what a killed process left is trusted", |files| {
            forgetful(files, Forgets::TheDead)
        }),
    ];
    let cell = Cell {
        kind: "gitlab_runner",
        deed: Deed::Create,
    };
    let mut table = Table::new("one sync left out: noticed");
    for (name, files) in mutants {
        let setting = Setting {
            files,
            ..Setting::on(FOLDER)
        };
        let mut tally = cut_once(cell, &setting, 1, 2).await;
        tally.add(cut_twice(cell, &setting, (4, 5), 0).await, String::new);
        table.line(name, tally.caught(name));
    }
    table.clean(4);
}

/// Several records share a write here, and these dice keep the end of it and lose its beginning.
#[tokio::test]
async fn torture_power_cut_in_a_write_of_several_records_is_no_damage() {
    let setting = Setting::on(FOLDER);
    let cell = cells().find(|cell| cell.name() == "gitlab_runner Move").unwrap();
    let mut tally = Tally::default();
    for second in 0.. {
        let cut = |nest: &Nest, _| nest.drive.cut(Cut::Some(0));
        let (found, died) = cell.killed(&setting, &[6, second], cut).await;
        if !died {
            break;
        }
        tally.add(found, || format!("killed at 6 and {second}"));
    }
    let mut table = Table::new("power cut in a shared write");
    table.line("gitlab_runner Move", tally);
    table.clean(50);
}
