use clap::Args;

/// Whom to show. Repeats of one are alternatives, different ones add up.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters (repeats: or; different ones: and)")]
pub struct FilterArgs {
    /// Tasks of this user, by name or id (the real one)
    #[arg(long = "user", value_name = "USER")]
    pub users: Vec<String>,
    /// This process or thread
    #[arg(long = "pid", value_name = "PID", allow_hyphen_values = true)]
    pub pids: Vec<String>,
    /// This process and its descendants
    #[arg(long = "tree", value_name = "PID", allow_hyphen_values = true)]
    pub trees: Vec<String>,
    /// Tasks whose name or arguments match
    #[arg(long = "command", value_name = "REGEX")]
    pub commands: Vec<String>,
    /// Tasks whose cgroup's path matches
    #[arg(long = "cgroup", value_name = "GLOB")]
    pub cgroups: Vec<String>,
}
