//! No secret's value is anywhere but where it must be: not in a file of the Nest or the user, not in what is said, not
//! in what other processes can see.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gosling_engine::Secrets;
use gosling_engine::store::LocalStore;
use gosling_providers::keys::Keys;
use gosling_providers::secrets::{BackendSettings, Backends, StoreSettings};
use gosling_resource::{Secret, SecretBackend, SecretPrefix, SecretUri};
use regex::bytes::Regex;

use crate::gosling::said;
use crate::lab::{Lab, whole};
use crate::torture::table::{Table, Tally};

/// Letters that look different in a URL, in JSON and in a shell.
const REGISTRY: &str = "cAnArY+7f3a/\"9 c1'\\$(e)&<b8>=é%~";
const ROTATED: &str = "rOtAtEd+5d2e/\"8 b0'\\$(f)&<a7>=ü%~";

const ALPHABETS: [&[u8; 64]; 2] = [
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
];

/// The part of a text's base64 that does not depend on what stands before and after it, when it begins at this place
/// of a group of three bytes.
fn base64(value: &str, at: usize, alphabet: &[u8; 64]) -> String {
    let bytes = [&vec![0; at][..], value.as_bytes()].concat();
    let letters = bytes.chunks_exact(3).flat_map(|group| {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        [18, 12, 6, 0].map(|shift| char::from(alphabet[(bits >> shift & 63) as usize]))
    });
    // What is made of the bytes before it is left out.
    letters.skip([0, 2, 3][at]).collect()
}

/// Every way in which a value may be written.
fn written(value: &str) -> BTreeSet<String> {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url = |plain: &str| -> String {
        let letters = value.bytes().map(|byte| match char::from(byte) {
            letter if letter.is_ascii_alphanumeric() || plain.contains(letter) => letter.to_string(),
            ' ' if plain.contains('+') => "+".to_owned(),
            _ => format!("%{byte:02X}"),
        });
        letters.collect()
    };
    let json = serde_json::to_string(value).unwrap();
    let json = json[1..json.len() - 1].to_owned();
    let mut all = BTreeSet::from([
        value.to_owned(),
        hex.to_uppercase(),
        hex,
        url("-._~"),
        url("-._~!*'()"),
        url("*-._"),
        json.replace('/', "\\/"),
        json,
        format!("{value:?}").trim_matches('"').to_owned(),
    ]);
    for at in 0..3 {
        all.extend(ALPHABETS.map(|alphabet| base64(value, at, alphabet)));
    }
    all
}

/// What is looked for, and where nothing of it may be.
struct Watch {
    values: Vec<String>,
    pattern: Regex,
    /// The identity's own file.
    except: PathBuf,
    /// How many commands were under watch.
    commands: AtomicUsize,
}

/// So many cases, each of which ends the test where it is not as it must be.
fn clean(cases: usize) -> Tally {
    Tally {
        cases,
        ..Tally::default()
    }
}

impl Watch {
    fn new(values: &[String], except: &Path) -> Self {
        for value in values {
            assert!(
                value.len() >= 12,
                "a value of {} letters is found by chance",
                value.len()
            );
        }
        let all: BTreeSet<String> = values.iter().flat_map(|value| written(value)).collect();
        let all: Vec<String> = all.iter().map(|text| regex::escape(text)).collect();
        Self {
            values: values.to_vec(),
            pattern: Regex::new(&all.join("|")).unwrap(),
            except: except.to_owned(),
            commands: AtomicUsize::new(0),
        }
    }

    fn in_text(&self, what: &str, text: &[u8]) -> Option<String> {
        let hit = self.pattern.find(text)?;
        let around = &text[hit.start().saturating_sub(40)..hit.end()];
        Some(format!("{what}: {}", String::from_utf8_lossy(around)))
    }

    /// Every file under a folder that a value is in.
    fn in_files(&self, folder: &Path) -> Vec<String> {
        let mut folders = vec![folder.to_owned()];
        let mut hits = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path != self.except {
                    let bytes = std::fs::read(&path).unwrap();
                    hits.extend(self.in_text(&path.display().to_string(), &bytes));
                    hits.extend(self.in_text("a file's name", path.as_os_str().as_encoded_bytes()));
                }
            }
        }
        hits
    }

    /// What other processes can see: arguments of all, and the environment of those that were started by `parent`.
    fn in_processes(&self, parent: u32) -> Vec<String> {
        let mut hits = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let folder = entry.path();
            let Ok(arguments) = std::fs::read(folder.join("cmdline")) else {
                continue;
            };
            hits.extend(self.in_text("arguments", &arguments));
            let status = std::fs::read_to_string(folder.join("status")).unwrap_or_default();
            let own = status.lines().any(|line| line == format!("PPid:\t{parent}"));
            if own && let Ok(environment) = std::fs::read(folder.join("environ")) {
                hits.extend(self.in_text("a child's environment", &environment));
            }
        }
        hits
    }
}

