/// Activity of a task in an interval. It determines the colour of the task's dot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    /// None of the other activities.
    #[default]
    Idle,
    /// Used at least 1 % of a core, or was on a CPU or waiting for a CPU at the tick.
    Cpu,
    /// Read from or wrote to storage, or has waited for storage since it last ran.
    Io,
    /// Both CPU and IO.
    CpuIo,
    /// Exited in this interval or the previous one.
    Exited,
}

impl Activity {
    /// All activities, in the order of the legend.
    pub const ALL: [Self; 5] = [Self::Idle, Self::Cpu, Self::Io, Self::CpuIo, Self::Exited];

    /// Combines CPU activity and IO activity.
    pub fn new(cpu: bool, io: bool) -> Self {
        match (cpu, io) {
            (false, false) => Self::Idle,
            (true, false) => Self::Cpu,
            (false, true) => Self::Io,
            (true, true) => Self::CpuIo,
        }
    }

    /// The name in legends and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Cpu => "cpu",
            Self::Io => "io",
            Self::CpuIo => "cpu+io",
            Self::Exited => "exited",
        }
    }
}
