use clap::Args;

/// The tasks to show. Repeats of one option are alternatives; a task must match all
/// different options.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters (repeats of one option: or; different options: and)")]
pub struct FilterArgs {
    /// Only tasks of this user: name or id of the real user
    #[arg(long = "user", value_name = "USER")]
    pub users: Vec<String>,
    /// Only this process or thread
    #[arg(long = "pid", value_name = "PID", allow_hyphen_values = true)]
    pub pids: Vec<String>,
    /// Only this process and its descendants
    #[arg(long = "tree", value_name = "PID", allow_hyphen_values = true)]
    pub trees: Vec<String>,
    /// Only tasks whose name or arguments match this regular expression
    #[arg(long = "command", value_name = "REGEX")]
    pub commands: Vec<String>,
    /// Only tasks whose cgroup path matches this pattern
    #[arg(long = "cgroup", value_name = "GLOB")]
    pub cgroups: Vec<String>,
    /// Only tasks of this container: pattern for its name, or its id or the first characters of it
    #[arg(long = "container", value_name = "GLOB")]
    pub containers: Vec<String>,
    /// Only tasks of this pod of Kubernetes: pattern for NAME or NAMESPACE/NAME, or its id
    #[arg(long = "pod", value_name = "GLOB")]
    pub pods: Vec<String>,
    /// Only tasks of this systemd unit: pattern for its name, with or without .service
    #[arg(long = "unit", value_name = "GLOB")]
    pub units: Vec<String>,
}
