//! Defines the order of the tasks of a group.

use crate::model::TaskView;

/// The property by which the tasks of a group are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sorting {
    /// Start time. No task moves when other tasks start and exit.
    #[default]
    Start,
    /// CPU used in the interval, highest first.
    Cpu,
    /// Resident set, largest first.
    Rss,
    /// Name of the task.
    Name,
}

impl Sorting {
    /// The next order, for a key that cycles through all orders.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Start => Self::Cpu,
            Self::Cpu => Self::Rss,
            Self::Rss => Self::Name,
            Self::Name => Self::Start,
        }
    }

    /// Displayed name of the order.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Cpu => "CPU in the interval",
            Self::Rss => "RSS",
            Self::Name => "name",
        }
    }

    /// The sort key: the smallest comes first. Equal tasks are in order of start.
    pub(super) fn key(self, task: &TaskView<'_>) -> (u128, u64, u32) {
        let least = match self {
            Self::Start => 0,
            Self::Cpu => u128::MAX - u128::from(task.change().cpu_ns),
            Self::Rss => u128::MAX - u128::from(task.process.rss.unwrap_or(0)),
            Self::Name => {
                // A task name has at most 15 bytes.
                let mut name = [0; 16];
                for (to, from) in name.iter_mut().zip(task.short_name().bytes()) {
                    *to = *from;
                }
                u128::from_be_bytes(name)
            }
        };
        (least, task.id().start_ns, task.id().tid)
    }
}
