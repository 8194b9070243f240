//! Nests as one text: what `gosling explain` shows as an example, and what a case is.
//!
//! Files follow their headings, `-- path --`. Some headings stand for what no text can show: a link that leaves the
//! Nest (`-- Lib/a.fly -> /etc/a.fly --`), a file that is too large (`-- Lib/a.fly (200000000 bytes) --`), that cannot
//! be read (`-- Lib/a.fly (permission denied) --`), is not text (`-- Lib/a.png (not text) --`), or in another encoding
//! (`-- Lib/a.fly (each ? is the byte E9) --`). Under
//! `-- command line --` stands a call of gosling, whose `--var name=value` are given.

use std::collections::BTreeSet;
use std::sync::Arc;

use fly_syntax::{FileId, SourceFile};
use fly_typeck::files::{NestFiles, ReadError, ReadFile, Refusal, Refused};
use fly_typeck::{Given, Variables, evaluate};
use fly_workspace::{CheckedNest, check_files};
use gosling_cli::render::{Format, Look, Report, write};

/// The largest file that is read, as far as an archive can tell.
const LIMIT: u64 = 16 << 20;

/// Checks the Nest that an archive holds, as `gosling validate` would.
pub(crate) fn check(archive: &str) -> CheckedNest {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut refused = Vec::new();
    let mut binary = BTreeSet::new();
    let mut latin = BTreeSet::new();
    let mut variables = Variables::default();
    for (heading, text) in sections(archive) {
        if heading == "command line" {
            variables.given.extend(given(&text));
        } else if let Some((path, to)) = heading.split_once(" -> ") {
            refused.push((path.to_owned(), Refusal::LeavesNest(to.to_owned())));
        } else if let Some((path, remark)) = heading.strip_suffix(')').and_then(|rest| rest.split_once(" ("))
        {
            let path = path.to_owned();
            if remark == "each ? is the byte E9" {
                latin.insert(path.clone());
                files.push((path, text));
                continue;
            }
            match remark.strip_suffix(" bytes").and_then(|bytes| bytes.parse().ok()) {
                Some(bytes) => refused.push((path, Refusal::TooLarge { bytes, limit: LIMIT })),
                None if remark == "not text" => {
                    binary.insert(path);
                }
                None => refused.push((path, Refusal::Unreadable(remark.to_owned()))),
            }
        } else {
            files.push((heading, text));
        }
    }
    let mut nest = NestFiles::in_memory(files);
    for file in nest.files.iter_mut().filter(|file| latin.contains(&*file.path)) {
        let bytes = file
            .text()
            .bytes()
            .map(|byte| if byte == b'?' { 0xE9 } else { byte });
        *file = SourceFile::from_bytes(file.id, &*file.path, bytes.collect());
    }
    let folders = refused.iter().filter_map(|(path, _)| path.rsplit_once('/'));
    nest.folders.extend(folders.map(|(folder, _)| folder.to_owned()));
    nest.folders.sort();
    nest.folders.dedup();
    nest.refused = refused
        .into_iter()
        .map(|(path, reason)| Refused { path, reason })
        .collect();
    nest.reader = Arc::new(WithBinary {
        binary,
        rest: nest.reader,
    });
    check_files(nest.with_stand_ins(), &variables)
}

/// What `gosling validate` prints of a Nest.
pub(crate) fn render(nest: &CheckedNest, format: Format) -> String {
    let report = Report {
        files: &nest.files.files,
        problems: nest.problems.iter().collect(),
        masks: &nest.checked.masks,
        part: None,
        from_folder: String::new(),
        from_repository: String::new(),
    };
    let mut out = Vec::new();
    write(format, &[report], Look::PLAIN, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What a Nest and its locals evaluate to, as `gosling eval --json` prints it.
pub(crate) fn values(nest: &CheckedNest) -> String {
    let mut json = fly_typeck::json::json(&fly_typeck::nest_value(&nest.checked.blocks));
    let blocks = nest.trees.iter().flat_map(|tree| tree.body.blocks());
    for attribute in blocks
        .filter(|block| block.kind.name == "locals")
        .flat_map(|block| block.body.attributes())
    {
        let name = attribute.name.name.as_str();
        let source = SourceFile::new(FileId(u32::MAX), "local", format!("local.{name}"));
        let (expr, _) = fly_syntax::parse_expression(&source);
        let found = evaluate(&nest.files, &nest.trees, &Variables::default(), &expr);
        json["locals"][name] = fly_typeck::json::json(&found.value.unwrap());
    }
    serde_json::to_string_pretty(&json).unwrap() + "\n"
}

/// Each heading and what stands under it. Text before the first heading is `Lib/example.fly`.
fn sections(archive: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in archive.split_inclusive('\n') {
        let heading = line
            .trim_end()
            .strip_prefix("-- ")
            .and_then(|rest| rest.strip_suffix(" --"));
        match (heading, sections.last_mut()) {
            (Some(heading), _) => sections.push((heading.to_owned(), String::new())),
            (None, Some((_, text))) => text.push_str(line),
            (None, None) => sections.push(("Lib/example.fly".to_owned(), line.to_owned())),
        }
    }
    sections
}

/// The values in `gosling validate --var a=1 --var b=2`.
fn given(call: &str) -> Vec<Given> {
    let words: Vec<&str> = call.split_whitespace().collect();
    let pairs = words.windows(2).filter(|pair| pair[0] == "--var");
    let values = pairs.filter_map(|pair| pair[1].split_once('='));
    values
        .map(|(name, text)| Given {
            name: name.into(),
            text: text.to_owned(),
            origin: format!("--var {name}"),
        })
        .collect()
}

/// A reader for which some files are not text.
#[derive(Debug)]
struct WithBinary {
    binary: BTreeSet<String>,
    rest: Arc<dyn ReadFile>,
}

impl ReadFile for WithBinary {
    fn read(&self, path: &str) -> Result<Arc<str>, ReadError> {
        if self.binary.contains(path) {
            Err(ReadError::NotText)
        } else {
            self.rest.read(path)
        }
    }
}
