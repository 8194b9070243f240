//! A machine boots for once, from what apply uploaded for it: real Debian, real cloud-init, and a runner that others
//! wrote. Only the services that apply talks to are simulated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gosling_sandbox::{Object, Options, Running, Sandbox, WorldFile, WorldName};
use tempfile::TempDir;

use crate::gosling::{BINARY, said};
use crate::workspace::root;

/// A world in which no simulated machine ever comes up, so that every sign of life is the real one's.
const WORLD: &str = r#"{
  "proxmox": {
    "auth_delay_ms": 0,
    "speed": { "clone": 20, "start": 10, "boot": 86400000, "stop": 10, "other": 5 }
  },
  "gitlab": { "projects": [{ "id": 17, "path": "apps/app", "ci_tags": ["docker"] }], "groups": [] }
}"#;

/// The name by which the machine knows the sandbox; the image's `/etc/hosts` has it.
const GITLAB: &str = "gitlab.example.com";

const NEST: &str = r#"nest {
  name = "boot"
}

provider "gitlab" {
  server = "gitlab.example.com"
  token = "env://GITLAB_TOKEN"
  ca_file = "ca.pem"
}

provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
"#;

/// What a slow computer needs to simulate a boot is more than any real machine does.
const EGG: &str = r#"egg "app" {
  type = "vm"

  cloud {
    provider = "proxmox"
    template = "debian-12-cloud"
    pool = "ci"
    address = ["10.0.2.15/24"]
    gateway = "10.0.2.2"
  }

  resources {
    cpu = 1
    memory = 1GiB
    disk = 10GiB
  }

  runner {
    tags = ["docker"]
  }

  gitlab {
    server = "gitlab.example.com"
    project_id = 17
  }

  environment {
    AWKWARD = "a \"quoted\" $(touch /tmp/ran) 'value'"
  }

  health_check {
    online_within = 10m
  }
}
"#;

/// How long anything may take here before it is given up.
const LONGEST: Duration = Duration::from_secs(600);

/// A process that does not outlive the test.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        // It may be over, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for something, and fails with what is known when it does not come.
fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>, known: impl Fn() -> String) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < LONGEST, "{what} did not come\n{}", known());
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Boots the image with an ISO, where there is one, in the drive where Proxmox VE has it, and the sandbox as the only
/// other computer there is. The machine says on the console what became of its boot.
fn boot(folder: &Path, iso: Option<&[u8]>, port: u16) -> Guarded {
    // One process per connection from the machine: what QEMU can forward by itself is a single one.
    let relay = folder.join("relay.sh");
    let script = format!(
        "#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/{port} || exit 1\ncat <&0 >&3 &\ncat <&3\nkill $! 2>/dev/null\n"
    );
    std::fs::write(&relay, script).unwrap();
    let network = format!(
        "user,id=net,restrict=on,guestfwd=tcp:10.0.2.100:443-cmd:/bin/bash {}",
        relay.display()
    );
    // What an earlier boot said there.
    let _ = std::fs::remove_file(folder.join("console.txt"));
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-machine", "pc", "-accel", "tcg", "-m", "1024"])
        .args(["-display", "none", "-monitor", "none", "-no-reboot"])
        .args(["-serial", "file:console.txt"])
        .args(["-kernel", "vmlinuz", "-initrd", "initrd.img"])
        .args(["-append", "root=/dev/vda rw console=ttyS0"])
        .args(["-drive", "file=disk.img,if=virtio,format=raw"])
        .args(["-netdev", &network, "-device", "virtio-net-pci,netdev=net"])
        .current_dir(folder)
        .stdin(Stdio::null());
    if let Some(iso) = iso {
        std::fs::write(folder.join("seed.iso"), iso).unwrap();
        qemu.args(["-drive", "file=seed.iso,if=ide,index=2,media=cdrom,format=raw"]);
    }
    Guarded(qemu.spawn().unwrap())
}

/// What the machine has said of its boot on the console, line by line.
fn reported(console: &str) -> Vec<String> {
    let lines = console.lines().filter_map(|line| line.split_once(" @ "));
    lines.map(|(_, line)| line.trim().to_owned()).collect()
}

/// The number in ` 2914M`.
fn mebibytes(text: &str) -> u64 {
    text.trim().trim_end_matches('M').parse().unwrap()
}

/// Whether this test is wanted, with the stand-in that it takes.
fn wanted() -> Option<PathBuf> {
    if std::env::var("POLAR_GOSLING_BOOT").as_deref() != Ok("1") {
        eprintln!("skipped: a real boot takes minutes; `just boot` does it");
        return None;
    }
    let program = std::env::var_os("GOSLING_STAND_IN_RUNNER");
    Some(
        program
            .expect("GOSLING_STAND_IN_RUNNER says where tests/stand-in-runner was built")
            .into(),
    )
}

fn calls(running: &Running, matches: impl Fn(&str, &str, u16) -> bool) -> usize {
    let ledger = running.ledger();
    let calls = ledger.calls().iter();
    calls
        .filter(|call| matches(&call.method, &call.path, call.status))
        .count()
}

