//! Terraform itself, with its `http` backend, judges the simulated state API. It fetches nothing: `terraform_data` is
//! built in.

use std::path::Path;
use std::process::{Command, Output};

use gosling_sandbox::Running;

use crate::{export, sandbox};

/// While this is applied, which holds the lock, a second Terraform asks for the same state.
const MAIN: &str = r#"
terraform {
  backend "http" {
    lock_method   = "POST"
    unlock_method = "DELETE"
    username      = "gosling"
    retry_max     = 0
  }
}

variable "input" {
  default = "one"
}

resource "terraform_data" "app" {
  input            = var.input
  triggers_replace = var.input

  provisioner "local-exec" {
    command = "terraform plan -no-color -input=false -lock-timeout=0s > conflict.txt 2>&1; echo $? > status.txt"
  }
}

output "input" {
  value = terraform_data.app.output
}
"#;

/// Whether Terraform is there. Where `REQUIRE_TERRAFORM` is set, it has to.
fn is_there() -> bool {
    let there = Command::new("terraform").arg("version").output();
    let there = there.is_ok_and(|output| output.status.success());
    assert!(
        there || std::env::var_os("REQUIRE_TERRAFORM").is_none(),
        "there is no terraform"
    );
    if !there {
        eprintln!("skipped: there is no terraform");
    }
    there
}

/// A folder with a configuration whose state is in the sandbox.
struct Terraform {
    folder: tempfile::TempDir,
    address: String,
    token: String,
}

impl Terraform {
    fn new(running: &Running) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("main.tf", MAIN);
        write("ca.pem", running.ca_pem());
        write("rc", "");
        Self {
            address: format!("{}/api/v4/projects/17/terraform/state/lab", running.url()),
            token: export(running, "GITLAB_TOKEN"),
            folder,
        }
    }

    async fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new("terraform");
        command
            .current_dir(self.folder.path())
            .args(args)
            .env("SSL_CERT_FILE", self.folder.path().join("ca.pem"))
            .env("TF_CLI_CONFIG_FILE", self.folder.path().join("rc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_HTTP_ADDRESS", &self.address)
            .env("TF_HTTP_LOCK_ADDRESS", format!("{}/lock", self.address))
            .env("TF_HTTP_UNLOCK_ADDRESS", format!("{}/lock", self.address))
            .env("TF_HTTP_PASSWORD", &self.token);
        let output = tokio::task::spawn_blocking(move || command.output());
        output.await.unwrap().unwrap()
    }

    async fn green(&self, args: &[&str]) -> String {
        let output = self.run(args).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn file(&self, name: &str) -> String {
        let path: &Path = &self.folder.path().join(name);
        std::fs::read_to_string(path).unwrap()
    }
}

/// The id of the lock that Terraform was told of.
fn holder(words: &str) -> &str {
    let (_, rest) = words
        .split_once("HTTP remote state already locked:\nID=")
        .unwrap_or_else(|| panic!("{words}"));
    rest.split_whitespace().next().unwrap()
}

/// Method and status of the calls to the state's API.
fn calls(running: &Running) -> Vec<(String, String, u16)> {
    let ledger = running.ledger();
    let calls = ledger.calls().iter().map(|call| {
        let path = call.path.split('?').next().unwrap_or_default();
        let (_, path) = path.split_once("/state/").unwrap_or(("", path));
        (call.method.clone(), path.to_owned(), call.status)
    });
    calls.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn terraform_keeps_its_state_here_and_the_second_is_told_who_holds_the_lock() {
    if !is_there() {
        return;
    }
    let running = sandbox("[]").await;
    let terraform = Terraform::new(&running);
    terraform.green(&["init", "-no-color", "-input=false"]).await;
    let apply = ["apply", "-no-color", "-input=false", "-auto-approve"];
    let said = terraform.green(&apply).await;
    assert!(said.contains("1 added, 0 changed, 0 destroyed"), "{said}");

    // The one that came second.
    let conflict = terraform.file("conflict.txt");
    assert_eq!(terraform.file("status.txt"), "1\n", "{conflict}");
    assert!(conflict.contains("Error acquiring the state lock"), "{conflict}");
    // Terraform shows of the holder's lock its id, which only the service can have told it.
    let held_by = holder(&conflict);
    let own = conflict
        .split_once("ID:")
        .and_then(|(_, rest)| rest.split_whitespace().next());
    assert_ne!(own, Some(held_by), "{conflict}");

    // What was written is read back, as another version.
    let nothing = terraform
        .green(&["plan", "-no-color", "-detailed-exitcode"])
        .await;
    assert!(nothing.contains("No changes"), "{nothing}");
    let said = terraform
        .green(&[&apply[..], &["-var", "input=two"]].concat())
        .await;
    assert!(said.contains("input = \"two\""), "{said}");
    let state = terraform.green(&["state", "pull"]).await;
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state["outputs"]["input"]["value"], "two");
    let serial = state["serial"].as_u64().unwrap();
    assert!(serial >= 2, "{serial}");

    terraform
        .green(&["destroy", "-no-color", "-input=false", "-auto-approve"])
        .await;
    assert_eq!(terraform.green(&["state", "list"]).await, "");
    let calls = calls(&running);
    let count = |method: &str, path: &str, status: u16| {
        let like = calls
            .iter()
            .filter(|call| (&*call.0, &*call.1, call.2) == (method, path, status));
        like.count()
    };
    assert_eq!(count("POST", "lab/lock", 409), 2, "{calls:?}");
    assert_eq!(
        count("POST", "lab/lock", 200),
        count("DELETE", "lab/lock", 200),
        "{calls:?}"
    );
    assert!(count("POST", "lab", 200) >= 3, "{calls:?}");
    assert!(count("GET", "lab", 204) >= 1, "{calls:?}");
    // Before it is written or locked, the state is not there.
    assert!(count("GET", "lab", 404) >= 1, "{calls:?}");
    let strange = calls
        .iter()
        .filter(|call| ![200, 204, 404, 409].contains(&call.2));
    assert_eq!(strange.count(), 0, "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn terraform_breaks_a_lock_that_was_left_behind() {
    if !is_there() {
        return;
    }
    let running = sandbox("[]").await;
    let terraform = Terraform::new(&running);
    terraform.green(&["init", "-no-color", "-input=false"]).await;
    let apply = ["apply", "-no-color", "-input=false", "-auto-approve"];
    // Its unlocking gets lost, so that the lock stays.
    let lost = serde_json::json!({"method": "DELETE", "path": "*/lock", "nth": 1, "kind": "lose_before"});
    running.inject(serde_json::from_value(lost).unwrap());
    terraform.run(&apply).await;
    let refused = terraform.run(&apply).await;
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    let id = holder(&errors);
    terraform
        .green(&["force-unlock", "-no-color", "-force", id])
        .await;
    terraform.green(&apply).await;
}