/// Runs it under watch: what it says, what can be seen of it, and every file after it.
fn watched(lab: &Lab, watch: &Watch, arguments: &[&str], code: i32) -> Output {
    let mut command = lab.command(arguments);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (id, ended) = (child.id(), AtomicBool::new(false));
    let (output, seen) = std::thread::scope(|scope| {
        let seen = scope.spawn(|| {
            let mut hits = watch.in_processes(id);
            while !ended.load(Ordering::Relaxed) {
                hits.extend(watch.in_processes(id));
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            hits
        });
        let output = child.wait_with_output().unwrap();
        ended.store(true, Ordering::Relaxed);
        (output, seen.join().unwrap())
    });
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {}",
        said(&output)
    );
    assert_eq!(seen, Vec::<String>::new(), "{arguments:?}");
    watch.commands.fetch_add(1, Ordering::Relaxed);
    let heard = [&output.stdout[..], &output.stderr].concat();
    assert_eq!(watch.in_text("said", &heard), None, "{arguments:?}");
    assert_eq!(
        watch.in_files(lab.folder.path()),
        Vec::<String>::new(),
        "{arguments:?}"
    );
    output
}

/// Everything in the store, as only the identity can read it.
fn stored(lab: &Lab) -> Vec<(SecretUri, String)> {
    let identity = std::fs::read_to_string(&lab.environment["GOSLING_AGE_IDENTITY"]).unwrap();
    let store = StoreSettings {
        beside: Arc::new(LocalStore::new(lab.nest().join(".gosling"), 1)),
        keys: Keys {
            recipients: Vec::new(),
            identity: Some(Secret::new(identity)),
        },
    };
    let settings = BackendSettings {
        store: Some(store),
        ..BackendSettings::default()
    };
    let backends = Backends::new(settings).unwrap();
    lab.block_on(async {
        let mut values = Vec::new();
        let under = SecretPrefix::all(SecretBackend::Store);
        for uri in backends.list(&under).await.unwrap().uris {
            let value = backends.read(&uri).await.unwrap();
            values.push((uri, value.expose().to_owned()));
        }
        values
    })
}

