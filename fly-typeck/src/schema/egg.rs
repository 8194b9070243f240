//! `egg`: the runners of one GitLab or GitHub project or group.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::cloud::Cloud;
use super::rollout::Rollout;
use super::{PlainOrSecret, Rule, Server};
use crate::{block, words};
use fly_domain::{Duration, Image, SecretUri, Size, Target, Url, Version};

words! {
    /// The kind of machine that a runner lives in.
    pub enum MachineType("machine type") {
        /// A virtual machine: its own kernel, any workload.
        Vm = "vm",
        /// A system container: LXC on Proxmox VE. Starts in seconds and shares the host's kernel.
        Container = "container",
        /// A container service of the cloud: nothing runs between jobs, and a job may take at most an hour.
        Serverless = "serverless",
    }
}

block! {
    /// Runners for one GitLab or GitHub project, group or organization: what machines they live in, where these are
    /// made, and which jobs they take.
    pub struct Egg("egg") {
        extends { pool: Pool }
        attributes {}
        blocks {
            gitlab: Option<Gitlab>;
            github: Option<Github>;
        }
        labels ["name"]
        rules [Rule::ExactlyOne(&["gitlab", "github"])]
        accepts [presets, for_each]
    }
}

block! {
    /// A pool of machines that run jobs: what an egg and an eggsbucket have in common.
    pub struct Pool("pool") {
        attributes {
            /// What kind of machine each runner lives in.
            machine as "type": MachineType;
        }
        blocks {
            cloud: Cloud;
            resources: Resources;
            runner: Runner;
            environment: Option<Environment>;
            health_check: Option<HealthCheck>;
            rollout: Option<Rollout>;
        }
    }
}

block! {
    /// How large each machine is.
    pub struct Resources("resources") {
        attributes {
            /// Processor cores.
            cpu: i64, range("1", "512");
            /// Main memory. A bare integer is taken as MiB.
            memory: Size, range("1MiB", ""), bare("MiB");
            /// The system disk. A bare integer is taken as GiB.
            disk: Size, range("1MiB", ""), bare("GiB");
        }
    }
}

words! {
    /// What runs the commands of a job.
    pub enum Executor("executor") {
        /// Every job gets a Docker container of its own.
        Docker = "docker",
        /// Jobs run in the machine's own shell.
        Shell = "shell",
    }
}

words! {
    /// Who may read the metrics of a machine's GitLab Runner, on port 9252.
    pub enum Metrics("metrics") {
        /// Programs on the machine itself, at 127.0.0.1.
        Local = "local",
        /// Anyone who can reach the machine. There is no password, and GitLab Runner also serves its list of jobs and its
        /// profiler there.
        Network = "network",
        /// Nobody.


        Off = "off",
    }
}

block! {
    /// GitLab Runner on each machine: which jobs it takes, and how it runs them.
    pub struct Runner("runner") {
        attributes {
            /// Which jobs it takes: a job goes to a runner that has all of the job's tags.
            tags: BTreeSet<SmolStr>;
            /// How many jobs run at once on one machine: `concurrent` in GitLab Runner's `config.toml`.
            concurrent: i64 = "1", range("1", "1000");
            /// How long a machine may have nothing to do before it is given up.
            idle_timeout: Duration = "10m";
            /// What runs the commands of a job.
            executor: Executor = "\"docker\"";
            /// The container image of jobs that name none, for the `docker` executor.
            image: Image = "\"alpine:3\"";
            /// Whether it also takes jobs that have no tags.
            run_untagged: bool = "false";
            /// Whether it stays with its project: a locked runner cannot be enabled for others.
            locked: bool = "true";
            /// Whether it takes only jobs of protected branches and tags.
            protected: bool = "false";
            /// Whether it takes no new jobs for now.
            paused: bool = "false";
            /// Whether containers of jobs run privileged, as Docker-in-Docker needs. Such a job can take over its
            /// machine.
            privileged: bool = "false";
            /// The longest that a job may take, whatever the project allows. GitLab refuses less than 10 minutes.
            maximum_timeout: Duration = "1h", range("1s", "");
            /// The version of GitLab Runner to install. Without it, the one that the template has, or else the newest in
            /// GitLab's package repository at the machine's first boot: machines that are made at different times may
            /// have different versions.
            version: Option<Version>;
            /// Who may read its metrics.
            metrics: Metrics = "\"local\"";
            /// How many requests for new jobs are open at once: `request_concurrency` in `config.toml`.
            request_concurrency: i64 = "1", range("1", "1000");
        }
    }
}

