//! `stand-in-runner verify [--config FILE]`: says of each token whether GitLab takes it, in gitlab-runner's words.
//! `stand-in-runner run [--config FILE] [--jobs N]`: does what gitlab-runner does with its `config.toml`, as far as
//! GitLab can tell. It says `done` to every job without running anything, and ends after N of them, if told to.
//!
//! Options that gitlab-runner has beside these are taken and have no effect. It trusts the authorities of the system,
//! and `tls-ca-file` or else those of `SSL_CERT_FILE`.

use std::error::Error;
use std::os::unix::process::CommandExt as _;
use std::time::Duration;

use gitlab_runner::job::Job;
use gitlab_runner::{GitlabLayer, JobHandler, JobResult, Phase, RunnerBuilder, outputln};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use url::Url;

/// A `config.toml`, as far as it is needed here.
#[derive(Deserialize)]
struct Config {
    listen_address: Option<String>,
    runners: Vec<Entry>,
}

/// One `[[runners]]`.
#[derive(Deserialize)]
struct Entry {
    url: Url,
    token: String,
    #[serde(rename = "tls-ca-file")]
    tls_ca_file: Option<String>,
}

/// A job that is done as soon as it is begun.
struct Done {
    id: u64,
}

#[async_trait::async_trait]
impl JobHandler for Done {
    async fn step(&mut self, script: &[String], phase: Phase) -> JobResult {
        for line in script {
            outputln!("$ {line}");
        }
        outputln!("job {}, {phase:?}: done", self.id);
        Ok(())
    }
}

/// The command line.
struct Options {
    verify: bool,
    config: String,
    jobs: Option<usize>,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        verify: false,
        config: "/etc/gitlab-runner/config.toml".to_owned(),
        jobs: None,
    };
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("run") => {}
        Some("verify") => options.verify = true,
        _ => return Err("usage: stand-in-runner run|verify [--config FILE] [--jobs N]".into()),
    }
    while let Some(word) = words.next() {
        let value = words.next().ok_or(format!("{word} needs a value"))?;
        match word.as_str() {
            "--config" => options.config = value,
            "--jobs" => options.jobs = Some(value.parse()?),
            "--service" | "--user" | "--working-directory" => {}
            _ => return Err(format!("there is no {word}").into()),
        }
    }
    Ok(options)
}

/// What GitLab tells this machine from the others by: what the file `.runner_system_id` beside the configuration says, else
/// `s_` and twelve digits of the machine's own number, as gitlab-runner has it.
fn system_id(config: &str) -> String {
    let file = std::path::Path::new(config).with_file_name(".runner_system_id");
    let written = std::fs::read_to_string(file).unwrap_or_default();
    let is_one = |id: &str| {
        let digits = id.strip_prefix("s_").or_else(|| id.strip_prefix("r_"));
        digits.is_some_and(|digits| {
            digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_alphanumeric())
        })
    };
    if is_one(written.trim()) {
        return written.trim().to_owned();
    }
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let digits: String = machine.trim().chars().take(12).collect();
    format!("s_{digits:0<12}")
}

/// Tells every caller what little there is to measure.
async fn metrics(listener: TcpListener) {
    let body = "gitlab_runner_version_info{version=\"18.5.0\"} 1\n";
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    loop {
        if let Ok((mut stream, _)) = listener.accept().await {
            // A caller who is gone before the answer misses nothing that another would.
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }
}

/// The variable that the HTTP client finds its authorities by; it is read once, at the very beginning.
const AUTHORITIES: &str = "SSL_CERT_FILE";

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let config: Config = toml::from_str(&std::fs::read_to_string(&options.config)?)?;
    let file = config.runners.iter().find_map(|entry| entry.tls_ca_file.as_ref());
    match file {
        Some(file) if std::env::var(AUTHORITIES).as_ref() != Ok(file) => {
            let again = std::process::Command::new(std::env::current_exe()?)
                .args(std::env::args_os().skip(1))
                .env(AUTHORITIES, file)
                .exec();
            Err(again.into())
        }
        _ if options.verify => verify(&options, config),
        _ => run(options, config),
    }
}

/// Asks GitLab about each token, as `gitlab-runner verify` does.
#[tokio::main]
async fn verify(options: &Options, config: Config) -> Result<(), Box<dyn Error>> {
    let client = reqwest::Client::new();
    for entry in config.runners {
        let asked = serde_json::json!({"token": entry.token, "system_id": system_id(&options.config)});
        let url = entry.url.join("/api/v4/runners/verify")?;
        let words = match client.post(url).json(&asked).send().await {
            Ok(answer) if answer.status().is_success() => "is valid".to_owned(),
            Ok(answer) if answer.status().as_u16() == 403 => "is removed".to_owned(),
            Ok(answer) => format!("failed status={}", answer.status()),
            Err(error) => format!("client error status={error}"),
        };
        println!("Verifying runner... {words}");
    }
    Ok(())
}

#[tokio::main]
async fn run(options: Options, config: Config) -> Result<(), Box<dyn Error>> {
    if let Some(address) = &config.listen_address {
        tokio::spawn(metrics(TcpListener::bind(address).await?));
    }
    let entry = config.runners.into_iter().next().ok_or("no [[runners]]")?;
    let (layer, jobs) = GitlabLayer::new();
    tracing_subscriber::registry().with(layer).init();
    let folder = std::env::temp_dir().join(format!("stand-in-runner-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut runner = RunnerBuilder::new(entry.url, entry.token, &folder, jobs)
        .system_id(system_id(&options.config))
        .version("18.5.0")
        .revision("stand-in")
        .platform("linux")
        .architecture("amd64")
        .build()
        .await;
    let mut taken = 0;
    while options.jobs.is_none_or(|jobs| taken < jobs) {
        match runner
            .request_job(|job: Job| async move { Ok(Done { id: job.id() }) })
            .await
        {
            Ok(true) => taken += 1,
            Ok(false) => tokio::time::sleep(Duration::from_millis(500)).await,
            Err(error) => {
                eprintln!("GitLab: {error}");
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
    }
    runner.drain().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