/// A process that other processes can see this of.
fn shown(arguments: &[&str], environment: &str) -> std::process::Child {
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "read line", "sh"])
        .args(arguments)
        .env("PLANTED", environment)
        .stdin(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn torture_a_value_that_processes_show_is_found_however_it_is_written() {
    // No other run on this machine looks for this one.
    let unique = tempfile::tempdir().unwrap();
    let unique = unique.path().file_name().unwrap().to_str().unwrap().to_owned();
    let value = format!("pLaNtEd+/\"8 'é&<{unique}>%~");
    let watch = Watch::new(std::slice::from_ref(&value), Path::new(""));
    let own = std::process::id();
    let mut found = 0;
    for text in written(&value) {
        for (mut child, place) in [
            (shown(&[&text], ""), "arguments"),
            (shown(&[], &text), "a child's environment"),
        ] {
            let begun = std::time::Instant::now();
            // Between fork and exec it is still this process.
            while !watch.in_processes(own).iter().any(|hit| hit.starts_with(place)) {
                assert!(begun.elapsed().as_secs() < 60, "{text} is not found in {place}");
            }
            child.kill().unwrap();
            child.wait().unwrap();
            found += 1;
        }
    }
    let mut table = Table::new("a secret that a process shows: found");
    table.line("arguments and environments", clean(found));
    table.clean(20);
}

#[test]
fn torture_no_value_of_a_secret_is_where_it_must_not_be() {
    let mut lab = Lab::one();
    for name in [
        "HOME",
        "TMPDIR",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_STATE_HOME",
    ] {
        let folder = lab.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        lab.environment
            .insert(name.to_owned(), folder.to_str().unwrap().to_owned());
    }
    let egg = lab.read("Eggs/app/config.fly").replace(
        "  runner {",
        "  environment {\n    REGISTRY = \"store://app/registry\"\n  }\n\n  runner {",
    );
    lab.write("Eggs/app/config.fly", &egg);
    let identity = PathBuf::from(&lab.environment["GOSLING_AGE_IDENTITY"]);
    let mut values: Vec<String> = ["PROXMOX_TOKEN", "GITLAB_TOKEN", "VAULT_TOKEN"]
        .map(|name| lab.environment[name].clone())
        .to_vec();
    values.extend([REGISTRY.to_owned(), ROTATED.to_owned()]);
    values.push(std::fs::read_to_string(&identity).unwrap().trim().to_owned());

    // The search finds what is there, however it is written.
    let watch = Watch::new(&values, &identity);
    let mut found = 0;
    for value in &values {
        let json = serde_json::json!({ "token": value }).to_string();
        let spellings = written(value).into_iter().chain([json]);
        for (number, text) in spellings.enumerate() {
            let planted = lab.nest().join(format!("planted-{number}"));
            std::fs::write(&planted, format!("before {text} after")).unwrap();
            assert_eq!(watch.in_files(lab.folder.path()).len(), 1, "{text} is not found");
            std::fs::remove_file(planted).unwrap();
            found += 1;
        }
    }
    let set = lab.give(&["secret", "set", "store://app/registry"], REGISTRY);
    assert!(set.status.success(), "{}", said(&set));
    assert_eq!(watch.in_text("said", &[set.stdout, set.stderr].concat()), None);
    watched(
        &lab,
        &watch,
        &["plan", "-o", "plan.json", "--report", "gitlab=report.json"],
        0,
    );
    watched(&lab, &watch, &["plan", "--json"], 0);
    watched(&lab, &watch, &["show", "plan.json"], 0);
    watched(&lab, &watch, &["graph"], 0);
    watched(&lab, &watch, &["preflight"], 0);
    watched(&lab, &watch, &["preflight", "--json"], 0);
    // What fails on the way leaves a journal and says why.
    lab.fault(
        r#"{"world":"proxmox","method":"POST","path":"/api2/json/nodes/*/status/start","nth":1,"kind":"status","code":599,"reason":"Too slow"}"#,
    );
    lab.fault(
        r#"{"world":"gitlab","method":"POST","path":"/api/v4/projects/*/hooks","nth":1,"kind":"truncate"}"#,
    );
    watched(&lab, &watch, &["apply", "plan.json", "--yes"], 1);
    watched(&lab, &watch, &["show", "state", "--json"], 0);
    watched(&lab, &watch, &["apply", "--yes"], 0);
    assert_eq!(lab.kinds(), whole());
    let commands = watch.commands.into_inner();

    // Now there are values that gosling made itself.
    let stored = stored(&lab);
    let places: Vec<String> = stored.iter().map(|(uri, _)| uri.to_string()).collect();
    assert!(
        places.iter().any(|place| place.ends_with("/runner-token")),
        "{places:?}"
    );
    assert!(places.len() >= 3, "a webhook's secret is missing: {places:?}");
    assert!(stored.iter().any(|(_, value)| value == REGISTRY), "{places:?}");
    values.extend(stored.into_iter().map(|(_, value)| value));
    let watch = Watch::new(&values, &identity);
    assert!(watch.values.len() > 8, "{}", watch.values.len());
    assert_eq!(watch.in_files(lab.folder.path()), Vec::<String>::new());

    watched(&lab, &watch, &["status"], 0);
    watched(&lab, &watch, &["status", "--json"], 0);
    watched(&lab, &watch, &["smoke", "app", "--json"], 0);
    watched(&lab, &watch, &["show", "state"], 0);
    watched(&lab, &watch, &["state", "pull"], 0);
    watched(&lab, &watch, &["state", "history"], 0);
    watched(&lab, &watch, &["unlock"], 0);
    watched(&lab, &watch, &["state", "show", "egg.app.vm[0]", "--json"], 0);
    watched(&lab, &watch, &["secret", "list", "store://"], 0);
    watched(&lab, &watch, &["secret", "check", "--json"], 0);
    lab.write(
        "Eggs/app/config.fly",
        &egg.replace("cpu = 1", "cpu = 2")
            .replace("\"docker\"", "\"podman\""),
    );
    watched(&lab, &watch, &["apply", "--yes", "--json"], 0);
    lab.write("Eggs/app/config.fly", &egg);
    watched(&lab, &watch, &["refresh", "--json"], 0);
    let rotated = lab.give(&["secret", "rotate", "store://app/registry"], ROTATED);
    assert!(rotated.status.success(), "{}", said(&rotated));
    assert_eq!(
        watch.in_text("said", &[rotated.stdout, rotated.stderr].concat()),
        None
    );
    // Tokens that are refused are not repeated either.
    let right = lab
        .environment
        .insert("GITLAB_TOKEN".to_owned(), format!("{ROTATED}{ROTATED}"));
    watched(&lab, &watch, &["apply", "--yes"], 1);
    lab.environment
        .insert("GITLAB_TOKEN".to_owned(), format!("{REGISTRY}\nsecond line"));
    watched(&lab, &watch, &["apply", "--yes"], 1);
    lab.environment.insert("GITLAB_TOKEN".to_owned(), right.unwrap());
    watched(&lab, &watch, &["apply", "--yes"], 0);
    watched(&lab, &watch, &["destroy", "--yes"], 0);
    assert_eq!(lab.there(), []);
    lab.stop();
    let mut table = Table::new("secrets searched for wherever they must not be");
    table.line("planted, and found", clean(found));
    table.line(
        "commands, all files after each",
        clean(commands + watch.commands.into_inner()),
    );
    table.clean(60);
}