words! {
    /// What GitLab reports to MotherGoose.
    pub enum HookEvent("webhook event") {
        /// Commits were pushed.
        Push = "push",
        /// A merge request was opened, updated, merged or closed.
        MergeRequest = "merge_request",
        /// A pipeline changed its status.
        Pipeline = "pipeline",
        /// A job changed its status: what runners are started for.
        Job = "job",
    }
}

block! {
    /// The GitLab project or group whose jobs are run.
    pub struct Gitlab("gitlab") {
        attributes {
            /// The GitLab server, by its host or its address.
            server: Server;
            /// The number of the project, as shown on its page.
            project_id: Option<i64>, range("1", "");
            /// The number of the group, as shown on its page: its runners serve every project in it.
            group_id: Option<i64>, range("1", "");
            /// The token gosling uses for GitLab's API, with the scopes `create_runner` and, for webhooks, `api`.
            /// Without it, that of the `provider "gitlab"` whose server matches, or else `env://GITLAB_TOKEN`.
            api_token: Option<SecretUri>;
            /// Where the runner's own token (`glrt-...`), which GitLab gives out once, is kept. Without it, in the
            /// Nest's `default_secrets`.
            token_secret: Option<SecretUri>;
            /// The secret with which GitLab proves its webhooks. Without it, gosling makes one and keeps it in the
            /// Nest's `default_secrets`.
            webhook_secret: Option<SecretUri>;
            /// What GitLab reports. `[]` is nothing: no webhook is made.
            events: BTreeSet<HookEvent> = "[\"push\", \"merge_request\", \"pipeline\", \"job\"]";
            /// Where GitLab reports. Without it, the address of this Nest's MotherGoose.
            webhook_url: Option<Url>;
        }
        rules [Rule::ExactlyOne(&["project_id", "group_id"])]
    }
}

block! {
    /// The GitHub repository or organization whose jobs are run.
    pub struct Github("github") {
        attributes {
            /// The GitHub server; another one for GitHub Enterprise.
            server: Server = "\"github.com\"";
            /// The repository, as `owner/name`.
            repository: Option<SmolStr>;
            /// The organization: its runners serve every repository that the runner group allows.
            organization: Option<SmolStr>;
            /// The organization's runner group. Without it, GitHub's group `Default`.
            runner_group: Option<SmolStr>;
            /// Whether a runner takes one job and is then thrown away: what GitHub advises.
            ephemeral: bool = "true";
            /// The token gosling uses for GitHub's API: fine-grained, with write access to self-hosted runners.
            token: SecretUri;
            /// The secret with which GitHub signs its webhooks. Without it, gosling makes one and keeps it in the Nest's
            /// `default_secrets`.
            webhook_secret: Option<SecretUri>;
        }
        rules [Rule::ExactlyOne(&["repository", "organization"])]
    }
}

block! {
    /// Environment variables of every job.
    pub struct Environment("environment") {
        attributes {}
        any_attribute {
            /// The value of the environment variable of that name: a text, or a secret such as `vault://ci/npm/token`.
            variables: PlainOrSecret
        }
    }
}

block! {
    /// When a machine counts as healthy. One that does not is replaced.
    pub struct HealthCheck("health_check") {
        attributes {
            /// How long a new machine may take until its runner is online at the server.
            online_within: Duration = "10m", range("1s", "");
            /// How often it is looked at.
            interval: Duration = "30s", range("1s", "");
            /// How often in a row it may be found unhealthy.
            failures: i64 = "3", range("1", "");
            /// What its jobs must be able to reach: `host:port`, `tls://host:port` or an address such as
            /// `https://npm.internal/-/whoami`, after which may stand the name of the environment variable with the
            /// credentials for it. A job that runs `gosling preflight --inside` says what is in the way of each.
            reach: Option<Vec<Target>>;
        }
    }
}
