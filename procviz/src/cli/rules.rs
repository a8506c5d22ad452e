use clap::Args;

/// Which findings are reported.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Findings (`procviz rules` lists the rules)")]
pub struct RuleArgs {
    /// Leave out the findings of this rule; with a name, such as cpu:ffmpeg, only those about processes that are called so (* and ? stand for any text)
    #[arg(long = "ignore", value_name = "RULE[:NAME]")]
    pub ignored: Vec<String>,
    /// Change a threshold of a rule, such as cpu:cores=0.5
    #[arg(long = "rule", value_name = "RULE:KEY=VALUE")]
    pub thresholds: Vec<String>,
}
