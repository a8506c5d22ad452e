use crate::model::duration_text;

/// One line about a task: a text with `{}` as placeholders for values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Position of the line.
    pub place: Place,
    /// The text, with a `{}` for each value.
    pub words: &'static str,
    /// The values: one for each `{}`.
    pub values: Vec<Value>,
}

/// The lines about a task, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Name and ids of the task.
    Name,
    /// Arguments of the process.
    Args,
    /// User and parent of the process.
    User,
    /// State, and the time without a CPU.
    State,
    /// CPU share and CPU time.
    Cpu,
    /// Time that the task waited for a CPU.
    Wait,
    /// Resident set and address space.
    Memory,
    /// What the memory consists of.
    MemoryParts,
    /// Storage IO.
    Io,
    /// Number of threads of the process.
    Threads,
    /// Path of the cgroup.
    Cgroup,
    /// Wait status of an exited task.
    End,
}

impl Place {
    /// Number of positions.
    pub const COUNT: usize = 12;

    /// Whether the line is the same for all threads of a process.
    pub fn is_shared(self) -> bool {
        matches!(
            self,
            Self::Args | Self::Memory | Self::MemoryParts | Self::Threads | Self::Cgroup
        )
    }
}

/// A value in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, shown unchanged.
    Text(String),
    /// A time, ns since boot, shown as the duration since then.
    Since(u64),
}

impl Fact {
    /// Makes a line whose values are all texts.
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

    /// The complete line at the time `now_ns`, ns since boot.
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