#[test]
fn a_real_machine_boots_from_what_apply_uploaded_and_takes_a_job() {
    let Some(stand_in) = wanted() else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let image = Command::new(root().join("tests/boot/image.sh"))
        .arg(stand_in)
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(image.status.success(), "{}", said(&image));

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let world: WorldFile = serde_json::from_str(WORLD).unwrap();
    let options = Options {
        world,
        names: vec![GITLAB.to_owned()],
        ..Options::default()
    };
    let running = runtime.block_on(Sandbox::start(options)).unwrap();
    let port: u16 = running.url().rsplit(':').next().unwrap().parse().unwrap();
    let nest = folder.path().join("nest");
    std::fs::create_dir_all(nest.join("Eggs/app")).unwrap();
    let (identity, _) = gosling_providers::keys::generate_identity();
    for (path, text) in [
        ("nest/nest.fly", NEST),
        ("nest/Eggs/app/config.fly", EGG),
        ("nest/ca.pem", running.ca_pem()),
        ("identity.txt", identity.expose()),
    ] {
        gosling_engine::durable::replace(&folder.path().join(path), text.as_bytes()).unwrap();
    }
    let gosling = |arguments: &[&str]| {
        let mut command = Command::new(&*BINARY);
        command
            .args(arguments)
            .current_dir(&nest)
            .env_clear()
            .envs(running.exports())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GOSLING_CA_FILE", nest.join("ca.pem"))
            .env("GOSLING_AGE_IDENTITY", folder.path().join("identity.txt"))
            .stdin(Stdio::null());
        command
    };

    // Apply waits for the runner, so the machine has to boot while it does.
    let log = folder.path().join("apply.txt");
    let file = std::fs::File::create(&log).unwrap();
    let mut apply = gosling(&["apply", "--yes"]);
    apply.stdout(file.try_clone().unwrap()).stderr(file);
    let mut apply = Guarded(apply.spawn().unwrap());
    let read = |file: &str| std::fs::read(folder.path().join(file)).unwrap_or_default();
    let text = |file: &str| String::from_utf8_lossy(&read(file)).into_owned();
    wait(
        "the start of the machine",
        || {
            let started = |method: &str, path: &str, status| {
                method == "POST" && path.ends_with("/status/start") && status == 200
            };
            (calls(&running, started) > 0).then_some(())
        },
        || text("apply.txt"),
    );
    let ledger = running.ledger();
    let uploaded = |object: &&Object| object.kind == "volume" && object.id.ends_with(".iso");
    let seed = ledger.objects().iter().find(uploaded).unwrap();
    let iso = running.volume(&seed.id).unwrap();
    assert!(!iso.is_empty(), "{} is empty", seed.id);
    let machine = boot(folder.path(), Some(&iso), port);
    let report = || reported(&text("console.txt"));
    let everything = || {
        let console = text("console.txt");
        let lines: Vec<_> = console.lines().rev().take(60).collect();
        let console: Vec<_> = lines.into_iter().rev().collect();
        format!(
            "{}\n{}\n{}",
            text("apply.txt"),
            report().join("\n"),
            console.join("\n")
        )
    };
    let status = wait("the end of apply", || apply.0.try_wait().unwrap(), everything);
    assert_eq!(status.code(), Some(0), "{}", everything());
    assert!(
        text("apply.txt").contains("egg.app is online"),
        "{}",
        everything()
    );
    let smoke = gosling(&["smoke", "app"]).output().unwrap();
    assert_eq!(smoke.status.code(), Some(0), "{}\n{}", said(&smoke), everything());
    // Simulated machines get their jobs without a call: this one was handed out over the wire.
    let handed_out = |method: &str, path: &str, status| {
        method == "POST" && path == "/api/v4/jobs/request" && status == 201
    };
    assert_eq!(calls(&running, handed_out), 1);

    let ended = || report().iter().any(|line| line == "end").then_some(());
    wait("the machine's report", ended, everything);
    let lines = report();
    println!("{}{}{}", text("apply.txt"), said(&smoke), lines.join("\n"));
    let report: BTreeMap<_, _> = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key, value.trim()))
        .collect();
    assert!(report["status"].starts_with("status: done"), "{}", everything());
    assert_eq!(report["warnings"], "", "{}", everything());
    assert_eq!(report["config"], "600 root:root");
    assert_eq!(report["listen"], r#"listen_address = "127.0.0.1:9252""#);
    assert_eq!(report["service"], "active enabled");
    assert_eq!(report["restart"], "always");
    assert!(report["ports"].contains("127.0.0.1:9252"), "{}", report["ports"]);
    assert_eq!(report["ran"], "no", "a value became a command");
    assert_eq!(report["said"], "gosling: gitlab: accepts the token");
    assert_eq!(report["units"], "enabled enabled success  success");
    let root_before = mebibytes(report["root"]);
    drop(machine);

    // Somebody grows the disk of the machine that is off, and its image was taken out: nothing of cloud-init is left
    // that would grow the file system.
    let disk = std::fs::OpenOptions::new()
        .write(true)
        .open(folder.path().join("disk.img"))
        .unwrap();
    let size = disk.metadata().unwrap().len();
    disk.set_len(size + (1 << 30)).unwrap();
    drop(disk);
    let machine = boot(folder.path(), None, port);
    let ended = || {
        reported(&text("console.txt"))
            .iter()
            .any(|line| line == "end")
            .then_some(())
    };
    wait("the report of the second boot", ended, everything);
    let lines = reported(&text("console.txt"));
    println!("{}", lines.join("\n"));
    let again: BTreeMap<_, _> = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key, value.trim()))
        .collect();
    assert!(
        mebibytes(again["root"]) > root_before + 900,
        "{} -> {}",
        report["root"],
        again["root"]
    );
    assert_eq!(again["service"], "active enabled", "{}", everything());
    assert_eq!(
        again["units"],
        "enabled enabled success  success",
        "{}",
        everything()
    );
    drop(machine);

    let destroy = gosling(&["destroy", "--yes"]).output().unwrap();
    assert_eq!(destroy.status.code(), Some(0), "{}", said(&destroy));
    let ledger = running.ledger();
    let left = ledger.objects().iter().filter(|object| {
        object.created.is_some() && object.deleted.is_none() && object.world != WorldName::Vault
    });
    assert_eq!(left.count(), 0);
    runtime.block_on(running.stop());
}
