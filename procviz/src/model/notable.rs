use crate::model::{Comm, TaskId};

/// A rule that finds what is worth a person's eye, in order of rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// procviz itself got no CPU.
    Stall,
    /// The same command ends badly again and again.
    Deaths,
    /// Forks and short lives.
    Forks,
    /// A busy process.
    Cpu,
    /// A growing resident set.
    Growth,
    /// Much storage IO.
    Io,
}

impl Rule {
    /// All, in order of rank.
    pub const ALL: [Self; 6] = [
        Self::Stall,
        Self::Deaths,
        Self::Forks,
        Self::Cpu,
        Self::Growth,
        Self::Io,
    ];

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stall => "stall",
            Self::Deaths => "deaths",
            Self::Forks => "forks",
            Self::Cpu => "cpu",
            Self::Growth => "growth",
            Self::Io => "io",
        }
    }
}

/// A fact worth a person's eye.
#[derive(Clone, Debug)]
pub struct Notable {
    /// Which rule found it.
    pub rule: Rule,
    /// Its place among all, from 1.
    pub rank: u32,
    /// The process it is about.
    pub about: Option<TaskId>,
    /// The task whose dot carries the number: `about`, or one that it lost.
    pub dot: Option<TaskId>,
    /// The name that stands first: that of `about`, or of those that died.
    pub comm: Option<Comm>,
    /// How many tasks are folded into it.
    pub count: u64,
    /// The figure that fired.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// Since when, ns since boot.
    pub since_ns: u64,
    /// What a person reads, without the name: "burns 1.00 core for 3 s".
    pub text: String,
    /// The figure over the samples seen, oldest first.
    pub curve: Vec<f32>,
}
