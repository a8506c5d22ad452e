use crate::model::duration_text;

/// What is said of a task in one line: words, with `{}` where values stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its place among the lines.
    pub place: Place,
    /// The words.
    pub words: &'static str,
    /// As many as the words have places for.
    pub values: Vec<Value>,
}

/// The lines that are said of a task, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Who.
    Name,
    /// Its arguments.
    Args,
    /// Its user and parent.
    User,
    /// What it does.
    State,
    /// CPU time.
    Cpu,
    /// Time without a CPU that it could have used.
    Wait,
    /// Resident set and address space.
    Memory,
    /// Storage IO.
    Io,
    /// How many threads.
    Threads,
    /// The cgroup.
    Cgroup,
    /// How it ended.
    End,
}

impl Place {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// The same for all threads of a process.
    pub fn is_shared(self) -> bool {
        matches!(
            self,
            Self::Args | Self::Memory | Self::Threads | Self::Cgroup
        )
    }
}

/// A value in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// As it is shown.
    Text(String),
    /// The time since then, ns since boot.
    Since(u64),
}

impl Fact {
    /// A line of texts.
    pub fn new(
        place: Place,
        words: &'static str,
        values: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            place,
            words,
            values: values.into_iter().map(Value::Text).collect(),
        }
    }

    /// The line as it reads at `now_ns` since boot.
    pub fn text(&self, now_ns: u64) -> String {
        let mut words = self.words.split("{}");
        let mut out = words.next().unwrap_or_default().to_owned();
        for (value, words) in self.values.iter().zip(words) {
            match value {
                Value::Text(text) => out.push_str(text),
                Value::Since(since) => {
                    out.push_str(&duration_text(now_ns.saturating_sub(*since)));
                }
            }
            out.push_str(words);
        }
        out
    }
}
