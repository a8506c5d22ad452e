//! In which order the tasks of a group stand.

use crate::model::TaskView;

/// By what the tasks of a group are put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sorting {
    /// When they began: nobody moves while others come and go.
    #[default]
    Start,
    /// CPU used in the interval, the most first.
    Cpu,
    /// Resident set, the largest first.
    Rss,
    /// The name.
    Name,
}

impl Sorting {
    /// The next one, for a key that goes through all.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Start => Self::Cpu,
            Self::Cpu => Self::Rss,
            Self::Rss => Self::Name,
            Self::Name => Self::Start,
        }
    }

    /// What it is by.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Cpu => "CPU in the interval",
            Self::Rss => "RSS",
            Self::Name => "name",
        }
    }

    /// What comes first has the least; equal ones stand as they began.
    pub(super) fn key(self, task: &TaskView<'_>) -> (u128, u64, u32) {
        let least = match self {
            Self::Start => 0,
            Self::Cpu => u128::MAX - u128::from(task.change().cpu_ns),
            Self::Rss => u128::MAX - u128::from(task.process.rss.unwrap_or(0)),
            Self::Name => {
                // Names have at most 15 bytes.
                let mut name = [0; 16];
                for (to, from) in name.iter_mut().zip(task.thread.comm.bytes()) {
                    *to = *from;
                }
                u128::from_be_bytes(name)
            }
        };
        (least, task.id().start_ns, task.id().tid)
    }
}
