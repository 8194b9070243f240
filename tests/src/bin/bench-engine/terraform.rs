//! The like of it with Terraform and its built-in `terraform_data`, which calls nobody.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use nest_tests::measure::{self, Line};
use serde_json::json;

use crate::Bench;

/// Applies 1,000 resources, and plans 1,000 and 10,000 that are there.
pub(crate) fn peers(bench: &mut Bench) -> Result<(), Box<dyn Error>> {
    let there = Command::new("terraform")
        .arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if there.is_err() {
        eprintln!("terraform is not on the PATH, so nothing is held against it");
        return Ok(());
    }
    bench.head("resources");
    let runs = bench.runs.min(3);
    let folder = bench.folder("terraform-apply")?;
    write(&folder, 1_000)?;
    let mut taken = Vec::new();
    for _ in 0..runs {
        // It starts from nothing each time.
        for file in ["terraform.tfstate", "terraform.tfstate.backup"] {
            let _ = fs::remove_file(folder.join(file));
        }
        let apply = ["apply", "-auto-approve", "-parallelism=10", "-no-color"];
        taken.push(measure::run(&mut terraform(&folder, &apply))?);
    }
    bench.say(Line::of(1_000, "terraform apply -parallelism=10", &taken));
    for resources in [1_000, 10_000] {
        let folder = bench.folder(&format!("terraform-{resources}"))?;
        write(&folder, resources)?;
        fs::write(folder.join("terraform.tfstate"), state(resources).to_string())?;
        let mut taken = Vec::new();
        for _ in 0..runs {
            let plan = measure::run(&mut terraform(&folder, &["plan", "-refresh=false", "-no-color"]))?;
            if !plan.says("No changes")? {
                return Err("terraform's plan has changes".into());
            }
            taken.push(plan);
        }
        let name = "terraform plan -refresh=false";
        bench.say(Line::of(resources, name, &taken));
    }
    Ok(())
}

fn terraform(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("terraform");
    command
        .args(arguments)
        .current_dir(folder)
        .env("CHECKPOINT_DISABLE", "1");
    command
}

fn write(folder: &Path, resources: usize) -> Result<(), Box<dyn Error>> {
    let text = format!(
        "resource \"terraform_data\" \"runner\" {{\n  count = {resources}\n  input = \"svc-${{count.index}}\"\n}}\n"
    );
    fs::write(folder.join("main.tf"), text)?;
    measure::run(&mut terraform(folder, &["init", "-no-color"]))?;
    Ok(())
}

/// A state in which all of them are.
fn state(resources: usize) -> serde_json::Value {
    let instances: Vec<_> = (0..resources)
        .map(|index| {
            let input = json!({ "value": format!("svc-{index}"), "type": "string" });
            json!({
                "index_key": index, "schema_version": 0, "sensitive_attributes": [],
                "attributes": {
                    "id": format!("00000000-0000-4000-8000-{index:012}"), "input": input, "output": input,
                    "triggers_replace": null,
                },
            })
        })
        .collect();
    json!({
        "version": 4, "terraform_version": "1.11.0", "serial": 1, "outputs": {}, "check_results": null,
        "lineage": "00000000-0000-4000-8000-000000000000",
        "resources": [{
            "mode": "managed", "type": "terraform_data", "name": "runner",
            "provider": "provider[\"terraform.io/builtin/terraform\"]", "instances": instances,
        }],
    })
}
