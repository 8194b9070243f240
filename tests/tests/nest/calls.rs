//! How often the services are asked when a plan looks at what is there.

use gosling_engine::fence::Unfenced;
use gosling_providers::http::{Body, Client, Endpoint, Method, Request};
use gosling_resource::Secret;

use crate::lab::{Lab, ONE};

/// The projects of the quick world.
const PROJECTS: [u64; 5] = [17, 41, 42, 51, 52];
const EGGS: usize = 30;

/// Thirty eggs, six of them for each project: as many runner records, webhooks and machines.
fn thirty() -> Lab {
    let at = ONE.find("egg \"app\"").unwrap();
    let mut files = vec![("nest.fly".to_owned(), ONE[..at].to_owned())];
    for number in 0..EGGS {
        let project = PROJECTS[number % PROJECTS.len()];
        let egg = ONE[at..]
            .replace("egg \"app\"", &format!("egg \"app-{number}\""))
            .replace("tags = [\"docker\"]", &format!("tags = [\"app-{number}\"]"))
            .replace("project_id = 17", &format!("project_id = {project}"));
        files.push((format!("Eggs/app-{number}/config.fly"), egg));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    Lab::new(&files)
}

/// What was asked since so many calls: method and path, without the query.
fn asked(lab: &Lab, since: usize) -> Vec<String> {
    let ledger = lab.running.ledger();
    let calls = ledger.calls()[since..].iter();
    let path = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    calls
        .map(|call| format!("{} {}", call.method, path(&call.path)))
        .collect()
}

/// Something that somebody does without gosling.
fn by_hand(lab: &Lab, request: &Request) {
    let endpoint = Endpoint {
        extra_ca: Some(lab.running.ca_pem().as_bytes().to_vec()),
        ..Endpoint::new(lab.running.url())
    };
    let client = Client::new(&endpoint).unwrap();
    let answer = lab.block_on(client.send(request, &Unfenced)).unwrap();
    assert!(answer.is_success(), "{answer:?}");
}

#[test]
fn a_look_at_thirty_eggs_takes_as_many_calls_as_they_need() {
    let lab = thirty();
    lab.green(&["apply", "--yes", "--parallelism", "16"]);
    let since = lab.calls();
    assert!(lab.green(&["plan"]).contains("No changes"));
    let calls = asked(&lab, since);
    // A record for each runner, for no list tells its note; a list for each project's webhooks; one list of the cluster
    // for all that run, and a configuration for each machine, which has its marker.
    let most = EGGS + PROJECTS.len() + 1 + EGGS;
    assert!(calls.len() <= most, "{} calls: {calls:#?}", calls.len());
    let of = |path: &str| calls.iter().filter(|call| call.contains(path)).count();
    assert_eq!(of("/cluster/resources"), 1);
    assert_eq!(of("/hooks"), PROJECTS.len());
    assert_eq!(of("/api/v4/runners/"), EGGS);
    assert_eq!(of("/pending"), EGGS);
    assert!(calls.iter().all(|call| call.starts_with("GET ")), "{calls:#?}");
    lab.stop();
}

#[test]
fn what_a_list_lacks_or_tells_otherwise_is_asked_by_itself() {
    let lab = thirty();
    lab.green(&["apply", "--yes", "--parallelism", "16"]);
    let list = lab.green(&["state", "list"]);
    let id = |address: &str| {
        let mut lines = list.lines().filter(|line| line.starts_with(address));
        lines.next().unwrap().split_whitespace().last().unwrap()
    };
    let (project, hook) = id("egg.app-0.hook[17] ").split_once('/').unwrap();
    let (node, vmid) = id("egg.app-0.vm[0] ").split_once('/').unwrap();
    let secret = |name: &str| lab.environment[name].clone();
    let gone = format!("/api/v4/projects/{project}/hooks/{hook}");
    by_hand(
        &lab,
        &Request::new(Method::Delete, gone.clone())
            .header("private-token", Secret::new(secret("GITLAB_TOKEN"))),
    );
    let machine = format!("/api2/json/nodes/{node}/qemu/{vmid}/status");
    let authorization = format!("PVEAPIToken=gosling@pve!ci={}", secret("PROXMOX_TOKEN"));
    by_hand(
        &lab,
        &Request::new(Method::Post, format!("{machine}/stop"))
            .header("authorization", Secret::new(authorization))
            .body(Body::Form(Vec::new())),
    );
    std::thread::sleep(std::time::Duration::from_millis(100));
    let since = lab.calls();
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("is gone") && plan.contains("started: true -> false"),
        "{plan}"
    );
    let calls = asked(&lab, since);
    assert!(calls.contains(&format!("GET {gone}")), "{calls:#?}");
    assert!(calls.contains(&format!("GET {machine}/current")), "{calls:#?}");
    lab.stop();
}
