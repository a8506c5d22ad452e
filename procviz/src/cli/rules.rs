use clap::Args;

/// Which findings are reported.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Findings (`procviz rules` lists the rules)")]
pub struct RuleArgs {
    /// Leave out the findings of this rule; with a name, such as cpu:ffmpeg, only those about processes with this name (* stands for any text, ? for one character)
    #[arg(long = "ignore", value_name = "RULE[:NAME]")]
    pub ignored: Vec<String>,
    /// Change a threshold of a rule, such as cpu:cores=0.5
    #[arg(long = "rule", value_name = "RULE:KEY=VALUE")]
    pub thresholds: Vec<String>,
}

impl RuleArgs {
    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.ignored.is_empty() && self.thresholds.is_empty()
    }
}
