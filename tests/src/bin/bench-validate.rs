//! `bench-validate [RUNS]` times `validate` of the `gosling` that was built beside it, as a whole process, on generated
//! Nests of 1,000 to 40,000 eggs: wall time, processor time of all cores, peak memory. Where `cue` is on the PATH it does the
//! like of it beside.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use nest_tests::bench_nest::{self, Shape};
use nest_tests::measure::{self, Line};

const EGGS: [usize; 4] = [1_000, 10_000, 20_000, 40_000];

fn main() -> ExitCode {
    let runs = std::env::args().nth(1).map_or(Ok(7), |runs| runs.parse());
    let Ok(runs) = runs else {
        eprintln!("usage: bench-validate [RUNS]");
        return ExitCode::from(2);
    };
    match std::env::current_exe()
        .map_err(Into::into)
        .and_then(|own| bench(&own.with_file_name("gosling"), runs))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(gosling: &Path, runs: usize) -> Result<(), Box<dyn Error>> {
    if !gosling.exists() {
        return Err(format!(
            "there is no {}: build it first, or run `just bench`",
            gosling.display()
        )
        .into());
    }
    let folder = tempfile::tempdir()?;
    let cue = Command::new("cue")
        .arg("version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    println!("{}", Line::head("eggs"));
    for eggs in EGGS {
        let nest = folder.path().join(format!("nest-{eggs}"));
        bench_nest::write(Shape::of(eggs), &nest)?;
        let own = [OsStr::new("validate"), nest.as_os_str()];
        report(eggs, "gosling validate", gosling, &own, &nest, runs)?;
        if cue && eggs == 10_000 {
            let package = folder.path().join("cue");
            write_cue(eggs, &package)?;
            let arguments = ["vet", "-c", "."].map(OsStr::new);
            report(eggs, "cue vet", Path::new("cue"), &arguments, &package, runs)?;
        }
    }
    Ok(())
}

/// Runs a command several times and prints a line of what it took.
fn report(
    eggs: usize,
    name: &str,
    program: &Path,
    arguments: &[&OsStr],
    folder: &Path,
    runs: usize,
) -> Result<(), Box<dyn Error>> {
    let mut taken = Vec::new();
    for _ in 0..runs.max(1) {
        taken.push(measure::run(
            Command::new(program).args(arguments).current_dir(folder),
        )?);
    }
    println!("{}", Line::of(eggs, name, &taken).text());
    Ok(())
}

/// The same job in CUE: a definition of an egg with the same bounds, one file an egg, a reference to the neighbour.
fn write_cue(eggs: usize, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("schema.cue"), CUE_SCHEMA)?;
    for index in 0..eggs {
        let next = (index + 1) % eggs;
        let mut text = String::from("package nest\n\nimport \"list\"\n\n");
        write!(
            text,
            "eggs: \"svc-{index:05}\": #Egg & #Preset & {{\n  resources: disk: {}\n  runner: {{\n    tags: list.Concat([common_tags, [\"svc-{index:05}\"]])\n    concurrent: {}\n    request_concurrency: eggs[\"svc-{next:05}\"].runner.concurrent\n  }}\n  gitlab: {{\n    project_id: {}\n    token_secret: \"vault://gitlab/svc-{index:05}/runner-token\"\n  }}\n  environment: {{\n    REGION: region\n    CACHE: \"\\(bucket)/svc-{index:05}\"\n    DATABASE_PASSWORD: \"vault://db/svc-{index:05}/password\"\n  }}\n}}\n",
            20 + index % 7 * 10,
            1 + index % 4,
            100_000 + index,
        )?;
        fs::write(folder.join(format!("egg-{index:05}.cue")), text)?;
    }
    Ok(())
}

const CUE_SCHEMA: &str = r#"package nest

import "list"

region: *"dc1" | string
bucket: "s3://cache-\(region)"
common_tags: ["docker", "linux"]

#Egg: {
  type: "vm" | "container" | "serverless"
  cloud: {
    provider: "proxmox" | "aws" | "yandex"
    template: string
  }
  resources: {
    cpu: int & >=1 & <=256
    memory: int & >=1
    disk: int & >=1
  }
  runner: {
    tags: [...string] & list.MinItems(1)
    concurrent: int & >=1
    request_concurrency: int & >=1
  }
  gitlab: {
    server: =~"^[a-z0-9.-]+$"
    webhook_url: =~"^https://"
    project_id: int & >=1
    token_secret: =~"^(vault|store|env)://"
  }
  environment: [string]: string
}

#Preset: {
  type: "vm"
  cloud: {
    provider: "proxmox"
    template: "debian-12-cloud"
  }
  resources: {
    cpu: 2
    memory: 4
    ...
  }
  gitlab: {
    server: "gitlab.example.com"
    webhook_url: "https://goose.example.com/webhooks/gitlab"
    ...
  }
  ...
}
"#;
