//! A state that is encrypted for the Nest's recipients, in a folder and at GitLab.

use gosling_providers::keys::{Keys, generate_identity};
use gosling_resource::Secret;

use crate::gosling::said;
use crate::lab::{Lab, whole};

/// A person: who they are to age, and where their identity is.
pub(crate) struct Person {
    recipient: String,
    identity: Secret,
    file: String,
}

pub(crate) fn person(lab: &Lab, name: &str) -> Person {
    let (identity, recipient) = generate_identity();
    let path = lab.folder.path().join(format!("{name}.txt"));
    gosling_engine::durable::replace(&path, identity.expose().as_bytes()).unwrap();
    let file = path.to_str().unwrap().to_owned();
    Person {
        recipient,
        identity,
        file,
    }
}

pub(crate) fn act_as(lab: &mut Lab, person: &Person) {
    let variable = "GOSLING_AGE_IDENTITY".to_owned();
    lab.environment.insert(variable, person.file.clone());
}

/// The Nest with these recipients and this `state` block.
pub(crate) fn nest(lab: &Lab, recipients: &[&Person], state: &str) {
    let names: Vec<_> = recipients
        .iter()
        .map(|person| format!("\"{}\"", person.recipient))
        .collect();
    let secrets = format!("  secrets {{\n    recipients = [{}]\n  }}\n", names.join(", "));
    let text = lab.read("nest.fly");
    let (_, rest) = text.split_once("\nprovider").unwrap();
    let rest = rest.split("\nstate {").next().unwrap();
    lab.write(
        "nest.fly",
        &format!("nest {{\n  name = \"one\"\n{secrets}}}\n\nprovider{rest}\nstate {{\n{state}}}\n"),
    );
}

fn refused(lab: &Lab, arguments: &[&str], words: &[&str]) {
    let output = lab.run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
    for words in words {
        assert!(said(&output).contains(words), "{words}: {}", said(&output));
    }
}

fn life_of(backend: &str) {
    let mut lab = Lab::one();
    let people = ["ada", "bob", "cleo"].map(|name| person(&lab, name));
    let [ada, bob, cleo] = &people;
    let encrypted = format!("{backend}  encrypted = true\n");
    nest(&lab, &[ada, bob], &encrypted);
    act_as(&mut lab, ada);
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    assert!(lab.green(&["apply", "--yes"]).contains("No changes"));
    lab.green(&["state", "mv", "egg.app.hook[17]", "egg.app.hook[18]"]);
    lab.green(&["state", "mv", "egg.app.hook[18]", "egg.app.hook[17]"]);
    let listed = lab.green(&["state", "list"]);
    let secrets = lab.green(&["secret", "list", "store://"]);
    act_as(&mut lab, bob);
    assert_eq!(lab.green(&["state", "list"]), listed);
    assert!(lab.run(&["state", "pull"]).stdout.starts_with(b"{"));
    act_as(&mut lab, cleo);
    refused(
        &lab,
        &["state", "list"],
        &["was encrypted for others", "gosling state rotate"],
    );
    refused(&lab, &["apply", "--yes"], &["was encrypted for others"]);

    // Cleo comes, Bob goes.
    nest(&lab, &[ada, cleo], &encrypted);
    refused(&lab, &["state", "rotate"], &["was encrypted for others"]);
    act_as(&mut lab, ada);
    let said = lab.green(&["state", "rotate"]);
    assert!(
        said.contains(&cleo.recipient) && !said.contains(&bob.recipient),
        "{said}"
    );
    assert!(said.contains("the secrets can be opened"), "{said}");
    act_as(&mut lab, bob);
    for command in [
        &["state", "list"][..],
        &["state", "history"],
        &["secret", "list", "store://"],
    ] {
        refused(&lab, command, &["was encrypted for others"]);
    }
    act_as(&mut lab, cleo);
    assert_eq!(lab.green(&["state", "list"]), listed);
    assert!(!lab.green(&["state", "history"]).is_empty());
    assert_eq!(lab.green(&["secret", "list", "store://"]), secrets);
    assert!(lab.green(&["plan"]).contains("No changes"));
    nothing_for(&lab, bob, cleo);

    // Without the setting it is not read by chance, and decrypted only when asked for.
    nest(&lab, &[ada, cleo], backend);
    refused(
        &lab,
        &["state", "list"],
        &["is encrypted, and the Nest does not say so", "encrypted = true"],
    );
    let said = lab.green(&["state", "rotate"]);
    assert!(said.contains("plain text now"), "{said}");
    assert_eq!(lab.green(&["state", "list"]), listed);
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

/// In the folder, where there is one, no file opens for one of them, and some do for the other.
fn nothing_for(lab: &Lab, gone: &Person, there: &Person) {
    let folder = lab.nest().join(".gosling");
    if !folder.exists() {
        return;
    }
    let mut opened = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let plain = bytes.windows(7).any(|window| window == b"egg.app");
        assert!(!plain, "{}", path.display());
        let opens = |person: &Person| {
            let keys = Keys {
                recipients: Vec::new(),
                identity: Some(person.identity.clone()),
            };
            keys.open(&bytes).is_ok()
        };
        assert!(!opens(gone), "{}", path.display());
        opened += usize::from(opens(there));
    }
    assert!(opened >= 4, "only {opened} files");
}

#[test]
fn an_encrypted_state_in_a_folder_opens_for_its_recipients_only() {
    life_of("  backend = \"local\"\n");
}

#[test]
fn an_encrypted_state_at_gitlab_opens_for_its_recipients_only() {
    life_of("  backend = \"gitlab\"\n  project_id = 17\n");
}

/// A rotation at GitLab that is killed after so many writes, to plain text or from it, and what a person does then.
fn a_rotation_is_killed(encrypt: bool) {
    let mut lab = Lab::one();
    let ada = person(&lab, "ada");
    act_as(&mut lab, &ada);
    let at_gitlab = "  backend = \"gitlab\"\n  project_id = 17\n";
    let block = |encrypted: bool| match encrypted {
        true => format!("{at_gitlab}  encrypted = true\n"),
        false => at_gitlab.to_owned(),
    };
    nest(&lab, &[&ada], &block(!encrypt));
    lab.green(&["apply", "--yes"]);
    lab.green(&["state", "mv", "egg.app.hook[17]", "egg.app.hook[18]"]);
    lab.green(&["state", "mv", "egg.app.hook[18]", "egg.app.hook[17]"]);
    let listed = lab.green(&["state", "list"]);
    nest(&lab, &[&ada], &block(encrypt));
    let mut kills = 0;
    for calls in [4, 7, 10, 13] {
        lab.fault(&format!(
            r#"{{"path":"/api/v4/projects/17/terraform/state/*","nth":{calls},"kind":"hang"}}"#
        ));
        let until = lab.calls() + calls;
        let mut rotating = lab.spawn(&["state", "rotate"]);
        while lab.calls() < until && rotating.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        rotating.kill().unwrap();
        kills += usize::from(rotating.wait().unwrap().code().is_none());
        lab.green(&["unlock", "--yes"]);
    }
    assert!(kills >= 3, "only {kills} kills");
    lab.green(&["state", "rotate"]);
    assert_eq!(lab.green(&["state", "list"]), listed);
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_killed_rotation_from_plain_text_is_unlocked_and_ended() {
    a_rotation_is_killed(true);
}

#[test]
fn a_killed_rotation_to_plain_text_is_unlocked_and_ended() {
    a_rotation_is_killed(false);
}
